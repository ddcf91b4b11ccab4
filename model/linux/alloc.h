// Tables made on the way to an address, and the root of a new address space.
//
// include/linux/mm.h, mm/memory.c, arch/x86/mm/pgtable.c, v4.6. One CPU: no other thread has
// filled the entry in meanwhile. PTI's second PGD is not modelled.
#pragma once

#include "model/linux/address.h"
#include "model/linux/level.h"

namespace mmuref::lnx {

/// What pmd_populate … pgd_populate store for a table of `level` at `page`.
template <class W>
constexpr W populate(const W& page, int level) {
  switch (level) {
    case 1: return pmd_populate(page).value;
    case 2: return pud_populate(page).value;
    case 3: return p4d_populate(page).value;
    default: return pgd_populate(page).value;
  }
}

/// Where the entry of `level` for `address` lies, below the upper entry at `upper`; with a new
/// table if that had none. Nothing if there is no page for it.
template <class W, class Mm>
constexpr std::optional<W> table_alloc(const Kernel& k, Mm& mm, const W& upper, const W& address,
                                       int level) {
  const W value = mm.memory.read(upper);
  if (entry_none(k, value, level + 1)) {
    const std::optional<W> page = mm.pages.allocate();
    if (!page) return std::nullopt;
    mm.memory.write(upper, populate(*page, level));
    return entry_offset(k, *page, address, level);
  }
  return entry_offset(k, table_of(k, value, level + 1), address, level);
}

/// p4d_alloc, pud_alloc, pmd_alloc, pte_alloc: from the entry above to the entry for `address`.
template <class W, class Mm>
constexpr std::optional<W> p4d_alloc(const Kernel& k, Mm& mm, const W& pgd, const W& address) {
  if (k.config.levels == 4) return pgd;
  return table_alloc(k, mm, pgd, address, 4);
}
template <class W, class Mm>
constexpr std::optional<W> pud_alloc(const Kernel& k, Mm& mm, const W& p4d, const W& address) {
  return table_alloc(k, mm, p4d, address, 3);
}
template <class W, class Mm>
constexpr std::optional<W> pmd_alloc(const Kernel& k, Mm& mm, const W& pud, const W& address) {
  return table_alloc(k, mm, pud, address, 2);
}
template <class W, class Mm>
constexpr std::optional<W> pte_alloc(const Kernel& k, Mm& mm, const W& pmd, const W& address) {
  return table_alloc(k, mm, pmd, address, 1);
}

/// pgd_offset.
template <class W, class Mm>
constexpr W pgd_offset(const Kernel& k, const Mm& mm, const W& address) {
  return entry_offset(k, mm.pgd, address, k.config.levels);
}

/// KERNEL_PGD_BOUNDARY: the first PGD slot of the kernel half, that of the direct map.
template <class W>
constexpr W kernel_pgd_boundary(const Kernel& k, const AddressSpace<W>& space) {
  return pgd_index(k, space.page_offset);
}

/// pgd_alloc: a root whose kernel half is that of `reference`, the kernel's own PGD
/// (clone_pgd_range; SHARED_KERNEL_PMD is 0). Both are physical addresses.
template <class W, class Memory, class Pages>
constexpr std::optional<W> pgd_alloc(const Kernel& k, Memory& memory, Pages& pages,
                                     const AddressSpace<std::uint64_t>& space, const W& reference) {
  const std::optional<W> pgd = pages.allocate();
  if (!pgd) return std::nullopt;
  for (std::uint64_t slot = kernel_pgd_boundary(k, space); slot < PTRS_PER_PGD; ++slot) {
    memory.write(*pgd + W{8 * slot}, memory.read(reference + W{8 * slot}));
  }
  return pgd;
}

}  // namespace mmuref::lnx
