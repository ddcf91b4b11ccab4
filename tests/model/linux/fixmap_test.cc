// The fixmap by numbers, PGDs in step, and the ranges /dev/mem takes.
#include "model/linux/fixmap.h"

#include "model/linux/phys_range.h"
#include "model/linux/sync.h"
#include "tests/model/linux/space.h"

namespace mmuref::lnx::test {
namespace {

constexpr Fixmap<Word> fixmap{.permanent = 600, .end = 1536};

TEST(Fixmap, WhereTheVsyscallPageLies) {
  EXPECT_EQ(fix_to_virt(linux_4_6, Word{511}), 0xffff'ffff'ff60'0000);
  EXPECT_EQ(fix_to_virt(linux_4_6, Word{0}), 0xffff'ffff'ff7f'f000);
  EXPECT_EQ(fix_to_virt(linux_3_2, Word{0}), 0xffff'ffff'ffdf'f000);
  EXPECT_EQ(fix_to_virt(kernel({3, 15}), Word{0}), 0xffff'ffff'ffdf'f000);
  EXPECT_EQ(fix_to_virt(kernel({3, 16}), Word{511}), 0xffff'ffff'ff60'0000);
}

TEST(Fixmap, WhichSlotsItFindsBack) {
  for (Word idx = 0; idx < fixmap.end; ++idx) {
    const auto back = virt_to_fix(linux_4_6, fixmap, fix_to_virt(linux_4_6, idx) + 0xfff);
    // Slot 0 starts at FIXADDR_TOP; those of boot time lie below FIXADDR_START.
    ASSERT_EQ(back.error == Errno::ok, idx >= 1 && idx <= 600) << idx;
    if (back.error == Errno::ok) {
      ASSERT_EQ(back.idx, idx);
    }
  }
  Kernel k = linux_4_6;
  k.virt_to_fix_takes_all = true;
  for (Word idx = 0; idx < fixmap.end; ++idx) {
    ASSERT_EQ(virt_to_fix(k, fixmap, fix_to_virt(k, idx) + 1).idx, idx);
  }
  EXPECT_EQ(virt_to_fix(k, fixmap, fix_to_virt(k, fixmap.end)).error, Errno::bug);
  EXPECT_EQ(virt_to_fix(k, fixmap, fix_to_virt(k, fixmap.end) + 0xfff).error, Errno::bug);
  EXPECT_EQ(virt_to_fix(k, fixmap, Word{0xffff'ffff'ff80'0000}).error, Errno::bug);
}

TEST(Fixmap, TheBootSlotsShareATable) {
  for (Word permanent = 0; permanent < 2000; ++permanent) {
    const Word first = fix_btmap_end(Fixmap<Word>{.permanent = permanent});
    ASSERT_GE(first, permanent);
    ASSERT_EQ(first % 512, 0u);
    ASSERT_LT(first, permanent + 512);
    ASSERT_EQ(fix_to_virt(linux_4_6, first) >> 21, fix_to_virt(linux_4_6, first + 511) >> 21);
  }
}

TEST(Fixmap, SetFixmapMapsASlotAndAllocatesItsTables) {
  for (const Kernel& k : {linux_3_2, linux_4_6, linux_la57}) {
    Space s(k);
    EXPECT_EQ(set_fixmap(k, s.mm, fixmap, Word{5}, Word{0xfee0'0123}, pgprot_t<Word>{0x17b}),
              Errno::inval);  // no PGD entry
    s.memory.write(s.mm.pgd | 511 << 3, 0x8067);
    s.pages.left = 0;
    EXPECT_EQ(set_fixmap(k, s.mm, fixmap, Word{5}, Word{0xfee0'0123}, pgprot_t<Word>{0x17b}),
              Errno::nomem);
    s.pages.left = 10;
    EXPECT_EQ(set_fixmap(k, s.mm, fixmap, Word{5}, Word{0xfee0'0123}, pgprot_t<Word>{0x17b}),
              Errno::ok);
    EXPECT_EQ(s.pages.left, k.config.levels == 4 ? 8u : 7u);
    EXPECT_EQ(s.to(fix_to_virt(k, Word{5}) + 0x20), 0xfee0'0020u);
    EXPECT_FALSE(s.maps(fix_to_virt(k, Word{4})));
    EXPECT_FALSE(s.maps(fix_to_virt(k, Word{6})));
    EXPECT_EQ(set_fixmap(k, s.mm, fixmap, Word{5}, Word{0x7000}, pgprot_t<Word>{0x163}),
              Errno::ok);  // over what was there
    EXPECT_EQ(s.to(fix_to_virt(k, Word{5})), 0x7000u);
    EXPECT_EQ(set_fixmap(k, s.mm, fixmap, Word{1536}, Word{0x7000}, pgprot_t<Word>{0x163}),
              Errno::bug);
  }
}

std::vector<Word> visited(const Kernel& k, Word start, Word end) {
  std::vector<Word> slots;
  const Sync sync = for_each_pgd_slot(k, start, end, [&](Word a) {
    slots.push_back(pgd_index(k, a));
    return slots.size() < 1000 ? Sync::done : Sync::bug;
  });
  if (sync == Sync::endless) slots.push_back(~Word{0});
  return slots;
}

TEST(SyncGlobalPgds, AlignedRanges) {
  for (const Kernel& k : {linux_4_6, linux_4_20}) {
    EXPECT_EQ(visited(k, 0xffff'8800'0000'0000, 0xffff'8880'ffff'ffff),
              (std::vector<Word>{272, 273}));
  }
}
TEST(SyncGlobalPgds, AnUnalignedStartMissesTheLastSlotIn4_6) {
  const Word start = 0xffff'88c0'0000'0000, end = 0xffff'8980'0000'0000;
  EXPECT_EQ(visited(linux_4_6, start, end), (std::vector<Word>{273, 274}));
  EXPECT_EQ(visited(linux_4_20, start, end), (std::vector<Word>{273, 274, 275}));
}
TEST(SyncGlobalPgds, TheTopNeverEndsIn4_6) {
  const Word start = 0xffff'ff80'0000'0000;
  EXPECT_EQ(visited(linux_4_6, start, ~Word{0}).size(), 514u);
  EXPECT_EQ(visited(linux_4_20, start, ~Word{0}), std::vector<Word>{511});
  EXPECT_EQ(visited(linux_4_20_la57, Word{0xfffe'0000'0000'1000}, ~Word{0}),
            (std::vector<Word>{510, 511}));
}
TEST(SyncGlobalPgds, CopiesWhatIsMissing) {
  Memory m;
  for (const Word slot : {272, 274, 275}) m.write(0x2000 + 8 * slot, 0x8067 + (slot << 12));
  m.write(0x1000 + 8 * 274, 0x8067 + (274 << 12));
  const Word start = 0xffff'8800'0000'0000, end = 0xffff'8980'0000'0000;
  EXPECT_EQ(sync_global_pgds(linux_4_20, m, Word{0x2000}, Word{0x1000}, start, end), Sync::done);
  for (Word slot = 256; slot < 512; ++slot)
    EXPECT_EQ(m.read(0x1000 + 8 * slot), m.read(0x2000 + 8 * slot)) << slot;
  m.write(0x1000 + 8 * 275, 0x9067);
  EXPECT_EQ(sync_global_pgds(linux_4_20, m, Word{0x2000}, Word{0x1000}, start, end), Sync::bug);
}

TEST(PgdAlloc, SharesTheKernelHalf) {
  for (const Kernel& k : {linux_4_6, linux_4_20, linux_la57}) {
    const auto layout = default_address_space<Word>(k);
    Space s(k);
    for (Word slot = 0; slot < 512; ++slot) s.memory.write(s.mm.pgd + 8 * slot, slot << 12 | 0x67);
    const auto pgd = pgd_alloc(k, s.memory, s.pages, layout, s.mm.pgd);
    const Word first = k.config.levels == 4 ? k.version < v4_20 ? 272 : 273 : 273;
    for (Word slot = 0; slot < 512; ++slot)
      ASSERT_EQ(s.memory.read(*pgd + 8 * slot), slot < first ? 0 : (slot << 12 | 0x67)) << slot;
    s.pages.left = 0;
    EXPECT_FALSE(pgd_alloc(k, s.memory, s.pages, layout, s.mm.pgd));
  }
}

TEST(PhysRange, WhatDevMemTakes) {
  auto layout = default_address_space<Word>(linux_4_6);
  layout.phys_bits = 36;
  const Word width = bit(36) >> 12;
  EXPECT_TRUE(valid_mmap_phys_addr_range(linux_4_6, layout, width, Word{4096}));
  EXPECT_TRUE(valid_mmap_phys_addr_range(kernel({4, 14}), layout, width, Word{4096}));
  EXPECT_FALSE(valid_mmap_phys_addr_range(kernel({4, 15}), layout, width, Word{4096}));
  EXPECT_FALSE(valid_mmap_phys_addr_range(linux_4_20, layout, width, Word{4096}));
  EXPECT_TRUE(valid_mmap_phys_addr_range(linux_4_20, layout, width - 1, Word{4096}));
  EXPECT_FALSE(valid_mmap_phys_addr_range(linux_4_20, layout, width - 1, Word{4097}));
  // Memory up to the last address the processor has: __pa of its end is too wide.
  const Word high = va(layout, bit(36));
  const auto old_answer = valid_phys_addr_range(linux_4_6, layout, high, Word{0}, bit(36));
  EXPECT_TRUE(old_answer.bug);
  const Word shifted = high - layout.page_offset + linux_6_12.page_offset_base;
  auto today = layout;
  today.page_offset = linux_6_12.page_offset_base;
  EXPECT_FALSE(valid_phys_addr_range(linux_6_12, today, shifted, Word{0}, bit(36)).bug);
  EXPECT_TRUE(valid_phys_addr_range(linux_6_12, today, shifted, Word{0}, bit(36)).valid);
  EXPECT_FALSE(valid_phys_addr_range(linux_6_12, today, shifted, Word{1}, bit(36)).valid);
}

TEST(SyncGlobalPgds, TheEndIsPartOfTheRange) {
  const Word start = 0xffff'8800'0000'0000;
  for (const Kernel& k : {linux_4_6, linux_4_20})
    EXPECT_EQ(visited(k, start, start + bit(39)), (std::vector<Word>{272, 273}));
}

TEST(SyncGlobalPgds, WhatTheReferenceLacksStays) {
  Memory m;
  m.write(0x1000 + 8 * 272, 0x8067);
  const Word start = 0xffff'8800'0000'0000;
  EXPECT_EQ(sync_global_pgds(linux_4_20, m, Word{0x2000}, Word{0x1000}, start, start), Sync::done);
  EXPECT_EQ(m.read(0x1000 + 8 * 272), 0x8067u);
}

TEST(PgdAlloc, WithoutAPageNothingIsWritten) {
  Space s(linux_4_6);
  for (Word slot = 0; slot < 512; ++slot) s.memory.write(s.mm.pgd + 8 * slot, slot << 12 | 0x67);
  s.pages.left = 0;
  const auto before = s.memory.entries();
  EXPECT_FALSE(pgd_alloc(s.k, s.memory, s.pages, default_address_space<Word>(s.k), s.mm.pgd));
  EXPECT_EQ(s.memory.entries(), before);
}

TEST(PhysRange, ToTheByteBefore5_1) {
  const auto layout = default_address_space<Word>(linux_4_6);
  const Word high = va(layout, Word{0x10'0000});
  const auto valid = [&](Word addr, Word count) {
    const auto range = valid_phys_addr_range(linux_4_6, layout, high, addr, count);
    EXPECT_FALSE(range.bug);
    return range.valid;
  };
  EXPECT_TRUE(valid(0, 0xf'ffff));
  EXPECT_TRUE(valid(0, 0x10'0000));
  EXPECT_FALSE(valid(1, 0x10'0000));
  EXPECT_FALSE(valid(0x10'0000, 0x1000));
}

}  // namespace
}  // namespace mmuref::lnx::test
