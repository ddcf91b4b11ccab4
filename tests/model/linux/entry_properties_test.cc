// What holds of any entry of any version, on random words.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/model/linux/entry_values.h"

namespace mmuref::lnx::test {
namespace {

Kernel any_kernel() {
  const Version versions[] = {v3_2,       v4_4,  v4_6,   {4, 8}, {4, 14}, {4, 17}, {4, 18},
                              {4, 18, 1}, v4_20, {5, 8}, v6_1,   {6, 6},  v6_12};
  const auto index = *rc::gen::inRange<std::size_t>(0, std::size(versions));
  Config config;
  config.levels = *rc::gen::element(4, 5);
  config.pti = *rc::gen::arbitrary<bool>();
  return kernel(versions[index], config);
}
Word any_word() {
  return *rc::gen::arbitrary<Word>();
}

RC_GTEST_PROP(EntryProperties, AFrameComesBack, ()) {
  const Kernel k = any_kernel();
  const Word pfn = any_word() & bits(k.physical_mask_shift - 13, 0);
  const Word flags = (any_word() & ~bits(51, 12)) | (any_word() % 2 != 0 ? 0x1 : 0x100);
  const Pte pte = pfn_pte(k, pfn, Pgprot{flags});
  RC_ASSERT(pte_pfn(k, pte) == pfn);
  RC_ASSERT(pte_flags(k, pte) == flags);
}

RC_GTEST_PROP(EntryProperties, ModifyTwiceIsModifyOnce, ()) {
  const Kernel k = any_kernel();
  const Word mask = ~PTE_PFN_MASK(k);
  const Pte pte = pfn_pte(k, any_word() & bits(33, 0), Pgprot{(any_word() & mask) | 1});
  const Pgprot through{(any_word() & mask & ~Word{1}) | 0x100}, to{(any_word() & mask) | 3};
  // What the detour may leave is what it had no say in: PAT and DEVMAP where they are not kept.
  const Pte direct = pte_modify(k, pte, to),
            detour = pte_modify(k, pte_modify(k, pte, through), to);
  RC_ASSERT(pte_pfn(k, direct) == pte_pfn(k, detour));
  RC_ASSERT(pte_dirty(k, direct) == pte_dirty(k, detour));
}

RC_GTEST_PROP(EntryProperties, MaskOfAHugeEntryNeedsPseAlone, ()) {
  const Kernel k = any_kernel();
  const Word v = any_word(), noise = any_word() & ~bit(7);
  RC_ASSERT(pmd_pfn_mask(k, Pmd{v}) == pmd_pfn_mask(k, Pmd{v ^ noise}));
  RC_ASSERT(pud_pfn_mask(k, Pud{v}) == pud_pfn_mask(k, Pud{v ^ noise}));
  RC_ASSERT((pmd_pfn_mask(k, Pmd{v}) ^ pmd_flags_mask(k, Pmd{v})) == ~Word{0});
}

RC_GTEST_PROP(EntryProperties, BadIsOfFlagsAlone, ()) {
  const Kernel k = any_kernel();
  const Word v = any_word() & ~bit(7), frame = any_word() & PTE_PFN_MASK(k);
  RC_ASSERT(pmd_bad(k, Pmd{v}) == pmd_bad(k, Pmd{v ^ frame}));
  RC_ASSERT(pud_bad(k, Pud{v}) == pud_bad(k, Pud{v ^ frame}));
  RC_ASSERT(p4d_bad(k, P4d{v}) == p4d_bad(k, P4d{v ^ frame}));
  RC_ASSERT(pgd_bad(k, Pgd{v}) == pgd_bad(k, Pgd{v ^ frame}));
}

RC_GTEST_PROP(EntryProperties, SlotsTileARange, ()) {
  const Kernel k = any_kernel();
  const Word start = any_word() & bits(46, 12), end = start + (1 + any_word() % 4096) * 0x10'0000;
  Word a = start;
  int slots = 0;
  while (a != end) {
    const Word next = pmd_addr_end(a, end);
    RC_ASSERT(next > a);
    RC_ASSERT(next <= end);
    RC_ASSERT((next - 1) >> 21 == a >> 21);
    a = next;
    ++slots;
  }
  RC_ASSERT(Word(slots) == ((end - 1) >> 21) - (start >> 21) + 1);
  RC_ASSERT(pgd_addr_end(k, start, end) >= pud_addr_end(start, end));
}

RC_GTEST_PROP(EntryProperties, SwapEntriesComeBack, ()) {
  const Kernel k = any_kernel();
  const Word type = any_word() & 31, offset = any_word() & bits(49, 0);
  const swp_entry_t<Word> entry = swp_entry(k, type, offset);
  const Pte pte{swp_entry_to_pte(k, entry).value | (any_word() & swp::flags(k))};
  RC_ASSERT(pte_to_swp_entry(k, pte).value == entry.value);
  RC_ASSERT(!pte_present(k, pte));
}

}  // namespace
}  // namespace mmuref::lnx::test
