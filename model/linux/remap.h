// Frames without a struct page mapped to user space: what drivers call from mmap.
//
// mm/memory.c: remap_pfn_range, v4.6; `untrack_what_was_tracked` is of v4.9.
#pragma once

#include "model/linux/alloc.h"
#include "model/linux/vma.h"

namespace mmuref::lnx {

/// Who keeps the memory types of ranges (arch/x86/mm/pat.c). `track` answers the protection to use,
/// its cache bits perhaps changed, or nothing if another user of the range wants another type.
template <class T, class W>
concept PfnTracker = requires(T& tracker, const W& pfn, const W& size, const pgprot_t<W>& prot) {
  { tracker.track(pfn, size, prot) } -> std::same_as<std::optional<pgprot_t<W>>>;
  tracker.untrack(pfn, size);
};

/// Tracks nothing and permits all, as a kernel without PAT.
template <class W>
struct NoTracker {
  constexpr std::optional<pgprot_t<W>> track(const W&, const W&, const pgprot_t<W>& prot) {
    return prot;
  }
  constexpr void untrack(const W&, const W&) {}
};

/// remap_pte_range … remap_p4d_range, by the level of the entry above, at `upper`. Callers and
/// callees hand `pfn` down reduced by addr >> PAGE_SHIFT and add it back, so that the sum stays
/// the frame of `addr` whatever was skipped.
template <class W, class Mm>
constexpr Errno remap_range(const Kernel& k, Mm& mm, const W& upper, int level, W addr,
                            const W& end, W pfn, const pgprot_t<W>& prot) {
  const std::optional<W> first = table_alloc(k, mm, upper, addr, level);
  if (!first) return Errno::nomem;
  const W table = *first & PAGE_MASK;

  if (level == 1) {
    do {
      const W pte = entry_offset(k, table, addr, 1);
      if (!entry_none(k, W{mm.memory.read(pte)}, 1)) return Errno::bug;
      mm.memory.write(pte, pte_mkspecial(k, pfn_pte(k, pfn, prot)).value);
      pfn = pfn + W{1};
      addr = addr + W{PAGE_SIZE};
    } while (addr != end);
    return Errno::ok;
  }

  pfn = pfn - (addr >> PAGE_SHIFT);
  do {
    const W next = addr_end(addr, end, size_of(level));
    const Errno error = remap_range(k, mm, entry_offset(k, table, addr, level), level - 1, addr,
                                    next, pfn + (addr >> PAGE_SHIFT), prot);
    if (error != Errno::ok) return error;
    addr = next;
  } while (addr != end);
  return Errno::ok;
}

/// Maps `size` bytes, rounded up to pages, from `addr`, a multiple of PAGE_SIZE, to the frames from
/// `pfn`. When there is no page for a table, what was mapped so far stays. No TLB flush: nothing
/// was there.
template <class W, class Mm, class Tracker = NoTracker<W>>
requires PfnTracker<std::remove_reference_t<Tracker>, W>
constexpr Errno remap_pfn_range(const Kernel& k, Mm& mm, vm_area_struct<W>& vma,
                                const std::type_identity_t<W>& addr,
                                const std::type_identity_t<W>& pfn,
                                const std::type_identity_t<W>& size, const pgprot_t<W>& prot,
                                Tracker&& tracker = {}) {
  const W rounded = (size + W{PAGE_SIZE - 1}) & PAGE_MASK;
  const W end = addr + rounded;

  // vm_normal_page tells a copied page from a mapped one by vm_pgoff, which so must fit the whole.
  if (is_cow_mapping(vma.vm_flags)) {
    if ((addr != vma.vm_start) | (end != vma.vm_end)) return Errno::inval;
    vma.vm_pgoff = pfn;
  }
  const std::optional<pgprot_t<W>> tracked = tracker.track(pfn, rounded, prot);
  if (!tracked) return Errno::inval;
  vma.vm_flags = vma.vm_flags | (vm::IO | vm::PFNMAP | vm::DONTEXPAND | vm::DONTDUMP);
  if (addr >= end) return Errno::bug;

  const int root = k.config.levels;
  const W biased = pfn - (addr >> PAGE_SHIFT);
  Errno error = Errno::ok;
  W at = addr;
  do {
    const W next = addr_end(at, end, size_of(root));
    error = remap_range(k, mm, pgd_offset(k, mm, at), root - 1, at, next,
                        biased + (at >> PAGE_SHIFT), *tracked);
    at = next;
    if (error != Errno::ok) break;
  } while (at != end);

  if (error == Errno::nomem) {
    tracker.untrack(k.untrack_what_was_tracked ? pfn : biased, rounded);
  }
  return error;
}

}  // namespace mmuref::lnx
