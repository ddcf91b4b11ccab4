// Each predicate over all flags, against what the headers of the versions say, bit by bit.
#include "tests/model/linux/entry_values.h"

namespace mmuref::lnx::test {
namespace {

TEST(Predicates, SingleFlagsOfAPte) {
  const Kernel k = kernel(v4_6);
  each_entry([&](Word v) {
    const Pte pte{v};
    ASSERT_EQ(pte_young(k, pte), on(v, 5)) << v;
    ASSERT_EQ(pte_dirty(k, pte), on(v, 6)) << v;
    ASSERT_EQ(pte_write(k, pte), on(v, 1)) << v;
    ASSERT_EQ(pte_huge(k, pte), on(v, 7)) << v;
    ASSERT_EQ(pte_global(k, pte), on(v, 8)) << v;
    ASSERT_EQ(pte_special(k, pte), on(v, 9)) << v;
    ASSERT_EQ(pte_soft_dirty(k, pte), on(v, 11)) << v;
    ASSERT_EQ(pte_devmap(k, pte), on(v, 58)) << v;
    ASSERT_EQ(pte_exec(k, pte), !on(v, 63)) << v;
    ASSERT_FALSE(pte_uffd_wp(k, pte)) << v;
  });
}

TEST(Predicates, SingleFlagsOfPmdAndPud) {
  const Kernel k = kernel(v4_6);
  each_entry([&](Word v) {
    ASSERT_EQ(pmd_young(k, Pmd{v}), on(v, 5)) << v;
    ASSERT_EQ(pmd_dirty(k, Pmd{v}), on(v, 6)) << v;
    ASSERT_EQ(pmd_write(k, Pmd{v}), on(v, 1)) << v;
    ASSERT_EQ(pmd_devmap(k, Pmd{v}), on(v, 58)) << v;
    ASSERT_EQ(pmd_soft_dirty(k, Pmd{v}), on(v, 11)) << v;
    ASSERT_EQ(pud_young(k, Pud{v}), on(v, 5)) << v;
    ASSERT_EQ(pud_dirty(k, Pud{v}), on(v, 6)) << v;
    ASSERT_EQ(pud_write(k, Pud{v}), on(v, 1)) << v;
    ASSERT_EQ(pud_devmap(k, Pud{v}), on(v, 58)) << v;
  });
}

// 6.6: D or SAVED_DIRTY; DEVMAP is bit 57; a shadow stack is writable on processors that have them.
TEST(Predicates, FlagsOfSixTwelve) {
  const Kernel k = kernel(v6_12), stacks = kernel(v6_12, {.shadow_stack = true});
  each_entry([&](Word v) {
    ASSERT_EQ(pte_dirty(k, Pte{v}), on(v, 6) || on(v, 58)) << v;
    ASSERT_EQ(pmd_dirty(k, Pmd{v}), on(v, 6) || on(v, 58)) << v;
    ASSERT_EQ(pte_devmap(k, Pte{v}), on(v, 57)) << v;
    ASSERT_EQ(pte_uffd_wp(k, Pte{v}), on(v, 10)) << v;
    ASSERT_EQ(pte_write(k, Pte{v}), on(v, 1)) << v;
    ASSERT_EQ(pte_write(stacks, Pte{v}), on(v, 1) || on(v, 6)) << v;
    ASSERT_EQ(pmd_write(stacks, Pmd{v}), on(v, 1) || on(v, 6)) << v;
  });
}

TEST(Predicates, NoneUntilFourSevenIsTheEmptyWord) {
  for (const Kernel& k : {kernel(v3_2), kernel(v4_6), kernel({4, 7})}) {
    each_entry([&](Word v) {
      ASSERT_EQ(pte_none(k, Pte{v}), v == 0) << v;
      ASSERT_EQ(pmd_none(k, Pmd{v}), v == 0) << v;
      ASSERT_EQ(pud_none(k, Pud{v}), v == 0) << v;
      ASSERT_EQ(pgd_none(k, Pgd{v}), v == 0) << v;
      ASSERT_FALSE(p4d_none(k, P4d{v})) << v;
    });
  }
}

TEST(Predicates, NoneSinceFourEightDisregardsAccessedAndDirty) {
  const Kernel five = kernel(v6_12, {.levels = 5});
  for (const Kernel& k : {kernel({4, 8}), kernel(v6_12), five}) {
    for (const Word v : {0x00, 0x20, 0x40, 0x60}) {
      EXPECT_TRUE(pte_none(k, Pte{v}));
      EXPECT_TRUE(pmd_none(k, Pmd{v}));
      EXPECT_TRUE(pud_none(k, Pud{v}));
    }
    for (const Word v : {0x01, 0x10, 0x80, 0x61, 0x1060})
      EXPECT_FALSE(pte_none(k, Pte{v}) || pmd_none(k, Pmd{v}) || pud_none(k, Pud{v})) << v;
  }
  EXPECT_TRUE(p4d_none(five, P4d{0x60}));
  EXPECT_FALSE(pgd_none(five, Pgd{0x20}));
  EXPECT_TRUE(pgd_none(five, Pgd{0}));
}

TEST(Predicates, TheFoldedLevelIsAlwaysAGoodTable) {
  const Kernel old = kernel(v4_6), now = kernel(v6_12);
  each_entry([&](Word v) {
    ASSERT_TRUE(p4d_present(old, P4d{v}) && !p4d_bad(old, P4d{v}) && !p4d_none(old, P4d{v}));
    ASSERT_TRUE(pgd_present(now, Pgd{v}) && !pgd_bad(now, Pgd{v}) && !pgd_none(now, Pgd{v}));
    ASSERT_FALSE(p4d_large(now, P4d{v}) || pgd_large(now, Pgd{v}));
  });
}

TEST(Predicates, Present) {
  const Kernel k = kernel(v4_6), five = kernel(v6_12, {.levels = 5});
  each_entry([&](Word v) {
    ASSERT_EQ(pte_present(k, Pte{v}), on(v, 0) || on(v, 8)) << v;
    ASSERT_EQ(pmd_present(k, Pmd{v}), on(v, 0) || on(v, 8) || on(v, 7)) << v;
    ASSERT_EQ(pmd_present(kernel(v3_2), Pmd{v}), on(v, 0) || on(v, 8)) << v;
    ASSERT_EQ(pud_present(k, Pud{v}), on(v, 0)) << v;
    ASSERT_EQ(pgd_present(k, Pgd{v}), on(v, 0)) << v;
    ASSERT_EQ(p4d_present(five, P4d{v}), on(v, 0)) << v;
    ASSERT_EQ(pgd_present(five, Pgd{v}), on(v, 0)) << v;
    ASSERT_EQ(pte_protnone(k, Pte{v}), !on(v, 0) && on(v, 8)) << v;
    ASSERT_EQ(pmd_protnone(k, Pmd{v}), !on(v, 0) && on(v, 8)) << v;
    ASSERT_EQ(pte_accessible(k, false, Pte{v}), on(v, 0)) << v;
    ASSERT_EQ(pte_accessible(k, true, Pte{v}), on(v, 0) || on(v, 8)) << v;
  });
}

TEST(Predicates, Leaves) {
  const Kernel k = kernel(v4_6);
  each_entry([&](Word v) {
    ASSERT_EQ(pmd_large(k, Pmd{v}), on(v, 7)) << v;
    ASSERT_EQ(pud_large(k, Pud{v}), on(v, 7) && on(v, 0)) << v;
    ASSERT_EQ(pud_large(kernel(v6_12), Pud{v}), on(v, 7)) << v;
    ASSERT_EQ(pmd_trans_huge(k, Pmd{v}), on(v, 7) && !on(v, 58)) << v;
    ASSERT_EQ(pmd_trans_huge(kernel(v4_4), Pmd{v}), on(v, 7)) << v;
    ASSERT_EQ(pmd_trans_huge(kernel(v6_12), Pmd{v}), on(v, 7) && !on(v, 57)) << v;
    ASSERT_EQ(pmd_huge(k, Pmd{v}), v != 0 && !(on(v, 0) && !on(v, 7))) << v;
    ASSERT_EQ(pmd_huge(kernel(v3_2), Pmd{v}), on(v, 7)) << v;
  });
}

// p?d_huge: PSE; then also what is neither nothing nor a table; then p?d_leaf, which until 6.12
// took P as well in a PUD.
TEST(Predicates, HugeByVersion) {
  each_entry([&](Word v) {
    const bool no_table = v != 0 && !(on(v, 0) && !on(v, 7));
    const bool erratum_too = (v & ~Word{0x60}) != 0 && !(on(v, 0) && !on(v, 7));
    ASSERT_EQ(pmd_huge(kernel({3, 19}), Pmd{v}), on(v, 7)) << v;
    ASSERT_EQ(pmd_huge(kernel(v4_6), Pmd{v}), no_table) << v;
    ASSERT_EQ(pmd_huge(kernel({6, 9}), Pmd{v}), erratum_too) << v;
    ASSERT_EQ(pmd_huge(kernel({6, 10}), Pmd{v}), on(v, 7)) << v;
    ASSERT_EQ(pud_huge(kernel(v4_6), Pud{v}), on(v, 7)) << v;
    ASSERT_EQ(pud_huge(kernel({5, 19}), Pud{v}), on(v, 7)) << v;
    ASSERT_EQ(pud_huge(kernel({6, 0}), Pud{v}), erratum_too) << v;
    ASSERT_EQ(pud_huge(kernel({6, 9}), Pud{v}), erratum_too) << v;
    ASSERT_EQ(pud_huge(kernel({6, 10}), Pud{v}), on(v, 7) && on(v, 0)) << v;
    ASSERT_EQ(pud_huge(kernel(v6_12), Pud{v}), on(v, 7)) << v;
    ASSERT_EQ(pud_large(kernel({6, 11}), Pud{v}), on(v, 7) && on(v, 0)) << v;
  });
}

TEST(Predicates, DevmapIsOfFourFiveToSixSixteen) {
  EXPECT_FALSE(pmd_devmap(kernel(v4_4), Pmd{bit(58)}));
  EXPECT_TRUE(pmd_devmap(kernel({4, 5}), Pmd{bit(58)}));
  EXPECT_TRUE(pmd_devmap(kernel({6, 16}), Pmd{bit(57)}));
  EXPECT_FALSE(pmd_devmap(kernel({6, 17}), Pmd{bit(57)}));
}

/// The flags of a word that is no large leaf: bits 11:0 and those above the frame.
Word flags(Word v, unsigned physical_bits) {
  return (v & 0xfff) | (v >> physical_bits << physical_bits);
}
/// Flags a table's entry may have, and those it must.
struct Table {
  Word may, must;
};
bool good(Word f, Table t) {
  return (f & ~t.may) == 0 && (f & t.must) == t.must;
}

TEST(Predicates, BadInFourSix) {
  const Kernel k = kernel(v4_6);
  each_entry([&](Word v) {
    const Word f = flags(v, 46);
    ASSERT_EQ(pmd_bad(k, Pmd{v}), !good(f, {0x067, 0x063})) << v;
    ASSERT_EQ(pgd_bad(k, Pgd{v}), !good(f, {0x067, 0x063})) << v;
    ASSERT_EQ(pud_bad(k, Pud{v}), !good(f, {0x067, 0x000})) << v;
  });
}

TEST(Predicates, BadLater) {
  const Kernel k = kernel(v6_12), five = kernel(v6_12, {.levels = 5}),
               no_pti = kernel(v6_12, {.levels = 5, .pti = false});
  each_entry([&](Word v) {
    const Word f = flags(v, 52);
    const Word nx = bit(63);
    ASSERT_EQ(pmd_bad(kernel(v4_20), Pmd{v}), !good(f, {0x067, 0x063})) << v;
    ASSERT_EQ(pmd_bad(k, Pmd{v}), !good(f, {0x067, 0x043})) << v;
    ASSERT_EQ(pud_bad(k, Pud{v}), !good(f, {0x067, 0x000})) << v;
    ASSERT_EQ(p4d_bad(k, P4d{v}), !good(f, {0x067 | nx, 0x000})) << v;
    ASSERT_EQ(p4d_bad(no_pti, P4d{v}), !good(f, {0x067, 0x000})) << v;
    ASSERT_EQ(pgd_bad(five, Pgd{v}), !good(f, {0x067 | nx, 0x063})) << v;
    ASSERT_EQ(pgd_bad(no_pti, Pgd{v}), !good(f, {0x067, 0x063})) << v;
  });
}

TEST(Predicates, Swap) {
  const Kernel k = kernel(v4_6), later = kernel(v6_12);
  each_entry([&](Word v) {
    ASSERT_EQ(is_swap_pte(k, Pte{v}), v != 0 && !on(v, 0) && !on(v, 8)) << v;
    const bool empty = (v & ~Word{0x60}) == 0;
    ASSERT_EQ(is_swap_pte(later, Pte{v}), !empty && !on(v, 0) && !on(v, 8)) << v;
    ASSERT_EQ(is_swap_pmd(later, Pmd{v}), !empty && !on(v, 0) && !on(v, 8) && !on(v, 7)) << v;
  });
}

TEST(Predicates, SameComparesEveryBit) {
  for (unsigned b = 0; b < 64; ++b) {
    EXPECT_FALSE(pte_same(Pte{0x1067}, Pte{0x1067 ^ bit(b)})) << b;
    EXPECT_FALSE(pmd_same(Pmd{0x1067}, Pmd{0x1067 ^ bit(b)})) << b;
  }
  EXPECT_TRUE(pte_same(Pte{0x1067}, Pte{0x1067}));
  EXPECT_TRUE(pmd_same(Pmd{0x1067}, Pmd{0x1067}));
}

// mremap: 2 MiB of device memory was no leaf to it until 5.8.
TEST(Predicates, MovedWhole) {
  each_entry([&](Word v) {
    ASSERT_EQ(moved_whole(kernel({5, 7}), Pmd{v}), on(v, 7) && !on(v, 58)) << v;
    ASSERT_EQ(moved_whole(kernel({5, 8}), Pmd{v}), on(v, 7) || on(v, 58)) << v;
  });
}

TEST(Predicates, AShadowStackIsDirtyAndReadOnly) {
  const Kernel k = kernel(v6_12, {.shadow_stack = true});
  each_entry([&](Word v) {
    ASSERT_EQ(shadow_stack(k, v), on(v, 6) && !on(v, 1)) << v;
    ASSERT_FALSE(shadow_stack(kernel(v6_12), v)) << v;
  });
}

}  // namespace
}  // namespace mmuref::lnx::test
