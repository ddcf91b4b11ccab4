// The four or five levels of tables under one name each: an entry by its number, as x86 counts.
//
// Linux writes each function once a level (remap_pte_range, remap_pmd_range …), the same but for
// the names. Here 1 is the PTE, 2 the PMD, 3 the PUD and, with `config.levels` of 4, 4 the PGD;
// with 5, 4 is the P4D and 5 the PGD. A folded level is not walked: it answers "there and good".
#pragma once

#include "model/linux/entries.h"
#include "model/linux/memory.h"

namespace mmuref::lnx {

/// What a slot of a `level` table maps, in bits: PAGE_SHIFT … PGDIR_SHIFT.
constexpr unsigned shift_of(int level) {
  return level == 1   ? PAGE_SHIFT
         : level == 2 ? PMD_SHIFT
         : level == 3 ? PUD_SHIFT
         : level == 4 ? P4D_SHIFT
                      : 48;
}
constexpr std::uint64_t size_of(int level) {
  return bit(shift_of(level));
}
constexpr std::uint64_t mask_of(int level) {
  return ~(size_of(level) - 1);
}

/// pte_index … pgd_index.
template <class W>
constexpr W index_of(const Kernel& k, const W& address, int level) {
  if (level == k.config.levels) return pgd_index(k, address);
  switch (level) {
    case 1: return pte_index(address);
    case 2: return pmd_index(address);
    case 3: return pud_index(address);
    default: return p4d_index(k, address);
  }
}

/// pte_offset … pgd_offset: where the entry for `address` lies in the table at `table`.
template <class W>
constexpr W entry_offset(const Kernel& k, const W& table, const W& address, int level) {
  return table | (index_of(k, address, level) << 3);
}

/// pte_none … pgd_none; of the two upper levels, that which is not folded.
template <class W>
constexpr Bool<W> entry_none(const Kernel& k, const W& value, int level) {
  switch (level) {
    case 1: return pte_none(k, pte_t<W>{value});
    case 2: return pmd_none(k, pmd_t<W>{value});
    case 3: return pud_none(k, pud_t<W>{value});
    default: break;
  }
  const bool is_pgd = level == k.config.levels && !pgd_folded(k);
  return is_pgd ? pgd_none(k, pgd_t<W>{value}) : p4d_none(k, p4d_t<W>{value});
}

/// pmd_bad … pgd_bad; levels 2 to 5.
template <class W>
constexpr Bool<W> entry_bad(const Kernel& k, const W& value, int level) {
  switch (level) {
    case 2: return pmd_bad(k, pmd_t<W>{value});
    case 3: return pud_bad(k, pud_t<W>{value});
    default: break;
  }
  const bool is_pgd = level == k.config.levels && !pgd_folded(k);
  return is_pgd ? pgd_bad(k, pgd_t<W>{value}) : p4d_bad(k, p4d_t<W>{value});
}

/// The table an entry of `level` (2 to 5) references: the physical address that pmd_page_vaddr …
/// pgd_page_vaddr put through __va.
template <class W>
constexpr W table_of(const Kernel& k, const W& value, int level) {
  switch (level) {
    case 2: return pmd_page_paddr(k, pmd_t<W>{value});
    case 3: return pud_page_paddr(k, pud_t<W>{value});
    default: break;
  }
  const bool is_pgd = level == k.config.levels;
  return is_pgd ? pgd_page_paddr(k, pgd_t<W>{value}) : p4d_page_paddr(k, p4d_t<W>{value});
}

/// p?d_none_or_clear_bad of the entry at `entry`: a bad one is cleared, after Linux has complained.
template <class W, class Memory>
constexpr bool none_or_clear_bad(const Kernel& k, Memory& memory, const W& entry, int level) {
  const W value = memory.read(entry);
  if (entry_none(k, value, level)) return true;
  if (!entry_bad(k, value, level)) return false;
  memory.write(entry, W{0});
  return true;
}

}  // namespace mmuref::lnx
