// Physical memory made of pieces that lie somewhere in the host's memory.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include "model/x86/walk.h"

namespace mmuref::image {

using Word = std::uint64_t;

/// A run of physical memory: `size` bytes from physical `address` on are at `bytes`.
struct Segment {
  Word address = 0;
  Word size = 0;
  const std::byte* bytes = nullptr;

  Word end() const { return address + size; }
};

/// Satisfies x86::PhysicalMemory. A page held by one segment is found through a table indexed by
/// page number, in a few instructions; the pages that are not (split between segments, cut short,
/// absent, or above the table) by searching the segments.
class Memory {
 public:
  /// `segments`: sorted by address, none empty, none overlapping, all below 2^52. Their bytes must
  /// outlive this.
  explicit Memory(std::vector<Segment> segments);

  /// The 8 bytes at an 8-byte aligned physical address; 0 unless all of them are present.
  Word read(Word address) const {
    const Word page = address >> x86::page_shift;
    if (page < page_count_) [[likely]] {
      if (const std::byte* bytes = pages_.get()[page]) [[likely]] {
        return load(bytes + (address & page_offset_mask));
      }
    }
    return search(address).value_or(0);
  }

  /// Whether all 8 bytes at an 8-byte aligned physical address are present.
  bool present(Word address) const { return search(address).has_value(); }

  const std::vector<Segment>& segments() const { return segments_; }

 private:
  /// The table covers at most 16 GiB, in 32 MiB of which only what is present is ever touched:
  /// this bounds what a file can cost that claims a page at the top of the address space.
  static constexpr Word max_table_pages = Word{1} << 22;
  /// Entries are aligned, so that the low bits never lead out of the page.
  static constexpr Word page_offset_mask = bits(x86::page_shift - 1, 3);

  static Word load(const std::byte* bytes) {
    Word value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
  }
  std::optional<Word> search(Word address) const;

  struct Free {
    void operator()(const std::byte** pages) const { std::free(pages); }
  };
  std::vector<Segment> segments_;
  std::unique_ptr<const std::byte*, Free> pages_;
  Word page_count_ = 0;
};

}  // namespace mmuref::image
