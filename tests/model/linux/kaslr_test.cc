// kernel_randomize_memory: numbers worked out by hand, and what holds of any random words.
#include "model/linux/kaslr.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <vector>

namespace mmuref::lnx::test {
namespace {

using Word = std::uint64_t;

constexpr Config config(int levels = 4) {
  return {.levels = levels, .randomize_memory = true};
}
constexpr Word tib = bit(40), gib = bit(30);

TEST(Kaslr, SizesOfTheRegions) {
  struct {
    Version version;
    int levels;
    Word max_pfn, padding, direct, vmalloc, vmemmap;  // TiB
  } const rows[] = {
      {v6_12, 4, 1, 0, 1, 32, 1},
      {v6_12, 4, 0x1000'0000, 0, 1, 32, 1},  // exactly 1 TiB
      {v6_12, 4, 0x1000'0001, 10, 12, 32, 1},
      {v6_12, 4, bit(34), 0, 64, 32, 1},
      {v6_12, 4, bit(34), 10, 64, 32, 1},
      {{5, 0}, 4, bit(34), 10, 74, 32, 1},  // more than there can be
      {v4_6, 4, bit(34), 10, 64, 32, 1},
      {v6_12, 5, bit(34) + 1, 0, 65, 12800, 2},
      {v6_12, 5, bit(40), 10, 4096, 12800, 64},
      {{5, 1}, 5, bit(40), 10, 4096, 12800, 1},
  };
  for (const auto& r : rows) {
    const auto sizes =
        kaslr_region_sizes(kernel(r.version, config(r.levels)), r.max_pfn, r.padding);
    EXPECT_EQ(sizes.size[0], r.direct * tib) << r.version.major << "." << r.version.minor;
    EXPECT_EQ(sizes.size[1], r.vmalloc * tib);
    EXPECT_EQ(sizes.size[2], r.vmemmap * tib);
  }
}

TEST(Kaslr, RangeAndRegionsByVersion) {
  EXPECT_EQ(kernel({4, 7}, config()).kaslr_regions, 0u);
  EXPECT_EQ(kernel({4, 8}, config()).kaslr_regions, 2u);
  EXPECT_EQ(kernel({4, 9}, config()).kaslr_regions, 2u);
  EXPECT_EQ(kernel({4, 10}, config()).kaslr_regions, 3u);
  EXPECT_EQ(kaslr_vaddr_end(kernel({4, 8}, config())), 0xffff'ea00'0000'0000u);
  EXPECT_EQ(kaslr_vaddr_end(kernel({4, 10}, config())), 0xffff'ff00'0000'0000u);
  EXPECT_EQ(kaslr_vaddr_end(kernel(v6_12, config())), 0xffff'fe00'0000'0000u);
  EXPECT_EQ(kaslr_alignment(kernel({5, 1}, config(5))), 512 * gib);
  EXPECT_EQ(kaslr_alignment(kernel({5, 2}, config(5))), gib);
  EXPECT_EQ(kaslr_alignment(kernel({5, 1}, config())), gib);
}

TEST(Kaslr, DrawingNothingPacksTheRegionsOneGibibyteApart) {
  const Kernel k = kernel(v6_12, config());
  const auto m = kernel_randomize_memory<Word>(k, bit(20), 0, {0, 0, 0});
  EXPECT_EQ(m.base[0], 0xffff'8880'0000'0000u);
  EXPECT_EQ(m.base[1], 0xffff'8980'4000'0000u);
  EXPECT_EQ(m.base[2], 0xffff'a980'8000'0000u);
  EXPECT_EQ(m.physmem_end, tib - 1);
  EXPECT_EQ(
      kernel_randomize_memory<Word>(kernel({6, 10}, config()), bit(20), 0, {0, 0, 0}).physmem_end,
      64 * tib - 1);
}

TEST(Kaslr, TwoRegionsLeaveVmemmapAlone) {
  const auto m =
      kernel_randomize_memory<Word>(kernel({4, 8}, config()), bit(20), 0, {5 * gib, 7 * gib, 9});
  EXPECT_EQ(m.base[0], 0xffff'8801'4000'0000u);
  EXPECT_EQ(m.base[1], 0xffff'8801'4000'0000u + tib + gib + 7 * gib);
  EXPECT_EQ(m.base[2], 0xffff'ea00'0000'0000u);
}

// The units that keep regions apart are not taken off what is drawn from: the last region can end
// behind the end, in the cpu_entry_area.
TEST(Kaslr, TheGreatestDrawOverrunsTheEndByTwoUnits) {
  const Kernel k = kernel(v6_12, config());
  const Word room = 0xffff'fe00'0000'0000 - 0xffff'8880'0000'0000 - (64 + 32 + 1) * tib;
  const auto m = kernel_randomize_memory<Word>(k, bit(34), 0, {0, 0, room});
  EXPECT_EQ(m.end(2), 0xffff'fe00'8000'0000u);
  EXPECT_EQ(m.end(2), kaslr_vaddr_end(k) + kaslr_overrun(k));
}

RC_GTEST_PROP(Kaslr, DrawsAreNoMoreThanTheirPart, (Word random, Word remain, Word part)) {
  const Word parts = 1 + part % 3, drawn = drawn_by_modulo(random, remain >> 1, parts);
  RC_ASSERT(drawn <= (remain >> 1) / parts);
}

RC_GTEST_PROP(Kaslr, RegionsAreInOrderAndHoldMemory, (Word a, Word b, Word c, Word memory)) {
  for (const Version v : {Version{4, 8}, Version{4, 10}, v4_20, Version{5, 2}, v6_12}) {
    for (const int levels : {4, 5}) {
      const Kernel k = kernel(v, config(levels));
      const Word max_pfn = 1 + memory % bit(k.max_physmem_bits - 12);
      const auto m = kernel_randomize_memory<Word>(k, max_pfn, memory % 2 * 10, {a, b, c});
      const unsigned last = k.kaslr_regions - 1;
      RC_ASSERT(m.base[0] >= k.page_offset_base);
      for (unsigned i = 0; i <= last; ++i) RC_ASSERT(m.base[i] % gib == 0u);
      for (unsigned i = 0; i < last; ++i) RC_ASSERT(m.end(static_cast<int>(i)) < m.base[i + 1]);
      RC_ASSERT(m.end(static_cast<int>(last)) <= kaslr_vaddr_end(k) + kaslr_overrun(k));
      RC_ASSERT(m.sizes.size[0] >= max_pfn * 4096);
    }
  }
}

TEST(Kaslr, ARegionBeginsAtLeastAByteBehindTheLast) {
  const Kernel k = kernel(v6_12, config());
  for (const Word size : {Word{0}, Word{1}, gib - 1, gib, gib + 1}) {
    Placing<Word> placing{4 * gib, 100 * gib};
    EXPECT_EQ(place_region(k, placing, size, 2 * gib + 5), 6 * gib);
    // round_up(end + 1, PUD_SIZE)
    EXPECT_EQ(placing.vaddr, 6 * gib + size / gib * gib + gib) << size;
    EXPECT_EQ(placing.remain, 98 * gib);
  }
}

TEST(Kaslr, WhatThereIsToDraw) {
  const Kernel k = kernel(v6_12, config());
  const auto sizes = kaslr_region_sizes(k, bit(20), Word{0});  // 1, 32 and 1 TiB
  std::vector<Word> remain;
  (void)place_regions<Word>(k, sizes, [&](unsigned, Word left, std::uint64_t) {
    remain.push_back(left);
    return Word{0};
  });
  const Word room = 0xffff'fe00'0000'0000 - 0xffff'8880'0000'0000 - 34 * tib;
  EXPECT_EQ(remain, (std::vector<Word>{room, room, room}));
}

}  // namespace
}  // namespace mmuref::lnx::test
