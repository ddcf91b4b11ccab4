// What the caller of a TLB flush decides: what its own CPU does, and what others are asked to do.
//
// arch/x86/mm/tlb.c and arch/x86/include/asm/tlbflush.h, 4.6; 2.4 (i386, where ranges are
// everything), 3.2, 4.4, 4.20 and 6.12 by fields of FlushCode. Paravirtual hooks and SGI UV are not
// here, nor INVLPGB. How decisions of several CPUs interleave is explored elsewhere
// (spec/protocol); these are the decisions of one run.
#pragma once

#include "model/linux/flush_target.h"

namespace mmuref::lnx {

/// What a flush is asked for; what a version does not look at is ignored.
template <class W>
struct FlushRequest {
  W start{}, end{TLB_FLUSH_ALL};  ///< bytes; TLB_FLUSH_ALL for everything
  W stride_shift{12};             ///< since 4.20
  Bool<W> hugetlb = false;        ///< VM_HUGETLB, until 4.19
  Bool<W> freed_tables = false;   ///< since 4.20
  W ceiling{default_flush_ceiling};
  Bool<W> others = true;  ///< a CPU other than this is in mm_cpumask
  W mm_gen{1};            ///< the mm's generation before this flush, since 4.14
};

/// The whole decision.
template <class W>
struct FlushPlan {
  FlushedCpu<W> self;
  FlushWhy range = FlushWhy::whole_mm;  ///< why `sent` is the range asked for, or everything
  Bool<W> barrier = false;  ///< a full barrier, or locked instruction, of its own before the mask
  Whom whom = Whom::nobody;
  FlushInfo<W> sent;          ///< as others get it
  FlushInfo<W> hook;          ///< as the paravirtual hook, one call above, gets it
  W mm_gen{};                 ///< afterwards
  FlushCounters<W> counters;  ///< this CPU's, those of `self` included
};

/// Whether the PTE written before the call is visible to others before mm_cpumask is read: what
/// CVE-2016-2069 was about.
template <class W>
constexpr Bool<W> orders_mask(const FlushPlan<W>& plan) {
  return plan.barrier | serialises(plan.self.flush);
}

/// flush_tlb_others. An end of 0 means one page; who mends it differs.
template <class W>
constexpr void flush_tlb_others(const Kernel& k, const FlushRequest<W>& r, const FlushInfo<W>& f,
                                FlushPlan<W>& plan) {
  plan.hook = plan.sent = f;
  if (!r.others) return;
  plan.whom = k.flush.strides ? (f.freed_tables ? Whom::mask : Whom::mask_not_lazy) : Whom::mask;
  if (k.flush.page_end == PageEnd::others)
    plan.sent.end = select(f.end == W{0}, f.start + W{4096}, f.end);
  plan.counters.remote_flush = W{1};
}

/// Why a range is flushed by pages (within_ceiling) or as everything.
template <class W>
constexpr FlushWhy range_why(const Kernel& k, const FlushRequest<W>& r) {
  if (r.end == W{TLB_FLUSH_ALL}) return FlushWhy::all_asked;
  if (r.hugetlb & Bool<W>(!k.flush.strides)) return FlushWhy::hugetlb;
  const W steps = (r.end - r.start) >> (k.flush.strides ? r.stride_shift : W{12});
  return steps > r.ceiling ? FlushWhy::above_ceiling : FlushWhy::within_ceiling;
}

/// From 4.14 on: the mm's next generation, made by this CPU if the mm is loaded and by those told.
template <class W>
constexpr FlushPlan<W> flush_by_generation(const Kernel& k, const FlushFeatures& features,
                                           const TlbCpu<W>& cpu, const FlushRequest<W>& r) {
  FlushPlan<W> plan;
  plan.mm_gen = r.mm_gen + W{1};
  plan.barrier = true;  // inc_mm_tlb_gen
  FlushInfo<W> f;
  f.new_tlb_gen = plan.mm_gen;
  f.freed_tables = r.freed_tables;
  f.stride_shift = k.flush.strides ? r.stride_shift : W{12};
  plan.range = range_why(k, r);
  if (plan.range == FlushWhy::within_ceiling) {
    f.start = r.start;
    f.end = r.end;
  }

  const Bool<W> among_others = Bool<W>(k.flush.told_together) & r.others & !r.freed_tables;
  plan.self.local_gen = cpu.local_gen;
  if (!cpu.loaded) {
    plan.self.flush.why = FlushWhy::other_mm;
  } else if (among_others & cpu.lazy) {
    plan.self.flush.why = FlushWhy::not_told;
  } else {
    plan.self = flush_tlb_generations(k, features, cpu, f, plan.mm_gen, true);
  }
  flush_tlb_others(k, r, f, plan);
  plan.counters.local_flush_all = plan.self.counters.local_flush_all;
  plan.counters.local_flush_one = plan.self.counters.local_flush_one;
  return plan;
}

/// Until 4.12: what the caller's CPU does for an mm it may have loaded. `full` says why the range
/// is everything; within_ceiling where it is not.
template <class W>
constexpr FlushPlan<W> flush_by_active_mm(const Kernel& k, const FlushFeatures& features,
                                          const TlbCpu<W>& cpu, const FlushRequest<W>& r,
                                          FlushWhy full) {
  FlushPlan<W> plan;
  plan.range = full;
  FlushInfo<W> f;
  if (!cpu.loaded) {
    plan.self.flush.why = FlushWhy::other_mm;
    plan.barrier = k.flush.barrier_before_mask;
  } else if (!cpu.user) {
    plan.self.flush = leave_mm_local(k, cpu, FlushWhy::kernel_thread);
    plan.barrier = k.flush.barrier_before_mask;
  } else if (full != FlushWhy::within_ceiling) {
    plan.self.flush = flush_tlb_local<W>(k, features, full);
    plan.counters.local_flush_all = W{1};
  } else {
    plan.self.flush = flush_tlb_pages(k, features, full, r.start, r.end, W{12});
    plan.counters.local_flush_one = plan.self.flush.count;
    f.start = r.start;
    f.end = r.end;
  }
  flush_tlb_others(k, r, f, plan);
  return plan;
}

/// Without CONFIG_SMP, until 4.12: nothing is by ranges, and nobody else is there.
template <class W>
constexpr FlushPlan<W> flush_up(const Kernel& k, const FlushFeatures& features,
                                const TlbCpu<W>& cpu, FlushWhy why) {
  FlushPlan<W> plan;
  if (cpu.loaded) {
    plan.self.flush = flush_tlb_local<W>(k, features, why);
    plan.counters.local_flush_all = W{1};
  } else {
    plan.self.flush.why = FlushWhy::other_mm;
  }
  return plan;
}

/// flush_tlb_mm_range: the pages of [start, end) of an mm. Not before 3.6.
template <class W>
constexpr FlushPlan<W> flush_tlb_mm_range(const Kernel& k, const FlushFeatures& features,
                                          const TlbCpu<W>& cpu, const FlushRequest<W>& r) {
  if (k.flush.generations) return flush_by_generation(k, features, cpu, r);
  if (!k.flush.smp) return flush_up(k, features, cpu, FlushWhy::whole_mm);
  // Only a CPU that flushes pages itself thinks of them: others get everything.
  const FlushWhy full = cpu.loaded & cpu.user ? range_why(k, r) : FlushWhy::whole_mm;
  return flush_by_active_mm(k, features, cpu, r, full);
}

/// flush_tlb_mm: all of an mm.
template <class W>
constexpr FlushPlan<W> flush_tlb_mm(const Kernel& k, const FlushFeatures& features,
                                    const TlbCpu<W>& cpu, FlushRequest<W> r) {
  r.start = W{0};
  r.end = W{TLB_FLUSH_ALL};
  r.freed_tables = true;
  r.hugetlb = false;
  if (k.flush.ranges) return flush_tlb_mm_range(k, features, cpu, r);
  if (!k.flush.smp) return flush_up(k, features, cpu, FlushWhy::whole_mm);
  return flush_by_active_mm(k, features, cpu, r, FlushWhy::whole_mm);
}

/// flush_tlb_range: the pages of [start, end) of a vma's mm. Before 3.6 all of the mm.
template <class W>
constexpr FlushPlan<W> flush_tlb_range(const Kernel& k, const FlushFeatures& features,
                                       const TlbCpu<W>& cpu, FlushRequest<W> r) {
  if (!k.flush.ranges) return flush_tlb_mm(k, features, cpu, r);
  r.freed_tables = k.flush.range_frees_tables;
  return flush_tlb_mm_range(k, features, cpu, r);
}

/// flush_tlb_page: the page at `start`. Until 4.12 it has no barrier where another mm is active.
template <class W>
constexpr FlushPlan<W> flush_tlb_page(const Kernel& k, const FlushFeatures& features,
                                      const TlbCpu<W>& cpu, FlushRequest<W> r) {
  if (k.flush.page_by_range) {
    r.end = r.start + W{4096};
    r.stride_shift = W{12};
    r.hugetlb = false;
    r.freed_tables = false;
    return flush_tlb_mm_range(k, features, cpu, r);
  }
  FlushPlan<W> plan;
  if (!cpu.loaded) {
    plan.self.flush.why = FlushWhy::other_mm;
  } else if (cpu.user | Bool<W>(!k.flush.smp)) {
    plan.self.flush =
        flush_tlb_pages(k, features, FlushWhy::one_page, r.start, r.start + W{4096}, W{12});
    plan.counters.local_flush_one = W{1};
  } else {
    plan.self.flush = leave_mm_local(k, cpu, FlushWhy::kernel_thread);
    plan.barrier = k.flush.barrier_before_mask;
  }
  if (!k.flush.smp) return plan;
  FlushInfo<W> f;
  f.start = r.start;
  f.end = k.flush.page_end == PageEnd::caller ? r.start + W{4096} : W{0};
  flush_tlb_others(k, r, f, plan);
  return plan;
}

/// flush_tlb_current_task, which flush_tlb is another name of: all of the mm in use, until 4.11.
template <class W>
constexpr FlushPlan<W> flush_tlb_current_task(const Kernel& k, const FlushFeatures& features,
                                              const FlushRequest<W>& r) {
  FlushPlan<W> plan;
  plan.self.flush = flush_tlb_local<W>(k, features, FlushWhy::whole_mm);
  plan.counters.local_flush_all = W{1};
  if (k.flush.smp) flush_tlb_others(k, r, FlushInfo<W>{}, plan);
  return plan;
}

/// What every CPU runs, this one too.
template <class W>
constexpr FlushPlan<W> on_each_cpu(const Kernel& k, const FlushFeatures& features,
                                   const TlbCpu<W>& cpu, const FlushInfo<W>& f) {
  FlushPlan<W> plan;
  plan.self = run_handler(k, features, cpu, f, W{0});
  plan.counters = plan.self.counters;
  plan.hook = plan.sent = f;
  plan.whom = Whom::every_cpu;
  plan.range =
      f.handler == FlushHandler::do_flush_tlb_all ? FlushWhy::all_asked : FlushWhy::within_ceiling;
  if (!k.flush.smp) {
    plan.whom = Whom::nobody;
    plan.counters = {};
    plan.counters.local_flush_all = W{1};
  }
  return plan;
}

/// flush_tlb_all: everything on every CPU, global pages too.
template <class W>
constexpr FlushPlan<W> flush_tlb_all(const Kernel& k, const FlushFeatures& features,
                                     const TlbCpu<W>& cpu) {
  FlushInfo<W> f;
  f.handler = FlushHandler::do_flush_tlb_all;
  FlushPlan<W> plan = on_each_cpu(k, features, cpu, f);
  if (k.flush.smp) plan.counters.remote_flush = W{1};
  return plan;
}

/// flush_tlb_kernel_range: [start, end) of the kernel's addresses on every CPU. The ceiling is
/// compared in bytes, not in whole pages as flush_tlb_mm_range does.
template <class W>
constexpr FlushPlan<W> flush_tlb_kernel_range(const Kernel& k, const FlushFeatures& features,
                                              const TlbCpu<W>& cpu, const FlushRequest<W>& r) {
  if (!k.flush.ranges || !k.flush.smp) return flush_tlb_all(k, features, cpu);
  FlushInfo<W> f;
  f.start = r.start;
  f.end = r.end;
  const Bool<W> full = (r.end == W{TLB_FLUSH_ALL}) | (r.end - r.start > (r.ceiling << 12));
  if (full) {
    f = {};
    f.handler = FlushHandler::do_flush_tlb_all;
  } else {
    f.handler = FlushHandler::do_kernel_range_flush;
  }
  FlushPlan<W> plan = on_each_cpu(k, features, cpu, f);
  if (full & (r.end != W{TLB_FLUSH_ALL})) plan.range = FlushWhy::above_ceiling;
  return plan;
}

/// flush_tlb_pgtables of 2.4, called when page tables of [start, end) were freed. 2.4.0's does
/// nothing, as if no processor cached page tables; the Pentium 4 does.
template <class W>
constexpr FlushPlan<W> flush_tlb_pgtables(const Kernel& k, const FlushFeatures& features,
                                          const TlbCpu<W>& cpu, const FlushRequest<W>& r) {
  if (k.flush.pgtables_flushes) return flush_tlb_mm(k, features, cpu, r);
  return {};
}

/// try_to_unmap_flush: pages of several mms were unmapped, and the CPUs that may hold them
/// collected; `cpu.in_mask` says that this is one of them. Since 4.6. The unmapping made each mm's
/// next generation, and none is sent; its locked operations on entries were barriers.
template <class W>
constexpr FlushPlan<W> try_to_unmap_flush(const Kernel& k, const FlushFeatures& features,
                                          const TlbCpu<W>& cpu, const FlushRequest<W>& r) {
  FlushPlan<W> plan;
  FlushInfo<W> f;
  f.has_mm = false;
  plan.barrier = true;
  plan.mm_gen = r.mm_gen + W{1};
  plan.self.local_gen = cpu.local_gen;
  if (!cpu.in_mask) {
    plan.self.flush.why = FlushWhy::not_told;
  } else if (k.flush.generations) {
    plan.self = flush_tlb_generations(k, features, cpu, f, plan.mm_gen, true);
    plan.counters = plan.self.counters;
  } else {
    plan.self.flush = flush_tlb_local<W>(k, features, FlushWhy::all_asked);
    plan.counters.local_flush_all = W{1};
  }
  flush_tlb_others(k, r, f, plan);
  return plan;
}

}  // namespace mmuref::lnx
