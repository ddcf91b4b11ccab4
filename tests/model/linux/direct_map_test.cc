// The direct map and identity maps, page for page.
#include "model/linux/direct_map.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "model/linux/ident_map.h"
#include "tests/model/linux/space.h"

namespace mmuref::lnx::test {
namespace {

constexpr Word G = bit(30), M2 = bit(21);

/// RAM below an address.
struct RamBelow {
  Word end = ~Word{0};
  bool operator()(Word start, Word) const { return start < end; }
};
using Mapping = DirectMapping<RamBelow>;

Errno map(Space& s, const AddressSpace<Word>& layout, const Mapping& how, Word start, Word end) {
  return kernel_physical_mapping_init(s.k, s.mm, layout, how, start, end).error;
}

TEST(DirectMap, PagesOfTheSizesAllowed) {
  for (const Kernel& k : {linux_4_6, linux_6_12, linux_la57}) {
    for (int level = 1; level <= 3; ++level) {
      Space s(k);
      const auto layout = default_address_space<Word>(k);
      const Mapping how{.allow_2m = level == 2, .allow_1g = level == 3};
      const Word start = 2 * G, end = start + 3 * size_of(level);
      ASSERT_EQ(map(s, layout, how, start, end), Errno::ok);
      for (Word pa = start; pa < end; pa += size_of(level)) {
        const auto w = s.walk(va(layout, pa + 0x345));
        EXPECT_EQ(w.level, level);
        EXPECT_EQ(w.physical_address, pa + 0x345);
        EXPECT_EQ(w.last().value, pa | 0x8000'0000'0000'0163 | (level > 1 ? 0x80 : 0));
      }
      EXPECT_FALSE(s.maps(va(layout, start - 1)));
      EXPECT_FALSE(s.maps(va(layout, end)));
    }
  }
}

// 2 MiB pages reach out to the ends of their slots; init_memory_mapping asks for whole ones.
TEST(DirectMap, LargePagesCoverTheirSlots) {
  Space s(linux_4_6);
  const auto layout = default_address_space<Word>(s.k);
  ASSERT_EQ(map(s, layout, {.allow_2m = true}, M2 + 0x1000, M2 + 0x2000), Errno::ok);
  EXPECT_EQ(s.to(va(layout, M2)), M2);
  EXPECT_EQ(s.to(va(layout, 2 * M2 - 1)), 2 * M2 - 1);
}

TEST(DirectMap, WhereKaslrPutsItAcrossEveryTable) {
  for (const Word base : {0xffff'8880'0000'0000, 0xffff'88bf'c000'0000, 0xffff'88ff'4000'0000}) {
    Space s(linux_6_12);
    auto layout = default_address_space<Word>(s.k);
    layout.page_offset = base;
    ASSERT_EQ(map(s, layout, {.allow_1g = true}, 0, 600 * G), Errno::ok);
    for (Word pa = 0; pa < 600 * G; pa += G) ASSERT_EQ(s.to(base + pa), pa);
    EXPECT_FALSE(s.maps(base - 1));
    EXPECT_FALSE(s.maps(base + 600 * G));
  }
}

TEST(DirectMap, FiveLevelsBefore5_2WantAnAlignedBase) {
  for (const Kernel& k : {linux_4_20_la57, linux_la57}) {
    Space s(k);
    auto layout = default_address_space<Word>(k);
    layout.page_offset = 0xff11'0000'4000'0000;  // 1 GiB in a slot of 512 GiB
    ASSERT_EQ(map(s, layout, {.allow_1g = true}, 511 * G, 513 * G), Errno::ok);
    const bool right = s.to(va(layout, 511 * G)) == 511 * G && s.to(va(layout, 512 * G)) == 512 * G;
    EXPECT_EQ(right, k.direct_map_p4d_by_va);
    EXPECT_EQ(s.to(va(layout, 512 * G)), 512 * G);  // the physical slot begins here
  }
}

TEST(DirectMap, WhatIsThereStays) {
  Space s(linux_4_6);
  const auto layout = default_address_space<Word>(s.k);
  ASSERT_EQ(map(s, layout, {.allow_2m = true}, 0, M2), Errno::ok);
  const Word leaf = s.walk(va(layout, Word{0})).last().address;
  s.memory.write(leaf, 0xe1);  // read-only
  ASSERT_EQ(map(s, layout, {.allow_2m = true}, 0, 2 * M2), Errno::ok);
  EXPECT_EQ(s.memory.read(leaf), 0xe1u);
  EXPECT_EQ(s.to(va(layout, M2)), M2);
  const auto tables = s.pages.live.size();
  ASSERT_EQ(map(s, layout, {.allow_2m = true}, 2 * M2, 3 * M2), Errno::ok);
  EXPECT_EQ(s.pages.live.size(), tables);
}

// A split maps the range alone: the rest of the large page is gone.
TEST(DirectMap, SplitKeepsRightsAndLosesTheRestAndTheMemoryType) {
  Space s(linux_4_6);
  const auto layout = default_address_space<Word>(s.k);
  ASSERT_EQ(map(s, layout, {.allow_2m = true}, 0, M2), Errno::ok);
  s.memory.write(s.walk(va(layout, Word{0})).last().address, 0x10e1);  // PAT, read-only
  ASSERT_EQ(map(s, layout, {}, 0x3000, 0x5000), Errno::ok);
  EXPECT_EQ(s.walk(va(layout, Word{0x3000})).last().value, 0x3061u);
  EXPECT_EQ(s.walk(va(layout, Word{0x4000})).last().value, 0x4061u);
  EXPECT_FALSE(s.maps(va(layout, Word{0x2000})));
  EXPECT_FALSE(s.maps(va(layout, Word{0x5000})));
}

TEST(DirectMap, EarlyBootClearsWhatIsNoRam) {
  for (const bool late : {false, true}) {
    Space s(linux_4_6);
    const auto layout = default_address_space<Word>(s.k);
    ASSERT_EQ(map(s, layout, {}, 0, 0x8000), Errno::ok);
    const Mapping how{.after_bootmem = late, .ram = {0x4000}};
    ASSERT_EQ(map(s, layout, how, 0, 0x2000), Errno::ok);
    for (Word pa = 0; pa < 0x8000; pa += 0x1000)
      EXPECT_EQ(s.maps(va(layout, pa)), late || pa < 0x4000) << pa;
  }
}

// 432c833218dd, "x86/mm: Handle physical-virtual alignment mismatch in phys_p4d_init()": before,
// what was cleared was the slot of a physical address.
TEST(DirectMap, EarlyBootClearsP4dsUpTo5_1) {
  for (const Kernel& k : {linux_4_20_la57, linux_la57}) {
    Space s(k);
    const auto layout = default_address_space<Word>(k);
    ASSERT_EQ(map(s, layout, {.allow_1g = true}, 0, 1024 * G), Errno::ok);
    const Mapping how{.allow_1g = true, .after_bootmem = false, .ram = {G}};
    ASSERT_EQ(map(s, layout, how, 0, G), Errno::ok);
    EXPECT_EQ(s.maps(va(layout, 600 * G)), k.direct_map_p4d_by_va);
    EXPECT_FALSE(s.maps(va(layout, 2 * G))) << "PUDs are cleared as ever";
  }
}

TEST(DirectMap, EveryAllocationMayFail) {
  for (std::uint64_t left = 0; left < 4; ++left) {
    Space s(linux_4_6);
    s.pages.left = left;
    const auto layout = default_address_space<Word>(s.k);
    EXPECT_EQ(map(s, layout, {}, 0x1000, 0x2000), left < 3 ? Errno::nomem : Errno::ok);
    EXPECT_EQ(s.maps(va(layout, Word{0x1000})), left >= 3);
    EXPECT_EQ(s.pages.live.size(), std::min<std::size_t>(left, 3));
  }
}

// Ranges in any order, of any size: what was asked for is mapped where __pa says, and nothing else.
RC_GTEST_PROP(DirectMapProperty, IsTheUnionOfItsRanges, ()) {
  const bool la57 = *rc::gen::arbitrary<bool>();
  Space s(la57 ? linux_la57 : linux_6_12);
  auto layout = default_address_space<Word>(s.k);
  layout.page_offset += *rc::gen::inRange<Word>(0, 2048) * G;
  std::set<Word> mapped;  // by 4 KiB, in a window of 2 MiB on both sides of 1 GiB
  const auto ranges = *rc::gen::inRange(1, 6);
  for (int i = 0; i < ranges; ++i) {
    const bool large = *rc::gen::inRange(0, 4) == 0;
    const Word window = G - M2;
    const Word start = window + (large ? *rc::gen::inRange<Word>(0, 2) * M2
                                       : *rc::gen::inRange<Word>(0, 1000) << 12);
    const Word end = large ? start + M2 : start + (*rc::gen::inRange<Word>(1, 24) << 12);
    // Once mapped large, a slot is asked for in large pages, as Linux does.
    const Mapping how{.allow_2m = large};
    if (!large && s.walk(va(layout, start)).level == 2 && s.maps(va(layout, start))) continue;
    if (!large && s.walk(va(layout, end - 1)).level == 2 && s.maps(va(layout, end - 1))) continue;
    RC_ASSERT(map(s, layout, how, start, end) == Errno::ok);
    for (Word pa = start; pa < end; pa += 4096) mapped.insert(pa);
  }
  for (Word pa = G - M2 - 0x2000; pa < G + M2 + 0x2000; pa += 4096) {
    RC_ASSERT(s.to(va(layout, pa)) == (mapped.contains(pa) ? pa : ~Word{0}));
  }
}

TEST(IdentMap, GigabytePagesForWholeGigabytesOnlySince6_12) {
  for (const Kernel& k : {linux_4_20, linux_6_12}) {
    Space s(k);
    s.memory.write(s.mm.pgd, 0x8067);
    const MappingInfo<Word> info{.page_flag = 0xe3, .gbpages = true};
    ASSERT_EQ(ident_pud_init(k, s.mm, info, Word{0x8000}, Word{G - M2}, 3 * G + M2), Errno::ok);
    for (const Word va : {G - M2, G, 2 * G, 3 * G, 3 * G + M2 - 1}) EXPECT_EQ(s.to(va), va);
    EXPECT_EQ(s.walk(G).level, 3);
    EXPECT_EQ(s.maps(G - M2 - 1), !k.ident_gbpage_whole);
    EXPECT_EQ(s.maps(3 * G + M2), !k.ident_gbpage_whole);
    EXPECT_FALSE(s.maps(4 * G));
  }
}

TEST(IdentMap, WithoutGigabytePagesByTwoMegabytes) {
  Space s(linux_6_12);
  s.memory.write(s.mm.pgd, 0x8067);
  const MappingInfo<Word> info{.offset = G, .page_flag = 0xe3};
  ASSERT_EQ(ident_pud_init(s.k, s.mm, info, Word{0x8000}, Word{G + 5}, G + M2 + 5), Errno::ok);
  EXPECT_EQ(s.to(G + 7), 7u);
  EXPECT_EQ(s.to(G + M2), M2);
  EXPECT_FALSE(s.maps(G + 2 * M2));
  s.pages.left = 0;
  EXPECT_EQ(ident_pud_init(s.k, s.mm, info, Word{0x8000}, Word{2 * G}, 2 * G + M2), Errno::nomem);
}

TEST(IdentMap, EveryEntryByTwoMegabytes) {
  const Word offset = 0xffff'8880'0000'0000;  // a kernel's own direct map, as hibernation asks
  Space s(linux_6_12);
  s.pages.left = 1;
  const MappingInfo<Word> info{.offset = offset, .page_flag = 0xe3};
  const Word start = offset + G + 0x10'0000, end = offset + 2 * G;
  ASSERT_EQ(ident_pud_init(s.k, s.mm, info, Word{0x8000}, start, end), Errno::ok);
  const Word table = s.memory.read(0x8008);
  EXPECT_EQ(table & 0xfff, 0x63u);
  for (Word i = 0; i < 512; ++i)
    ASSERT_EQ(s.memory.read((table & ~Word{0xfff}) + 8 * i), (G + i * M2) | 0xe3) << i;
  EXPECT_EQ(s.pages.live.size(), 1u);
  EXPECT_EQ(s.memory.read(0x8010), 0u);
}

TEST(IdentMap, AGigabyteOfTheUpperHalf) {
  const Word offset = 0xffff'8880'0000'0000;
  Space s(linux_6_12);
  const MappingInfo<Word> info{.offset = offset, .page_flag = 0xe3, .gbpages = true};
  ASSERT_EQ(ident_pud_init(s.k, s.mm, info, Word{0x8000}, offset + G, offset + 3 * G), Errno::ok);
  EXPECT_EQ(s.memory.read(0x8008), G | 0xe3);
  EXPECT_EQ(s.memory.read(0x8010), 2 * G | 0xe3);
  EXPECT_EQ(s.memory.read(0x8018), 0u);
}

// One byte more than 1 GiB was asked for: the byte is not worth a gigabyte.
TEST(IdentMap, APartOfAGigabyteIsNoGigabyte) {
  Space s(linux_6_12);
  const MappingInfo<Word> info{.page_flag = 0xe3, .gbpages = true};
  ASSERT_EQ(ident_pud_init(s.k, s.mm, info, Word{0x8000}, Word{G}, 2 * G + 1), Errno::ok);
  EXPECT_EQ(s.memory.read(0x8008), G | 0xe3);
  EXPECT_EQ(s.memory.read(0x8010) & 0xfff, 0x63u);
}

TEST(IdentMap, WhatIsPresentStays) {
  for (const bool gbpages : {false, true}) {
    Space s(linux_6_12);
    const MappingInfo<Word> info{.page_flag = 0xe3, .gbpages = gbpages};
    s.memory.write(0x8000, 0x4000'00a1);  // another gigabyte, read-only
    s.memory.write(0x8008, 0x9063);       // a table, with a leaf
    s.memory.write(0x9008, 0x8020'00a1);
    s.memory.write(0x8010, 0x80);  // large, and not present
    ASSERT_EQ(ident_pud_init(s.k, s.mm, info, Word{0x8000}, Word{0}, 3 * G), Errno::ok);
    EXPECT_EQ(s.memory.read(0x8000), 0x4000'00a1u);
    EXPECT_EQ(s.memory.read(0x8008), 0x9063u);
    EXPECT_EQ(s.memory.read(0x9000), G | 0xe3);
    EXPECT_EQ(s.memory.read(0x9008), 0x8020'00a1u);
    EXPECT_EQ(s.memory.read(0x9ff8), (2 * G - M2) | 0xe3);
    if (gbpages) {
      EXPECT_EQ(s.memory.read(0x8010), 2 * G | 0xe3);
    } else {
      EXPECT_EQ(s.memory.read(0x8010) & 0xfff, 0x63u);
    }
  }
}

TEST(DirectMap, WhatIsLarge) {
  EXPECT_TRUE(entry_large(linux_4_6, Word{0x80}, 2));
  EXPECT_FALSE(entry_large(linux_4_6, Word{0x80}, 3));  // P is wanted until 6.12
  EXPECT_TRUE(entry_large(linux_4_6, Word{0x81}, 3));
  EXPECT_TRUE(entry_large(linux_6_12, Word{0x80}, 3));
  for (const int level : {4, 5}) EXPECT_FALSE(entry_large(linux_la57, Word{0x81}, level));
}

// _KERNPG_TABLE for a table of PTEs, _PAGE_TABLE for those above.
TEST(DirectMap, TheEntriesOfItsTables) {
  for (const Kernel& k : {linux_4_6, linux_la57}) {
    Space s(k);
    const auto layout = default_address_space<Word>(k);
    ASSERT_EQ(map(s, layout, {}, 0x1000, 0x2000), Errno::ok);
    const auto w = s.walk(va(layout, Word{0x1000}));
    for (int i = 0; i < w.count - 1; ++i)
      EXPECT_EQ(w.steps[i].value & 0xfff, i == w.count - 2 ? 0x63u : 0x67u) << i;
  }
}

TEST(DirectMap, APageInPartIsMappedWhole) {
  Space s(linux_4_6);
  const auto layout = default_address_space<Word>(s.k);
  ASSERT_EQ(map(s, layout, {}, 0, 0x1001), Errno::ok);
  EXPECT_EQ(s.to(va(layout, Word{0x1000})), 0x1000u);
  EXPECT_FALSE(s.maps(va(layout, Word{0x2000})));
}

TEST(DirectMap, ALargePageBeginsAtItsSlot) {
  Space s(linux_4_6);
  const auto layout = default_address_space<Word>(s.k);
  ASSERT_EQ(map(s, layout, {.allow_2m = true}, M2 + 0x1000, M2 + 0x2000), Errno::ok);
  EXPECT_EQ(s.walk(va(layout, M2)).last().value, M2 | 0x8000'0000'0000'01e3);
}

TEST(DirectMap, APageThatIsThereStays) {
  Space s(linux_4_6);
  const auto layout = default_address_space<Word>(s.k);
  ASSERT_EQ(map(s, layout, {}, 0, 0x1000), Errno::ok);
  s.memory.write(s.walk(va(layout, Word{0})).last().address, 0x61);
  ASSERT_EQ(map(s, layout, {}, 0, 0x2000), Errno::ok);
  EXPECT_EQ(s.walk(va(layout, Word{0})).last().value, 0x61u);
}

TEST(DirectMap, AGigabyteIsSplitWithItsOwnRights) {
  Space s(linux_4_6);
  const auto layout = default_address_space<Word>(s.k);
  ASSERT_EQ(map(s, layout, {.allow_1g = true}, 0, G), Errno::ok);
  s.memory.write(s.walk(va(layout, Word{0})).last().address, 0xa1);  // no D, no G
  ASSERT_EQ(map(s, layout, {.allow_2m = true}, M2, 2 * M2), Errno::ok);
  EXPECT_EQ(s.walk(va(layout, M2)).last().value, M2 | 0xa1);
}

TEST(DirectMap, APgdSlotIsFilledToItsEndAndNoFurther) {
  const Word slot = 512 * G;
  Space s(linux_4_6);
  const auto layout = default_address_space<Word>(s.k);
  ASSERT_EQ(map(s, layout, {.allow_1g = true}, 0, slot), Errno::ok);
  EXPECT_EQ(s.pages.live.size(), 1u);
  ASSERT_EQ(map(s, layout, {.allow_1g = true}, 0, slot + 1), Errno::ok);
  EXPECT_EQ(s.to(va(layout, slot)), slot);
}

TEST(DirectMap, ATableThatIsMissingFurtherDownFailsToo) {
  Space s(linux_4_6);
  const auto layout = default_address_space<Word>(s.k);
  ASSERT_EQ(map(s, layout, {}, 0, 0x1000), Errno::ok);
  ASSERT_EQ(map(s, layout, {}, 512 * G, 512 * G + 0x1000), Errno::ok);
  s.pages.left = 0;
  EXPECT_EQ(map(s, layout, {}, M2, M2 + 0x1000), Errno::nomem);
  // What follows is there, and does not make up for it.
  EXPECT_EQ(map(s, layout, {}, 512 * G - 0x1000, 512 * G + 0x1000), Errno::nomem);
}

TEST(DirectMap, WithoutAPageForATableNothingIsWritten) {
  Space s(linux_4_6);
  s.pages.left = 0;
  EXPECT_EQ(map(s, default_address_space<Word>(s.k), {}, 0, 0x1000), Errno::nomem);
  EXPECT_TRUE(s.memory.entries().empty());
}

TEST(DirectMap, FourLevelsBefore4_8WantAnAlignedBase) {
  for (const Kernel& k : {linux_4_6, linux_4_20}) {
    Space s(k);
    auto layout = default_address_space<Word>(k);
    layout.page_offset = 0xffff'8880'4000'0000;  // 1 GiB in a slot of 512 GiB
    ASSERT_EQ(map(s, layout, {.allow_1g = true}, 0, G), Errno::ok);
    EXPECT_EQ(s.to(va(layout, Word{0})) == 0, k.direct_map_index_by_va);
  }
}

}  // namespace
}  // namespace mmuref::lnx::test
