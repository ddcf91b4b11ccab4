// An address space in a map, with an allocator that can run dry and knows what it gave.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "model/linux/alloc.h"
#include "model/x86/walk.h"

namespace mmuref::lnx::test {

using Word = std::uint64_t;

class Memory {
 public:
  Word read(Word address) const {
    const auto it = entries_.find(address);
    return it == entries_.end() ? 0 : it->second;
  }
  void write(Word address, Word value) {
    EXPECT_EQ(address % 8, 0u);
    if (value == 0) {
      entries_.erase(address);
    } else {
      entries_[address] = value;
    }
  }
  const std::map<Word, Word>& entries() const { return entries_; }

 private:
  std::map<Word, Word> entries_;  ///< but for zeroes
};

/// Frames from 1 MiB on; freed ones come again.
class Pages {
 public:
  explicit Pages(Memory& memory) : memory_(memory) {}

  std::optional<Word> allocate() {
    if (left == 0) return std::nullopt;
    --left;
    Word page = 0x10'0000;
    while (live.contains(page)) page += 4096;
    live.insert(page);
    for (Word a = page; a < page + 4096; a += 8) memory_.write(a, 0);
    return page;
  }
  void free(Word page) {
    EXPECT_EQ(live.erase(page), 1u) << "freed twice or never given";
    // What is freed is soon somebody else's: a walk that still comes here shows.
    for (Word a = page; a < page + 4096; a += 8) memory_.write(a, ~Word{0});
  }

  std::set<Word> live;
  std::uint64_t left = ~std::uint64_t{0};  ///< allocations until there are no more

 private:
  Memory& memory_;
};

struct Space {
  explicit Space(const Kernel& kernel) : k(kernel) {}
  Space(const Space&) = delete;
  Space& operator=(const Space&) = delete;

  Kernel k;
  Memory memory;
  Pages pages{memory};
  mm_struct<Word, Memory, Pages> mm{memory, pages, 0x1000};

  x86::Walk<Word> walk(Word va, bool user = false, bool write = false, bool fetch = false) const {
    const x86::Processor<Word> cpu{.maxphyaddr = k.physical_mask_shift};
    const x86::Registers<Word> r{.cr0 = x86::cr0::PE | x86::cr0::WP | x86::cr0::PG,
                                 .cr3 = mm.pgd,
                                 .cr4 = x86::cr4::PAE | (k.config.levels == 5 ? x86::cr4::LA57 : 0),
                                 .efer = x86::efer::LME | x86::efer::LMA | x86::efer::NXE};
    return x86::walk(x86::paging(cpu, r),
                     x86::Access<Word>{.va = va, .write = write, .fetch = fetch, .cpl3 = user},
                     memory);
  }
  bool maps(Word va) const { return walk(va).outcome == x86::Outcome::translated; }
  /// Where a read of the kernel goes; all ones if nowhere.
  Word to(Word va) const {
    const auto w = walk(va);
    return w.outcome == x86::Outcome::translated ? w.physical_address : ~Word{0};
  }
};

inline constexpr pgprot_t<Word> shared{0x8000'0000'0000'0027};
inline const Kernel linux_3_2 = kernel(v3_2), linux_4_6 = kernel(v4_6), linux_4_20 = kernel(v4_20),
                    linux_6_12 = kernel(v6_12), linux_la57 = kernel(v6_12, {.levels = 5}),
                    linux_4_20_la57 = kernel(v4_20, {.levels = 5});

}  // namespace mmuref::lnx::test
