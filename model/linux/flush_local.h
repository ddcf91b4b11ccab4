// What one CPU does to its own TLB: the primitives of arch/x86/include/asm/tlbflush.h, and leaving
// an address space.
//
// Versions: 2.4 (i386), 3.2, 4.6, 4.20, 6.12. Here a primitive is a name; what it drops is said by
// `drops_user`, `drops_globals`, and by model/x86/invalidation.h for the instructions.
#pragma once

#include "model/linux/kernel.h"

namespace mmuref::lnx {

/// The end of a range that is everything.
inline constexpr std::uint64_t TLB_FLUSH_ALL = ~std::uint64_t{0};
/// tlb_single_page_flush_ceiling, until somebody writes another to debugfs.
inline constexpr std::uint64_t default_flush_ceiling = 33;

/// What the processor has, and boot options left on.
struct FlushFeatures {
  bool pge = true, pcid = true, invpcid = true;
  bool pti = false;  ///< page-table isolation is on
};

enum class Primitive : unsigned char {
  none,
  invlpg,       ///< once for each page, `count` of them
  cr3_reload,   ///< local_flush_tlb: CR3 written back, without bit 63
  invpcid_all,  ///< INVPCID type 2
  pge_toggle,   ///< CR4.PGE cleared and set, interrupts off
  leave_mm,  ///< the mm is left for init_mm: its bit of mm_cpumask cleared, CR3 of swapper_pg_dir
  bug        ///< BUG(): a CPU was to leave the mm that it is using
};

/// Why a CPU does what it does.
enum class FlushWhy : unsigned char {
  other_mm,        ///< it has another mm loaded: nothing of this one is to be found
  kernel_thread,   ///< a kernel thread borrows the mm
  lazy,            ///< it uses the mm's tables lazily
  all_asked,       ///< the range is everything
  hugetlb,         ///< VM_HUGETLB
  above_ceiling,   ///< more pages than the ceiling
  within_ceiling,  ///< not more
  one_page,
  range_sent,       ///< a range was sent
  whole_mm,         ///< this function knows no ranges
  follows_at_once,  ///< the flush is the one after the last this CPU made, and the newest
  missed_flushes,   ///< flushes before this one were not made yet, or later ones began
  up_to_date,       ///< this CPU made this flush, or a later one, already
  in_init_mm,       ///< init_mm is loaded: it has no user translations
  not_told,         ///< told, but not as one who could hold anything
  no_op             ///< this function does nothing
};

/// What one CPU does.
template <class W>
struct LocalFlush {
  Primitive what = Primitive::none;
  FlushWhy why = FlushWhy::no_op;
  W start{}, count{};              ///< of the INVLPGs; addresses `start`, `start` + 2^shift, …
  W shift{12};                     ///< of the step in bytes
  Bool<W> endless = false;         ///< the loop's address wraps before it meets the end
  Bool<W> leaves = false;          ///< and then leave_mm
  Bool<W> loads_cr3 = false;       ///< leaving loads CR3
  bool user_marked = false;        ///< PTI: user_pcid_flush_mask of this ASID is set …
  bool user_invpcid = false;       ///< … or INVPCID type 0 for each page in the user PCID
  bool invalidates_other = false;  ///< PTI: all other ASIDs are forgotten at the next switch
};

/// `what` as the only step, because of `why`.
template <class W>
constexpr LocalFlush<W> local_flush(Primitive what, FlushWhy why) {
  LocalFlush<W> flush;
  flush.what = what;
  flush.why = why;
  return flush;
}

/// __flush_tlb, local_flush_tlb. With PTI the user PCID keeps its translations until the next
/// return to user mode, which the mark makes a flush.
template <class W>
constexpr LocalFlush<W> flush_tlb_local(const Kernel& k, const FlushFeatures& cpu, FlushWhy why) {
  auto flush = local_flush<W>(Primitive::cr3_reload, why);
  flush.user_marked = k.flush.pcids && cpu.pti && cpu.pcid;
  return flush;
}

/// __flush_tlb_single, __flush_tlb_one of 2.4, __flush_tlb_one_user: INVLPG for every 2^shift bytes
/// of [start, end). The loop is `for (a = start; a < end; a += 1 << shift)`: it ends only where no
/// step wraps. `end - start` is to be below 2^63.
template <class W>
constexpr LocalFlush<W> flush_tlb_pages(const Kernel& k, const FlushFeatures& cpu, FlushWhy why,
                                        const W& start, const W& end, const W& shift) {
  auto flush = local_flush<W>(Primitive::invlpg, why);
  const W step = W{1} << shift;
  flush.start = start;
  flush.shift = shift;
  flush.count = select(start < end, (end - start + step - W{1}) >> shift, W{0});
  // The address that ends the loop is the first from `end` on, if there is one below 2^64.
  flush.endless = (start < end) & (start + (flush.count << shift) < end);
  const bool isolated = k.flush.pcids && cpu.pti && cpu.pcid;
  flush.user_invpcid = isolated && cpu.invpcid;
  flush.user_marked = isolated && !cpu.invpcid;
  return flush;
}

/// __flush_tlb_all, invpcid_flush_all, __flush_tlb_global: everything, global pages and all PCIDs
/// too. Without global pages a reload of CR3 is as much.
template <class W>
constexpr LocalFlush<W> flush_tlb_all_local(const Kernel& k, const FlushFeatures& cpu,
                                            FlushWhy why) {
  if (k.flush.invpcid_global && cpu.invpcid) return local_flush<W>(Primitive::invpcid_all, why);
  if (cpu.pge) return local_flush<W>(Primitive::pge_toggle, why);
  return flush_tlb_local<W>(k, cpu, why);
}

/// Whether `flush` leaves no translation of the current address space to user pages that it had
/// before, in the PCID the kernel runs with.
template <class W>
constexpr bool drops_all(const LocalFlush<W>& flush) {
  return flush.what == Primitive::cr3_reload || flush.what == Primitive::invpcid_all ||
         flush.what == Primitive::pge_toggle;
}

/// Whether an INVLPG of `flush` is for an address of the page of 2^page_shift bytes that `va` is
/// in.
template <class W>
constexpr Bool<W> invalidates_page(const LocalFlush<W>& flush, const W& va, unsigned page_shift) {
  const W page = va & ~W{bit(page_shift) - 1};
  const W step = W{1} << flush.shift;
  // The first INVLPG from the page on is in it, or none is.
  const W nth =
      select(page <= flush.start, W{0}, (page - flush.start + step - W{1}) >> flush.shift);
  const W address = flush.start + (nth << flush.shift);
  return Bool<W>(flush.what == Primitive::invlpg) & (nth < flush.count) &
         (address - page < W{bit(page_shift)});
}

/// Whether no translation from before for `va` by a page of 2^page_shift bytes stays, in the PCID
/// the kernel runs with: everything is dropped, the mm is left, or that page is.
template <class W>
constexpr Bool<W> drops(const LocalFlush<W>& flush, const W& va, unsigned page_shift = 12) {
  return Bool<W>(drops_all(flush)) | invalidates_page(flush, va, page_shift) | flush.loads_cr3;
}

/// Whether `flush` waits for all stores before it: INVLPG, INVPCID and MOV to CR3 or CR4 serialise.
/// leave_mm is one where it writes CR3.
template <class W>
constexpr Bool<W> serialises(const LocalFlush<W>& flush) {
  return Bool<W>(drops_all(flush)) | flush.loads_cr3 |
         (Bool<W>(flush.what == Primitive::invlpg) & (flush.count != W{0}));
}

/// A CPU in a flush of some mm: cpu_tlbstate, and what it runs.
template <class W>
struct TlbCpu {
  Bool<W> loaded = true;      ///< the mm is active_mm of cpu_tlbstate, since 4.14 loaded_mm; of the
                              ///< calling CPU until 4.13 current->active_mm
  Bool<W> lazy = false;       ///< TLBSTATE_LAZY, is_lazy
  Bool<W> user = true;        ///< current->mm is set: no kernel thread
  Bool<W> in_mask = true;     ///< its bit in mm_cpumask
  Bool<W> switching = false;  ///< loaded_mm is LOADED_MM_SWITCHING
  Bool<W> init_mm = false;    ///< loaded_mm is init_mm
  Bool<W> trims = false;      ///< trim_cpumask asks for an answer, to drop idle CPUs from the mask
  W local_gen{1};             ///< tlb_gen of the ASID in use: the last flush this CPU made
};

template <class W>
struct LeaveMm {
  Bool<W> bug = false;
  Bool<W> clears_bit = false;  ///< of this CPU in mm_cpumask
  Bool<W> loads_cr3 = false;   ///< with swapper_pg_dir
};

/// leave_mm: a lazy CPU goes over to the kernel's own tables. BUG where it is not lazy. Until 4.13;
/// later ones switch to init_mm.
template <class W>
constexpr LeaveMm<W> leave_mm(const Kernel& k, const TlbCpu<W>& cpu) {
  LeaveMm<W> left;
  left.bug = !cpu.lazy;
  left.clears_bit = cpu.lazy & (cpu.in_mask | Bool<W>(!k.flush.leave_mm_asks_mask));
  left.loads_cr3 = left.clears_bit & Bool<W>(k.flush.leave_mm_loads_cr3);
  return left;
}

/// The same as all that a flush does.
template <class W>
constexpr LocalFlush<W> leave_mm_local(const Kernel& k, const TlbCpu<W>& cpu, FlushWhy why) {
  const LeaveMm<W> left = leave_mm(k, cpu);
  if (left.bug) return local_flush<W>(Primitive::bug, why);
  auto flush = local_flush<W>(Primitive::leave_mm, why);
  flush.loads_cr3 = left.loads_cr3;
  return flush;
}

/// enter_lazy_tlb: whether the CPU is lazy afterwards. Later versions go on to init_mm instead
/// where the processor has no PCIDs and asks for it; not modelled.
template <class W>
constexpr Bool<W> enter_lazy_tlb(const Kernel&, const TlbCpu<W>& cpu) {
  return cpu.lazy | (!cpu.init_mm);
}

}  // namespace mmuref::lnx
