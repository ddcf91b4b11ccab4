// Swap entries in every layout, by the bits the tables of the versions name.
#include "tests/model/linux/entry_values.h"

namespace mmuref::lnx::test {
namespace {

TEST(Swap, FourSix) {
  const Kernel k = kernel(v4_6);
  EXPECT_EQ(arch_swp_entry(k, Word{1}, Word{1}), 0x202u);
  EXPECT_EQ(arch_swp_entry(k, Word{31}, Word{0}), 0x3eu);
  EXPECT_EQ(arch_swp_entry(k, Word{0}, bits(54, 0)), bits(63, 9));
  EXPECT_EQ(swp::flags(k), 0x80u);
  // Slot 0 of file 0 would be an empty entry; it is the file's header.
  EXPECT_TRUE(pte_none(k, swp_entry_to_pte(k, swp_entry(k, Word{0}, Word{0}))));
}

TEST(Swap, ThreeTwoHasNoSoftDirty) {
  const Kernel k = kernel(v3_2);
  EXPECT_EQ(arch_swp_entry(k, Word{2}, Word{3}), 0x604u);
  EXPECT_EQ(swp::flags(k), 0u);
  EXPECT_EQ(swp::flags(kernel({3, 10})), 0u);
  EXPECT_EQ(swp::flags(kernel({3, 11})), 0x80u);
}

TEST(Swap, FourEight) {
  const Kernel k = kernel({4, 8});
  EXPECT_EQ(arch_swp_entry(k, Word{1}, Word{1}), 0x4200u);
  EXPECT_EQ(arch_swp_entry(k, Word{31}, Word{0}), 0x3e00u);
  EXPECT_EQ(swp::flags(k), 0x80u);
  EXPECT_EQ(swp::flags(kernel({4, 13})), 0x80u);
}

TEST(Swap, FourFourteen) {
  const Kernel k = kernel({4, 14});
  EXPECT_EQ(arch_swp_entry(k, Word{1}, Word{1}), 0x4200u);
  EXPECT_EQ(swp::flags(k), 0x2u);
}

TEST(Swap, InvertedSinceFourEighteenOne) {
  const Kernel k = kernel({4, 18, 1});
  EXPECT_EQ(arch_swp_entry(k, Word{0}, Word{0}), 0x07ff'ffff'ffff'fe00u);
  EXPECT_EQ(arch_swp_entry(k, Word{1}, Word{1}), 0x0fff'ffff'ffff'fc00u);
  EXPECT_EQ(arch_swp_entry(k, Word{31}, bits(49, 0)), 0xf800'0000'0000'0000u);
  EXPECT_EQ(arch_swp_type(k, Word{0x0fff'ffff'ffff'fc00}), 1u);
  EXPECT_EQ(arch_swp_offset(k, Word{0x0fff'ffff'ffff'fc00}), 1u);
  EXPECT_EQ(swp::flags(k), 0x2u);
  EXPECT_EQ(swp::flags(kernel({5, 7})), 0x6u);
  EXPECT_EQ(swp::flags(kernel({5, 19})), 0xeu);
}

TEST(Swap, FlagsOfSixTwelve) {
  const Kernel k = kernel(v6_12);
  EXPECT_TRUE(pte_swp_soft_dirty(k, Pte{0x2}));
  EXPECT_TRUE(pte_swp_uffd_wp(k, Pte{0x4}));
  EXPECT_TRUE(pte_swp_exclusive(k, Pte{0x8}));
  EXPECT_FALSE(pte_swp_soft_dirty(k, Pte{0xc}) || pte_swp_uffd_wp(k, Pte{0xa}) ||
               pte_swp_exclusive(k, Pte{0x6}));
  EXPECT_EQ(pmd_swp_mksoft_dirty(k, Pmd{0}).value, 0x2u);
}

// Every low bit that a layout's entry leaves to flags is 0 in it: all types, walking offset bits.
TEST(Swap, EveryTypeAndEachOffsetBit) {
  struct Layout {
    Version version;
    unsigned offset_bits;
    Word never;  ///< bits no entry of the layout sets
  };
  const Layout layouts[] = {{v3_2, 55, 0x1c1},    {v4_6, 55, 0x1c1},       {{4, 8}, 50, 0x1ff},
                            {{4, 14}, 50, 0x1ff}, {{4, 18, 1}, 50, 0x1ff}, {v6_12, 50, 0x1ff}};
  for (const Layout& l : layouts) {
    const Kernel k = kernel(l.version);
    for (Word type = 0; type < 32; ++type) {
      for (unsigned b = 0; b < l.offset_bits; ++b) {
        const swp_entry_t<Word> entry = swp_entry(k, type, bit(b));
        const Pte pte = swp_entry_to_pte(k, entry);
        ASSERT_EQ(pte.value & l.never, 0u) << type << ' ' << b;
        ASSERT_EQ(swp_type(k, pte_to_swp_entry(k, Pte{pte.value | swp::flags(k)})), type) << b;
        ASSERT_EQ(swp_offset(k, pte_to_swp_entry(k, Pte{pte.value | swp::flags(k)})), bit(b)) << b;
      }
    }
  }
}

TEST(Swap, IndependentOfTheArchitecture) {
  EXPECT_EQ(swp_entry(kernel(v4_6), Word{3}, Word{5}).value, Word{3} << 57 | 5);
  EXPECT_EQ(swp_entry(kernel(v6_12), Word{3}, Word{5}).value, Word{3} << 58 | 5);
}

TEST(Swap, TypesThatAreNoFile) {
  EXPECT_EQ(MAX_SWAPFILES(kernel(v4_6)), 29u);
  EXPECT_EQ(SWP_HWPOISON(kernel(v4_6)), 29u);
  EXPECT_EQ(SWP_MIGRATION_READ(kernel(v4_6)), 30u);
  EXPECT_EQ(SWP_MIGRATION_WRITE(kernel(v4_6)), 31u);
  const Kernel k = kernel(v6_12);
  EXPECT_EQ(MAX_SWAPFILES(k), 23u);
  EXPECT_EQ(SWP_MIGRATION_WRITE(k), 26u);
  EXPECT_EQ(SWP_DEVICE(k), 27u);
  EXPECT_EQ(SWP_PTE_MARKER(k), 31u);
  EXPECT_EQ(make_migration_entry(kernel(v4_6), Word{0x1234}, true).value, Word{31} << 57 | 0x1234);
  EXPECT_FALSE(is_migration_entry(k, swp_entry(k, Word{23}, Word{0})));
  EXPECT_TRUE(is_migration_entry(k, swp_entry(k, Word{24}, Word{0})));
  EXPECT_TRUE(is_migration_entry(k, swp_entry(k, Word{26}, Word{0})));
  EXPECT_FALSE(is_migration_entry(k, swp_entry(k, Word{27}, Word{0})));
}

TEST(Swap, TheOffsetIsCutToItsBits) {
  const Word all = ~Word{0};
  EXPECT_EQ(swp_entry(kernel(v4_6), Word{3}, all).value, Word{3} << 57 | bits(56, 0));
  EXPECT_EQ(swp_entry(kernel(v4_6), Word{0}, all).value, bits(56, 0));
  EXPECT_EQ(swp_entry(kernel(v6_12), Word{3}, all).value, Word{3} << 58 | bits(57, 0));
}

TEST(Swap, SoftDirtyComesAndGoesAlone) {
  const Kernel k = kernel(v6_12);
  EXPECT_EQ(pte_swp_clear_soft_dirty(k, Pte{0x3e0e}).value, 0x3e0cu);
  EXPECT_EQ(pte_swp_mksoft_dirty(k, Pte{0x3e0c}).value, 0x3e0eu);
  EXPECT_EQ(pmd_swp_mksoft_dirty(k, Pmd{0x3e0c}).value, 0x3e0eu);
}

TEST(Swap, MigrationOfAPageThatMayBeReadOnly) {
  EXPECT_EQ(make_migration_entry(kernel(v4_6), Word{0x1234}, false).value, Word{30} << 57 | 0x1234);
  EXPECT_EQ(make_migration_entry(kernel(v6_12), Word{0x1234}, false).value,
            Word{24} << 58 | 0x1234);
}

}  // namespace
}  // namespace mmuref::lnx::test
