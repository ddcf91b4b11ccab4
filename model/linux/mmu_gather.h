// The range of addresses that an unmapping collects, to flush once at its end.
//
// include/asm-generic/tlb.h, mm/memory.c and arch/x86/include/asm/tlb.h, v4.6; large pages by their
// size and strides since 4.20; huge_pmd_unshare since 5.16.
#pragma once

#include "model/linux/flush_plan.h"
#include "model/linux/masks.h"

namespace mmuref::lnx {

template <class W>
struct MmuGather {
  W start{}, end{};  ///< bytes; end 0: nothing to flush
  Bool<W> fullmm = false;
  Bool<W> need_flush_all = false;
  Bool<W> freed_tables = false;
  unsigned levels = 0;  ///< of what was removed: bit 0 for PTEs, 1 PMDs, 2 PUDs
  W task_size{};
};

/// __tlb_reset_range.
template <class W>
constexpr void tlb_reset_range(MmuGather<W>& tlb) {
  tlb.start = select(tlb.fullmm, ~W{0}, tlb.task_size);
  tlb.end = select(tlb.fullmm, ~W{0}, W{0});
  tlb.freed_tables = false;
  tlb.levels = 0;
}

/// TASK_SIZE of a 64-bit process.
constexpr std::uint64_t task_size_max(const Kernel& k) {
  return bit(k.virtual_mask_shift) - PAGE_SIZE;
}

/// tlb_gather_mmu, for [start, end): the whole mm is 0 to ~0, and nothing else is.
template <class W>
constexpr MmuGather<W> tlb_gather_mmu(const Kernel& k, const W& start, const W& end) {
  MmuGather<W> tlb;
  tlb.fullmm = (start == W{0}) & (end == ~W{0});
  tlb.task_size = W{task_size_max(k)};
  tlb_reset_range(tlb);
  return tlb;
}

/// __tlb_adjust_range: `size` bytes from `address` are flushed too.
template <class W>
constexpr void tlb_adjust_range(MmuGather<W>& tlb, const W& address, const W& size) {
  tlb.start = select(address < tlb.start, address, tlb.start);
  tlb.end = select(address + size > tlb.end, address + size, tlb.end);
}

/// tlb_remove_tlb_entry, tlb_remove_pmd_tlb_entry and the like: a leaf of `level` (1 PTE, 2 PMD,
/// 3 PUD) at `address`, the first of its page, was removed. Until 4.19 a large page counts as its
/// first 4 KiB: INVLPG of them drops it.
template <class W>
constexpr void tlb_remove_entry(const Kernel& k, MmuGather<W>& tlb, const W& address, int level) {
  const unsigned shift = PAGE_SHIFT + 9 * static_cast<unsigned>(level - 1);
  tlb_adjust_range(tlb, address, W{k.flush.gather_sizes ? bit(shift) : PAGE_SIZE});
  tlb.levels |= 1U << (level - 1);
}

/// pte_free_tlb, pmd_free_tlb and so on: the table that translated `address` was freed; `pae_pmd`
/// for one of the four that PAE's CR3 points to, which the processor reads on loads of CR3 alone.
template <class W>
constexpr void tlb_free_table(const Kernel& k, MmuGather<W>& tlb, const W& address,
                              const Bool<W>& pae_pmd) {
  tlb_adjust_range(tlb, address, W{PAGE_SIZE});
  tlb.freed_tables = true;
  tlb.need_flush_all = tlb.need_flush_all | (pae_pmd & Bool<W>(k.flush.pae_pmd_flushes_all));
}

/// __unmap_hugepage_range where huge_pmd_unshare took a whole table, of 1 GiB, away. Without
/// `unshare_recorded` nothing of that GiB is in the range.
template <class W>
constexpr void tlb_unshare(const Kernel& k, MmuGather<W>& tlb, const W& address) {
  if (!k.flush.unshare_recorded) return;
  tlb_adjust_range(tlb, address & W{PUD_MASK}, W{PUD_SIZE});
  tlb.levels |= 2;
}

/// What tlb_flush_mmu_tlbonly asks flush_tlb_mm_range for, if anything was removed; the range
/// starts anew.
template <class W>
struct GatherFlush {
  Bool<W> flushes = false;
  FlushRequest<W> request;
};
template <class W>
constexpr GatherFlush<W> tlb_flush(const Kernel& k, MmuGather<W>& tlb) {
  GatherFlush<W> flush;
  flush.flushes = tlb.end != W{0};
  const Bool<W> all = tlb.fullmm | tlb.need_flush_all;
  flush.request.start = select(all, W{0}, tlb.start);
  flush.request.end = select(all, W{TLB_FLUSH_ALL}, tlb.end);
  flush.request.freed_tables = tlb.freed_tables;
  if (k.flush.strides) {
    // tlb_get_unmap_shift: the smallest of what was removed.
    const bool pmds = (tlb.levels & 3) == 2, puds = (tlb.levels & 7) == 4;
    flush.request.stride_shift = W{pmds ? PMD_SHIFT : puds ? PUD_SHIFT : PAGE_SHIFT};
  }
  tlb_reset_range(tlb);
  return flush;
}

}  // namespace mmuref::lnx
