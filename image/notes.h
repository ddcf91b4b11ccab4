// The notes of a core.
#pragma once

#include <span>
#include <string>

#include "image/elf_core.h"

namespace mmuref::image {

/// A PT_NOTE segment: its bytes, their offset in the file, the index of its program header.
struct NoteSegment {
  std::span<const std::byte> bytes;
  Word offset = 0;
  Word index = 0;
};

/// Adds what the notes say to `core`; notes of other owners and types are passed over. Throws
/// Error, naming `name`, for a note that is cut short or that lies about its size.
void parse_notes(const NoteSegment& segment, const std::string& name, Core& core);

}  // namespace mmuref::image
