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

std::optional<Word> Memory::search(Word address) const {
  auto segment = std::upper_bound(segments_.begin(), segments_.end(), address,
                                  [](Word a, const Segment& s) { return a < s.address; });
  if (segment == segments_.begin()) return std::nullopt;
  // Segments need not end at a multiple of 8: the bytes may lie in several.
  std::byte bytes[sizeof(Word)];
  Word got = 0;
  for (--segment; segment != segments_.end() && got < sizeof bytes; ++segment) {
    const Word offset = address + got - segment->address;
    if (offset >= segment->size) return std::nullopt;
    const Word size = std::min(sizeof bytes - got, segment->size - offset);
    std::memcpy(bytes + got, segment->bytes + offset, size);
    got += size;
  }
  if (got < sizeof bytes) return std::nullopt;
  return load(bytes);
}

}  // namespace mmuref::image
