// What a CPU does that is told of a flush, and who is told.
//
// arch/x86/mm/tlb.c: flush_tlb_func, should_flush_tlb, do_flush_tlb_all, do_kernel_range_flush, of
// 2.4, 3.2, 4.4, 4.6, 4.20 and 6.12.
#pragma once

#include "model/linux/flush_local.h"

namespace mmuref::lnx {

/// vmstat's nr_tlb_*, of CONFIG_DEBUG_TLBFLUSH: what one CPU adds.
template <class W>
struct FlushCounters {
  W local_flush_all{}, local_flush_one{}, remote_flush{}, remote_flush_received{};
};

/// What other CPUs are asked to run.
enum class FlushHandler : unsigned char { flush_tlb_func, do_flush_tlb_all, do_kernel_range_flush };

/// struct flush_tlb_info: what is sent.
template <class W>
struct FlushInfo {
  FlushHandler handler = FlushHandler::flush_tlb_func;
  Bool<W> has_mm = true;  ///< without, whatever mm is loaded is meant
  W start{}, end{TLB_FLUSH_ALL};
  W stride_shift{12};
  Bool<W> freed_tables = false;
  W new_tlb_gen{};  ///< of the mm with this flush; 0 where none is sent
};

/// What a CPU does, and how far it has followed then.
template <class W>
struct FlushedCpu {
  LocalFlush<W> flush;
  W local_gen{};  ///< tlb_gen of its ASID afterwards
  FlushCounters<W> counters;
};

/// flush_tlb_func from 4.14 on, after its filters: `mm_gen` is the mm's generation as this CPU
/// reads it, at least that of the flush it is told of. `local` for the caller's own run.
template <class W>
constexpr FlushedCpu<W> flush_tlb_generations(const Kernel& k, const FlushFeatures& features,
                                              const TlbCpu<W>& cpu, const FlushInfo<W>& f,
                                              const W& mm_gen, bool local) {
  FlushedCpu<W> done{.flush = {}, .local_gen = cpu.local_gen, .counters = {}};
  if (cpu.init_mm) {
    done.flush.why = FlushWhy::in_init_mm;
    return done;
  }
  if (cpu.lazy) {
    // Not followed but left: the next switch back compares generations.
    done.flush = local_flush<W>(Primitive::leave_mm, FlushWhy::lazy);
    done.flush.loads_cr3 = true;
    return done;
  }
  Bool<W> old = cpu.local_gen == mm_gen;
  if (k.flush.skips_old_generations) {
    const Bool<W> sent = (f.new_tlb_gen != W{0}) | Bool<W>(k.flush.no_generation_is_old);
    old = old | (sent & (f.new_tlb_gen <= cpu.local_gen));
  }
  if (old) {
    done.flush.why = FlushWhy::up_to_date;
    return done;
  }
  const Bool<W> partial = (f.end != W{TLB_FLUSH_ALL}) & (f.new_tlb_gen == cpu.local_gen + W{1}) &
                          (f.new_tlb_gen == mm_gen);
  if (partial) {
    done.flush =
        flush_tlb_pages(k, features, FlushWhy::follows_at_once, f.start, f.end, f.stride_shift);
    if (local) done.counters.local_flush_one = (f.end - f.start) >> f.stride_shift;
  } else {
    const FlushWhy why = f.end == W{TLB_FLUSH_ALL} ? FlushWhy::all_asked : FlushWhy::missed_flushes;
    done.flush = flush_tlb_local<W>(k, features, why);
    if (local) done.counters.local_flush_all = W{1};
  }
  done.local_gen = mm_gen;
  return done;
}

/// flush_tlb_func on another CPU. Counters are what CONFIG_DEBUG_TLBFLUSH counts; the caller
/// discards them where the version has none.
template <class W>
constexpr FlushedCpu<W> flush_tlb_func(const Kernel& k, const FlushFeatures& features,
                                       const TlbCpu<W>& cpu, const FlushInfo<W>& f,
                                       const W& mm_gen) {
  FlushedCpu<W> done{.flush = {}, .local_gen = cpu.local_gen, .counters = {}};
  if (k.flush.received_before_filter) done.counters.remote_flush_received = W{1};
  const Bool<W> filtered =
      (f.has_mm & !cpu.loaded) | (Bool<W>(!k.flush.func_takes_any_mm) & !f.has_mm);
  if (filtered) {
    done.flush.why = FlushWhy::other_mm;
    return done;
  }
  if (k.flush.generations) {
    done = flush_tlb_generations(k, features, cpu, f, mm_gen, false);
  } else if (cpu.lazy) {
    done.flush = leave_mm_local(k, cpu, FlushWhy::lazy);
  } else if (f.end == W{TLB_FLUSH_ALL}) {
    done.flush = flush_tlb_local<W>(k, features, FlushWhy::all_asked);
  } else {
    const bool completes = k.flush.page_end == PageEnd::func;
    const W end = select(Bool<W>(completes) & (f.end == W{0}), f.start + W{4096}, f.end);
    done.flush = flush_tlb_pages(k, features, FlushWhy::range_sent, f.start, end, W{12});
  }
  done.counters.remote_flush_received = W{1};
  return done;
}

/// What a CPU runs for `f`, whatever the handler.
template <class W>
constexpr FlushedCpu<W> run_handler(const Kernel& k, const FlushFeatures& features,
                                    const TlbCpu<W>& cpu, const FlushInfo<W>& f, const W& mm_gen) {
  FlushedCpu<W> done{.flush = {}, .local_gen = cpu.local_gen, .counters = {}};
  switch (f.handler) {
    case FlushHandler::flush_tlb_func: return flush_tlb_func(k, features, cpu, f, mm_gen);
    case FlushHandler::do_flush_tlb_all:
      done.flush = flush_tlb_all_local<W>(k, features, FlushWhy::all_asked);
      done.flush.leaves = cpu.lazy & Bool<W>(k.flush.all_leaves_lazy);
      done.counters.remote_flush_received = W{1};
      break;
    case FlushHandler::do_kernel_range_flush:
      done.flush = flush_tlb_pages(k, features, FlushWhy::within_ceiling, f.start, f.end, W{12});
      // Kernel pages are not global with PTI: every ASID may hold them.
      done.flush.invalidates_other = k.flush.pcids && features.pti;
      break;
  }
  return done;
}

/// Who is told.
enum class Whom : unsigned char {
  nobody,
  mask,           ///< the others in mm_cpumask
  mask_not_lazy,  ///< of those, who are not lazy: is_lazy, later should_flush_tlb
  every_cpu       ///< on_each_cpu: all that run, this one too
};

/// Whether a CPU of the mask is interrupted for `f`: since 4.20 not all are, unless page tables
/// were freed. should_flush_tlb of 6.12.117 and 6.15; before, is_lazy alone.
template <class W>
constexpr Bool<W> should_flush_tlb(const Kernel& k, const TlbCpu<W>& cpu, const FlushInfo<W>& f) {
  if (!k.flush.should_flush) return !cpu.lazy;
  if (cpu.lazy) return false;
  return (!f.has_mm) | (cpu.switching & Bool<W>(k.flush.should_flush_switching)) |
         (cpu.loaded & !cpu.switching) | cpu.trims;
}

/// Whether a CPU other than the caller is interrupted.
template <class W>
constexpr Bool<W> is_told(const Kernel& k, Whom whom, const TlbCpu<W>& cpu, const FlushInfo<W>& f) {
  switch (whom) {
    case Whom::nobody: return false;
    case Whom::mask: return cpu.in_mask;
    case Whom::mask_not_lazy: return cpu.in_mask & should_flush_tlb(k, cpu, f);
    case Whom::every_cpu: break;
  }
  return true;
}

}  // namespace mmuref::lnx
