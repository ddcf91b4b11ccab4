// Entries changed where they are, while a processor may set A and D in them.
//
// arch/x86/include/asm/pgtable.h, arch/x86/mm/pgtable.c and mm/pgtable-generic.c, v4.6. A function
// that reads and then stores takes `hardware`: the bits a processor sets in between, a part of A
// and D, and none in an entry that is not present. What is one locked instruction needs no such
// parameter: the processor's write comes before it or after. No function here flushes a
// TLB, though Linux's pmdp_invalidate does and its caller relies on it.
#pragma once

#include "model/linux/modifiers.h"
#include "model/linux/predicates.h"

namespace mmuref::lnx {

/// ptep_set_access_flags: stores `entry` if `dirty` and it is new. Returns whether it is.
template <class W>
constexpr Bool<W> ptep_set_access_flags(const Kernel&, pte_t<W>& ptep, const pte_t<W>& entry,
                                        const Bool<W>& dirty, const W& hardware) {
  const Bool<W> changed = !pte_same(ptep, entry);
  ptep.value = select(changed & dirty, entry.value, ptep.value | hardware);
  return changed;
}

/// ptep_test_and_clear_young, and ptep_clear_flush_young, which flushes nothing on x86.
template <class W>
constexpr Bool<W> ptep_test_and_clear_young(const Kernel& k, pte_t<W>& ptep) {
  const Bool<W> young = pte_young(k, ptep);
  ptep = pte_mkold(k, ptep);
  return young;
}
template <class W>
constexpr Bool<W> pmdp_test_and_clear_young(const Kernel& k, pmd_t<W>& pmdp) {
  const Bool<W> young = pmd_young(k, pmdp);
  pmdp = pmd_mkold(k, pmdp);
  return young;
}

/// ptep_get_and_clear, pmdp_huge_get_and_clear: one exchange with 0.
template <class W>
constexpr pte_t<W> ptep_get_and_clear(const Kernel&, pte_t<W>& ptep) {
  const pte_t<W> old = ptep;
  ptep.value = W{0};
  return old;
}
template <class W>
constexpr pmd_t<W> pmdp_huge_get_and_clear(const Kernel&, pmd_t<W>& pmdp) {
  const pmd_t<W> old = pmdp;
  pmdp.value = W{0};
  return old;
}

/// ptep_set_wrprotect, pmdp_set_wrprotect: RW cleared by one locked instruction; since 6.6 a
/// compare-and-exchange that saves the dirtiness as well.
template <class W>
constexpr void ptep_set_wrprotect(const Kernel& k, pte_t<W>& ptep) {
  ptep = pte_wrprotect(k, ptep);
}
template <class W>
constexpr void pmdp_set_wrprotect(const Kernel& k, pmd_t<W>& pmdp) {
  pmdp = pmd_wrprotect(k, pmdp);
}

/// pmdp_invalidate: takes a THP from the processor, and returns what its caller then goes by: the
/// entry's value at the exchange; before 4.16, which stored what it had read, the entry itself.
template <class W>
constexpr pmd_t<W> pmdp_invalidate(const Kernel& k, pmd_t<W>& pmdp, const W& hardware) {
  const pmd_t<W> read = pmdp;
  const pmd_t<W> replaced{pmdp.value | hardware};
  pmdp = pmd_mknotpresent(k, read);
  return k.invalidate_atomic ? replaced : pmdp;
}

/// mremap: whether move_page_tables moves the entry as one leaf and not as a table.
template <class W>
constexpr Bool<W> moved_whole(const Kernel& k, const pmd_t<W>& pmd) {
  const Bool<W> huge = pmd_trans_huge(k, pmd);
  return k.move_devmap_whole ? huge | pmd_devmap(k, pmd) : huge;
}

}  // namespace mmuref::lnx
