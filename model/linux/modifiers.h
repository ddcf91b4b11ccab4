// An entry changed: a flag set or cleared, another protection, no longer present.
//
// arch/x86/include/asm/pgtable.h, v4.6; those of the PUD since 4.11, saved dirtiness since 6.6.
#pragma once

#include "model/linux/constructors.h"

namespace mmuref::lnx {

/// pte_set_flags, pte_clear_flags, and those of the other levels.
template <class Entry>
constexpr Entry set_flags(const Entry& e, std::uint64_t flags) {
  return {e.value | flags};
}
template <class Entry>
constexpr Entry clear_flags(const Entry& e, std::uint64_t flags) {
  return {e.value & ~flags};
}

/// pte_mksaveddirty: W=0, D=1 is a shadow stack to the processor, so that a read-only entry keeps
/// its dirtiness in SAVED_DIRTY.
template <class Entry>
constexpr Entry mksaveddirty(const Kernel& k, const Entry& e) {
  if (!k.saved_dirty) return e;
  const auto moved =
      (e.value & ~page::DIRTY) |
      select(has(e.value, page::DIRTY), decltype(e.value){page::SAVED_DIRTY}, decltype(e.value){0});
  return {select(has(e.value, page::RW), e.value, moved)};
}
/// pte_clear_saveddirty: a writable entry has its dirtiness in D.
template <class Entry>
constexpr Entry clear_saveddirty(const Kernel& k, const Entry& e) {
  if (!k.saved_dirty) return e;
  const auto moved =
      (e.value & ~page::SAVED_DIRTY) |
      select(has(e.value, page::SAVED_DIRTY), decltype(e.value){page::DIRTY}, decltype(e.value){0});
  return {select(has(e.value, page::RW), moved, e.value)};
}

template <class W>
constexpr pte_t<W> pte_mkclean(const Kernel& k, const pte_t<W>& pte) {
  return clear_flags(pte, page::DIRTY_BITS(k));
}
template <class W>
constexpr pmd_t<W> pmd_mkclean(const Kernel& k, const pmd_t<W>& pmd) {
  return clear_flags(pmd, page::DIRTY_BITS(k));
}
template <class W>
constexpr pud_t<W> pud_mkclean(const Kernel& k, const pud_t<W>& pud) {
  return clear_flags(pud, page::DIRTY_BITS(k));
}
template <class W>
constexpr pte_t<W> pte_mkdirty(const Kernel& k, const pte_t<W>& pte) {
  return mksaveddirty(k, set_flags(pte, page::DIRTY | page::SOFT_DIRTY));
}
template <class W>
constexpr pmd_t<W> pmd_mkdirty(const Kernel& k, const pmd_t<W>& pmd) {
  return mksaveddirty(k, set_flags(pmd, page::DIRTY | page::SOFT_DIRTY));
}
template <class W>
constexpr pud_t<W> pud_mkdirty(const Kernel& k, const pud_t<W>& pud) {
  return mksaveddirty(k, set_flags(pud, page::DIRTY | page::SOFT_DIRTY));
}
template <class W>
constexpr pte_t<W> pte_mkold(const Kernel&, const pte_t<W>& pte) {
  return clear_flags(pte, page::ACCESSED);
}
template <class W>
constexpr pmd_t<W> pmd_mkold(const Kernel&, const pmd_t<W>& pmd) {
  return clear_flags(pmd, page::ACCESSED);
}
template <class W>
constexpr pud_t<W> pud_mkold(const Kernel&, const pud_t<W>& pud) {
  return clear_flags(pud, page::ACCESSED);
}
template <class W>
constexpr pte_t<W> pte_mkyoung(const Kernel&, const pte_t<W>& pte) {
  return set_flags(pte, page::ACCESSED);
}
template <class W>
constexpr pmd_t<W> pmd_mkyoung(const Kernel&, const pmd_t<W>& pmd) {
  return set_flags(pmd, page::ACCESSED);
}
template <class W>
constexpr pud_t<W> pud_mkyoung(const Kernel&, const pud_t<W>& pud) {
  return set_flags(pud, page::ACCESSED);
}
template <class W>
constexpr pte_t<W> pte_wrprotect(const Kernel& k, const pte_t<W>& pte) {
  return mksaveddirty(k, clear_flags(pte, page::RW));
}
template <class W>
constexpr pmd_t<W> pmd_wrprotect(const Kernel& k, const pmd_t<W>& pmd) {
  return mksaveddirty(k, clear_flags(pmd, page::RW));
}
template <class W>
constexpr pud_t<W> pud_wrprotect(const Kernel& k, const pud_t<W>& pud) {
  return mksaveddirty(k, clear_flags(pud, page::RW));
}
/// pte_mkwrite; pte_mkwrite_novma since 6.6.
template <class W>
constexpr pte_t<W> pte_mkwrite(const Kernel& k, const pte_t<W>& pte) {
  return clear_saveddirty(k, set_flags(pte, page::RW));
}
template <class W>
constexpr pmd_t<W> pmd_mkwrite(const Kernel& k, const pmd_t<W>& pmd) {
  return clear_saveddirty(k, set_flags(pmd, page::RW));
}
template <class W>
constexpr pud_t<W> pud_mkwrite(const Kernel& k, const pud_t<W>& pud) {
  return clear_saveddirty(k, set_flags(pud, page::RW));
}
template <class W>
constexpr pte_t<W> pte_mkexec(const Kernel&, const pte_t<W>& pte) {
  return clear_flags(pte, page::NX);
}
template <class W>
constexpr pte_t<W> pte_mkhuge(const Kernel&, const pte_t<W>& pte) {
  return set_flags(pte, page::PSE);
}
template <class W>
constexpr pmd_t<W> pmd_mkhuge(const Kernel&, const pmd_t<W>& pmd) {
  return set_flags(pmd, page::PSE);
}
template <class W>
constexpr pud_t<W> pud_mkhuge(const Kernel&, const pud_t<W>& pud) {
  return set_flags(pud, page::PSE);
}
template <class W>
constexpr pte_t<W> pte_clrhuge(const Kernel&, const pte_t<W>& pte) {
  return clear_flags(pte, page::PSE);
}
template <class W>
constexpr pte_t<W> pte_mkglobal(const Kernel&, const pte_t<W>& pte) {
  return set_flags(pte, page::GLOBAL);
}
template <class W>
constexpr pte_t<W> pte_clrglobal(const Kernel&, const pte_t<W>& pte) {
  return clear_flags(pte, page::GLOBAL);
}
template <class W>
constexpr pte_t<W> pte_mkspecial(const Kernel&, const pte_t<W>& pte) {
  return set_flags(pte, page::SPECIAL);
}
template <class W>
constexpr pte_t<W> pte_mkdevmap(const Kernel& k, const pte_t<W>& pte) {
  return set_flags(pte, page::SPECIAL | page::DEVMAP(k));
}
template <class W>
constexpr pmd_t<W> pmd_mkdevmap(const Kernel& k, const pmd_t<W>& pmd) {
  return set_flags(pmd, page::DEVMAP(k));
}
template <class W>
constexpr pud_t<W> pud_mkdevmap(const Kernel& k, const pud_t<W>& pud) {
  return set_flags(pud, page::DEVMAP(k));
}
template <class W>
constexpr pte_t<W> pte_mksoft_dirty(const Kernel&, const pte_t<W>& pte) {
  return set_flags(pte, page::SOFT_DIRTY);
}
template <class W>
constexpr pmd_t<W> pmd_mksoft_dirty(const Kernel&, const pmd_t<W>& pmd) {
  return set_flags(pmd, page::SOFT_DIRTY);
}
template <class W>
constexpr pud_t<W> pud_mksoft_dirty(const Kernel&, const pud_t<W>& pud) {
  return set_flags(pud, page::SOFT_DIRTY);
}
template <class W>
constexpr pte_t<W> pte_clear_soft_dirty(const Kernel&, const pte_t<W>& pte) {
  return clear_flags(pte, page::SOFT_DIRTY);
}
template <class W>
constexpr pmd_t<W> pmd_clear_soft_dirty(const Kernel&, const pmd_t<W>& pmd) {
  return clear_flags(pmd, page::SOFT_DIRTY);
}
template <class W>
constexpr pud_t<W> pud_clear_soft_dirty(const Kernel&, const pud_t<W>& pud) {
  return clear_flags(pud, page::SOFT_DIRTY);
}

/// pmd_mknotpresent (pmd_mkinvalid since 5.8), pud_mknotpresent: no longer for the processor. PSE
/// stays, so that pmd_present does.
template <class W>
constexpr pmd_t<W> pmd_mknotpresent(const Kernel& k, const pmd_t<W>& pmd) {
  const std::uint64_t gone = page::PRESENT | page::PROTNONE;
  if (!k.mknotpresent_inverts) return clear_flags(pmd, gone);
  return pfn_pmd(k, pmd_pfn(k, pmd), pgprot_t<W>{pmd_flags(k, pmd) & ~gone});
}
template <class W>
constexpr pud_t<W> pud_mknotpresent(const Kernel& k, const pud_t<W>& pud) {
  const std::uint64_t gone = page::PRESENT | page::PROTNONE;
  if (!k.mknotpresent_inverts) return clear_flags(pud, gone);
  return pfn_pud(k, pud_pfn(k, pud), pgprot_t<W>{pud_flags(k, pud) & ~gone});
}

/// The protection of `prot` with what `keep` names of `old`. The frame changes its form when the
/// entry becomes or ceases to be present (L1TF). What `lost` names comes from neither.
template <class W>
constexpr W modify(const Kernel& k, const W& old, const pgprot_t<W>& prot, std::uint64_t keep,
                   std::uint64_t frame, std::uint64_t lost = 0) {
  const W merged = (old & keep & ~lost) | (massage_pgprot(k, prot) & ~keep);
  return flip_protnone_guard(k, old, merged, frame);
}
/// Since 6.6 dirtiness then moves to where the new entry keeps it, shadow stacks excepted: they
/// are read-only before.
template <class Entry>
constexpr Entry settle_dirty(const Kernel& k, const Entry& old, const Entry& e) {
  return {select(has(old.value, page::RW), mksaveddirty(k, e).value, clear_saveddirty(k, e).value)};
}
template <class W>
constexpr pte_t<W> pte_modify(const Kernel& k, const pte_t<W>& pte, const pgprot_t<W>& prot) {
  return settle_dirty(k, pte,
                      pte_t<W>{modify(k, pte.value, prot, page::CHG_MASK(k), PTE_PFN_MASK(k))});
}
/// From 6.6 on D is lost, so that the data of a dirty page can be: only SAVED_DIRTY is kept.
template <class W>
constexpr pmd_t<W> pmd_modify(const Kernel& k, const pmd_t<W>& pmd, const pgprot_t<W>& prot) {
  const std::uint64_t lost = k.pmd_modify_keeps_dirty ? 0 : page::DIRTY;
  return settle_dirty(k, pmd,
                      pmd_t<W>{modify(k, pmd.value, prot, page::HPAGE_CHG_MASK(k),
                                      PHYSICAL_PMD_PAGE_MASK(k), lost)});
}
/// pgprot_modify: cache mode and what else _PAGE_CHG_MASK names of `old`, and all of `prot`.
template <class W>
constexpr pgprot_t<W> pgprot_modify(const Kernel& k, const pgprot_t<W>& old,
                                    const pgprot_t<W>& prot) {
  return {(old.value & page::CHG_MASK(k)) | prot.value};
}

}  // namespace mmuref::lnx
