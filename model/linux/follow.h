// From an address to the entry that maps it, and to the frame.
//
// mm/memory.c: __follow_pte, follow_pfn, follow_phys, vm_normal_page; v4.6.
#pragma once

#include "model/linux/level.h"
#include "model/linux/vma.h"

namespace mmuref::lnx {

template <class W>
struct FollowPte {
  Errno error = Errno::ok;  ///< inval where no 4-KiB page is; bug at a THP
  W ptep{};                 ///< where the entry lies; Linux holds its lock
  pte_t<W> pte{};           ///< what it holds
};

/// __follow_pte; follow_pte wraps it for checkers of locks.
template <class W, class Mm>
constexpr FollowPte<W> follow_pte(const Kernel& k, Mm& mm, const std::type_identity_t<W>& address) {
  W table = mm.pgd;
  for (int level = k.config.levels; level > 1; --level) {
    const W value = mm.memory.read(entry_offset(k, table, address, level));
    if (level == 2) {
      if (pmd_trans_huge(k, pmd_t<W>{value})) return {Errno::bug, {}, {}};
    }
    if (entry_none(k, value, level)) return {Errno::inval, {}, {}};
    // Before any other level a bad entry is a wrong one; at the PMD it may be a large page too.
    if (entry_bad(k, value, level)) return {Errno::inval, {}, {}};
    table = table_of(k, value, level);
  }
  const W ptep = entry_offset(k, table, address, 1);
  const pte_t<W> pte{mm.memory.read(ptep)};
  if (!pte_present(k, pte)) return {Errno::inval, {}, {}};
  return {Errno::ok, ptep, pte};
}

template <class W>
struct FollowPfn {
  Errno error = Errno::ok;
  W pfn{};
};

/// follow_pfn: the frame, of mappings of frames alone.
template <class W, class Mm>
constexpr FollowPfn<W> follow_pfn(const Kernel& k, Mm& mm, const vm_area_struct<W>& vma,
                                  const std::type_identity_t<W>& address) {
  if (!has(vma.vm_flags, vm::IO | vm::PFNMAP)) return {Errno::inval, {}};
  const FollowPte<W> found = follow_pte<W>(k, mm, address);
  if (found.error != Errno::ok) return {found.error, {}};
  return {Errno::ok, pte_pfn(k, found.pte)};
}

template <class W>
struct FollowPhys {
  Errno error = Errno::ok;
  W phys{};  ///< where the page starts: the offset in it is not added
  pgprot_t<W> prot{};
};

/// follow_phys; `write` is FOLL_WRITE.
template <class W, class Mm>
constexpr FollowPhys<W> follow_phys(const Kernel& k, Mm& mm, const vm_area_struct<W>& vma,
                                    const std::type_identity_t<W>& address, const Bool<W>& write) {
  if (!has(vma.vm_flags, vm::IO | vm::PFNMAP)) return {Errno::inval, {}, {}};
  const FollowPte<W> found = follow_pte<W>(k, mm, address);
  if (found.error != Errno::ok) return {found.error, {}, {}};
  if (write & !pte_write(k, found.pte)) return {Errno::inval, {}, {}};
  return {Errno::ok, pte_pfn(k, found.pte) << PAGE_SHIFT, {pte_flags(k, found.pte)}};
}

/// What vm_normal_page makes of an entry.
enum class NormalPage : unsigned char {
  page,    ///< of the frame: it has a struct page that counts the mapping
  none,    ///< no page to count: a mapping of frames, or the zero page
  reports  ///< print_bad_pte complains, and there is none
};

/// vm_normal_page, where the architecture has PTE_SPECIAL as x86 does. `zero_pfn` is that of the
/// page of zeroes, `highest_memmap_pfn` the last with a struct page.
template <class W>
constexpr NormalPage vm_normal_page(const Kernel& k, const vm_area_struct<W>& vma,
                                    const pte_t<W>& pte, const std::type_identity_t<W>& zero_pfn,
                                    const std::type_identity_t<W>& highest_memmap_pfn) {
  const W pfn = pte_pfn(k, pte);
  if (!pte_special(k, pte)) {
    if (pfn > highest_memmap_pfn) return NormalPage::reports;
    return NormalPage::page;
  }
  if (has(vma.vm_flags, vm::PFNMAP | vm::MIXEDMAP)) return NormalPage::none;
  if (pfn == zero_pfn) return NormalPage::none;
  return NormalPage::reports;
}

}  // namespace mmuref::lnx
