// Generations, ASIDs and PCIDs: what a CPU may keep over flushes it was not told of.
#include "model/linux/flush.h"
#include "spec/theorem.h"
#include "spec/theorems/linux/flush_inputs.h"

namespace mmuref::spec {
namespace {

using lnx::Kernel;
using lnx::Primitive;
using lnx::TLB_NR_DYN_ASIDS;

constexpr std::string_view func_ref = "Linux, arch/x86/mm/tlb.c, flush_tlb_func";
constexpr std::string_view told_ref = "Linux, arch/x86/mm/tlb.c, should_flush_tlb";
constexpr std::string_view asid_ref = "Linux, arch/x86/mm/tlb.c, choose_new_asid";
constexpr std::string_view switch_ref = "Linux, arch/x86/mm/tlb.c, switch_mm_irqs_off";
constexpr std::string_view switch_4_6_ref = "Linux, arch/x86/include/asm/mmu_context.h, switch_mm";
constexpr std::string_view primitive_ref =
    "Linux, arch/x86/include/asm/tlbflush.h; SDM vol. 3, 4.10.4.1";
constexpr std::string_view pti_ref = "Linux, arch/x86/entry/calling.h, SWITCH_TO_USER_CR3";

constexpr Kernel linux_4_20 = lnx::kernel(lnx::v4_20), linux_6_12 = lnx::kernel(lnx::v6_12);
constexpr Kernel by_generation[] = {lnx::kernel({4, 14}), linux_4_20, lnx::kernel(lnx::v6_1),
                                    linux_6_12, lnx::kernel({6, 12, 117})};

/// Kernels less a change that every release has.
constexpr Kernel no_generation_is_old() {
  Kernel k = lnx::kernel({6, 0});
  k.flush.no_generation_is_old = true;
  return k;
}
constexpr Kernel switching_not_told() {
  Kernel k = lnx::kernel({6, 15});
  k.flush.should_flush_switching = false;
  return k;
}
constexpr Kernel set_bit_skipped() {
  Kernel k = linux_6_12;
  k.flush.set_bit_is_barrier = false;
  return k;
}

/// A flush that a CPU is told of. The mm may have moved on; the CPU may be anywhere up to there.
template <class S>
struct Told {
  using W = WordOf<S>;
  lnx::TlbCpu<W> cpu;
  lnx::FlushInfo<W> f;
  W mm_gen;

  explicit Told(S& t) : cpu(flush_cpu(t)) {
    // Few generations, so that chance meets equal ones.
    const W base = t.word("base") & W{bits(60, 0)};
    cpu.loaded = true;
    cpu.local_gen = base + (t.word("local_gen") & W{3}) + W{1};
    f.new_tlb_gen = base + (t.word("new_tlb_gen") & W{3}) + W{1};
    mm_gen = base + (t.word("mm_gen") & W{3}) + W{1};
    f.start = t.word("va") & W{bits(45, 12)};
    f.end = f.start + ((t.word("pages") & W{31}) << 12) + W{4096};
    f.end = select(t.flag("all"), ~W{0}, f.end);
    t.assume((cpu.local_gen <= mm_gen) & (f.new_tlb_gen <= mm_gen));
  }
};

const auto follows = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const Told<S> in(t);
  t.witness((in.cpu.local_gen < in.mm_gen) & !in.cpu.lazy, "a flush to be made");
  const auto done = lnx::flush_tlb_func(k, lnx::FlushFeatures{}, in.cpu, in.f, in.mm_gen);
  const Primitive what = done.flush.what;
  t.prove(done.local_gen >= in.cpu.local_gen, "never back");
  t.prove(done.local_gen <= in.mm_gen, "nor ahead of the mm");
  if (in.cpu.lazy) {
    t.prove(what == Primitive::leave_mm && Bool<W>(done.local_gen == in.cpu.local_gen),
            "a lazy CPU leaves the mm, and follows when it comes back");
    return;
  }
  t.prove(in.f.new_tlb_gen <= done.local_gen, "it has followed to the flush it is told of");
  const Bool<W> partial = (in.f.end != ~W{0}) & (in.f.new_tlb_gen == in.cpu.local_gen + W{1}) &
                          (in.f.new_tlb_gen == in.mm_gen);
  t.prove(Bool<W>(what == Primitive::invlpg) == partial,
          "by pages exactly if the flush is the next and the newest");
  // What moves a CPU on by more than this flush drops all of what those in between meant.
  t.prove((done.local_gen == in.cpu.local_gen) | partial | Bool<W>(lnx::drops_all(done.flush)),
          "and by all where it follows further");
};

const auto batch = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  Told<S> in(t);
  in.f = {};
  in.f.has_mm = false;
  in.cpu.loaded = t.flag("loaded");
  in.cpu.lazy = false;
  const auto done = lnx::flush_tlb_func(k, lnx::FlushFeatures{}, in.cpu, in.f, in.mm_gen);
  t.prove(done.local_gen == in.mm_gen, "it has followed the mm");
  t.prove(Bool<W>(lnx::drops_all(done.flush)) | (in.cpu.local_gen == in.mm_gen), "by flushing all");
};

const auto told = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  auto cpu = flush_cpu(t);
  cpu.switching = t.flag("switching");
  cpu.trims = t.flag("trims");
  lnx::FlushInfo<W> f;
  f.has_mm = t.flag("has_mm");
  f.freed_tables = t.flag("freed_tables");
  lnx::FlushPlan<W> plan;
  lnx::FlushRequest<W> r;
  lnx::flush_tlb_others(k, r, f, plan);
  const Bool<W> may_hold = cpu.in_mask & (cpu.loaded | cpu.switching);
  t.witness(may_hold & !cpu.lazy, "a CPU that may hold something");
  const Bool<W> is_told = lnx::is_told(k, plan.whom, cpu, plan.sent);
  t.prove((!(may_hold & !cpu.lazy)) | is_told, "who may hold a translation is told");
  t.prove((!(cpu.in_mask & f.freed_tables)) | is_told, "everybody, when tables were freed");
  t.prove((!is_told) | cpu.in_mask, "nobody outside of the mask");
};

/// Any ASIDs of a CPU that no two mms share, of generations up to 2^62.
template <class S>
lnx::Asids<WordOf<S>> asids(S& t) {
  using W = WordOf<S>;
  lnx::Asids<W> a;
  for (std::uint64_t i = 0; i < TLB_NR_DYN_ASIDS; ++i) {
    const std::string n = std::to_string(i);
    // Small distinct numbers by chance: an id is 0, or 8 times something and its slot.
    const W id = t.word("ctx_id_" + n);
    a.ctx_id[i] = select(t.flag("unused_" + n), W{0}, (id & ~W{7}) | W{i + 1});
    a.tlb_gen[i] = t.word("tlb_gen_" + n) & W{bits(61, 0)};
  }
  a.loaded = t.word("loaded_asid") & W{3};
  a.next = t.word("next_asid") & W{7};
  t.assume(a.next <= W{TLB_NR_DYN_ASIDS});
  a.invalidate_other = t.flag("invalidate_other");
  a.user_flush_mask = t.word("user_flush_mask") & W{bits(6, 1)};
  return a;
}

/// The mm switched to: one that an ASID has, or another.
template <class S>
WordOf<S> next_id(S& t, const lnx::Asids<WordOf<S>>& a) {
  using W = WordOf<S>;
  const W id = select(t.flag("known"), a.ctx_id[2], t.word("id"));
  t.assume(id != W{0});
  return id;
}

template <class W>
W slot(const W (&values)[TLB_NR_DYN_ASIDS], const W& asid) {
  W value = values[0];
  for (std::uint64_t i = 1; i < TLB_NR_DYN_ASIDS; ++i)
    value = select(asid == W{i}, values[i], value);
  return value;
}

template <class W>
Bool<W> distinct(const lnx::Asids<W>& a) {
  Bool<W> all = true;
  for (std::uint64_t i = 0; i < TLB_NR_DYN_ASIDS; ++i) {
    for (std::uint64_t j = 0; j < i; ++j)
      all = all & ((a.ctx_id[i] != a.ctx_id[j]) | (a.ctx_id[i] == W{0}));
  }
  return all;
}

const auto chooses = [](auto& t, bool pti) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const lnx::FlushFeatures f{.pti = pti};
  lnx::Asids<W> a = asids(t);
  t.assume(distinct(a));
  const W id = next_id(t, a), gen = t.word("gen") & W{bits(61, 0)};
  const Bool<W> forgets = a.invalidate_other & Bool<W>(pti);
  const W loaded = a.loaded;
  lnx::NewAsid<W> to = lnx::choose_new_asid(f, a, id, gen);
  t.prove(to.asid < W{TLB_NR_DYN_ASIDS}, "one of six");
  t.prove(a.next <= W{TLB_NR_DYN_ASIDS}, "and so the next time");
  const Bool<W> has_it = slot(a.ctx_id, to.asid) == id;
  t.prove(to.flush == ((!has_it) | (slot(a.tlb_gen, to.asid) < gen)),
          "flushed exactly if it is another's or older");
  t.prove((!(forgets & !to.flush)) | (to.asid == loaded),
          "after a flush of kernel pages no other ASID is trusted");
  t.witness(!to.flush, "translations that are kept");
  (void)lnx::load_new_mm(f, a, to, id, gen, W{0});
  t.prove(distinct(a), "no two ASIDs for one mm, nor two mms in one");
  t.prove((slot(a.ctx_id, to.asid) == id) & (slot(a.tlb_gen, to.asid) >= gen),
          "the ASID is the mm's, and as new");
};

const auto switches = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  auto cpu = flush_cpu(t);
  lnx::Asids<W> a = asids(t);
  t.assume(distinct(a));
  const W id = next_id(t, a), gen = t.word("gen") & W{bits(61, 0)};
  cpu.init_mm = t.flag("to_init");
  if (cpu.loaded) {
    // This ASID is the mm's, with the generation that the CPU goes by.
    t.assume(id == slot(a.ctx_id, a.loaded));
    cpu.local_gen = slot(a.tlb_gen, a.loaded);
    t.assume(cpu.local_gen <= gen);
  }
  W cr3{};
  const lnx::FlushFeatures f{};
  const lnx::SwitchMm<W> s = lnx::switch_mm_irqs_off(k, f, cpu, a, id, gen, t.flag("from_init"),
                                                     t.word("pgd") & W{bits(45, 13)}, cr3);
  t.witness(cpu.loaded, "back to a lazy mm");
  t.witness(Bool<W>(s.loads_cr3) & !s.flushes, "translations that are kept");
  const Bool<W> kept = cpu.loaded & !cpu.lazy;
  t.prove(kept | (slot(a.tlb_gen, a.loaded) >= gen), "as new as the mm was");
  t.prove(slot(a.ctx_id, a.loaded) == id, "the ASID is the mm's");
  t.prove(kept | cpu.loaded | s.sets_bit | cpu.init_mm, "in the mask of the mm, but of init_mm");
  t.prove(kept | s.barrier, "the generation is read after the mask says that this CPU is here");
  if (s.loads_cr3) {
    t.prove((cr3 & W{0xfff}) == lnx::kern_pcid(a.loaded), "CR3 selects its PCID");
    t.prove(has(cr3, lnx::cr3_noflush) == !s.flushes, "and drops what it must");
  }
};

const auto user_side = [](auto& t) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const lnx::FlushFeatures f{.pti = true};
  lnx::Asids<W> a = asids(t);
  const W id = next_id(t, a), gen = t.word("gen") & W{bits(61, 0)};
  const W asid = t.word("asid") & W{3};
  const W marks = a.user_flush_mask;
  const lnx::NewAsid<W> to{.asid = asid, .flush = t.flag("flush")};
  const W pgd = t.word("pgd") & W{bits(45, 13)};
  const W cr3 = lnx::load_new_mm(f, a, to, id, gen, pgd);
  const W user = lnx::user_cr3(f, a, cr3);
  const W mark = W{1} << lnx::kern_pcid(asid);
  t.prove((user & W{0xfff}) == lnx::user_pcid(asid), "the user PCID of the ASID");
  t.prove((user & W{bits(51, 12)}) == pgd + W{4096}, "and the PGD of user mode");
  t.prove(has(user, lnx::cr3_noflush) == !(to.flush | has(marks, mark)),
          "flushed on the way to user mode if the kernel's PCID was, now or before");
  t.prove(a.user_flush_mask == (marks & ~mark), "once");
  t.prove(has(lnx::user_cr3(f, a, cr3), lnx::cr3_noflush), "and not again");
  const W other = t.word("other_asid") & W{3};
  t.prove((lnx::user_pcid(asid) != lnx::kern_pcid(other)), "no PCID for both modes");
};

const auto user_flushed = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  lnx::FlushFeatures f = features(t, k);
  f.pti = f.pcid = true;
  const Told<S> in(t);
  const auto done = lnx::flush_tlb_func(k, f, in.cpu, in.f, in.mm_gen);
  const auto all = lnx::flush_tlb_all_local<W>(k, f, lnx::FlushWhy::all_asked);
  for (const auto& flush : {done.flush, all}) {
    const bool user_part = flush.what == Primitive::cr3_reload || flush.what == Primitive::invlpg;
    t.prove(!user_part || flush.user_marked || flush.user_invpcid, "of the user PCID too");
  }
};

/// The machine as Linux runs it: registers that their own instructions take.
template <class S>
MachineInputs<S> kernel_machine(S& t) {
  using W = WordOf<S>;
  auto in = machine_inputs(t);
  in.registers.cr4 = (in.registers.cr4 & W{bits(24, 0) & ~bit(15) & ~x86::cr4::CET}) |
                     W{x86::cr4::PAE | x86::cr4::PGE};
  t.assume(in.registers.cr3 >> in.cpu.maxphyaddr == W{0});
  return in;
}

const auto drop_all = [](auto& t) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const auto in = kernel_machine(t);
  const W va = t.word("va"), pcid = t.word("pcid") & W{0xfff};
  const Bool<W> global = t.flag("global");
  const W level_word = t.word("level") & W{3};
  const int level = level_word == W{1} ? 2 : level_word == W{2} ? 3 : 1;
  for (const Primitive what :
       {Primitive::cr3_reload, Primitive::invpcid_all, Primitive::pge_toggle}) {
    x86::Registers<W> r = in.registers;
    Bool<W> translation = false, structure = false;
    for (int nth = 0; nth < lnx::instructions(what); ++nth) {
      const auto effect = x86::execute(in.cpu, r, lnx::instruction(what, nth, in.registers, W{0}));
      t.prove(effect.exception == x86::Exception::none, "it does not fault");
      r = effect.registers;
      translation = translation | x86::drops_translation(effect.drop, va, level, pcid, global);
      structure = structure | x86::drops_structure(effect.drop, va, level, pcid);
    }
    t.prove((r.cr3 == in.registers.cr3) & (r.cr4 == in.registers.cr4), "registers are as before");
    const Bool<W> mine = (pcid == x86::current_pcid(in.registers)) & !global;
    const bool everything = what != Primitive::cr3_reload;
    t.prove(translation == (mine | Bool<W>(everything)), "translations go");
    t.prove((!mine) | structure, "and what leads to their tables");
  }
};

const auto drop_pages = [](auto& t, int level) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const auto in = kernel_machine(t);
  const unsigned shift = x86::level_shift(level);
  const W start = t.word("va_start") & W{bits(45, 12)};
  const W length = t.word("length") & W{bits(shift + 5, 0)};
  const auto flush = lnx::flush_tlb_pages(
      linux_4_20, lnx::FlushFeatures{}, lnx::FlushWhy::range_sent, start, start + length, W{shift});
  const W va = start + (t.word("offset") & W{bits(shift + 5, 0)});
  const Bool<W> claimed = lnx::invalidates_page(flush, va, shift);
  t.witness(claimed, "a page that is flushed");
  // Any INVLPG of the loop, by its number: the claim says that one of them is for the page.
  const W page = va & ~W{bit(shift) - 1};
  const W nth = select(page <= start, W{0}, (page - start + W{bit(shift) - 1}) >> shift);
  const auto effect = x86::execute(in.cpu, in.registers, lnx::invlpg_of(flush, nth));
  const W own = x86::current_pcid(in.registers);
  const Bool<W> global = t.flag("global");
  t.prove((!claimed) | (nth < flush.count), "an INVLPG of the loop");
  t.prove((!claimed) | x86::drops_translation(effect.drop, va, level, own, global),
          "drops the page, global or not");
  t.prove((!claimed) | x86::drops_structure(effect.drop, t.word("va"), level, own),
          "and whatever leads to tables");
};

const auto switches_4_6 = [](auto& t) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const auto cpu = flush_cpu(t);
  const Bool<W> same = t.flag("same");
  const auto s = lnx::switch_mm(cpu, same);
  t.prove(cpu.in_mask | s.sets_bit, "in the mask afterwards");
  t.prove((!s.sets_bit) | (s.loads_cr3 & s.flushes), "and nothing older is kept, if it was not");
  t.prove(s.clears_bit == !same, "out of the mask of the mm before, if it is another");
  t.prove(s.bug == (same & !cpu.loaded), "a BUG if the CPU state speaks of another mm");
};

const auto lazy_again = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  // A flush that a lazy CPU is not told of, and the switch that ends its laziness.
  auto r = user_request(t);
  r.freed_tables = false;
  lnx::TlbCpu<W> lazy;
  lazy.lazy = true;
  lazy.local_gen = r.mm_gen - (t.word("behind") & W{3});
  t.assume(lazy.local_gen <= r.mm_gen);
  const auto plan = lnx::flush_tlb_mm_range(k, lnx::FlushFeatures{}, flush_cpu(t), r);
  t.prove(!lnx::is_told(k, plan.whom, lazy, plan.sent), "it is not told");
  lnx::Asids<W> a;
  W cr3{};
  const auto s = lnx::switch_mm_irqs_off(k, lnx::FlushFeatures{}, lazy, a, W{1}, plan.mm_gen,
                                         Bool<W>(false), W{0}, cr3);
  t.prove(s.flushes, "but flushes before it uses the mm again");
};

const Theorem theorems[] = {
    theorem("linux-flush-func-follows",
            "flush_tlb_func never leaves a CPU behind the flush it is told of, goes by pages "
            "exactly if that is the CPU's next and the mm's newest, and by all where it has missed "
            "one; since 4.14.",
            func_ref, [](auto& t) { any_kernel(t, by_generation, follows); }),
    theorem("linux-flush-batch-is-never-old",
            "A batched flush, which names no mm and no generation, leaves no CPU behind its mm.",
            func_ref, [](auto& t) { any_kernel(t, by_generation, batch); }),
    theorem("linux-flush-tells-who-may-hold",
            "Who may hold a translation of the mm is told: has it loaded, or is switching, and is "
            "not lazy; everybody of the mask when tables were freed.",
            told_ref, [](auto& t) { any_kernel(t, by_generation, told); }),
    theorem(
        "linux-flush-lazy-follows-later",
        "A lazy CPU that is not told of a flush makes it when it uses the mm again; since "
        "4.20.",
        switch_ref,
        [](auto& t) {
          constexpr static Kernel kernels[] = {linux_4_20, linux_6_12, lnx::kernel({6, 12, 117})};
          any_kernel(t, kernels, lazy_again);
        }),
    theorem("linux-flush-choose-new-asid",
            "choose_new_asid gives no ASID to two mms and no mm two, and has it flushed exactly if "
            "it is another's or older.",
            asid_ref, [](auto& t) { chooses(t, false); }),
    theorem("linux-flush-choose-new-asid-pti",
            "choose_new_asid does so with page-table isolation, and trusts no other ASID after a "
            "flush of kernel pages.",
            asid_ref, [](auto& t) { chooses(t, true); }),
    theorem("linux-flush-switch-is-as-new",
            "After a switch the ASID in use is the mm's, as new as the mm was after the CPU came "
            "into its mask, and CR3 drops it exactly if it was not.",
            switch_ref,
            [](auto& t) {
              constexpr static Kernel kernels[] = {linux_4_20, linux_6_12};
              any_kernel(t, kernels, switches);
            }),
    theorem("linux-flush-switch-4-6",
            "switch_mm of 4.6 leaves the CPU in the mask of the next mm, and keeps nothing from "
            "before it was.",
            switch_4_6_ref, [](auto& t) { switches_4_6(t); }),
    theorem("linux-flush-user-cr3",
            "The way to user mode selects the ASID's user PCID and PGD, and drops what it holds "
            "exactly once after the kernel's PCID was flushed.",
            pti_ref, [](auto& t) { user_side(t); }),
    theorem("linux-flush-user-pcid",
            "Whatever flushes the kernel's PCID flushes or marks the user PCID too, with "
            "page-table isolation.",
            func_ref, [](auto& t) { user_flushed(t, linux_4_20); }),
    theorem("linux-flush-instructions-drop-all",
            "A reload of CR3 drops what is not global of the current PCID; INVPCID of type 2 and "
            "CR4.PGE cleared and set drop everything; registers are as before.",
            primitive_ref, [](auto& t) { drop_all(t); }),
    theorem("linux-flush-instructions-drop-4k",
            "A page of 4 KiB that a loop of INVLPGs is said to flush is dropped by one of them.",
            primitive_ref, [](auto& t) { drop_pages(t, 1); }),
    theorem("linux-flush-instructions-drop-2m",
            "A page of 2 MiB that a loop of INVLPGs is said to flush is dropped by one of them.",
            primitive_ref, [](auto& t) { drop_pages(t, 2); }),
};

const Defect defects[] = {
    {theorem("linux-flush-batch-is-never-old-6-0-rc",
             "A batched flush, which names no mm and no generation, leaves no CPU behind its mm.",
             func_ref, [](auto& t) { batch(t, no_generation_is_old()); }),
     "6.0 without 8f1d56f64f8d", "6.0, 8f1d56f64f8d"},
    {theorem("linux-flush-tells-who-may-hold-6-15-rc",
             "Who may hold a translation of the mm is told.", told_ref,
             [](auto& t) { told(t, switching_not_told()); }),
     "6.15 without fea4e317f9e7", "6.15, fea4e317f9e7"},
    {theorem("linux-flush-switch-is-as-new-6-17",
             "After a switch the ASID in use is the mm's, as new as the mm was after the CPU came "
             "into its mask.",
             switch_ref, [](auto& t) { switches(t, set_bit_skipped()); }),
     "6.17", "6.18, 83b0177a6c48"},
};

}  // namespace

std::span<const Theorem> linux_switch_theorems() {
  return theorems;
}
std::span<const Defect> linux_switch_defects() {
  return defects;
}

}  // namespace mmuref::spec
