// What a switch of address spaces decides: CR3, mm_cpumask, and since 4.14 which ASID.
//
// arch/x86/mm/tlb.c, switch_mm of 4.6, switch_mm_irqs_off and choose_new_asid of 4.20 and 6.12;
// arch/x86/include/asm/tlbflush.h, PCIDs of PTI. The order of steps matters to other CPUs and is
// explored in spec/protocol; here are the decisions.
#pragma once

#include "model/linux/flush_local.h"

namespace mmuref::lnx {

/// TLB_NR_DYN_ASIDS: address spaces whose translations a CPU keeps.
inline constexpr std::uint64_t TLB_NR_DYN_ASIDS = 6;
/// Of a PCID: for user mode, with PTI. The PGD for user mode is the page after the kernel's.
inline constexpr std::uint64_t pti_user_pcid = bit(11), pti_user_pgd = bit(12),
                               cr3_noflush = bit(63);

/// kern_pcid: 0 is the PCID of whatever does not know of them.
template <class W>
constexpr W kern_pcid(const W& asid) {
  return asid + W{1};
}
template <class W>
constexpr W user_pcid(const W& asid) {
  return kern_pcid(asid) | W{pti_user_pcid};
}

/// build_cr3, build_cr3_noflush: `pgd` is a physical address, with PTI of 8 KiB of tables.
template <class W>
constexpr W build_cr3(const FlushFeatures& features, const W& pgd, const W& asid,
                      const Bool<W>& flush) {
  if (!features.pcid) return pgd;
  return pgd | kern_pcid(asid) | select(flush, W{0}, W{cr3_noflush});
}

/// cpu_tlbstate of one CPU: what it may have cached, by ASID.
template <class W>
struct Asids {
  W ctx_id[TLB_NR_DYN_ASIDS]{};      ///< ctxs[].ctx_id: whose; 0 for nobody's
  W tlb_gen[TLB_NR_DYN_ASIDS]{};     ///< ctxs[].tlb_gen: up to which of its flushes
  W loaded{};                        ///< loaded_mm_asid
  W next{};                          ///< next_asid: the next to be given away; ≤ 6
  Bool<W> invalidate_other = false;  ///< the others hold kernel pages that were flushed
  W user_flush_mask{};               ///< user_pcid_flush_mask: a bit for each kern_pcid
};

template <class W>
struct NewAsid {
  W asid{};
  Bool<W> flush = true;  ///< what it holds is another mm's, or too old
};

/// choose_new_asid, for the mm of `id` (not 0) and generation `gen`.
template <class W>
constexpr NewAsid<W> choose_new_asid(const FlushFeatures& features, Asids<W>& cpu, const W& id,
                                     const W& gen) {
  if (!features.pcid) return {};
  if (features.pti) {
    // clear_asid_other
    for (std::uint64_t i = 0; i < TLB_NR_DYN_ASIDS; ++i) {
      const Bool<W> forget = cpu.invalidate_other & (cpu.loaded != W{i});
      cpu.ctx_id[i] = select(forget, W{0}, cpu.ctx_id[i]);
    }
    cpu.invalidate_other = false;
  }
  for (std::uint64_t i = 0; i < TLB_NR_DYN_ASIDS; ++i)
    if (cpu.ctx_id[i] == id) return {W{i}, cpu.tlb_gen[i] < gen};
  const Bool<W> wraps = cpu.next >= W{TLB_NR_DYN_ASIDS};
  const W asid = select(wraps, W{0}, cpu.next);
  cpu.next = asid + W{1};
  return {asid, true};
}

/// invalidate_user_asid: the next return to user mode with this ASID is to flush.
template <class W>
constexpr void invalidate_user_asid(const FlushFeatures& features, Asids<W>& cpu, const W& asid) {
  if (features.pti && features.pcid)
    cpu.user_flush_mask = cpu.user_flush_mask | (W{1} << kern_pcid(asid));
}

/// load_new_mm_cr3 and what switch_mm_irqs_off records with it.
template <class W>
constexpr W load_new_mm(const FlushFeatures& features, Asids<W>& cpu, const NewAsid<W>& to,
                        const W& id, const W& gen, const W& pgd) {
  for (std::uint64_t i = 0; i < TLB_NR_DYN_ASIDS; ++i) {
    const Bool<W> here = to.flush & (to.asid == W{i});
    cpu.ctx_id[i] = select(here, id, cpu.ctx_id[i]);
    cpu.tlb_gen[i] = select(here, gen, cpu.tlb_gen[i]);
  }
  if (to.flush) invalidate_user_asid(features, cpu, to.asid);
  cpu.loaded = to.asid;
  return build_cr3(features, pgd, to.asid, to.flush);
}

/// SWITCH_TO_USER_CR3: what CR3 is on the way to user mode; the mark is taken back. `kernel_cr3`
/// has a kern_pcid, which are below 8.
template <class W>
constexpr W user_cr3(const FlushFeatures& features, Asids<W>& cpu, const W& kernel_cr3) {
  if (!features.pti) return kernel_cr3;
  W cr3 = (kernel_cr3 & ~W{cr3_noflush}) | W{pti_user_pgd};
  if (!features.pcid) return cr3;
  const W mark = W{1} << (kernel_cr3 & W{7});
  const Bool<W> keeps = !has(cpu.user_flush_mask, mark);
  cpu.user_flush_mask = cpu.user_flush_mask & ~mark;
  return cr3 | W{pti_user_pcid} | select(keeps, W{cr3_noflush}, W{0});
}

/// What switch_mm does for a CPU.
template <class W>
struct SwitchMm {
  Bool<W> bug = false;
  Bool<W> sets_bit = false;    ///< in the next mm's mask
  Bool<W> clears_bit = false;  ///< in the mask of the mm before
  Bool<W> loads_cr3 = false;
  Bool<W> flushes = false;  ///< by that load
  Bool<W> barrier = false;  ///< between the bit in the mask and the first look at the tables, or at
                            ///< the mm's generation
  bool switching_first = false;  ///< loaded_mm says SWITCHING before the masks change
};

/// switch_mm of 4.6: `same` for the mm that is current already; `cpu` is this CPU with the next mm.
template <class W>
constexpr SwitchMm<W> switch_mm(const TlbCpu<W>& cpu, const Bool<W>& same) {
  SwitchMm<W> s;
  s.barrier = true;  // bts, then CR3
  if (same) {
    s.bug = !cpu.loaded;
    // Out of the mask: leave_mm was here, while it was lazy.
    s.sets_bit = s.loads_cr3 = s.flushes = !cpu.in_mask;
  } else {
    s.sets_bit = s.clears_bit = s.loads_cr3 = s.flushes = true;
  }
  return s;
}

/// switch_mm_irqs_off from 4.14 on, to an mm of `id` and generation `gen`; `cpu.loaded` says that
/// it is loaded, `was_init` that init_mm was, `cpu.init_mm` that it is the next. `asids` is as it
/// is afterwards but for CR3.
template <class W>
constexpr SwitchMm<W> switch_mm_irqs_off(const Kernel& k, const FlushFeatures& features,
                                         const TlbCpu<W>& cpu, Asids<W>& asids, const W& id,
                                         const W& gen, const Bool<W>& was_init, const W& pgd,
                                         W& cr3) {
  SwitchMm<W> s;
  NewAsid<W> to{.asid = asids.loaded, .flush = true};
  if (cpu.loaded) {
    if (!cpu.lazy) return s;
    s.barrier = true;
    if (cpu.local_gen == gen) return s;
  } else {
    s.switching_first = k.flush.switching_first;
    s.clears_bit = !was_init;
    s.sets_bit = !cpu.init_mm;
    // A bit that is set already is no locked instruction.
    s.barrier = (!cpu.in_mask) | Bool<W>(k.flush.set_bit_is_barrier);
    to = choose_new_asid(features, asids, id, gen);
  }
  s.loads_cr3 = true;
  s.flushes = to.flush;
  cr3 = load_new_mm(features, asids, to, id, gen, pgd);
  return s;
}

}  // namespace mmuref::lnx
