// Entries made and changed, over all flags, and the values of the versions' masks.
#include "tests/model/linux/entry_values.h"

namespace mmuref::lnx::test {
namespace {

TEST(Masks, OfFourSix) {
  const Kernel k = kernel(v4_6);
  EXPECT_EQ(PTE_PFN_MASK(k), 0x0000'3fff'ffff'f000u);
  EXPECT_EQ(PTE_FLAGS_MASK(k), 0xffff'c000'0000'0fffu);
  EXPECT_EQ(physical_mask(k), 0x0000'3fff'ffff'ffffu);
  EXPECT_EQ(virtual_mask(k), 0x0000'7fff'ffff'ffffu);
  EXPECT_EQ(virtual_mask(kernel(v6_12, {.levels = 5})), 0x00ff'ffff'ffff'ffffu);
  EXPECT_EQ(PHYSICAL_PMD_PAGE_MASK(k), 0x0000'3fff'ffe0'0000u);
  EXPECT_EQ(PHYSICAL_PUD_PAGE_MASK(k), 0x0000'3fff'c000'0000u);
  EXPECT_EQ(page::CHG_MASK(k), 0x0000'3fff'ffff'fa78u);
  EXPECT_EQ(page::HPAGE_CHG_MASK(k), 0x0000'3fff'ffff'faf8u);
}

TEST(Masks, OfLaterOnes) {
  EXPECT_EQ(PTE_PFN_MASK(kernel({4, 16})), 0x0000'3fff'ffff'f000u);
  EXPECT_EQ(PTE_PFN_MASK(kernel({4, 17})), 0x000f'ffff'ffff'f000u);
  EXPECT_EQ(PTE_FLAGS_MASK(kernel({4, 17})), 0xfff0'0000'0000'0fffu);
  // D, SAVED_DIRTY, DEVMAP, UFFD_WP and PAT joined.
  EXPECT_EQ(page::CHG_MASK(kernel(v6_12)), 0x060f'ffff'ffff'fef8u);
  EXPECT_EQ(page::CHG_MASK(kernel({4, 18})), 0x000f'ffff'ffff'fa78u);
  EXPECT_EQ(page::CHG_MASK(kernel(v4_20)), 0x040f'ffff'ffff'fa78u);
}

TEST(Frames, BitSevenChoosesTheMaskOfAHugeEntry) {
  const Kernel k = kernel(v4_6), old = kernel(v3_2);
  const Word all = ~Word{0};
  EXPECT_EQ(pmd_pfn(k, Pmd{all}), 0x0000'3fff'ffe0'0000u >> 12);
  EXPECT_EQ(pud_pfn(k, Pud{all}), 0x0000'3fff'c000'0000u >> 12);
  EXPECT_EQ(pmd_pfn(k, Pmd{all ^ bit(7)}), 0x0000'3fff'ffff'f000u >> 12);
  EXPECT_EQ(pmd_pfn(k, Pmd{all ^ bit(0)}), 0x0000'3fff'ffe0'0000u >> 12);
  EXPECT_EQ(pmd_pfn(old, Pmd{all}), 0x0000'3fff'ffff'f000u >> 12);
  EXPECT_EQ(pud_pfn(old, Pud{all}), 0x0000'3fff'ffff'f000u >> 12);
  EXPECT_EQ(pmd_flags(k, Pmd{all}), 0xffff'c000'001f'ffffu);
  EXPECT_EQ(pud_flags(k, Pud{all}), 0xffff'c000'3fff'ffffu);
  EXPECT_EQ(p4d_flags(kernel(v6_12), P4d{all}), 0xfff0'0000'0000'0fffu);
}

TEST(Frames, PgdPageOfFourSixTakesTheFlagsAlong) {
  const Word e = 0x8000'0000'0123'4067;
  EXPECT_EQ(pgd_page(kernel(v4_6), Pgd{e}), e >> 12);
  EXPECT_EQ(pgd_page(kernel({4, 14}), Pgd{e}), 0x1234u);
  EXPECT_EQ(pgd_page_paddr(kernel(v4_6), Pgd{e}), 0x123'4000u);
}

TEST(Frames, TablesAsPhysicalAddresses) {
  const Kernel k = kernel(v4_6);
  EXPECT_EQ(pmd_page_paddr(k, Pmd{0x123'4067}), 0x123'4000u);
  EXPECT_EQ(pud_page_paddr(k, Pud{0x123'4067}), 0x123'4000u);
  EXPECT_EQ(p4d_page_paddr(kernel(v6_12), P4d{bit(63) | 0x123'4067}), 0x123'4000u);
  EXPECT_EQ(pte_page(k, Pte{0x123'4067}), 0x1234u);
  EXPECT_EQ(pmd_page(k, Pmd{0x123'4067}), 0x1234u);
  EXPECT_EQ(pud_page(k, Pud{0x123'4067}), 0x1234u);
  EXPECT_EQ(p4d_page(k, P4d{0x123'4067}), 0x1234u);
}

TEST(Frames, ANotPresentOneIsStoredInvertedSinceFourEighteenOne) {
  const Kernel k = kernel({4, 18, 1}), before = kernel({4, 18});
  const Pgprot nothing{0x120};
  EXPECT_EQ(pfn_pte(before, 0x1234, nothing).value, 0x0000'0000'0123'4120u);
  EXPECT_EQ(pfn_pte(k, 0x1234, nothing).value, 0x000f'ffff'fedc'b120u);
  EXPECT_EQ(pte_pfn(k, Pte{0x000f'ffff'fedc'b120}), 0x1234u);
  EXPECT_EQ(pte_modify(k, Pte{0x123'4027}, nothing).value, 0x000f'ffff'fedc'b120u);
  EXPECT_EQ(pte_modify(k, Pte{0x000f'ffff'fedc'b120}, Pgprot{0x25}).value, 0x123'4025u);
  EXPECT_EQ(pmd_mknotpresent(k, Pmd{0x4020'00e7}).value, 0x000f'ffff'bfc0'00e6u);
  EXPECT_EQ(pmd_mknotpresent(kernel({4, 18, 3}), Pmd{0x4020'00e7}).value, 0x000f'ffff'bfc0'00e6u);
  EXPECT_EQ(pud_mknotpresent(k, Pud{0x4000'00e7}).value, 0x000f'ffff'8000'00e6u);
  EXPECT_EQ(pmd_mknotpresent(before, Pmd{0x4020'01e7}).value, 0x4020'00e6u);
  // Bits above the frame are cut since then, too.
  EXPECT_EQ(pfn_pte(before, bit(41), Pgprot{1}).value, bit(53) | 1);
  EXPECT_EQ(pfn_pte(k, bit(41), Pgprot{1}).value, 1u);
}

TEST(Frames, TheEmptyEntryIsInvertedInFourEighteenOneAndTwo) {
  const Word all = bits(51, 12);
  for (const int patch : {1, 2}) {
    const Kernel k = kernel({4, 18, patch});
    EXPECT_EQ(pfn_pte(k, 0, Pgprot{0}).value, all);
    EXPECT_EQ(pte_pfn(k, Pte{0}), all >> 12);
    EXPECT_EQ(pmd_pfn(k, Pmd{0}), all >> 12);
    EXPECT_EQ(pud_pfn(k, Pud{0}), all >> 12);
  }
  for (const Version v : {Version{4, 18}, Version{4, 18, 3}, v4_20, v6_12}) {
    const Kernel k = kernel(v);
    EXPECT_EQ(pfn_pte(k, 0, Pgprot{0}).value, 0u);
    EXPECT_EQ(pte_pfn(k, Pte{0}) | pmd_pfn(k, Pmd{0}) | pud_pfn(k, Pud{0}), 0u);
  }
}

TEST(Constructors, OfAllFlags) {
  const Kernel k = kernel(v4_6);
  each_entry([&](Word v) {
    const Word flags = v & 0xffff'c000'0000'0fff;
    ASSERT_EQ(pfn_pte(k, 0x1234, Pgprot{flags}).value, 0x123'4000 | flags);
    ASSERT_EQ(pfn_pmd(k, 0x1200, Pgprot{flags}).value, 0x120'0000 | flags);
    ASSERT_EQ(pfn_pud(k, 0x40000, Pgprot{flags}).value, 0x4000'0000 | flags);
    ASSERT_EQ(mk_pte(k, 0x1234, Pgprot{flags}).value, 0x123'4000 | flags);
    ASSERT_EQ(mk_pmd(k, 0x1200, Pgprot{flags}).value, 0x120'0000 | flags);
  });
}

TEST(Constructors, FlagsTheProcessorLacksAreDroppedFromPresentEntries) {
  const Kernel k = kernel(v4_6, {.supported_pte_mask = ~(bit(63) | bit(8))});
  EXPECT_EQ(pfn_pte(k, 1, Pgprot{bit(63) | 0x163}).value, 0x1063u);
  EXPECT_EQ(pfn_pte(k, 1, Pgprot{0x120}).value, 0x1120u);
  EXPECT_EQ(pte_modify(k, Pte{0x1067}, Pgprot{bit(63) | 0x25}).value, 0x1065u);
}

TEST(Constructors, FramesAreCutSinceFourEighteenOne) {
  EXPECT_EQ(pfn_pte(kernel(v4_6), bit(40), Pgprot{1}).value, bit(52) | 1);
  EXPECT_EQ(pfn_pte(kernel({4, 18, 1}), bit(40), Pgprot{1}).value, 1u);
  EXPECT_EQ(pfn_pmd(kernel({4, 18, 1}), 0x1ff, Pgprot{0x81}).value, 0x81u);
  EXPECT_EQ(pfn_pud(kernel({4, 18, 1}), 0x3ffff, Pgprot{0x81}).value, 0x81u);
}

TEST(Constructors, Populate) {
  EXPECT_EQ(pmd_populate(Word{0x1000}).value, 0x1067u);
  EXPECT_EQ(pmd_populate_kernel(Word{0x1000}).value, 0x1063u);
  EXPECT_EQ(pud_populate(Word{0x1000}).value, 0x1067u);
  EXPECT_EQ(p4d_populate(Word{0x1000}).value, 0x1067u);
  EXPECT_EQ(pgd_populate(Word{0x1000}).value, 0x1067u);
}

/// `v` with the bits of `mask` set or cleared.
Word with(Word v, Word mask) {
  return v | mask;
}
Word without(Word v, Word mask) {
  return v & ~mask;
}

TEST(Modifiers, OfAllFlagsInFourSix) {
  const Kernel k = kernel(v4_6);
  each_entry([&](Word v) {
    const Pte e{v};
    ASSERT_EQ(pte_mkclean(k, e).value, without(v, 0x40));
    ASSERT_EQ(pte_mkdirty(k, e).value, with(v, 0x840));
    ASSERT_EQ(pte_mkold(k, e).value, without(v, 0x20));
    ASSERT_EQ(pte_mkyoung(k, e).value, with(v, 0x20));
    ASSERT_EQ(pte_wrprotect(k, e).value, without(v, 0x2));
    ASSERT_EQ(pte_mkwrite(k, e).value, with(v, 0x2));
    ASSERT_EQ(pte_mkexec(k, e).value, without(v, bit(63)));
    ASSERT_EQ(pte_mkhuge(k, e).value, with(v, 0x80));
    ASSERT_EQ(pte_clrhuge(k, e).value, without(v, 0x80));
    ASSERT_EQ(pte_mkglobal(k, e).value, with(v, 0x100));
    ASSERT_EQ(pte_clrglobal(k, e).value, without(v, 0x100));
    ASSERT_EQ(pte_mkspecial(k, e).value, with(v, 0x200));
    ASSERT_EQ(pte_mkdevmap(k, e).value, with(v, bit(58) | 0x200));
    ASSERT_EQ(pte_mksoft_dirty(k, e).value, with(v, 0x800));
    ASSERT_EQ(pte_clear_soft_dirty(k, e).value, without(v, 0x800));
    ASSERT_EQ(pmd_mkdevmap(k, Pmd{v}).value, with(v, bit(58)));
    ASSERT_EQ(pmd_mkdirty(k, Pmd{v}).value, with(v, 0x840));
    ASSERT_EQ(pmd_mkclean(k, Pmd{v}).value, without(v, 0x40));
    ASSERT_EQ(pmd_mkold(k, Pmd{v}).value, without(v, 0x20));
    ASSERT_EQ(pmd_mkyoung(k, Pmd{v}).value, with(v, 0x20));
    ASSERT_EQ(pmd_wrprotect(k, Pmd{v}).value, without(v, 0x2));
    ASSERT_EQ(pmd_mkwrite(k, Pmd{v}).value, with(v, 0x2));
    ASSERT_EQ(pmd_mkhuge(k, Pmd{v}).value, with(v, 0x80));
    ASSERT_EQ(pmd_mknotpresent(k, Pmd{v}).value, without(v, 0x101));
    ASSERT_EQ(pud_mknotpresent(k, Pud{v}).value, without(v, 0x101));
    ASSERT_EQ(pud_mkdevmap(k, Pud{v}).value, with(v, bit(58)));
  });
}

// W=0, D=1 is a shadow stack: the dirtiness of a read-only entry is in bit 58.
TEST(Modifiers, DirtinessOfAReadOnlyEntryMovesInSixTwelve) {
  const Kernel k = kernel(v6_12);
  each_entry([&](Word v) {
    const bool dirty = on(v, 6) || on(v, 58);
    const Word rest = v & ~(bit(58) | 0x42);
    if (on(v, 1)) {
      ASSERT_EQ(pte_wrprotect(k, Pte{v}).value, rest | (dirty ? bit(58) : 0)) << v;
      ASSERT_EQ(pte_mkdirty(k, Pte{v}).value, v | 0x840) << v;
    } else {
      ASSERT_EQ(pte_mkdirty(k, Pte{v}).value, rest | bit(58) | 0x800) << v;
    }
    ASSERT_EQ(pte_mkwrite(k, Pte{v}).value, rest | 2 | (dirty ? 0x40 : 0)) << v;
    ASSERT_EQ(pte_mkclean(k, Pte{v}).value, v & ~(bit(58) | 0x40)) << v;
  });
}

TEST(Modifiers, ModifyKeepsTheFrameAndWhatTheMaskNames) {
  const Kernel k = kernel(v4_6);
  each_entry([&](Word v) {
    const Word prot = 0x8000'0000'0000'0025;
    ASSERT_EQ(pte_modify(k, Pte{v}, Pgprot{prot}).value,
              (v & 0x3fff'ffff'fa78) | 0x8000'0000'0000'0005)
        << v;
    ASSERT_EQ(pmd_modify(k, Pmd{v}, Pgprot{prot}).value,
              (v & 0x3fff'ffff'faf8) | 0x8000'0000'0000'0005)
        << v;
    ASSERT_EQ(pgprot_modify(k, Pgprot{v}, Pgprot{prot}).value, (v & 0x3fff'ffff'fa78) | prot) << v;
  });
}

TEST(Modifiers, ModifyKeepsPatSinceSixSix) {
  EXPECT_EQ(pte_modify(kernel({6, 5}), Pte{0x10e7}, Pgprot{0x25}).value, 0x1065u);
  EXPECT_EQ(pte_modify(kernel({6, 6}), Pte{0x10a7}, Pgprot{0x25}).value, 0x10a5u);
  EXPECT_EQ(pmd_modify(kernel({6, 6}), Pmd{0x4020'10a7}, Pgprot{0x25}).value, 0x4020'10a5u);
}

// D of a writable page write-protected is lost from 6.6 on, what SAVED_DIRTY had kept is not.
TEST(Modifiers, PmdModifyLosesDirtySinceSixSix) {
  const Pmd dirty{0x4020'00e7}, saved{bit(58) | 0x4020'00a5};
  const Pgprot read{0x25}, write{0x27};
  const Word clean_read = 0x4020'00a5, clean_write = 0x4020'00a7;
  EXPECT_EQ(pmd_modify(kernel({6, 5}), dirty, read).value, clean_read | 0x40);
  for (const Version v : {Version{6, 6}, v6_12, Version{7, 2}}) {
    EXPECT_EQ(pmd_modify(kernel(v), dirty, read).value, clean_read);
    EXPECT_EQ(pmd_modify(kernel(v), dirty, write).value, clean_write);
    EXPECT_EQ(pmd_modify(kernel(v), saved, read).value, clean_read | bit(58));
    EXPECT_EQ(pmd_modify(kernel(v), saved, write).value, clean_write | 0x40);
    EXPECT_EQ(pte_modify(kernel(v), Pte{0x1067}, read).value, bit(58) | 0x1025);
  }
  EXPECT_EQ(pmd_modify(kernel({7, 3}), dirty, read).value, clean_read | bit(58));
  EXPECT_EQ(pmd_modify(kernel({7, 3}), dirty, write).value, clean_write | 0x40);
}

// A processor writes between the read and the store: until 4.16 the write was lost.
TEST(InPlace, InvalidateLosesWhatTheProcessorSets) {
  Pmd pmd{0x4020'00a7};
  EXPECT_EQ(pmdp_invalidate(kernel(v4_6), pmd, Word{0x40}).value, 0x4020'00a6u);
  EXPECT_EQ(pmd.value, 0x4020'00a6u);
  pmd = {0x4020'00a7};
  EXPECT_EQ(pmdp_invalidate(kernel({4, 16}), pmd, Word{0x40}).value, 0x4020'00e7u);
}

TEST(InPlace, AccessFlags) {
  const Kernel k = kernel(v4_6);
  Pte pte{0x1025};
  EXPECT_TRUE(ptep_set_access_flags(k, pte, Pte{0x1067}, true, Word{0}));
  EXPECT_EQ(pte.value, 0x1067u);
  EXPECT_FALSE(ptep_set_access_flags(k, pte, Pte{0x1067}, true, Word{0}));
  EXPECT_TRUE(ptep_set_access_flags(k, pte, Pte{0x2067}, false, Word{0}));
  EXPECT_EQ(pte.value, 0x1067u);
  // Nothing is stored where nothing is new, and what the processor sets meanwhile stays.
  pte = {0x1027};
  EXPECT_FALSE(ptep_set_access_flags(k, pte, Pte{0x1027}, true, Word{0x40}));
  EXPECT_EQ(pte.value, 0x1067u);
  // A plain store takes back what the processor set, unless it sets that too.
  pte = {0x1005};
  EXPECT_TRUE(ptep_set_access_flags(k, pte, Pte{0x1007}, true, Word{0x20}));
  EXPECT_EQ(pte.value, 0x1007u);
  EXPECT_TRUE(ptep_test_and_clear_young(k, pte = {0x1067}));
  EXPECT_EQ(pte.value, 0x1047u);
  EXPECT_FALSE(ptep_test_and_clear_young(k, pte));
  EXPECT_EQ(ptep_get_and_clear(k, pte).value, 0x1047u);
  EXPECT_EQ(pte.value, 0u);
  ptep_set_wrprotect(k, pte = {0x1067});
  EXPECT_EQ(pte.value, 0x1065u);
  Pmd pmd{0x4020'00e7};
  EXPECT_TRUE(pmdp_test_and_clear_young(k, pmd));
  pmdp_set_wrprotect(k, pmd);
  EXPECT_EQ(pmdp_huge_get_and_clear(k, pmd).value, 0x4020'00c5u);
  EXPECT_EQ(pmd.value, 0u);
}

TEST(Slots, EndsAndIndices) {
  EXPECT_EQ(pmd_addr_end(Word{0x1000}, Word{0x40'0000}), 0x20'0000u);
  EXPECT_EQ(pmd_addr_end(Word{0x1000}, Word{0x20'0000}), 0x20'0000u);
  EXPECT_EQ(pmd_addr_end(Word{0x1000}, Word{0x1f'f000}), 0x1f'f000u);
  EXPECT_EQ(pmd_addr_end(~Word{0} << 12, Word{0}), 0u);
  EXPECT_EQ(pud_addr_end(Word{0x4000'0000}, Word{0}), 0x8000'0000u);
  const Kernel four = kernel(v4_6), five = kernel(v6_12, {.levels = 5});
  EXPECT_EQ(pgd_addr_end(four, Word{1}, Word{0}), bit(39));
  EXPECT_EQ(p4d_addr_end(four, Word{1}, bit(45)), bit(45));
  EXPECT_EQ(p4d_addr_end(five, Word{1}, bit(45)), bit(39));
  EXPECT_EQ(pgd_addr_end(five, Word{1}, Word{0}), bit(48));
  EXPECT_EQ(pgd_index(four, Word{0xffff'8800'0000'0000}), 272u);
  EXPECT_EQ(pgd_index(four, Word{0xffff'ffff'8000'0000}), 511u);
  EXPECT_EQ(pud_index(Word{0xffff'ffff'8000'0000}), 510u);
  EXPECT_EQ(pmd_index(Word{0x0060'0000}), 3u);
  EXPECT_EQ(pte_index(Word{0x0060'5fff}), 5u);
  EXPECT_EQ(p4d_index(five, Word{0xff11'0000'0000'0000}), 0u);
  EXPECT_EQ(pgd_index(five, Word{0xff11'0000'0000'0000}), 273u);
}

}  // namespace
}  // namespace mmuref::lnx::test
