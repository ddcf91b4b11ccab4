// The fixmap: addresses known when the kernel is compiled, by index, downwards from FIXADDR_TOP.
//
// arch/x86/include/asm/fixmap.h, include/asm-generic/fixmap.h, arch/x86/mm/pgtable.c and
// init_64.c, v4.6.
#pragma once

#include "model/linux/alloc.h"

namespace mmuref::lnx {

/// How many indices a configuration has: the permanent ones, and with those of boot time.
template <class W>
struct Fixmap {
  W permanent{};  ///< __end_of_permanent_fixed_addresses
  W end{};        ///< __end_of_fixed_addresses
};

/// Slots of early_ioremap, mapped at boot only.
inline constexpr std::uint64_t TOTAL_FIX_BTMAPS = 512;

/// The virtual address of slot `idx`. Legal for idx < __end_of_fixed_addresses, which Linux has the
/// compiler check.
template <class W>
constexpr W fix_to_virt(const Kernel& k, const W& idx) {
  return W{k.fixaddr_top} - (idx << PAGE_SHIFT);
}

/// FIXADDR_START: the boot-time slots lie below it.
template <class W>
constexpr W fixaddr_start(const Kernel& k, const Fixmap<W>& fixmap) {
  return W{k.fixaddr_top} - (fixmap.permanent << PAGE_SHIFT);
}

template <class W>
struct VirtToFix {
  Errno error = Errno::ok;  ///< bug outside of what it takes for the fixmap
  W idx{};
};

/// The slot of a fixmap address. It takes FIXADDR_TOP, where slot 0 starts, for outside, and the
/// boot-time slots too; with `virt_to_fix_takes_all` it would accept all that fix_to_virt gives.
template <class W>
constexpr VirtToFix<W> virt_to_fix(const Kernel& k, const Fixmap<W>& fixmap, const W& vaddr) {
  const W top{k.fixaddr_top};
  const Bool<W> outside =
      k.virt_to_fix_takes_all
          ? (vaddr >= top + W{PAGE_SIZE}) | (vaddr < fix_to_virt(k, fixmap.end - W{1}))
          : (vaddr >= top) | (vaddr < fixaddr_start(k, fixmap));
  if (outside) return {Errno::bug, {}};
  return {Errno::ok, (top - (vaddr & W{PAGE_MASK})) >> PAGE_SHIFT};
}

/// FIX_BTMAP_END: the first of the 512 boot-time slots, put where they share one page table.
template <class W>
constexpr W fix_btmap_end(const Fixmap<W>& fixmap) {
  const W end = fixmap.permanent;
  const Bool<W> straddles = has(end ^ (end + W{TOTAL_FIX_BTMAPS - 1}), ~(PTRS_PER_PTE - 1));
  return select(straddles, end + W{TOTAL_FIX_BTMAPS} - (end & W{TOTAL_FIX_BTMAPS - 1}), end);
}

/// set_pte_vaddr: stores `pte` for a kernel address, filling in the tables below the PGD, whose
/// entry must be there. ENOMEM where Linux panics for lack of a page; inval where it complains
/// that the PGD entry is missing, and returns. The caller flushes `vaddr`, on this CPU only.
template <class W, class Mm>
constexpr Errno set_pte_vaddr(const Kernel& k, Mm& mm, const W& vaddr, const pte_t<W>& pte) {
  const int root = k.config.levels;
  W entry = entry_offset(k, mm.pgd, vaddr, root);
  if (entry_none(k, mm.memory.read(entry), root)) return Errno::inval;
  for (int level = root - 1; level >= 1; --level) {
    const auto below = table_alloc(k, mm, entry, vaddr, level);
    if (!below) return Errno::nomem;
    entry = *below;
  }
  mm.memory.write(entry, pte.value);
  return Errno::ok;
}

/// Maps slot `idx` to the page of `phys`. BUG for a slot that is none.
template <class W, class Mm>
constexpr Errno set_fixmap(const Kernel& k, Mm& mm, const Fixmap<W>& fixmap, const W& idx,
                           const W& phys, const pgprot_t<W>& flags) {
  if (idx >= fixmap.end) return Errno::bug;
  return set_pte_vaddr(k, mm, fix_to_virt(k, idx), pfn_pte(k, phys >> PAGE_SHIFT, flags));
}

}  // namespace mmuref::lnx
