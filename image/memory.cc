#include "image/memory.h"

#include <algorithm>
#include <bit>
#include <new>
#include <utility>

namespace mmuref::image {

static_assert(x86::PhysicalMemory<Memory, Word>);
static_assert(std::endian::native == std::endian::little, "images are little-endian");

Memory::Memory(std::vector<Segment> segments) : segments_(std::move(segments)) {
  if (segments_.empty()) return;
  constexpr Word page_size = Word{1} << x86::page_shift;
  page_count_ = std::min(max_table_pages, segments_.back().end() >> x86::page_shift);
  if (page_count_ == 0) return;
  // calloc, so that the host backs only those parts of the table that are written here.
  pages_.reset(static_cast<const std::byte**>(std::calloc(page_count_, sizeof(std::byte*))));
  if (!pages_) throw std::bad_alloc();
  for (const Segment& s : segments_) {
    const Word first = (s.address + page_size - 1) >> x86::page_shift;
    const Word end = std::min(page_count_, s.end() >> x86::page_shift);
    for (Word page = first; page < end; ++page) {
      pages_.get()[page] = s.bytes + ((page << x86::page_shift) - s.address);
    }
  }
}

const std::byte* Memory::find(Word address) const {
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), address,
                                      [](Word a, const Segment& s) { return a < s.address; });
  if (after == segments_.begin()) return nullptr;
  const Segment& s = *std::prev(after);
  const Word offset = address - s.address;
  if (offset >= s.size || s.size - offset < sizeof(Word)) return nullptr;
  return s.bytes + offset;
}

Word Memory::search(Word address) const {
  const std::byte* bytes = find(address);
  return bytes ? load(bytes) : 0;
}

}  // namespace mmuref::image
