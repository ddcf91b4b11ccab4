#include "image/ranges.h"

#include <utility>

namespace mmuref::image {
namespace {

/// What makes two mappings equal but for their place: the leaf's flags (memory type, G, protection
/// key), and what all levels grant together.
bool alike(const Mapping& a, const Mapping& b) {
  const Word flags = ~(bits(51, x86::level_shift(a.level)) | x86::entry::A | x86::entry::D);
  return a.level == b.level && (a.entry & flags) == (b.entry & flags) &&
         a.rights.user() == b.rights.user() && a.rights.writable() == b.rights.writable() &&
         a.rights.execute_disable() == b.rights.execute_disable();
}

}  // namespace

std::optional<Range> RangeMerger::add(const Mapping& m) {
  if (open_ && alike(open_->first, m) && m.va == open_->first.va + open_->size() &&
      m.pa == open_->first.pa + open_->size()) {
    ++open_->count;
    return std::nullopt;
  }
  return std::exchange(open_, Range{m, 1});
}

std::optional<Range> RangeMerger::finish() {
  return std::exchange(open_, std::nullopt);
}

}  // namespace mmuref::image
