// Runs of equal mappings, for people.
#pragma once

#include <optional>

#include "image/maps.h"

namespace mmuref::image {

/// `count` mappings that follow each other in linear and in physical addresses, of one level, with
/// the same effective rights and the same leaf flags, A and D aside.
struct Range {
  Mapping first;
  Word count = 0;

  Word size() const { return first.size * count; }
};

/// Merges mappings given in order; `add` and `finish` hand back a range when one is complete.
class RangeMerger {
 public:
  std::optional<Range> add(const Mapping& m);
  std::optional<Range> finish();

 private:
  std::optional<Range> open_;
};

}  // namespace mmuref::image
