// Segments that describe the same physical memory twice.
#pragma once

#include <string>
#include <vector>

#include "image/memory.h"

namespace mmuref::image {

/// A PT_LOAD segment and the index of its program header.
struct LoadSegment {
  Segment segment;
  Word index = 0;
};

/// Sorted, and with each physical byte in one segment only. kdump describes the kernel's text
/// twice, in its own segment and in that of the RAM around it: segments may overlap where they hold
/// the same bytes. Throws Error, naming `name`, where they differ. `file_size` bounds the bytes
/// compared: a file cannot hold more of them twice.
std::vector<Segment> disjoint(std::vector<LoadSegment> loads, Word file_size,
                              const std::string& name);

}  // namespace mmuref::image
