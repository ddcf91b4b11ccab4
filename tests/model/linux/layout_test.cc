// The layouts, against the kernel's documents and headers transcribed as addresses.
#include "model/linux/layout.h"

#include <gtest/gtest.h>

#include <vector>

namespace mmuref::lnx::test {
namespace {

using Word = std::uint64_t;

struct Expected {
  Word start, end;
  Region region;
};

// What no row names is unused.
const std::vector<Expected> doc_3_2 = {
    {0, 0x7fff'ffff'ffff, Region::user},
    {0x8000'0000'0000, 0xffff'7fff'ffff'ffff, Region::non_canonical},
    {0xffff'8000'0000'0000, 0xffff'87ff'ffff'ffff, Region::guard},
    {0xffff'8800'0000'0000, 0xffff'c7ff'ffff'ffff, Region::direct_map},
    {0xffff'c900'0000'0000, 0xffff'e8ff'ffff'ffff, Region::vmalloc},
    {0xffff'ea00'0000'0000, 0xffff'eaff'ffff'ffff, Region::vmemmap},
    {0xffff'ffff'8000'0000, 0xffff'ffff'9fff'ffff, Region::kernel_image},
    {0xffff'ffff'a000'0000, 0xffff'ffff'feff'ffff, Region::modules},
    {0xffff'ffff'ff00'0000, 0xffff'ffff'ff5f'ffff, Region::fixmap},
    {0xffff'ffff'ff60'0000, 0xffff'ffff'ffdf'ffff, Region::vsyscall},
};

const std::vector<Expected> doc_4_6 = {
    {0, 0x7fff'ffff'ffff, Region::user},
    {0x8000'0000'0000, 0xffff'7fff'ffff'ffff, Region::non_canonical},
    {0xffff'8000'0000'0000, 0xffff'87ff'ffff'ffff, Region::guard},
    {0xffff'8800'0000'0000, 0xffff'c7ff'ffff'ffff, Region::direct_map},
    {0xffff'c900'0000'0000, 0xffff'e8ff'ffff'ffff, Region::vmalloc},
    {0xffff'ea00'0000'0000, 0xffff'eaff'ffff'ffff, Region::vmemmap},
    {0xffff'ec00'0000'0000, 0xffff'fbff'ffff'ffff, Region::kasan},
    {0xffff'ff00'0000'0000, 0xffff'ff7f'ffff'ffff, Region::espfix},
    {0xffff'ffef'0000'0000, 0xffff'fffe'ffff'ffff, Region::efi},
    {0xffff'ffff'8000'0000, 0xffff'ffff'9fff'ffff, Region::kernel_image},
    {0xffff'ffff'a000'0000, 0xffff'ffff'feff'ffff, Region::modules},
    {0xffff'ffff'ff00'0000, 0xffff'ffff'ff5f'ffff, Region::fixmap},
    {0xffff'ffff'ff60'0000, 0xffff'ffff'ffdf'ffff, Region::vsyscall},
};

const std::vector<Expected> tail_4_20 = {
    {0xffff'fe00'0000'0000, 0xffff'fe7f'ffff'ffff, Region::cpu_entry_area},
    {0xffff'ff00'0000'0000, 0xffff'ff7f'ffff'ffff, Region::espfix},
    {0xffff'ffef'0000'0000, 0xffff'fffe'ffff'ffff, Region::efi},
    {0xffff'ffff'8000'0000, 0xffff'ffff'9fff'ffff, Region::kernel_image},
    {0xffff'ffff'a000'0000, 0xffff'ffff'feff'ffff, Region::modules},
    {0xffff'ffff'ff00'0000, 0xffff'ffff'ff5f'ffff, Region::fixmap},
    {0xffff'ffff'ff60'0000, 0xffff'ffff'ff60'0fff, Region::vsyscall},
};

const std::vector<Expected> doc_4_20 = {
    {0, 0x7fff'ffff'ffff, Region::user},
    {0x8000'0000'0000, 0xffff'7fff'ffff'ffff, Region::non_canonical},
    {0xffff'8000'0000'0000, 0xffff'87ff'ffff'ffff, Region::guard},
    {0xffff'8800'0000'0000, 0xffff'887f'ffff'ffff, Region::ldt_remap},
    {0xffff'8880'0000'0000, 0xffff'c87f'ffff'ffff, Region::direct_map},
    {0xffff'c900'0000'0000, 0xffff'e8ff'ffff'ffff, Region::vmalloc},
    {0xffff'ea00'0000'0000, 0xffff'eaff'ffff'ffff, Region::vmemmap},
    {0xffff'ec00'0000'0000, 0xffff'fbff'ffff'ffff, Region::kasan},
};

const std::vector<Expected> doc_5_level = {
    {0, 0x00ff'ffff'ffff'ffff, Region::user},
    {0x0100'0000'0000'0000, 0xfeff'ffff'ffff'ffff, Region::non_canonical},
    {0xff00'0000'0000'0000, 0xff0f'ffff'ffff'ffff, Region::guard},
    {0xff10'0000'0000'0000, 0xff10'ffff'ffff'ffff, Region::ldt_remap},
    {0xff11'0000'0000'0000, 0xff90'ffff'ffff'ffff, Region::direct_map},
    {0xffa0'0000'0000'0000, 0xffd1'ffff'ffff'ffff, Region::vmalloc},
    {0xffd4'0000'0000'0000, 0xffd5'ffff'ffff'ffff, Region::vmemmap},
    {0xffdf'0000'0000'0000, 0xffff'fbff'ffff'ffff, Region::kasan},
};

const std::vector<Expected> doc_4_14_5_level = {
    {0, 0x00ff'ffff'ffff'ffff, Region::user},
    {0x0100'0000'0000'0000, 0xfeff'ffff'ffff'ffff, Region::non_canonical},
    {0xff00'0000'0000'0000, 0xff0f'ffff'ffff'ffff, Region::guard},
    {0xff10'0000'0000'0000, 0xff8f'ffff'ffff'ffff, Region::direct_map},
    {0xff92'0000'0000'0000, 0xffd1'ffff'ffff'ffff, Region::vmalloc},
    {0xffd4'0000'0000'0000, 0xffd5'ffff'ffff'ffff, Region::vmemmap},
    {0xffd8'0000'0000'0000, 0xfff7'ffff'ffff'ffff, Region::kasan},
    {0xffff'ff00'0000'0000, 0xffff'ff7f'ffff'ffff, Region::espfix},
    {0xffff'ffef'0000'0000, 0xffff'fffe'ffff'ffff, Region::efi},
    {0xffff'ffff'8000'0000, 0xffff'ffff'9fff'ffff, Region::kernel_image},
    {0xffff'ffff'a000'0000, 0xffff'ffff'feff'ffff, Region::modules},
    {0xffff'ffff'ff00'0000, 0xffff'ffff'ff5f'ffff, Region::fixmap},
    {0xffff'ffff'ff60'0000, 0xffff'ffff'ffdf'ffff, Region::vsyscall},
};

void holds(const Kernel& k, std::vector<Expected> expected, bool tail) {
  if (tail) expected.insert(expected.end(), tail_4_20.begin(), tail_4_20.end());
  const auto rows = layout(k, default_address_space<Word>(k));
  const auto region = [&](Word x) { return static_cast<Region>(region_of(rows, x)); };
  Word next = 0;
  for (const Expected& e : expected) {
    SCOPED_TRACE(testing::Message() << std::hex << e.start);
    if (e.start != next) {
      EXPECT_EQ(region(next), Region::hole);
      EXPECT_EQ(region(e.start - 1), Region::hole);
    }
    EXPECT_EQ(region(e.start), e.region);
    EXPECT_EQ(region(e.end), e.region);
    EXPECT_EQ(row_of(rows, e.start), row_of(rows, e.end));
    EXPECT_EQ(rows.rows[row_of(rows, e.start)].start, e.start);
    EXPECT_EQ(rows.rows[row_of(rows, e.start)].end, e.end);
    next = e.end + 1;
  }
  EXPECT_EQ(region(next), Region::hole);
  EXPECT_EQ(region(~Word{0}), Region::hole);
  std::size_t used = 0;
  for (int i = 0; i < rows.count; ++i) used += rows.rows[i].region != Region::hole;
  EXPECT_EQ(used, expected.size());
}

TEST(Layout, IsThatOfTheDocuments) {
  const Config fixed{.randomize_base = false}, five{.levels = 5, .randomize_base = false};
  holds(kernel(v3_2, fixed), doc_3_2, false);
  holds(kernel(v4_6, fixed), doc_4_6, false);
  for (const Version v : {v4_20, v6_1, v6_12}) holds(kernel(v, fixed), doc_4_20, true);
  for (const Version v : {v4_20, v6_1, v6_12}) holds(kernel(v, five), doc_5_level, true);
  holds(kernel({4, 14}, five), doc_4_14_5_level, false);
}

TEST(Layout, MovedForTheCpuEntryAreaIn4_15) {
  const Kernel k = kernel({4, 15}, {.levels = 5});
  EXPECT_EQ(k.vmalloc_base, 0xffa0'0000'0000'0000);
  EXPECT_EQ(region_spans(k).vmalloc, Word{12800} << 40);
  EXPECT_EQ(k.kasan_shadow_start, 0xffdf'0000'0000'0000);
  EXPECT_EQ(k.kasan_shadow_end, 0xffff'fc00'0000'0000);
  EXPECT_EQ(k.vsyscall_size, 4096u);
}

TEST(Layout, TheImageGetsAGibibyteWhereItIsRandomised) {
  const Kernel k = kernel(v6_1);
  const auto rows = layout(k, default_address_space<Word>(k));
  const auto region = [&](Word x) { return static_cast<Region>(region_of(rows, x)); };
  EXPECT_EQ(region(0xffff'ffff'bfff'ffff), Region::kernel_image);
  EXPECT_EQ(region(0xffff'ffff'c000'0000), Region::modules);
}

TEST(Layout, MovedRegionsTakeTheirRowsAlongAndPushKasanOut) {
  const Kernel k = kernel(v6_1, {.randomize_memory = true});
  auto s = default_address_space<Word>(k);
  s.page_offset = 0xffff'8ee1'8000'0000;
  s.vmalloc = 0xffff'9000'0000'0000;  // 1.1 TiB on: cuts the direct map short
  s.vmemmap = 0xffff'fd80'0000'0000;  // 512 GiB below the cpu_entry_area
  EXPECT_TRUE(bases_in_order(k, s));
  const auto rows = layout(k, s);
  const auto region = [&](Word x) { return static_cast<Region>(region_of(rows, x)); };
  EXPECT_EQ(region(s.page_offset - 1), Region::hole);
  EXPECT_EQ(region(s.page_offset), Region::direct_map);
  EXPECT_EQ(region(s.vmalloc - 1), Region::direct_map);
  EXPECT_EQ(region(s.vmalloc), Region::vmalloc);
  EXPECT_EQ(region(s.vmalloc + (Word{32} << 40) - 1), Region::vmalloc);
  EXPECT_EQ(region(s.vmalloc + (Word{32} << 40)), Region::hole);
  EXPECT_EQ(region(s.vmemmap), Region::vmemmap);
  EXPECT_EQ(region(0xffff'fdff'ffff'ffff), Region::vmemmap);
  EXPECT_EQ(region(0xffff'fe00'0000'0000), Region::cpu_entry_area);
  for (int i = 0; i < rows.count; ++i) EXPECT_NE(rows.rows[i].region, Region::kasan);
  for (int i = 0; i + 1 < rows.count; ++i) EXPECT_LE(rows.rows[i].start, rows.rows[i].end + 1);
}

TEST(Layout, BasesOutOfOrderAreNoKernels) {
  const Kernel k = kernel(v6_1, {.randomize_memory = true});
  const auto good = default_address_space<Word>(k);
  EXPECT_TRUE(bases_in_order(k, good));
  auto s = good;
  s.page_offset = 0xffff'8840'0000'0000;
  EXPECT_FALSE(bases_in_order(k, s)) << "in the LDT's row";
  s = good;
  s.vmalloc = s.page_offset;
  EXPECT_FALSE(bases_in_order(k, s));
  s = good;
  s.vmemmap = s.vmalloc;
  EXPECT_FALSE(bases_in_order(k, s));
  s = good;
  s.vmemmap = 0xffff'fe00'0000'0000;
  EXPECT_FALSE(bases_in_order(k, s));
}

TEST(Row, ContainsItsEndsAndNothingWhenEmpty) {
  const Row<Word> row{.start = 0x1000, .end = 0x1fff};
  EXPECT_FALSE(row.empty());
  for (const Word inside : {0x1000, 0x1001, 0x1ffe, 0x1fff}) EXPECT_TRUE(row.contains(inside));
  for (const Word outside : {0x0, 0xfff, 0x2000}) EXPECT_FALSE(row.contains(outside));
  const Row<Word> empty{.start = 0x1000, .end = 0xfff};
  EXPECT_TRUE(empty.empty());
  for (const Word any : {0xfff, 0x1000}) EXPECT_FALSE(empty.contains(any));
  const Row<Word> byte{.start = 0x1000, .end = 0x1000};
  EXPECT_TRUE(byte.contains(0x1000));
  // A row of the whole address space cannot be told from an empty one.
  EXPECT_FALSE((Row<Word>{.start = 0, .end = ~Word{0}}.contains(5)));
}

TEST(Base, IsAVariableWhereKaslrMovesIt) {
  struct {
    Version version;
    bool direct_map, vmemmap;
  } const rows[] = {{{4, 6}, false, false}, {{4, 8}, true, false}, {{4, 10}, true, true}};
  for (const auto& row : rows) {
    const Kernel k = kernel(row.version);
    EXPECT_EQ(has_variable(k, Base::page_offset), row.direct_map);
    EXPECT_EQ(has_variable(k, Base::vmalloc), row.direct_map);
    EXPECT_EQ(has_variable(k, Base::vmemmap), row.vmemmap);
    EXPECT_FALSE(has_variable(k, Base::none));
    EXPECT_FALSE(has_variable(kernel(row.version, {.randomize_base = false}), Base::vmalloc));
  }
}

TEST(RegionText, TheImageIsSlidOnlyByKaslr) {
  const Kernel slid = kernel(v4_6), still = kernel(v4_6, {.randomize_base = false});
  EXPECT_EQ(text(Region::kernel_image, slid).purpose, text(Region::kernel_image).purpose);
  EXPECT_EQ(text(Region::kernel_image, still).purpose, "linked here");
  EXPECT_EQ(text(Region::modules, still).purpose, text(Region::modules).purpose);
}

TEST(DocumentErrors, ConcernTheirOwnKernels) {
  const auto count = [](const Kernel& k) {
    int n = 0;
    for (const DocumentError& e : document_errors) n += concerns(e, k);
    return n;
  };
  EXPECT_EQ(count(kernel(v3_2)), 2);
  EXPECT_EQ(count(kernel({3, 3})), 0);
  EXPECT_EQ(count(kernel(v4_6)), 2);
  EXPECT_EQ(count(kernel({4, 8})), 0);
  EXPECT_EQ(count(kernel(v4_20)), 0);
  EXPECT_EQ(count(kernel(v4_20, {.levels = 5})), 2);
  EXPECT_EQ(count(kernel({5, 0}, {.levels = 5})), 0);
  EXPECT_EQ(count(kernel(v6_12, {.levels = 5})), 0);
}

TEST(Layout, WhereItsFixedRowsBegin) {
  const Config moved{.randomize_memory = true};
  EXPECT_EQ(fixed_start(kernel(v3_2)), 0xffff'ffff'8000'0000);
  EXPECT_EQ(fixed_start(kernel({3, 14})), 0xffff'ffef'0000'0000);
  EXPECT_EQ(fixed_start(kernel({3, 16})), 0xffff'ff00'0000'0000);
  EXPECT_EQ(fixed_start(kernel(v4_6)), 0xffff'ec00'0000'0000);
  EXPECT_EQ(fixed_start(kernel({4, 8}, moved)), 0xffff'ff00'0000'0000);
  EXPECT_EQ(fixed_start(kernel(v6_12, moved)), 0xffff'fe00'0000'0000);
  EXPECT_EQ(fixed_start(kernel(v6_12)), 0xffff'ec00'0000'0000);
  // Behind the hypervisor's hole, and the LDT where it is below the direct map.
  EXPECT_EQ(movable_start(kernel(v4_6)), 0xffff'8800'0000'0000);
  EXPECT_EQ(movable_start(kernel(v4_20)), 0xffff'8880'0000'0000);
  EXPECT_EQ(movable_start(kernel({4, 14}, {.levels = 5})), 0xff10'0000'0000'0000);
  EXPECT_EQ(movable_start(kernel(v4_20, {.levels = 5})), 0xff11'0000'0000'0000);
}

TEST(Layout, ARowThatIsCutShortByAByte) {
  const Kernel k = kernel(v4_6);
  auto s = default_address_space<Word>(k);
  s.vmalloc = s.page_offset + bit(46) - 1;
  const auto rows = layout(k, s);
  EXPECT_EQ(static_cast<Region>(region_of(rows, s.vmalloc)), Region::vmalloc);
  EXPECT_EQ(rows.rows[row_of(rows, s.page_offset)].end, s.vmalloc - 1);
}

}  // namespace
}  // namespace mmuref::lnx::test
