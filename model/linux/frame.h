// What of an entry is frame and what is flags, and the frame it names.
//
// arch/x86/include/asm/pgtable_types.h, pgtable.h, v4.6, and pgtable-invert.h, v4.18.1. Frames are
// numbers of 4-KiB pages.
#pragma once

#include "model/linux/flags.h"
#include "model/linux/masks.h"
#include "model/linux/types.h"

namespace mmuref::lnx {

/// pud_pfn_mask … pgd_pfn_mask: the frame bits of this entry. PSE alone decides, present or not.
template <class W>
constexpr W pmd_pfn_mask(const Kernel& k, const pmd_t<W>& pmd) {
  if (!k.huge_pfn_masks) return W{PTE_PFN_MASK(k)};
  return select(has(pmd.value, page::PSE), W{PHYSICAL_PMD_PAGE_MASK(k)}, W{PTE_PFN_MASK(k)});
}
template <class W>
constexpr W pud_pfn_mask(const Kernel& k, const pud_t<W>& pud) {
  if (!k.huge_pfn_masks) return W{PTE_PFN_MASK(k)};
  return select(has(pud.value, page::PSE), W{PHYSICAL_PUD_PAGE_MASK(k)}, W{PTE_PFN_MASK(k)});
}
template <class W>
constexpr W p4d_pfn_mask(const Kernel& k, const p4d_t<W>&) {
  return W{PTE_PFN_MASK(k)};
}

template <class W>
constexpr W pmd_flags_mask(const Kernel& k, const pmd_t<W>& pmd) {
  return ~pmd_pfn_mask(k, pmd);
}
template <class W>
constexpr W pud_flags_mask(const Kernel& k, const pud_t<W>& pud) {
  return ~pud_pfn_mask(k, pud);
}
template <class W>
constexpr W p4d_flags_mask(const Kernel& k, const p4d_t<W>& p4d) {
  return ~p4d_pfn_mask(k, p4d);
}

template <class W>
constexpr W pte_flags(const Kernel& k, const pte_t<W>& pte) {
  return pte.value & PTE_FLAGS_MASK(k);
}
template <class W>
constexpr W pmd_flags(const Kernel& k, const pmd_t<W>& pmd) {
  return pmd.value & pmd_flags_mask(k, pmd);
}
template <class W>
constexpr W pud_flags(const Kernel& k, const pud_t<W>& pud) {
  return pud.value & pud_flags_mask(k, pud);
}
template <class W>
constexpr W p4d_flags(const Kernel& k, const p4d_t<W>& p4d) {
  return p4d.value & p4d_flags_mask(k, p4d);
}
template <class W>
constexpr W pgd_flags(const Kernel& k, const pgd_t<W>& pgd) {
  return pgd.value & PTE_FLAGS_MASK(k);
}

/// The L1 terminal fault (CVE-2018-3620): a processor may read the cache at the frame of an entry
/// that is not present. Since 4.18.1 such an entry therefore holds its frame inverted, far above
/// memory.
///
/// __pte_needs_invert: entries and protections alike, all but the empty one (v4.18.3), which is
/// made by clearing a page and not by a function that would invert it.
template <class W>
constexpr Bool<W> needs_invert(const Kernel& k, const W& value) {
  const Bool<W> absent = !has(value, page::PRESENT);
  if (!k.invert_spares_empty) return absent;
  return absent & (value != W{0});
}
/// protnone_mask: what the frame is stored XORed with.
template <class W>
constexpr W protnone_mask(const Kernel& k, const W& value) {
  if (!k.invert_not_present) return W{0};
  return select(needs_invert(k, value), ~W{0}, W{0});
}
/// flip_protnone_guard: `value` with its frame `mask` complemented if it was stored in the form
/// that `old`, and not `value`, calls for.
template <class W>
constexpr W flip_protnone_guard(const Kernel& k, const W& old, const W& value, std::uint64_t mask) {
  if (!k.invert_not_present) return value;
  return select(needs_invert(k, old) == needs_invert(k, value), value, value ^ mask);
}

template <class W>
constexpr W pte_pfn(const Kernel& k, const pte_t<W>& pte) {
  return ((pte.value ^ protnone_mask(k, pte.value)) & PTE_PFN_MASK(k)) >> PAGE_SHIFT;
}
template <class W>
constexpr W pmd_pfn(const Kernel& k, const pmd_t<W>& pmd) {
  return ((pmd.value ^ protnone_mask(k, pmd.value)) & pmd_pfn_mask(k, pmd)) >> PAGE_SHIFT;
}
template <class W>
constexpr W pud_pfn(const Kernel& k, const pud_t<W>& pud) {
  return ((pud.value ^ protnone_mask(k, pud.value)) & pud_pfn_mask(k, pud)) >> PAGE_SHIFT;
}
template <class W>
constexpr W p4d_pfn(const Kernel& k, const p4d_t<W>& p4d) {
  return (p4d.value & p4d_pfn_mask(k, p4d)) >> PAGE_SHIFT;
}
template <class W>
constexpr W pgd_pfn(const Kernel& k, const pgd_t<W>& pgd) {
  return (pgd.value & PTE_PFN_MASK(k)) >> PAGE_SHIFT;
}

/// pte_page … pgd_page: the frame whose `struct page` they give.
template <class W>
constexpr W pte_page(const Kernel& k, const pte_t<W>& pte) {
  return pte_pfn(k, pte);
}
template <class W>
constexpr W pmd_page(const Kernel& k, const pmd_t<W>& pmd) {
  return pmd_pfn(k, pmd);
}
template <class W>
constexpr W pud_page(const Kernel& k, const pud_t<W>& pud) {
  return pud_pfn(k, pud);
}
template <class W>
constexpr W p4d_page(const Kernel& k, const p4d_t<W>& p4d) {
  return p4d_pfn(k, p4d);
}
/// Until 4.14 pgd_page took the flags above the frame along.
template <class W>
constexpr W pgd_page(const Kernel& k, const pgd_t<W>& pgd) {
  return k.pgd_page_masked ? pgd_pfn(k, pgd) : pgd.value >> PAGE_SHIFT;
}

/// pmd_page_vaddr … pgd_page_vaddr are __va of these: the physical address, in bytes, of the table
/// that a present entry references. They do not undo the inversion of an entry not present.
template <class W>
constexpr W pmd_page_paddr(const Kernel& k, const pmd_t<W>& pmd) {
  return pmd.value & pmd_pfn_mask(k, pmd);
}
template <class W>
constexpr W pud_page_paddr(const Kernel& k, const pud_t<W>& pud) {
  return pud.value & pud_pfn_mask(k, pud);
}
template <class W>
constexpr W p4d_page_paddr(const Kernel& k, const p4d_t<W>& p4d) {
  return p4d.value & p4d_pfn_mask(k, p4d);
}
template <class W>
constexpr W pgd_page_paddr(const Kernel& k, const pgd_t<W>& pgd) {
  return pgd.value & PTE_PFN_MASK(k);
}

}  // namespace mmuref::lnx
