// Linux's TLB flushes as decisions: which pages, by what, and who is told.
#include "model/linux/flush.h"

#include "spec/theorem.h"
#include "spec/theorems/linux/flush_inputs.h"

namespace mmuref::spec {
namespace {

using lnx::Kernel;
using lnx::Primitive;
using lnx::Whom;

constexpr std::string_view range_ref = "Linux, arch/x86/mm/tlb.c, flush_tlb_mm_range";
constexpr std::string_view page_ref = "Linux, arch/x86/mm/tlb.c, flush_tlb_page";
constexpr std::string_view kernel_ref = "Linux, arch/x86/mm/tlb.c, flush_tlb_kernel_range";
constexpr std::string_view func_ref = "Linux, arch/x86/mm/tlb.c, flush_tlb_func";
constexpr std::string_view all_ref = "Linux, arch/x86/mm/tlb.c, flush_tlb_all";
constexpr std::string_view gather_ref = "Linux, include/asm-generic/tlb.h, struct mmu_gather";
constexpr std::string_view pgtables_ref = "Linux 2.4, include/asm-i386/pgalloc.h";

constexpr Kernel linux_2_4_0 = lnx::kernel({2, 4, 0}), linux_2_4_19 = lnx::kernel({2, 4, 19}),
                 linux_3_2 = lnx::kernel(lnx::v3_2), linux_3_8 = lnx::kernel({3, 8}),
                 linux_4_4 = lnx::kernel(lnx::v4_4), linux_4_6 = lnx::kernel(lnx::v4_6),
                 linux_4_12 = lnx::kernel({4, 12}), linux_4_14 = lnx::kernel({4, 14}),
                 linux_4_20 = lnx::kernel(lnx::v4_20), linux_5_15 = lnx::kernel({5, 15}),
                 linux_5_16 = lnx::kernel({5, 16}), linux_6_1 = lnx::kernel(lnx::v6_1),
                 linux_6_12 = lnx::kernel(lnx::v6_12), linux_6_12_117 = lnx::kernel({6, 12, 117});

/// Versions that flush by pages, and by generations.
constexpr Kernel by_active_mm[] = {linux_4_4, linux_4_6, linux_4_12};
constexpr Kernel by_generation[] = {linux_4_14, linux_4_20, linux_6_1, linux_6_12, linux_6_12_117};
constexpr Kernel by_pages[] = {linux_4_4,  linux_4_6,  linux_4_14,
                               linux_4_20, linux_6_12, linux_6_12_117};
constexpr Kernel all_forms[] = {linux_2_4_19, linux_3_2,  linux_4_4,  linux_4_6,
                                linux_4_14,   linux_4_20, linux_6_12, linux_6_12_117};

template <class W>
Bool<W> implies(const Bool<W>& a, const Bool<W>& b) {
  return (!a) | b;
}

const auto decides = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const auto r = any_request(t);
  const auto cpu = flush_cpu(t);
  const auto plan = lnx::flush_tlb_mm_range(k, lnx::FlushFeatures{}, cpu, r);
  const Bool<W> full = (r.end == ~W{0}) | r.hugetlb | ((r.end - r.start) >> 12 > r.ceiling);
  const Bool<W> uses = cpu.loaded & cpu.user;
  const Primitive what = plan.self.flush.what;
  t.witness(uses & !full, "pages one by one");
  t.prove(Bool<W>(what == Primitive::none) == !cpu.loaded, "nothing for another mm");
  t.prove(Bool<W>(what == Primitive::leave_mm) == (cpu.loaded & (!cpu.user) & cpu.lazy),
          "a lazy kernel thread leaves the mm");
  t.prove(Bool<W>(what == Primitive::bug) == (cpu.loaded & (!cpu.user) & !cpu.lazy),
          "and one that is not lazy is a BUG");
  t.prove(Bool<W>(what == Primitive::invlpg) == (uses & !full), "pages up to the ceiling");
  t.prove(Bool<W>(what == Primitive::cr3_reload) == (uses & full), "all from the ceiling on");
  const Bool<W> all_sent = (plan.sent.start == W{0}) & (plan.sent.end == ~W{0});
  const Bool<W> same_sent = (plan.sent.start == r.start) & (plan.sent.end == r.end);
  t.prove(implies<W>(uses & (!full) & (r.end != W{0}), same_sent), "others get the range");
  t.prove(implies<W>((!uses) | full, all_sent), "or everything");
  t.prove(Bool<W>(plan.whom == Whom::mask) == r.others, "all others of the mask, if any");
};

const auto ceiling_of_33 = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  lnx::FlushRequest<W> r;
  const W pages = t.word("pages") & W{63};
  r.start = t.word("va") & W{bits(45, 12)};
  r.end = r.start + (pages << 12);
  const auto plan = lnx::flush_tlb_mm_range(k, lnx::FlushFeatures{}, lnx::TlbCpu<W>{}, r);
  t.witness(pages == W{33}, "33 pages");
  t.prove(Bool<W>(plan.self.flush.what == Primitive::invlpg) == (pages <= W{33}),
          "33 one by one, 34 as all");
  t.prove(implies<W>(pages <= W{33}, plan.self.flush.count == pages), "an INVLPG each");
};

const auto start_after_end = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  auto r = any_request(t);
  // Less than half of all addresses apart, as two of one half always are.
  r.start = r.end + (t.word("apart") & W{bits(62, 0)}) + W{1};
  r.stride_shift = select(t.flag("large"), W{30}, W{12});
  lnx::TlbCpu<W> cpu;
  cpu.local_gen = r.mm_gen;
  const auto plan = lnx::flush_tlb_mm_range(k, lnx::FlushFeatures{}, cpu, r);
  t.prove(plan.self.flush.what == Primitive::cr3_reload, "all is flushed");
  t.prove(plan.sent.end == ~W{0}, "on others too");
};

const auto covers = [](auto& t, const Kernel& k, bool whole_start) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  auto r = user_request(t);
  if (!whole_start) {
    const W shift = t.word("within_page") & W{bits(11, 0)};
    r.start = r.start + shift;
    r.end = r.end + shift;
  }
  lnx::TlbCpu<W> cpu;
  cpu.local_gen = r.mm_gen;
  const auto plan = lnx::flush_tlb_mm_range(k, lnx::FlushFeatures{}, cpu, r);
  const auto& flush = plan.self.flush;
  const W va = address_in(t, r);
  t.prove(lnx::drops(flush, va), "no address of the range stays");
  if (flush.what != Primitive::invlpg) return;
  t.witness(flush.count > W{1}, "several INVLPGs");
  t.prove(!flush.endless, "the loop ends");
  const W length = r.end - r.start;
  t.prove((flush.count << 12) >= length, "as many as the pages");
  t.prove(((flush.count - W{1}) << 12) < length, "and no more");
};

const auto covers_large = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  lnx::FlushRequest<W> r;
  const unsigned shift = static_cast<bool>(t.flag("gigabyte")) ? 30 : 21;
  r.stride_shift = W{shift};
  r.start = t.word("va") & W{bits(45, shift)};
  const W pages = t.word("pages") & W{63};
  r.end = r.start + (pages << shift) + W{1};
  const auto plan = lnx::flush_tlb_mm_range(k, lnx::FlushFeatures{}, lnx::TlbCpu<W>{}, r);
  const W va = r.start + (t.word("offset") & W{bits(35, 0)});
  t.assume(va < r.end);
  t.prove(Bool<W>(plan.self.flush.what == Primitive::invlpg) == (pages <= W{33}),
          "the ceiling counts large pages");
  t.prove(lnx::drops(plan.self.flush, va, shift), "no address of the range stays");
};

const auto within_ceiling = [](auto& t, const Kernel& k, bool whole_end) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  auto r = user_request(t);
  if (whole_end) r.end = (r.end + W{0xfff}) & W{lnx::PAGE_MASK};
  lnx::TlbCpu<W> cpu;
  cpu.local_gen = r.mm_gen;
  const auto plan = lnx::flush_tlb_mm_range(k, lnx::FlushFeatures{}, cpu, r);
  t.witness(plan.self.flush.count == W{33}, "as many as the ceiling");
  t.prove(plan.self.flush.count <= r.ceiling, "no more INVLPGs than the ceiling");
};

const auto thresholds = [](auto& t, const Kernel& k, bool whole_pages) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  auto r = any_request(t);
  if (whole_pages) {
    r.start = r.start & W{lnx::PAGE_MASK};
    r.end = select(t.flag("near"), r.start + (t.word("length") & W{bits(19, 0)}), r.end);
    r.end = r.end & W{lnx::PAGE_MASK};
  } else {
    t.assume(r.end != ~W{0});
  }
  r.hugetlb = false;
  const auto pages = lnx::flush_tlb_mm_range(k, lnx::FlushFeatures{}, lnx::TlbCpu<W>{}, r);
  const auto bytes = lnx::flush_tlb_kernel_range(k, lnx::FlushFeatures{}, lnx::TlbCpu<W>{}, r);
  const bool full = pages.sent.end == ~W{0} ? true : false;
  t.witness(!full, "pages one by one");
  t.prove((bytes.sent.handler == lnx::FlushHandler::do_flush_tlb_all) == full, "both decide alike");
};

const auto loop_ends = [](auto& t, const Kernel& k, bool below_last_page) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  lnx::FlushRequest<W> r;
  r.end = ~W{0} - (t.word("below") & W{bits(19, 0)});
  if (below_last_page) r.end = r.end - W{0xfff};
  r.start = r.end - (t.word("length") & W{bits(18, 0)});
  const auto plan = lnx::flush_tlb_kernel_range(k, lnx::FlushFeatures{}, lnx::TlbCpu<W>{}, r);
  t.prove(!plan.self.flush.endless, "the loop ends");
};

const auto loop_wraps = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  lnx::FlushRequest<W> r;
  r.end = ~W{0} - W{1} - (t.word("below") & W{2047});
  r.start = (r.end & W{lnx::PAGE_MASK}) - ((t.word("pages") & W{31}) << 12);
  const auto plan = lnx::flush_tlb_kernel_range(k, lnx::FlushFeatures{}, lnx::TlbCpu<W>{}, r);
  t.prove(plan.self.flush.endless, "the loop does not end");
};

const auto hugetlb = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  auto r = any_request(t);
  r.hugetlb = true;
  lnx::TlbCpu<W> cpu;
  cpu.local_gen = r.mm_gen;
  const auto plan = lnx::flush_tlb_mm_range(k, lnx::FlushFeatures{}, cpu, r);
  t.prove(plan.self.flush.what == Primitive::cr3_reload, "all is flushed");
  t.prove(plan.sent.end == ~W{0}, "on others too");
};

const auto orders = [](auto& t, const Kernel& k, bool page) {
  const auto r = user_request(t);
  const auto cpu = flush_cpu(t);
  const auto plan = page ? lnx::flush_tlb_page(k, lnx::FlushFeatures{}, cpu, r)
                         : lnx::flush_tlb_mm_range(k, lnx::FlushFeatures{}, cpu, r);
  t.witness(r.others & !cpu.loaded, "a flush for others alone");
  t.prove(lnx::orders_mask(plan), "the mask is read after the entry was written");
};

/// What the four functions of one mm do about a page they are asked for; `function` 0 to 3.
const auto plan_of = [](const auto& k, const auto& cpu, const auto& r, int function) {
  const lnx::FlushFeatures f{};
  switch (function) {
    case 0: return lnx::flush_tlb_mm(k, f, cpu, r);
    case 1: return lnx::flush_tlb_range(k, f, cpu, r);
    case 2: return lnx::flush_tlb_page(k, f, cpu, r);
    default: break;
  }
  return k.flush.ranges ? lnx::flush_tlb_mm_range(k, f, cpu, r) : lnx::flush_tlb_mm(k, f, cpu, r);
};

/// A page of the range that `function` is asked for.
template <class S>
WordOf<S> asked(S& t, lnx::FlushRequest<WordOf<S>>& r, int function) {
  using W = WordOf<S>;
  r = user_request(t);
  if (function == 2) r.end = r.start + W{4096};
  return address_in(t, r);
}

const auto drops_here = [](auto& t, const Kernel& k, int function) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  lnx::FlushRequest<W> r;
  const W va = asked(t, r, function);
  lnx::TlbCpu<W> self;
  // Generations: nobody is ahead of the mm.
  self.local_gen = t.word("local_gen") & W{bits(61, 0)};
  t.assume(self.local_gen <= r.mm_gen);
  const auto plan = plan_of(k, self, r, function);
  t.prove(lnx::drops(plan.self.flush, va), "gone from this CPU");
};

const auto drops_there = [](auto& t, const Kernel& k, int function) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  lnx::FlushRequest<W> r;
  const W va = asked(t, r, function);
  r.others = true;
  r.freed_tables = false;
  lnx::TlbCpu<W> self, other;
  self.loaded = t.flag("loaded");
  self.local_gen = r.mm_gen;
  other.local_gen = t.word("local_gen") & W{bits(61, 0)};
  t.assume(other.local_gen <= r.mm_gen);
  const auto plan = plan_of(k, self, r, function);
  t.prove(lnx::is_told(k, plan.whom, other, plan.sent), "the other is told");
  const auto done = lnx::flush_tlb_func(k, lnx::FlushFeatures{}, other, plan.sent, plan.mm_gen);
  t.prove(lnx::drops(done.flush, va), "gone from the other");
};

/// A lazy CPU, for a flush after page tables were freed.
const auto lazy_leaves = [](auto& t, const Kernel& k, bool by_range) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  auto r = user_request(t);
  r.others = true;
  r.freed_tables = true;
  lnx::TlbCpu<W> lazy;
  lazy.lazy = true;
  lazy.user = false;
  lazy.local_gen = r.mm_gen;
  auto self = flush_cpu(t);
  const auto plan = plan_of(k, self, r, by_range ? 1 : 3);
  t.prove(lnx::is_told(k, plan.whom, lazy, plan.sent), "it is told");
  const auto done = lnx::flush_tlb_func(k, lnx::FlushFeatures{}, lazy, plan.sent, plan.mm_gen);
  t.prove(done.flush.loads_cr3, "and uses the mm's tables no longer");
};

const auto pgtables = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  auto r = user_request(t);
  r.others = true;
  auto self = flush_cpu(t);
  self.in_mask = self.in_mask | self.loaded;
  const auto plan = lnx::flush_tlb_pgtables(k, lnx::FlushFeatures{}, self, r);
  t.prove(plan.whom == Whom::mask, "others are told");
  t.prove(plan.sent.end == ~W{0}, "of everything");
  if (self.loaded & self.user) t.prove(lnx::drops_all(plan.self.flush), "and here all goes");
};

const auto hook = [](auto& t, const Kernel& k) {
  auto r = user_request(t);
  const auto cpu = flush_cpu(t);
  const auto plan = lnx::flush_tlb_page(k, lnx::FlushFeatures{}, cpu, r);
  t.witness(r.others, "others to be told");
  t.prove(plan.hook.start < plan.hook.end, "start lies before end");
};

const auto everything = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const lnx::FlushFeatures f = features(t, k);
  const auto cpu = flush_cpu(t);
  const auto plan = lnx::flush_tlb_all(k, f, cpu);
  t.prove(plan.whom == Whom::every_cpu, "every CPU");
  const auto done = lnx::run_handler(k, f, flush_cpu(t, "_other"), plan.sent, W{0});
  for (const auto& flush : {plan.self.flush, done.flush}) {
    const bool global = flush.what == Primitive::invpcid_all || flush.what == Primitive::pge_toggle;
    t.prove(global || (!f.pge && flush.what == Primitive::cr3_reload), "global pages too");
  }
  t.prove(plan.self.flush.leaves == (cpu.lazy & Bool<W>(!k.flush.generations)),
          "until 4.12 a lazy CPU leaves its mm");
};

const auto gathered = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  auto tlb = lnx::tlb_gather_mmu(k, select(t.flag("whole"), W{0}, W{0x1000}), ~W{0});
  const W a = t.word("va_a") & W{bits(45, 12)}, b = t.word("va_b") & W{bits(45, 12)};
  const W table = t.word("va_table") & W{bits(45, 12)};
  lnx::tlb_remove_entry(k, tlb, a, 1);
  lnx::tlb_free_table(k, tlb, table, Bool<W>(false));
  const auto first = lnx::tlb_flush(k, tlb);
  t.prove(first.flushes, "something to flush");
  t.prove(first.request.freed_tables, "tables were freed");
  const auto inside = [&](const lnx::GatherFlush<W>& f, const W& address) {
    return (f.request.start <= address) & (address < f.request.end);
  };
  t.prove(inside(first, a) & inside(first, table), "what was removed is in the range");
  lnx::tlb_remove_entry(k, tlb, b, 1);
  const auto second = lnx::tlb_flush(k, tlb);
  t.prove(second.flushes & inside(second, b), "what was removed later is in the later range");
  t.prove(!second.request.freed_tables, "which no table is in");
  t.witness(!inside(second, a), "the range begins anew");
  const auto third = lnx::tlb_flush(k, tlb);
  t.prove(third.flushes == tlb.fullmm, "and then nothing is left, but of a whole mm");
};

const auto gathered_large = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  auto tlb = lnx::tlb_gather_mmu(k, W{0x1000}, W{0x2000});
  const W large = t.word("va_large") & W{bits(45, 21)};
  lnx::tlb_remove_entry(k, tlb, large, 2);
  const bool small_too = static_cast<bool>(t.flag("small_too"));
  const W small = t.word("va_small") & W{bits(45, 12)};
  if (small_too) lnx::tlb_remove_entry(k, tlb, small, 1);
  auto r = lnx::tlb_flush(k, tlb).request;
  const auto plan = lnx::flush_tlb_mm_range(k, lnx::FlushFeatures{}, lnx::TlbCpu<W>{}, r);
  const auto& flush = plan.self.flush;
  t.witness(flush.what == Primitive::invlpg, "page by page");
  // Any INVLPG within a large page drops it; its first address is always one.
  t.prove(lnx::drops(flush, large, 21), "the large page goes");
  t.prove((!Bool<W>(small_too)) | lnx::drops(flush, small), "and the small one");
};

const auto unshared = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  auto tlb = lnx::tlb_gather_mmu(k, W{0x1000}, W{0x2000});
  const W address = t.word("va") & W{bits(45, 21)};
  lnx::tlb_unshare(k, tlb, address);
  const auto flush = lnx::tlb_flush(k, tlb);
  const W other = (address & W{lnx::PUD_MASK}) + (t.word("offset") & W{bits(29, 0)});
  t.prove(flush.flushes, "a flush follows");
  t.prove((flush.request.start <= other) & (other < flush.request.end), "of the whole GiB");
};

const auto pae_pmd = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  auto tlb = lnx::tlb_gather_mmu(k, W{0x1000}, W{0x2000});
  lnx::tlb_remove_entry(k, tlb, t.word("va") & W{bits(31, 12)}, 1);
  lnx::tlb_free_table(k, tlb, t.word("va_table") & W{bits(31, 30)}, Bool<W>(true));
  const auto r = lnx::tlb_flush(k, tlb).request;
  t.prove((r.start == W{0}) & (r.end == ~W{0}), "CR3 is reloaded, and the PDPTEs with it");
};

const auto leaving = [](auto& t, const Kernel& k) {
  const auto cpu = flush_cpu(t);
  const auto left = lnx::leave_mm(k, cpu);
  t.witness(cpu.lazy, "a lazy CPU");
  t.prove(left.bug == !cpu.lazy, "a BUG where it is not lazy");
  t.prove(left.loads_cr3 == left.clears_bit, "out of the mask and off the tables together");
  t.prove((!(cpu.lazy & cpu.in_mask)) | left.clears_bit, "from the mask always");
};

const auto up = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const auto r = user_request(t);
  const auto cpu = flush_cpu(t);
  const auto range = lnx::flush_tlb_mm_range(k, lnx::FlushFeatures{}, cpu, r);
  const auto page = lnx::flush_tlb_page(k, lnx::FlushFeatures{}, cpu, r);
  t.prove(range.whom == Whom::nobody && page.whom == Whom::nobody, "nobody is told");
  t.prove(Bool<W>(range.self.flush.what == Primitive::cr3_reload) == cpu.loaded,
          "a range of the mm in use is all");
  t.prove(lnx::drops(page.self.flush, r.start + W{0xfff}) == cpu.loaded, "a page is the page");
};

const Theorem theorems[] = {
    theorem("linux-flush-mm-range-decides",
            "flush_tlb_mm_range goes page by page exactly if the mm is in use here, the range is "
            "not everything, not hugetlb, and has no more pages than the ceiling; a kernel thread "
            "leaves the mm; others get the range then, and everything otherwise; 4.4 to 4.12.",
            range_ref, [](auto& t) { any_kernel(t, by_active_mm, decides); }),
    theorem("linux-flush-33-pages",
            "With the ceiling nobody changed 33 pages are flushed one by one, and 34 as all.",
            range_ref, [](auto& t) { any_kernel(t, by_pages, ceiling_of_33); }),
    theorem("linux-flush-start-after-end",
            "A range that ends before it starts, less than 2^63 bytes, is flushed as everything.",
            range_ref, [](auto& t) { any_kernel(t, by_pages, start_after_end); }),
    theorem("linux-flush-covers-the-range",
            "From a whole page on, every page that a range touches is flushed, by one INVLPG each "
            "or by all.",
            range_ref,
            [](auto& t) {
              any_kernel(t, by_pages, [](auto& s, const Kernel& k) { covers(s, k, true); });
            }),
    theorem("linux-flush-covers-large-pages",
            "By strides of 2 MiB and 1 GiB too, every page that a range touches is flushed; 4.20.",
            range_ref, [](auto& t) { covers_large(t, linux_4_20); }),
    theorem("linux-flush-count-within-ceiling",
            "A range of whole pages takes no more INVLPGs than the ceiling.", range_ref,
            [](auto& t) {
              any_kernel(t, by_pages, [](auto& s, const Kernel& k) { within_ceiling(s, k, true); });
            }),
    theorem("linux-flush-thresholds-agree",
            "flush_tlb_kernel_range, which counts bytes, and flush_tlb_mm_range decide alike for "
            "ranges of whole pages.",
            kernel_ref,
            [](auto& t) {
              constexpr static Kernel kernels[] = {linux_4_6, linux_4_20};
              any_kernel(t, kernels, [](auto& s, const Kernel& k) { thresholds(s, k, true); });
            }),
    theorem("linux-flush-loop-ends",
            "The loop over a range that ends at 2^64 - 4096 or below comes to its end.", kernel_ref,
            [](auto& t) {
              any_kernel(t, by_pages, [](auto& s, const Kernel& k) { loop_ends(s, k, true); });
            }),
    theorem("linux-flush-loop-wraps",
            "The loop over whole pages and a part of the last page of all does not end.",
            kernel_ref, [](auto& t) { any_kernel(t, by_pages, loop_wraps); }),
    theorem("linux-flush-hugetlb-is-everything",
            "VM_HUGETLB makes every range everything; until 4.19.", range_ref,
            [](auto& t) {
              constexpr static Kernel kernels[] = {linux_4_4, linux_4_6, linux_4_14};
              any_kernel(t, kernels, hugetlb);
            }),
    theorem("linux-flush-range-orders-mask",
            "Whatever flush_tlb_mm_range does here, mm_cpumask is read after what was written to "
            "the page tables before the call is visible; since 4.5.",
            range_ref,
            [](auto& t) {
              constexpr static Kernel kernels[] = {linux_4_6, linux_4_12, linux_4_14, linux_4_20,
                                                   linux_6_12_117};
              any_kernel(t, kernels, [](auto& s, const Kernel& k) { orders(s, k, false); });
            }),
    theorem("linux-flush-page-orders-mask",
            "Whatever flush_tlb_page does here, mm_cpumask is read after what was written to the "
            "page tables before the call is visible; since 4.13.",
            page_ref,
            [](auto& t) {
              any_kernel(t, by_generation, [](auto& s, const Kernel& k) { orders(s, k, true); });
            }),
    theorem("linux-flush-mm-drops-here",
            "After flush_tlb_mm no page asked for is left on a CPU that calls it and uses the mm, "
            "whatever "
            "flushes it has missed.",
            func_ref,
            [](auto& t) {
              any_kernel(t, all_forms, [](auto& s, const Kernel& k) { drops_here(s, k, 0); });
            }),
    theorem("linux-flush-range-drops-here",
            "After flush_tlb_range no page asked for is left on a CPU that calls it and uses the "
            "mm, whatever "
            "flushes it has missed.",
            func_ref,
            [](auto& t) {
              any_kernel(t, all_forms, [](auto& s, const Kernel& k) { drops_here(s, k, 1); });
            }),
    theorem("linux-flush-page-drops-here",
            "After flush_tlb_page no page asked for is left on a CPU that calls it and uses the "
            "mm, whatever "
            "flushes it has missed.",
            func_ref,
            [](auto& t) {
              any_kernel(t, all_forms, [](auto& s, const Kernel& k) { drops_here(s, k, 2); });
            }),
    theorem(
        "linux-flush-mm-drops-there",
        "After flush_tlb_mm no page asked for is left on another CPU that uses the mm, whatever "
        "flushes it has missed.",
        func_ref,
        [](auto& t) {
          any_kernel(t, all_forms, [](auto& s, const Kernel& k) { drops_there(s, k, 0); });
        }),
    theorem(
        "linux-flush-range-drops-there",
        "After flush_tlb_range no page asked for is left on another CPU that uses the mm, whatever "
        "flushes it has missed.",
        func_ref,
        [](auto& t) {
          any_kernel(t, all_forms, [](auto& s, const Kernel& k) { drops_there(s, k, 1); });
        }),
    theorem(
        "linux-flush-page-drops-there",
        "After flush_tlb_page no page asked for is left on another CPU that uses the mm, whatever "
        "flushes it has missed.",
        func_ref,
        [](auto& t) {
          any_kernel(t, all_forms, [](auto& s, const Kernel& k) { drops_there(s, k, 2); });
        }),
    theorem("linux-flush-lazy-leaves-freed-tables",
            "When page tables were freed, lazy CPUs are told too, and use the mm's tables no "
            "longer; since 2.4.19.",
            func_ref,
            [](auto& t) {
              any_kernel(t, all_forms, [](auto& s, const Kernel& k) { lazy_leaves(s, k, false); });
            }),
    theorem(
        "linux-flush-range-after-freed-table",
        "flush_tlb_range, called when a page table was freed, reaches lazy CPUs; until 4.19, "
        "and since 6.15.",
        range_ref,
        [](auto& t) {
          constexpr static Kernel kernels[] = {linux_3_2, linux_4_6, linux_4_14, linux_6_12_117};
          any_kernel(t, kernels, [](auto& s, const Kernel& k) { lazy_leaves(s, k, true); });
        }),
    theorem("linux-flush-pgtables",
            "flush_tlb_pgtables of 2.4 leaves no freed page table in use; since 2.4.19.",
            pgtables_ref, [](auto& t) { pgtables(t, linux_2_4_19); }),
    theorem("linux-flush-hook-range",
            "What flush_tlb_page passes to flush_tlb_others is a range that ends after it starts; "
            "since 4.11.",
            page_ref,
            [](auto& t) {
              constexpr static Kernel kernels[] = {linux_4_12, linux_4_20};
              any_kernel(t, kernels, hook);
            }),
    theorem("linux-flush-all-drops-globals",
            "flush_tlb_all drops everything on every CPU, global pages too.", all_ref,
            [](auto& t) { any_kernel(t, all_forms, everything); }),
    theorem("linux-flush-gather-covers",
            "Every page removed and table freed since the last flush is in the range that "
            "mmu_gather flushes, and the range begins anew.",
            gather_ref,
            [](auto& t) {
              constexpr static Kernel kernels[] = {linux_4_6, linux_4_20};
              any_kernel(t, kernels, gathered);
            }),
    theorem("linux-flush-gather-large-pages",
            "A large page that mmu_gather was given is dropped, alone and with a small one.",
            gather_ref,
            [](auto& t) {
              constexpr static Kernel kernels[] = {linux_4_6, linux_4_20};
              any_kernel(t, kernels, gathered_large);
            }),
    theorem("linux-flush-unshared-table",
            "When hugetlb gives up a shared table, the GiB that it mapped is flushed; since 5.16.",
            gather_ref, [](auto& t) { unshared(t, linux_5_16); }),
    theorem("linux-flush-pae-pmd", "After a PMD of PAE was freed everything is flushed; since 3.9.",
            gather_ref, [](auto& t) { pae_pmd(t, linux_4_6); }),
    theorem("linux-flush-leave-mm",
            "leave_mm is a BUG exactly if the CPU is not lazy; one that leaves the mask leaves the "
            "tables too.",
            func_ref,
            [](auto& t) {
              constexpr static Kernel kernels[] = {linux_2_4_19, linux_3_2, linux_4_6};
              any_kernel(t, kernels, leaving);
            }),
    theorem("linux-flush-up",
            "Without CONFIG_SMP a range of the mm in use is everything, and a page the page; 4.6.",
            range_ref, [](auto& t) { up(t, lnx::kernel(lnx::v4_6, {.smp = false})); }),
};

const Defect defects[] = {
    {theorem("linux-flush-range-orders-mask-4-4",
             "Whatever flush_tlb_mm_range does here, mm_cpumask is read after what was written to "
             "the page tables before the call is visible.",
             range_ref, [](auto& t) { orders(t, linux_4_4, false); }),
     "4.4", "4.5, 71b3c126e611"},
    {theorem("linux-flush-page-orders-mask-4-6",
             "Whatever flush_tlb_page does here, mm_cpumask is read after what was written to the "
             "page tables before the call is visible.",
             page_ref, [](auto& t) { orders(t, linux_4_6, true); }),
     "4.6", "4.13, ca6c99c07948"},
    {theorem("linux-flush-covers-unaligned-start-4-6",
             "Every page that a range touches is flushed, wherever in a page it starts.", range_ref,
             [](auto& t) { covers(t, linux_4_6, false); }),
     "4.6", "not as of 6.12: callers start at whole pages"},
    {theorem("linux-flush-count-within-ceiling-4-6",
             "A range takes no more INVLPGs than the ceiling.", range_ref,
             [](auto& t) { within_ceiling(t, linux_4_6, false); }),
     "4.6", "not as of 6.12: callers end at whole pages"},
    {theorem("linux-flush-thresholds-agree-4-6",
             "flush_tlb_kernel_range and flush_tlb_mm_range decide alike for any range.",
             kernel_ref, [](auto& t) { thresholds(t, linux_4_6, false); }),
     "4.6", "not as of 6.12: callers pass whole pages"},
    {theorem("linux-flush-loop-ends-4-6", "The loop over any range comes to its end.", kernel_ref,
             [](auto& t) { loop_ends(t, linux_4_6, false); }),
     "4.6", "not as of 6.12: no caller passes the last page"},
    {theorem("linux-flush-hook-range-4-6",
             "What flush_tlb_page passes to flush_tlb_others is a range that ends after it starts.",
             page_ref, [](auto& t) { hook(t, linux_4_6); }),
     "4.6", "4.11, \"x86/mm: Fix flush_tlb_page() on Xen\""},
    {theorem("linux-flush-range-after-freed-table-4-20",
             "flush_tlb_range, called when a page table was freed, reaches lazy CPUs.", range_ref,
             [](auto& t) { lazy_leaves(t, linux_4_20, true); }),
     "4.20", "6.15, 3ef938c35035"},
    {theorem("linux-flush-lazy-leaves-freed-tables-2-4-0",
             "When page tables were freed, lazy CPUs are told too, and use the mm's tables no "
             "longer.",
             func_ref, [](auto& t) { lazy_leaves(t, linux_2_4_0, false); }),
     "2.4.0", "2.4.19"},
    {theorem("linux-flush-pgtables-2-4-0", "flush_tlb_pgtables leaves no freed page table in use.",
             pgtables_ref, [](auto& t) { pgtables(t, linux_2_4_0); }),
     "2.4.0", "2.4.19"},
    {theorem("linux-flush-unshared-table-5-15",
             "When hugetlb gives up a shared table, the GiB that it mapped is flushed.", gather_ref,
             [](auto& t) { unshared(t, linux_5_15); }),
     "5.15", "5.16, a4a118f2eead"},
    {theorem("linux-flush-pae-pmd-3-8", "After a PMD of PAE was freed everything is flushed.",
             gather_ref, [](auto& t) { pae_pmd(t, linux_3_8); }),
     "3.8", "3.9, 1de14c3c5cbc"},
};

}  // namespace

std::span<const Theorem> linux_flush_theorems() {
  return theorems;
}
std::span<const Defect> linux_flush_defects() {
  return defects;
}

}  // namespace mmuref::spec
