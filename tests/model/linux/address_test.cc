// Linux's address arithmetic, against addresses worked out by hand from the layouts.
#include "model/linux/address.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>

namespace mmuref::lnx::test {
namespace {

using Word = std::uint64_t;

/// Sections 0 and 8 (1 GiB up) have memory, of the latter only subsection 1, plugged in later; and
/// the highest there can be with 46 bits.
struct Sections {
  bool has_mem_map(Word nr) const { return nr == 0 || nr == 8 || nr >= bit(19) - 1; }
  bool early(Word nr) const { return nr == 0; }
  bool has_subsection(Word nr, Word index) const { return nr == 8 && index == 1; }
};

AddressSpace<Word> space(const Kernel& k, Word phys_base = 0) {
  auto s = default_address_space<Word>(k);
  s.phys_base = phys_base;
  return s;
}

struct Example {
  Word x, pa;
  bool beyond_image, below, wide;
};

// 4.6, phys_base 0x1c00000, 46 bits: each edge of each branch, and what garbage comes to.
const Example examples_4_6[] = {
    {0xffff'8800'0000'0000, 0x0, false, false, false},
    {0xffff'8800'fee0'0123, 0xfee0'0123, false, false, false},
    {0xffff'c7ff'ffff'ffff, 0x3fff'ffff'ffff, false, false, false},
    {0xffff'c800'0000'0000, 0x4000'0000'0000, false, false, true},
    {0xffff'ea00'0000'0000, 0x6200'0000'0000, false, false, true},
    {0xffff'ffff'7fff'ffff, 0x77ff'7fff'ffff, false, false, true},
    {0xffff'ffff'8000'0000, 0x1c0'0000, false, false, false},
    {0xffff'ffff'8100'0000, 0x2c0'0000, false, false, false},
    {0xffff'ffff'bfff'ffff, 0x41bf'ffff, false, false, false},
    {0xffff'ffff'c000'0000, 0x41c0'0000, true, false, false},
    {0xffff'ffff'ff60'0000, 0x8120'0000, true, false, false},
    {0xffff'ffff'ffff'ffff, 0x81bf'ffff, true, false, false},
    {0x0, 0x7800'0000'0000, false, true, false},
    {0x7fff'ffff'ffff, 0xf7ff'ffff'ffff, false, true, false},
    {0xffff'87ff'ffff'ffff, 0xffff'ffff'ffff'ffff, false, true, false},
};

TEST(PhysAddr, ValuesAndChecksAtEveryEdge) {
  const Kernel k = kernel(v4_6);
  const auto s = space(k, 0x1c0'0000);
  for (const Example& e : examples_4_6) {
    SCOPED_TRACE(testing::Message() << std::hex << e.x);
    EXPECT_EQ(phys_addr_nodebug(s, e.x), e.pa);
    EXPECT_EQ(phys_addr_compare(s, e.x), e.pa);
    const auto checked = phys_addr(k, s, e.x);
    EXPECT_EQ(checked.value, e.pa);
    EXPECT_EQ(checked.beyond_image, e.beyond_image);
    EXPECT_EQ(checked.below_page_offset, e.below);
    EXPECT_EQ(checked.too_wide, e.wide);
    EXPECT_EQ(checked.bug(), e.beyond_image || e.below || e.wide);
  }
}

TEST(PhysAddr, ANegativePhysBase) {
  // The bases of corpora/linux-6.1-kaslr-4level.
  auto s = space(kernel(v6_1), 0xffff'ffff'd840'0000);
  EXPECT_EQ(pa(s, Word{0xffff'ffff'aca0'0000}), 0x4e0'0000u);
  EXPECT_EQ(phys_addr_symbol(kernel(v6_1), s, Word{0xffff'ffff'aca0'0000}).value, 0x4e0'0000u);
}

TEST(PhysAddrSymbol, OneCheckCatchesBothSides) {
  const Kernel k = kernel(v4_6, {.randomize_base = false});
  const auto s = space(k);
  EXPECT_FALSE(phys_addr_symbol(k, s, Word{0xffff'ffff'8000'0000}).bug());
  EXPECT_FALSE(phys_addr_symbol(k, s, Word{0xffff'ffff'9fff'ffff}).bug());
  EXPECT_TRUE(phys_addr_symbol(k, s, Word{0xffff'ffff'a000'0000}).bug());
  EXPECT_TRUE(phys_addr_symbol(k, s, Word{0xffff'ffff'7fff'ffff}).bug());
  EXPECT_TRUE(phys_addr_symbol(k, s, Word{0}).bug());
}

TEST(Bases, ByVersionAndLevels) {
  struct {
    Version version;
    int levels;
    Word page_offset, vmemmap;
    unsigned bits;
  } const rows[] = {{v3_2, 4, 0xffff'8800'0000'0000, 0xffff'ea00'0000'0000, 46},
                    {v4_6, 4, 0xffff'8800'0000'0000, 0xffff'ea00'0000'0000, 46},
                    {v4_6, 5, 0xffff'8800'0000'0000, 0xffff'ea00'0000'0000, 46},
                    {{4, 19}, 4, 0xffff'8800'0000'0000, 0xffff'ea00'0000'0000, 46},
                    {v4_20, 4, 0xffff'8880'0000'0000, 0xffff'ea00'0000'0000, 46},
                    {v6_12, 5, 0xff11'0000'0000'0000, 0xffd4'0000'0000'0000, 52}};
  for (const auto& r : rows) {
    const auto s = default_address_space<Word>(kernel(r.version, {.levels = r.levels}));
    EXPECT_EQ(s.page_offset, r.page_offset);
    EXPECT_EQ(s.vmemmap, r.vmemmap);
    EXPECT_EQ(s.phys_bits, r.bits);
  }
}

TEST(PhysAddrValid, EachWidth) {
  auto s = space(kernel(v4_6));
  for (s.phys_bits = 32; s.phys_bits <= 52; ++s.phys_bits) {
    EXPECT_TRUE(phys_addr_valid(s, (Word{1} << s.phys_bits) - 1));
    EXPECT_FALSE(phys_addr_valid(s, Word{1} << s.phys_bits));
    EXPECT_FALSE(phys_addr_valid(s, ~Word{0}));
  }
}

TEST(Pages, OfFramesByHand) {
  const Kernel k = kernel(v4_6);
  const auto s = space(k);
  EXPECT_EQ(pfn_to_page(k, s, Word{1}), 0xffff'ea00'0000'0040u);
  EXPECT_EQ(page_to_pfn(k, s, Word{0xffff'ea00'0000'0040}), 1u);
  EXPECT_EQ(page_to_pfn(k, s, Word{0xffff'e9ff'ffff'ffc0}), ~Word{0});
  EXPECT_EQ(virt_to_page(k, s, Word{0xffff'8800'fee0'0fff}), 0xffff'ea00'03fb'8000u);
  EXPECT_EQ(page_address(k, s, Word{0xffff'ea00'03fb'8000}), 0xffff'8800'fee0'0000u);
  EXPECT_EQ(page_to_phys(k, s, Word{0xffff'ea00'03fb'8000}), 0xfee0'0000u);
  EXPECT_EQ(pfn_to_kaddr(s, Word{0xfee00}), 0xffff'8800'fee0'0000u);
  const Kernel wide = kernel(v4_6, {.page_struct = 128});
  EXPECT_EQ(pfn_to_page(wide, s, Word{3}), 0xffff'ea00'0000'0180u);
  EXPECT_EQ(page_to_pfn(wide, s, Word{0xffff'ea00'0000'0180}), 3u);
}

TEST(PfnValid, WholeSectionsThenSubsections) {
  struct {
    Word pfn;
    bool before, since;  // 5.3
  } const rows[] = {{0, true, true},
                    {0x7fff, true, true},
                    {0x8000, false, false},
                    {0x40000, true, false},  // section 8, subsection 0
                    {0x401ff, true, false},
                    {0x40200, true, true},  // subsection 1
                    {0x403ff, true, true},
                    {0x40400, true, false},
                    {0x3'ffff'7fff, false, false},
                    {0x3'ffff'8000, true, false},  // the last section
                    {0x3'ffff'ffff, true, false},
                    {0x4'0000'0000, false, false},  // section 2^19: MAX_PHYSMEM_BITS
                    {bit(52), false, false},
                    {~Word{0}, false, false}};
  for (const auto& r : rows) {
    EXPECT_EQ(pfn_valid(kernel(v4_6), Sections{}, r.pfn), r.before) << std::hex << r.pfn;
    EXPECT_EQ(pfn_valid(kernel(v6_12), Sections{}, r.pfn), r.since) << std::hex << r.pfn;
  }
}

TEST(VirtAddrValid, FalseWherePhysAddrWouldBug) {
  const Kernel k = kernel(v4_6), old = kernel({2, 6, 28});
  const auto s = space(k);
  for (const Example& e : examples_4_6) {
    const auto answer = virt_addr_valid(k, s, Sections{}, e.x);
    const bool bug = e.beyond_image || e.below || e.wide;
    EXPECT_FALSE(answer.bug) << std::hex << e.x;
    EXPECT_FALSE(bug && answer.valid) << std::hex << e.x;
    EXPECT_EQ(virt_addr_valid(old, s, Sections{}, e.x).bug, phys_addr(old, s, e.x).bug());
  }
  EXPECT_TRUE(virt_addr_valid(k, s, Sections{}, Word{0xffff'8800'07ff'ffff}).valid);
  EXPECT_FALSE(virt_addr_valid(k, s, Sections{}, Word{0xffff'8800'0800'0000}).valid);
  EXPECT_TRUE(virt_addr_valid(k, s, Sections{}, Word{0xffff'ffff'8100'0000}).valid);
}

struct Memory {
  std::map<Word, Word> entries;
  Word read(Word address) const {
    const auto it = entries.find(address);
    return it == entries.end() ? 0 : it->second;
  }
};

TEST(KernAddrValid, NoneHugeAndLeafAtEachLevel) {
  const Kernel k = kernel(v4_6);
  const Word x = 0xffff'8800'0000'0000;  // PGD slot 272, then 0, 0, 0
  Memory m{{{0x1880, 0x2063}, {0x2000, 0x3063}, {0x3000, 0x4063}, {0x4000, 0x5063}}};
  const auto valid = [&] { return kern_addr_valid(k, m, Word{0x1000}, Sections{}, x); };
  EXPECT_TRUE(valid());
  m.entries[0x4000] = 0x1'0000'0000 | 0x63;  // a frame that does not exist
  EXPECT_FALSE(valid());
  m.entries[0x4000] = 0x5062;  // not present, but not none
  EXPECT_TRUE(valid());
  m.entries[0x3000] = 0xe3 | 0x1'0000'0000;  // 2 MiB, no such frame
  EXPECT_FALSE(valid());
  m.entries[0x3000] = 0x10'00e2;  // PSE without P is large for a PMD
  EXPECT_TRUE(valid());
  m.entries[0x2000] = 0xe3;  // 1 GiB
  m.entries[0x3000] = 0;
  EXPECT_TRUE(valid());
  m.entries[0x2000] = 0x30e2;  // PSE without P is a table for a PUD
  EXPECT_FALSE(valid());
  m.entries[0x2000] = 0;
  EXPECT_FALSE(valid());
  m.entries[0x1880] = 0;
  EXPECT_FALSE(valid());
}

TEST(KernAddrValid, NoFlagIsPartOfTheFrame) {
  const Kernel k = kernel(v4_6);
  const Word x = 0xffff'8800'0000'0000;
  Memory m{{{0x1880, 0x2063}, {0x2000, 0x3063}, {0x3000, 0x4063}, {0x4000, 0}}};
  const auto valid = [&] { return kern_addr_valid(k, m, Word{0x1000}, Sections{}, x); };
  const Word flags = bit(63) | bit(52) | 0xe63;  // NX, a software bit, those below the frame
  m.entries[0x4000] = flags | 0x7fff'000;        // the last frame of section 0
  EXPECT_TRUE(valid());
  m.entries[0x4000] = flags | 0x800'0000;  // the first of section 1
  EXPECT_FALSE(valid());
  m.entries[0x3000] = flags | bit(7) | 0x7e0'0000;  // 2 MiB, the last of section 0
  EXPECT_TRUE(valid());
  m.entries[0x3000] = flags | bit(7) | 0x800'0000;
  EXPECT_FALSE(valid());
  m.entries[0x2000] = flags | bit(7) | 0x800'1000;  // 1 GiB: bits 29:12 are no part of its frame
  EXPECT_TRUE(valid());
  m.entries[0x2000] = flags | bit(7) | 0x8000'0000;  // 2 GiB up
  EXPECT_FALSE(valid());
}

TEST(KernAddrValid, NothingIsLargeAboveAPud) {
  const Kernel k = kernel(v4_6);
  const Word x = 0xffff'8800'0000'0000;
  const Memory m{{{0x1880, 0x20e3}, {0x2000, 0x3063}, {0x3000, 0x4063}, {0x4000, 0x800'0063}}};
  EXPECT_FALSE(kern_addr_valid(k, m, Word{0x1000}, Sections{}, x));
}

// An entry of which only A and D are set: none, but for a PGD's.
TEST(KernAddrValid, AccessedAndDirtyAloneAreNoneSince4_8) {
  const Word x = 0xffff'8800'0000'0000;
  for (const bool since : {false, true}) {
    const Kernel k = kernel(since ? Version{4, 8} : v4_6);
    for (const Word at : {0x1880, 0x2000, 0x3000, 0x4000}) {
      Memory m{{{0x1880, 0x2063}, {0x2000, 0x3063}, {0x3000, 0x4063}, {0x4000, 0x5063}}};
      // A table at 0, where all entries reference themselves: valid unless that one is none.
      for (Word slot = 0; slot < 0x1000; slot += 8) m.entries[slot] = 0x63;
      for (const Word unused : {0x20, 0x40, 0x60}) {
        m.entries[at] = unused;
        EXPECT_EQ(kern_addr_valid(k, m, Word{0x1000}, Sections{}, x), !since || at == 0x1880) << at;
      }
      m.entries[at] = 0;
      EXPECT_FALSE(kern_addr_valid(k, m, Word{0x1000}, Sections{}, x)) << at;
      for (const Word used : {0x10, 0x1, 0x80, 0x100}) {
        m.entries[at] = used;
        EXPECT_TRUE(kern_addr_valid(k, m, Word{0x1000}, Sections{}, x)) << at << ' ' << used;
      }
    }
  }
}

TEST(KernelOf, WhatTheBuilderChoseAndTheVersionHas) {
  EXPECT_FALSE(kernel(v4_6, {.randomize_base = false}).config.randomize_base);
  EXPECT_TRUE(kernel({3, 14}).config.randomize_base);
  EXPECT_FALSE(kernel({3, 13}).config.randomize_base);
  EXPECT_FALSE(kernel({4, 8}).config.randomize_memory);
  EXPECT_TRUE(kernel({4, 8}, {.randomize_memory = true}).config.randomize_memory);
  EXPECT_FALSE(kernel({4, 7}, {.randomize_memory = true}).config.randomize_memory);
  EXPECT_EQ(kernel({4, 16}).physical_mask_shift, 46u);
  EXPECT_EQ(kernel({4, 17}).physical_mask_shift, 52u);
  EXPECT_EQ(kernel({4, 16}, {.levels = 5}).physical_mask_shift, 52u);
  EXPECT_FALSE(kernel({3, 19}).huge_not_present);
  EXPECT_TRUE(kernel({4, 0}).huge_not_present);
  EXPECT_TRUE(kernel({6, 9}).huge_not_present);
  EXPECT_FALSE(kernel({6, 10}).huge_not_present);
}

TEST(KernAddrValid, NonCanonicalIsNotValid) {
  // Every entry references the table itself, so that only the address can refuse.
  struct All {
    Word read(Word) const { return 0x63; }
  };
  const Kernel k = kernel(v4_6);
  for (unsigned b = 47; b < 64; ++b) {
    EXPECT_FALSE(kern_addr_valid(k, All{}, Word{0}, Sections{}, bit(b)));
    EXPECT_FALSE(kern_addr_valid(k, All{}, Word{0}, Sections{}, ~bit(b)));
  }
  EXPECT_TRUE(kern_addr_valid(k, All{}, Word{0}, Sections{}, Word{0x7fff'ffff'ffff}));
  EXPECT_TRUE(kern_addr_valid(k, All{}, Word{0}, Sections{}, Word{0xffff'8000'0000'0000}));
}

RC_GTEST_PROP(Pages, AreInverseOnMemory, (Word word)) {
  for (const Kernel& k : {kernel(v4_6), kernel(v6_12, {.levels = 5})}) {
    const auto s = space(k);
    const Word pfn = word & (bit(k.max_physmem_bits - 12) - 1);
    const Word page = pfn_to_page(k, s, pfn);
    RC_ASSERT(page_to_pfn(k, s, page) == pfn);
    RC_ASSERT(page_address(k, s, page) == k.page_offset_base + pfn * 4096);
    RC_ASSERT(virt_to_page(k, s, page_address(k, s, page)) == page);
  }
}

TEST(KernelOf, WhatGoesWithAnotherFeature) {
  EXPECT_FALSE(kernel({5, 19}).pud_huge_not_present);
  EXPECT_TRUE(kernel({6, 9}).pud_huge_not_present);
  EXPECT_FALSE(kernel({6, 10}).pud_huge_not_present);
  EXPECT_FALSE(kernel({4, 10}).has_pud_devmap);
  EXPECT_TRUE(kernel({4, 11}).has_pud_devmap);
  EXPECT_TRUE(kernel({6, 16}).has_pud_devmap);
  EXPECT_FALSE(kernel({6, 17}).has_pud_devmap);
  EXPECT_TRUE(kernel({3, 19}).has_page_file);
  EXPECT_FALSE(kernel({4, 0}).has_page_file);
  EXPECT_FALSE(kernel({6, 5}, {.shadow_stack = true}).config.shadow_stack);
  EXPECT_TRUE(kernel({6, 6}, {.shadow_stack = true}).config.shadow_stack);
  EXPECT_FALSE(kernel({6, 6}).config.shadow_stack);
  EXPECT_EQ(kernel({4, 13}).device_types, 0u);
  EXPECT_EQ(kernel({4, 14}).device_types, 2u);
  EXPECT_EQ(kernel({5, 13}).device_types, 2u);
  EXPECT_EQ(kernel({5, 14}).device_types, 4u);
}

}  // namespace
}  // namespace mmuref::lnx::test
