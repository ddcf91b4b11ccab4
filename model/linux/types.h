// The page-table entry types, as Linux spells them: one word each, not to be mixed up.
//
// arch/x86/include/asm/pgtable_types.h, v4.6; p4d_t since 4.12. With four levels the P4D is folded:
// a p4d_t is the pgd_t it stands in.
#pragma once

#include "model/word.h"

namespace mmuref::lnx {

template <class W>
struct pte_t {
  W value{};
};
template <class W>
struct pmd_t {
  W value{};
};
template <class W>
struct pud_t {
  W value{};
};
template <class W>
struct p4d_t {
  W value{};
};
template <class W>
struct pgd_t {
  W value{};
};
/// Protection: the flags of an entry without a frame.
template <class W>
struct pgprot_t {
  W value{};
};

/// A THP or hugetlb leaf is handled as a PTE, and back (`pmd_pte`, `pte_pmd`).
template <class W>
constexpr pte_t<W> pmd_pte(const pmd_t<W>& pmd) {
  return {pmd.value};
}
template <class W>
constexpr pmd_t<W> pte_pmd(const pte_t<W>& pte) {
  return {pte.value};
}
template <class W>
constexpr pte_t<W> pud_pte(const pud_t<W>& pud) {
  return {pud.value};
}
template <class W>
constexpr pud_t<W> pte_pud(const pte_t<W>& pte) {
  return {pte.value};
}

}  // namespace mmuref::lnx
