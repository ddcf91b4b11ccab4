// Which slot of each table an address falls in, and where the slot ends.
//
// arch/x86/include/asm/pgtable.h and include/asm-generic/pgtable.h, v4.6. Addresses in bytes.
#pragma once

#include "model/linux/masks.h"

namespace mmuref::lnx {

/// pte_index … pgd_index: 0..511; the P4D has one slot where it is folded.
template <class W>
constexpr W pte_index(const W& address) {
  return (address >> PAGE_SHIFT) & (PTRS_PER_PTE - 1);
}
template <class W>
constexpr W pmd_index(const W& address) {
  return (address >> PMD_SHIFT) & (PTRS_PER_PMD - 1);
}
template <class W>
constexpr W pud_index(const W& address) {
  return (address >> PUD_SHIFT) & (PTRS_PER_PUD - 1);
}
template <class W>
constexpr W p4d_index(const Kernel& k, const W& address) {
  return (address >> P4D_SHIFT) & (PTRS_PER_P4D(k) - 1);
}
template <class W>
constexpr W pgd_index(const Kernel& k, const W& address) {
  return (address >> k.pgdir_shift) & (PTRS_PER_PGD - 1);
}

/// The end of the slot of `size` bytes, a power of two, that holds `address`, or `end` if that
/// comes first. An `end` of 0 is the top of the address space.
template <class W>
constexpr W addr_end(const W& address, const W& end, std::uint64_t size) {
  const W boundary = (address + size) & ~(size - 1);
  return select(boundary - W{1} < end - W{1}, boundary, end);
}
template <class W>
constexpr W pmd_addr_end(const W& address, const W& end) {
  return addr_end(address, end, PMD_SIZE);
}
template <class W>
constexpr W pud_addr_end(const W& address, const W& end) {
  return addr_end(address, end, PUD_SIZE);
}
/// With a folded P4D its one slot is the PGD's: `end` as it is (pgtable-nop4d.h).
template <class W>
constexpr W p4d_addr_end(const Kernel& k, const W& address, const W& end) {
  return k.config.levels == 5 ? addr_end(address, end, P4D_SIZE) : end;
}
template <class W>
constexpr W pgd_addr_end(const Kernel& k, const W& address, const W& end) {
  return addr_end(address, end, PGDIR_SIZE(k));
}

}  // namespace mmuref::lnx
