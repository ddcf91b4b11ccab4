// What Linux asks of an entry.
//
// arch/x86/include/asm/pgtable.h and arch/x86/mm/hugetlbpage.c, v4.6; later ones are dated. They
// take any word: what they answer of an entry in no legal state is part of the model.
#pragma once

#include "model/linux/frame.h"

namespace mmuref::lnx {

// none: nothing here, not even a swap entry.

/// An erratum of Xeon Phi sets A and D in entries that are not present: they do not count.
template <class W>
constexpr Bool<W> none_but_erratum(const Kernel& k, const W& value) {
  return !has(value, k.none_ignores_ad ? ~(page::ACCESSED | page::DIRTY) : ~std::uint64_t{0});
}
template <class W>
constexpr Bool<W> pte_none(const Kernel& k, const pte_t<W>& pte) {
  return none_but_erratum(k, pte.value);
}
template <class W>
constexpr Bool<W> pmd_none(const Kernel& k, const pmd_t<W>& pmd) {
  return none_but_erratum(k, pmd.value);
}
template <class W>
constexpr Bool<W> pud_none(const Kernel& k, const pud_t<W>& pud) {
  return none_but_erratum(k, pud.value);
}

/// One of the two upper levels stands for the other where there are four: before 4.12 the P4D is
/// not in the code, and since then it is the PGD that folds away (pgtable-nop4d.h). A folded
/// entry is there and good, and the real one answers.
constexpr bool p4d_folded(const Kernel& k) {
  return !k.has_p4d;
}
constexpr bool pgd_folded(const Kernel& k) {
  return k.has_p4d && k.config.levels == 4;
}

template <class W>
constexpr Bool<W> p4d_none(const Kernel& k, const p4d_t<W>& p4d) {
  if (p4d_folded(k)) return false;
  return none_but_erratum(k, p4d.value);
}
template <class W>
constexpr Bool<W> pgd_none(const Kernel& k, const pgd_t<W>& pgd) {
  if (pgd_folded(k)) return false;
  return pgd.value == W{0};
}

// present: Linux has a page or a table here. The processor may think otherwise: PROTNONE, and a
// THP whose P is being cleared.

template <class W>
constexpr Bool<W> pte_present(const Kernel&, const pte_t<W>& pte) {
  return has(pte.value, page::PRESENT | page::PROTNONE);
}
template <class W>
constexpr Bool<W> pmd_present(const Kernel& k, const pmd_t<W>& pmd) {
  return has(pmd.value,
             page::PRESENT | page::PROTNONE | (k.present_has_pse ? page::PSE : std::uint64_t{0}));
}
template <class W>
constexpr Bool<W> pud_present(const Kernel&, const pud_t<W>& pud) {
  return has(pud.value, page::PRESENT);
}
template <class W>
constexpr Bool<W> p4d_present(const Kernel& k, const p4d_t<W>& p4d) {
  if (p4d_folded(k)) return true;
  return has(p4d.value, page::PRESENT);
}
template <class W>
constexpr Bool<W> pgd_present(const Kernel& k, const pgd_t<W>& pgd) {
  if (pgd_folded(k)) return true;
  return has(pgd.value, page::PRESENT);
}

/// NUMA balancing's hint, or a mapping without rights: not for the processor, present to Linux.
template <class W>
constexpr Bool<W> pte_protnone(const Kernel&, const pte_t<W>& pte) {
  return (pte.value & (page::PRESENT | page::PROTNONE)) == W{page::PROTNONE};
}
template <class W>
constexpr Bool<W> pmd_protnone(const Kernel&, const pmd_t<W>& pmd) {
  return (pmd.value & (page::PRESENT | page::PROTNONE)) == W{page::PROTNONE};
}

/// Whether a TLB may hold the entry; `tlb_flush_pending` is mm_tlb_flush_pending(mm).
template <class W>
constexpr Bool<W> pte_accessible(const Kernel&, const Bool<W>& tlb_flush_pending,
                                 const pte_t<W>& pte) {
  return has(pte.value, page::PRESENT) | (tlb_flush_pending & has(pte.value, page::PROTNONE));
}

// Leaves.

template <class W>
constexpr Bool<W> pte_huge(const Kernel&, const pte_t<W>& pte) {
  return has(pte.value, page::PSE);
}
/// pmd_large; pmd_leaf since 5.6.
template <class W>
constexpr Bool<W> pmd_large(const Kernel&, const pmd_t<W>& pmd) {
  return has(pmd.value, page::PSE);
}
/// pud_large; pud_leaf since 5.6.
template <class W>
constexpr Bool<W> pud_large(const Kernel& k, const pud_t<W>& pud) {
  const std::uint64_t wanted = page::PSE | (k.pud_large_present ? page::PRESENT : 0);
  return (pud.value & wanted) == W{wanted};
}
template <class W>
constexpr Bool<W> p4d_large(const Kernel&, const p4d_t<W>&) {
  return false;
}
template <class W>
constexpr Bool<W> pgd_large(const Kernel&, const pgd_t<W>&) {
  return false;
}
/// A page of THP: 2 MiB that is no device memory.
template <class W>
constexpr Bool<W> pmd_trans_huge(const Kernel& k, const pmd_t<W>& pmd) {
  return (pmd.value & (page::PSE | page::DEVMAP(k))) == W{page::PSE};
}
template <class W>
constexpr Bool<W> pte_devmap(const Kernel& k, const pte_t<W>& pte) {
  return has(pte.value, page::DEVMAP(k));
}
template <class W>
constexpr Bool<W> pmd_devmap(const Kernel& k, const pmd_t<W>& pmd) {
  return has(pmd.value, page::DEVMAP(k));
}
template <class W>
constexpr Bool<W> pud_devmap(const Kernel& k, const pud_t<W>& pud) {
  return has(pud.value, page::DEVMAP(k));
}
/// hugetlb's: anything but nothing and a table, so that swap and migration entries count.
/// Since 6.10 p?d_leaf.
template <class W>
constexpr Bool<W> pmd_huge(const Kernel& k, const pmd_t<W>& pmd) {
  if (k.huge_is_leaf) return pmd_large(k, pmd);
  if (!k.huge_not_present) return has(pmd.value, page::PSE);
  return ((pmd.value & (page::PRESENT | page::PSE)) != W{page::PRESENT}) & !pmd_none(k, pmd);
}
template <class W>
constexpr Bool<W> pud_huge(const Kernel& k, const pud_t<W>& pud) {
  if (k.huge_is_leaf) return pud_large(k, pud);
  if (!k.pud_huge_not_present) return has(pud.value, page::PSE);
  return ((pud.value & (page::PRESENT | page::PSE)) != W{page::PRESENT}) & !pud_none(k, pud);
}

// bad: no entry that references a table.

/// KERNPG_TABLE's flags exactly, USER, A and NX aside where the kernel disregards them.
template <class W>
constexpr Bool<W> pmd_bad(const Kernel& k, const pmd_t<W>& pmd) {
  const std::uint64_t either =
      page::USER | (k.pmd_bad_ignores_a ? page::ACCESSED : std::uint64_t{0});
  return (pmd_flags(k, pmd) & ~either) != W{page::KERNPG_TABLE & ~either};
}
/// Only flags that no table's entry has: one that is not present passes.
template <class W>
constexpr Bool<W> pud_bad(const Kernel& k, const pud_t<W>& pud) {
  return has(pud_flags(k, pud), ~(page::KERNPG_TABLE | page::USER));
}
/// What PTI sets in the kernel's copy of a user's entry at the top level.
constexpr std::uint64_t top_level_nx(const Kernel& k) {
  return k.bad_ignores_nx_for_pti ? page::NX : 0;
}
template <class W>
constexpr Bool<W> p4d_bad(const Kernel& k, const p4d_t<W>& p4d) {
  if (p4d_folded(k)) return false;
  return has(p4d_flags(k, p4d), ~(page::KERNPG_TABLE | page::USER | top_level_nx(k)));
}
template <class W>
constexpr Bool<W> pgd_bad(const Kernel& k, const pgd_t<W>& pgd) {
  if (pgd_folded(k)) return false;
  const std::uint64_t either = page::USER | top_level_nx(k);
  return (pgd_flags(k, pgd) & ~either) != W{page::KERNPG_TABLE};
}

// Single flags.

template <class W>
constexpr Bool<W> pte_young(const Kernel&, const pte_t<W>& pte) {
  return has(pte.value, page::ACCESSED);
}
template <class W>
constexpr Bool<W> pmd_young(const Kernel&, const pmd_t<W>& pmd) {
  return has(pmd.value, page::ACCESSED);
}
template <class W>
constexpr Bool<W> pud_young(const Kernel&, const pud_t<W>& pud) {
  return has(pud.value, page::ACCESSED);
}
template <class W>
constexpr Bool<W> pte_dirty(const Kernel& k, const pte_t<W>& pte) {
  return has(pte.value, page::DIRTY_BITS(k));
}
template <class W>
constexpr Bool<W> pmd_dirty(const Kernel& k, const pmd_t<W>& pmd) {
  return has(pmd.value, page::DIRTY_BITS(k));
}
template <class W>
constexpr Bool<W> pud_dirty(const Kernel& k, const pud_t<W>& pud) {
  return has(pud.value, page::DIRTY_BITS(k));
}

/// pte_shstk, pmd_shstk: a shadow stack, which only call and return write (v6.6).
template <class W>
constexpr Bool<W> shadow_stack(const Kernel& k, const W& value) {
  if (!k.config.shadow_stack) return false;
  return (value & (page::RW | page::DIRTY)) == W{page::DIRTY};
}
template <class W>
constexpr Bool<W> pte_write(const Kernel& k, const pte_t<W>& pte) {
  return has(pte.value, page::RW) | shadow_stack(k, pte.value);
}
template <class W>
constexpr Bool<W> pmd_write(const Kernel& k, const pmd_t<W>& pmd) {
  return has(pmd.value, page::RW) | shadow_stack(k, pmd.value);
}
template <class W>
constexpr Bool<W> pud_write(const Kernel&, const pud_t<W>& pud) {
  return has(pud.value, page::RW);
}
template <class W>
constexpr Bool<W> pte_exec(const Kernel&, const pte_t<W>& pte) {
  return !has(pte.value, page::NX);
}
template <class W>
constexpr Bool<W> pte_global(const Kernel&, const pte_t<W>& pte) {
  return has(pte.value, page::GLOBAL);
}
template <class W>
constexpr Bool<W> pte_special(const Kernel&, const pte_t<W>& pte) {
  return has(pte.value, page::SPECIAL);
}
template <class W>
constexpr Bool<W> pte_soft_dirty(const Kernel&, const pte_t<W>& pte) {
  return has(pte.value, page::SOFT_DIRTY);
}
template <class W>
constexpr Bool<W> pmd_soft_dirty(const Kernel&, const pmd_t<W>& pmd) {
  return has(pmd.value, page::SOFT_DIRTY);
}
/// pte_uffd_wp (v5.7).
template <class W>
constexpr Bool<W> pte_uffd_wp(const Kernel& k, const pte_t<W>& pte) {
  return has(pte.value, page::UFFD_WP(k));
}

/// The whole word, A and D included.
template <class W>
constexpr Bool<W> pte_same(const pte_t<W>& a, const pte_t<W>& b) {
  return a.value == b.value;
}
template <class W>
constexpr Bool<W> pmd_same(const pmd_t<W>& a, const pmd_t<W>& b) {
  return a.value == b.value;
}

}  // namespace mmuref::lnx
