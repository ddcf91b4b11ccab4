// What an mmu_gather flushes.
#include <gtest/gtest.h>

#include "tests/model/linux/flush_scene.h"

namespace mmuref::lnx::test {
namespace {

TEST(MmuGather, RangesByHand) {
  for (const Kernel& k : {linux_4_6, linux_4_20}) {
    auto tlb = tlb_gather_mmu(k, Word{0x1000}, Word{0x100000});
    EXPECT_FALSE(tlb_flush(k, tlb).flushes);
    tlb_remove_entry(k, tlb, Word{0x5000}, 1);
    tlb_remove_entry(k, tlb, Word{0x3000}, 1);
    auto flush = tlb_flush(k, tlb);
    EXPECT_TRUE(flush.flushes);
    EXPECT_EQ(flush.request.start, 0x3000u);
    EXPECT_EQ(flush.request.end, 0x6000u);
    EXPECT_FALSE(flush.request.freed_tables);
    EXPECT_FALSE(tlb_flush(k, tlb).flushes);
    tlb_remove_entry(k, tlb, Word{0x400000}, 2);
    flush = tlb_flush(k, tlb);
    EXPECT_EQ(flush.request.end, k.flush.strides ? 0x600000u : 0x401000u);
    EXPECT_EQ(flush.request.stride_shift, k.flush.strides ? 21u : 12u);
    tlb_remove_entry(k, tlb, Word{0x400000}, 2);
    tlb_remove_entry(k, tlb, Word{0x200000}, 1);
    EXPECT_EQ(tlb_flush(k, tlb).request.stride_shift, 12u);
    tlb_remove_entry(k, tlb, Word{0x40000000}, 3);
    EXPECT_EQ(tlb_flush(k, tlb).request.stride_shift, k.flush.strides ? 30u : 12u);
    tlb_free_table(k, tlb, Word{0x200000}, false);
    flush = tlb_flush(k, tlb);
    EXPECT_TRUE(flush.request.freed_tables);
    EXPECT_EQ(flush.request.start, 0x200000u);
    EXPECT_EQ(flush.request.stride_shift, 12u);
    tlb_free_table(k, tlb, Word{0x40000000}, true);
    EXPECT_EQ(tlb_flush(k, tlb).request.end, all);

    auto whole = tlb_gather_mmu(k, Word{0}, all);
    EXPECT_TRUE(whole.fullmm);
    flush = tlb_flush(k, whole);
    EXPECT_EQ(flush.request.start, 0u);
    EXPECT_EQ(flush.request.end, all);
    EXPECT_FALSE(tlb_gather_mmu(k, Word{0}, all - 1).fullmm);
    EXPECT_FALSE(tlb_gather_mmu(k, Word{0x1000}, all).fullmm);
  }
}

TEST(MmuGather, BeginsWithNothingBelowTheEndOfUserSpace) {
  for (const int levels : {4, 5}) {
    const Kernel k = kernel(v6_12, {.levels = levels});
    const auto tlb = tlb_gather_mmu(k, Word{0x1000}, Word{0x2000});
    EXPECT_EQ(tlb.start, levels == 5 ? 0x00ff'ffff'ffff'f000u : 0x7fff'ffff'f000u);
    EXPECT_EQ(tlb.end, 0u);
  }
  const auto whole = tlb_gather_mmu(linux_4_6, Word{0}, all);
  EXPECT_EQ(whole.start, all);
  EXPECT_EQ(whole.end, all);
}

TEST(MmuGather, AFreedTableIsOnePage) {
  auto tlb = tlb_gather_mmu(linux_6_1, Word{0x1000}, Word{0x8000});
  tlb_free_table(linux_6_1, tlb, Word{0x4000}, false);
  EXPECT_EQ(tlb.start, 0x4000u);
  EXPECT_EQ(tlb.end, 0x5000u);
  EXPECT_FALSE(tlb.need_flush_all);
}

TEST(MmuGather, UnsharedTables) {
  auto tlb = tlb_gather_mmu(linux_6_1, Word{0x1000}, Word{0x2000});
  tlb_unshare(linux_6_1, tlb, Word{0x7f'5020'0000});
  const auto r = tlb_flush(linux_6_1, tlb).request;
  EXPECT_EQ(r.start, 0x7f'4000'0000u);
  EXPECT_EQ(r.end, 0x7f'8000'0000u);
  EXPECT_EQ(r.stride_shift, 21u);
  tlb = tlb_gather_mmu(linux_4_20, Word{0x1000}, Word{0x2000});
  tlb_unshare(linux_4_20, tlb, Word{0x7f'5020'0000});
  EXPECT_FALSE(tlb_flush(linux_4_20, tlb).flushes);
}

TEST(MmuGather, TheEndIsTheFurthest) {
  auto tlb = tlb_gather_mmu(linux_4_6, Word{0x1000}, Word{0x8000});
  const std::pair<Word, Word> steps[] = {{2, 0x1002}, {3, 0x1003}, {1, 0x1003}, {3, 0x1003}};
  for (const auto& [size, end] : steps) {
    tlb_adjust_range(tlb, Word{0x1000}, size);
    EXPECT_EQ(tlb.end, end);
  }
}

TEST(MmuGather, TheStrideIsTheSmallestInAnyOrder) {
  // Bits 0 to 2 for what was removed: a page of 4 KiB, 2 MiB, 1 GiB.
  for (unsigned removed = 1; removed < 8; ++removed)
    for (const bool up : {false, true}) {
      auto tlb = tlb_gather_mmu(linux_4_20, Word{0x1000}, Word{0x2000});
      for (int i = 0; i < 3; ++i) {
        const int level = up ? i + 1 : 3 - i;
        if ((removed >> (level - 1)) % 2 != 0)
          tlb_remove_entry(linux_4_20, tlb, Word{0x4000'0000}, level);
      }
      EXPECT_EQ(tlb_flush(linux_4_20, tlb).request.stride_shift, removed % 2 != 0   ? 12u
                                                                 : removed % 4 != 0 ? 21u
                                                                                    : 30u)
          << removed;
    }
}

TEST(MmuGather, APmdOfPaeFlushesEverythingSince3_9) {
  for (const bool since : {false, true}) {
    const Kernel k = kernel({3, since ? 9 : 8});
    auto tlb = tlb_gather_mmu(k, Word{0x1000}, Word{0x2000});
    tlb_free_table(k, tlb, Word{0x4000}, true);
    tlb_free_table(k, tlb, Word{0x5000}, false);
    EXPECT_EQ(tlb.need_flush_all, since);
  }
}

TEST(MmuGather, UnsharedTablesLeaveTheSmallestStride) {
  auto tlb = tlb_gather_mmu(linux_6_1, Word{0x1000}, Word{0x2000});
  tlb_remove_entry(linux_6_1, tlb, Word{0x4000'0000}, 1);
  tlb_unshare(linux_6_1, tlb, Word{0x4000'0000});
  EXPECT_EQ(tlb_flush(linux_6_1, tlb).request.stride_shift, 12u);
}

}  // namespace
}  // namespace mmuref::lnx::test
