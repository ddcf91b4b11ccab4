// Linux's TLB flushes, against tables written by hand and loops taken literally.
#include "model/linux/flush.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace mmuref::lnx::test {
namespace {

using Word = std::uint64_t;
using Cpu = TlbCpu<Word>;
using Request = FlushRequest<Word>;
using Plan = FlushPlan<Word>;

constexpr Word all = ~Word{0};

const Kernel linux_2_4_0 = kernel({2, 4, 0}), linux_2_4_19 = kernel({2, 4, 19}),
             linux_3_2 = kernel(v3_2), linux_4_4 = kernel(v4_4), linux_4_6 = kernel(v4_6),
             linux_4_12 = kernel({4, 12}), linux_4_14 = kernel({4, 14}), linux_4_20 = kernel(v4_20),
             linux_6_1 = kernel(v6_1), linux_6_12 = kernel(v6_12),
             linux_6_12_117 = kernel({6, 12, 117});
const FlushFeatures features;

constexpr Cpu uses{}, elsewhere{.loaded = false}, borrows{.lazy = true, .user = false},
    lazy{.lazy = true}, borrows_ok{.user = false};

Request range(Word start, Word end) {
  Request r;
  r.start = start;
  r.end = end;
  return r;
}

TEST(FlushCode, WhichVersionsAreKnown) {
  for (const Version v : {Version{2, 4, 0},
                          {2, 4, 37},
                          {3, 2},
                          {3, 5},
                          {3, 16},
                          {4, 4},
                          {4, 12},
                          {4, 14},
                          {4, 20},
                          {6, 12},
                          {6, 15}})
    EXPECT_TRUE(kernel(v).flush.known) << v.major << '.' << v.minor;
  for (const Version v : {Version{2, 3, 99}, {2, 6, 0}, {3, 1}, {3, 6}, {3, 15}, {4, 13}})
    EXPECT_FALSE(kernel(v).flush.known) << v.major << '.' << v.minor;
}

TEST(FlushCode, WhatChangedWhen) {
  const auto code = [](int major, int minor, int patch = 0) {
    return kernel({major, minor, patch}).flush;
  };
  EXPECT_TRUE(code(4, 11).has_current_task && code(4, 13).all_leaves_lazy);
  EXPECT_FALSE(code(4, 12).has_current_task || code(4, 14).all_leaves_lazy);
  EXPECT_EQ(code(4, 5).page_end, PageEnd::func);
  EXPECT_EQ(code(4, 6).page_end, PageEnd::others);
  EXPECT_EQ(code(4, 10).page_end, PageEnd::others);
  EXPECT_EQ(code(4, 11).page_end, PageEnd::caller);
  // 6.15, and before it the stable 6.12.117.
  for (const FlushCode& f : {code(6, 12, 117), code(6, 12, 200), code(6, 15)})
    EXPECT_TRUE(f.should_flush && f.should_flush_switching && f.range_frees_tables);
  for (const FlushCode& f : {code(6, 12), code(6, 12, 116), code(6, 13), code(6, 14), code(4, 20)})
    EXPECT_FALSE(f.should_flush || f.should_flush_switching || f.range_frees_tables);
}

/// A row of the sheet's table for 4.6.
struct RangeRow {
  const char* situation;
  Cpu cpu;
  Request request;
  Primitive what;
  Word count, sent_start, sent_end;
  bool barrier;
  Word local_all, local_one;
};

TEST(FlushMmRange, OfLinux4_6) {
  Request huge = range(0x1000, 0x2000), low = range(0x1000, 0x3000), none = range(0x1000, 0x2000);
  huge.hugetlb = true;
  low.ceiling = 1;
  none.ceiling = 0;
  const RangeRow rows[] = {
      {"another mm", elsewhere, range(0x1000, 0x2000), Primitive::none, 0, 0, all, true, 0, 0},
      {"thread", borrows, range(0x1000, 0x2000), Primitive::leave_mm, 0, 0, all, true, 0, 0},
      {"thread, OK", borrows_ok, range(0x1000, 0x2000), Primitive::bug, 0, 0, all, true, 0, 0},
      {"all", uses, range(0, all), Primitive::cr3_reload, 0, 0, all, false, 1, 0},
      {"hugetlb", uses, huge, Primitive::cr3_reload, 0, 0, all, false, 1, 0},
      {"a page", uses, range(0x1000, 0x2000), Primitive::invlpg, 1, 0x1000, 0x2000, false, 0, 1},
      {"a byte", uses, range(0x1000, 0x1001), Primitive::invlpg, 1, 0x1000, 0x1001, false, 0, 1},
      {"33", uses, range(0, 0x21000), Primitive::invlpg, 33, 0, 0x21000, false, 0, 33},
      {"33 and a part", uses, range(0, 0x21fff), Primitive::invlpg, 34, 0, 0x21fff, false, 0, 34},
      {"34", uses, range(0, 0x22000), Primitive::cr3_reload, 0, 0, all, false, 1, 0},
      {"above 1", uses, low, Primitive::cr3_reload, 0, 0, all, false, 1, 0},
      {"above 0", uses, none, Primitive::cr3_reload, 0, 0, all, false, 1, 0},
      {"backwards", uses, range(0x5000, 0x4000), Primitive::cr3_reload, 0, 0, all, false, 1, 0},
      {"empty", uses, range(0x5000, 0x5000), Primitive::invlpg, 0, 0x5000, 0x5000, false, 0, 0},
      {"end 0", uses, range(0, 0), Primitive::invlpg, 0, 0, 0x1000, false, 0, 0},
  };
  for (const RangeRow& row : rows) {
    for (const bool others : {true, false}) {
      Request r = row.request;
      r.others = others;
      const Plan p = flush_tlb_mm_range(linux_4_6, features, row.cpu, r);
      EXPECT_EQ(p.self.flush.what, row.what) << row.situation;
      EXPECT_EQ(p.self.flush.count, row.count) << row.situation;
      EXPECT_EQ(p.barrier, row.barrier) << row.situation;
      EXPECT_EQ(p.whom, others ? Whom::mask : Whom::nobody) << row.situation;
      EXPECT_EQ(p.counters.local_flush_all, row.local_all) << row.situation;
      EXPECT_EQ(p.counters.local_flush_one, row.local_one) << row.situation;
      EXPECT_EQ(p.counters.remote_flush, others ? 1u : 0u) << row.situation;
      EXPECT_FALSE(p.self.flush.endless) << row.situation;
      if (!others) continue;
      EXPECT_EQ(p.sent.start, row.sent_start) << row.situation;
      EXPECT_EQ(p.sent.end, row.sent_end) << row.situation;
    }
  }
}

TEST(FlushMmRange, BarriersCameWith4_5) {
  for (const Cpu& cpu : {elsewhere, borrows}) {
    EXPECT_FALSE(flush_tlb_mm_range(linux_4_4, features, cpu, range(0, 0x1000)).barrier);
    EXPECT_TRUE(flush_tlb_mm_range(kernel({4, 5}), features, cpu, range(0, 0x1000)).barrier);
    EXPECT_TRUE(flush_tlb_mm_range(linux_4_12, features, cpu, range(0, 0x1000)).barrier);
  }
  EXPECT_FALSE(orders_mask(flush_tlb_mm_range(linux_4_4, features, elsewhere, range(0, 0x1000))));
  EXPECT_TRUE(orders_mask(flush_tlb_mm_range(linux_4_4, features, borrows, range(0, 0x1000))));
}

TEST(FlushMmRange, AnUnalignedStartMissesTheLastPage) {
  const auto flush =
      flush_tlb_mm_range(linux_4_6, features, uses, range(0x6500, 0x8387)).self.flush;
  EXPECT_EQ(flush.count, 2u);  // 0x6500, 0x7500
  EXPECT_TRUE(drops(flush, Word{0x6000}));
  EXPECT_TRUE(drops(flush, Word{0x7fff}));
  EXPECT_FALSE(drops(flush, Word{0x8000}));
}

/// The loop as it is written, up to `at_most` steps; whether it ended.
bool loop(Word start, Word end, Word step, std::vector<Word>& addresses, int at_most = 200) {
  for (Word a = start; a < end; a += step) {
    if (at_most-- == 0) return false;
    addresses.push_back(a);
  }
  return true;
}

void expect_like_the_loop(Word start, Word end, unsigned shift) {
  const auto flush =
      flush_tlb_pages(linux_4_20, features, FlushWhy::range_sent, start, end, Word{shift});
  std::vector<Word> addresses;
  const bool ends = loop(start, end, bit(shift), addresses);
  ASSERT_EQ(flush.endless, !ends) << std::hex << start << ' ' << end << ' ' << shift;
  if (!ends) return;
  ASSERT_EQ(flush.count, addresses.size()) << std::hex << start << ' ' << end << ' ' << shift;
  for (const unsigned page_shift : {shift, shift - 3}) {
    std::set<Word> pages;
    for (const Word a : addresses) pages.insert(a >> page_shift);
    const Word size = bit(page_shift);
    for (Word a = start - 2 * size; a != start + 8 * size; a += size / 2)
      ASSERT_EQ(invalidates_page(flush, a, page_shift), pages.contains(a >> page_shift))
          << std::hex << a << ' ' << start << ' ' << end << ' ' << shift;
  }
}

TEST(FlushPages, AreTheLoops) {
  for (const unsigned shift : {12U, 21U, 30U}) {
    const Word step = bit(shift), eighth = step / 8;
    for (Word start = 4 * step; start < 6 * step; start += eighth)
      for (Word length = 0; length < 5 * step; length += eighth)
        for (const Word more : {Word{0}, Word{1}})
          expect_like_the_loop(start, start + length + more, shift);
    // At the top, where addresses wrap.
    for (Word below = 0; below < 3 * step; below += eighth)
      for (Word length = 0; length < 3 * step; length += eighth)
        expect_like_the_loop(all - below - length, all - below, shift);
  }
}

TEST(FlushPage, OfEachVersion) {
  // Another mm: no barrier until 4.12; one page is told of by an end of 0 until 4.10.
  for (const auto& [k, barrier, hook_end, sent_end] : {std::tuple{linux_3_2, false, 0u, 0u},
                                                       {linux_4_4, false, 0u, 0u},
                                                       {linux_4_6, false, 0u, 0x8000u},
                                                       {linux_4_12, false, 0x8000u, 0x8000u},
                                                       {linux_4_14, true, 0x8000u, 0x8000u},
                                                       {linux_6_12, true, 0x8000u, 0x8000u}}) {
    const Plan p = flush_tlb_page(k, features, elsewhere, range(0x7000, 0x9000));
    EXPECT_EQ(p.self.flush.what, Primitive::none);
    EXPECT_EQ(orders_mask(p), barrier) << k.version.major << '.' << k.version.minor;
    EXPECT_EQ(p.hook.start, 0x7000u);
    EXPECT_EQ(p.hook.end, hook_end) << k.version.major << '.' << k.version.minor;
    EXPECT_EQ(p.sent.end, sent_end) << k.version.major << '.' << k.version.minor;
    const auto other = flush_tlb_func(k, features, uses, p.sent, p.mm_gen);
    EXPECT_EQ(other.flush.what, Primitive::invlpg);
    EXPECT_EQ(other.flush.start, 0x7000u);
    EXPECT_EQ(other.flush.count, 1u) << k.version.major << '.' << k.version.minor;
    const Plan here = flush_tlb_page(k, features, uses, range(0x7000, 0x9000));
    EXPECT_EQ(here.self.flush.what, Primitive::invlpg);
    EXPECT_EQ(here.self.flush.count, 1u);
    EXPECT_EQ(here.counters.local_flush_one, 1u);
  }
  EXPECT_EQ(flush_tlb_page(linux_4_6, features, borrows, range(0, 0)).self.flush.what,
            Primitive::leave_mm);
  EXPECT_TRUE(flush_tlb_page(linux_4_6, features, borrows, range(0, 0)).barrier);
}

TEST(FlushTlbMm, IsEverything) {
  for (const Kernel& k : {linux_2_4_0, linux_2_4_19, linux_3_2, linux_4_4, linux_4_6, linux_4_12,
                          linux_4_14, linux_4_20, linux_6_12, linux_6_12_117}) {
    const Plan p = flush_tlb_mm(k, features, uses, range(0x1000, 0x2000));
    EXPECT_EQ(p.self.flush.what, Primitive::cr3_reload);
    EXPECT_EQ(p.sent.start, 0u);
    EXPECT_EQ(p.sent.end, all);
    EXPECT_EQ(p.whom, Whom::mask);  // lazy CPUs too
  }
}

TEST(FlushTlbRange, IsEverythingUntil3_5) {
  for (const Kernel& k : {linux_2_4_0, linux_2_4_19, linux_3_2}) {
    EXPECT_EQ(flush_tlb_range(k, features, uses, range(0x1000, 0x2000)).self.flush.what,
              Primitive::cr3_reload);
    EXPECT_EQ(flush_tlb_range(k, features, uses, range(0x1000, 0x2000)).sent.end, all);
  }
  EXPECT_EQ(flush_tlb_range(linux_4_6, features, uses, range(0x1000, 0x2000)).sent.end, 0x2000u);
}

TEST(FlushTlbRange, WhomItTells) {
  EXPECT_EQ(flush_tlb_range(linux_4_14, features, uses, range(0, 1)).whom, Whom::mask);
  EXPECT_EQ(flush_tlb_range(linux_4_20, features, uses, range(0, 1)).whom, Whom::mask_not_lazy);
  EXPECT_EQ(flush_tlb_range(linux_6_12, features, uses, range(0, 1)).whom, Whom::mask_not_lazy);
  EXPECT_EQ(flush_tlb_range(linux_6_12_117, features, uses, range(0, 1)).whom, Whom::mask);
  EXPECT_EQ(flush_tlb_range(kernel({6, 15}), features, uses, range(0, 1)).whom, Whom::mask);
}

TEST(FlushTlb, OfTheCurrentTask) {
  const Plan p = flush_tlb_current_task(linux_4_6, features, Request{});
  EXPECT_EQ(p.self.flush.what, Primitive::cr3_reload);
  EXPECT_EQ(p.counters.local_flush_all, 1u);
  EXPECT_EQ(p.sent.end, all);
  EXPECT_EQ(p.whom, Whom::mask);
}

TEST(FlushTlbAll, ByWhatTheProcessorHas) {
  FlushFeatures f;
  EXPECT_EQ(flush_tlb_all(linux_4_6, f, uses).self.flush.what, Primitive::invpcid_all);
  EXPECT_EQ(flush_tlb_all(linux_4_4, f, uses).self.flush.what, Primitive::pge_toggle);
  f.invpcid = false;
  EXPECT_EQ(flush_tlb_all(linux_4_6, f, uses).self.flush.what, Primitive::pge_toggle);
  f.pge = false;
  EXPECT_EQ(flush_tlb_all(linux_4_6, f, uses).self.flush.what, Primitive::cr3_reload);
  for (const Kernel& k : {linux_2_4_0, linux_3_2, linux_4_6, linux_4_20}) {
    const Plan p = flush_tlb_all(k, features, lazy);
    EXPECT_EQ(p.whom, Whom::every_cpu);
    EXPECT_EQ(p.self.flush.leaves, k.version < v4_20);
    EXPECT_FALSE(flush_tlb_all(k, features, uses).self.flush.leaves);
    EXPECT_EQ(p.counters.remote_flush, 1u);
    EXPECT_EQ(p.counters.remote_flush_received, 1u);
  }
}

TEST(FlushTlbKernelRange, ComparesBytes) {
  const Word s = 0xffff'ffff'8100'0000;
  const auto full = [&](const Kernel& k, Word start, Word end, Word ceiling = 33) {
    Request r = range(start, end);
    r.ceiling = ceiling;
    const Plan p = flush_tlb_kernel_range(k, features, uses, r);
    EXPECT_EQ(p.whom, Whom::every_cpu);
    EXPECT_EQ(p.counters.remote_flush, 0u);
    return p.sent.handler == FlushHandler::do_flush_tlb_all;
  };
  for (const Kernel& k : {linux_4_4, linux_4_6, linux_4_20, linux_6_12}) {
    EXPECT_FALSE(full(k, s, s + 33 * 4096));
    EXPECT_TRUE(full(k, s, s + 33 * 4096 + 1));
    EXPECT_TRUE(full(k, s, s + 34 * 4096));
    EXPECT_TRUE(full(k, s, s + 0x21800));  // where flush_tlb_mm_range goes page by page
    EXPECT_FALSE(full(k, s, s + 4096, 1));
    EXPECT_TRUE(full(k, s, s + 4096, 0));
    EXPECT_TRUE(full(k, 0, all));
  }
  EXPECT_EQ(flush_tlb_mm_range(linux_4_6, features, uses, range(0, 0x21800)).self.flush.what,
            Primitive::invlpg);
  Plan p = flush_tlb_kernel_range(linux_4_6, features, uses, range(s, s + 0x3000));
  EXPECT_EQ(p.self.flush.count, 3u);
  EXPECT_EQ(p.counters.remote_flush_received, 0u);
  EXPECT_FALSE(p.self.flush.invalidates_other);
  EXPECT_TRUE(flush_tlb_kernel_range(linux_4_20, {.pti = true}, uses, range(s, s + 0x3000))
                  .self.flush.invalidates_other);
  EXPECT_EQ(
      flush_tlb_kernel_range(linux_3_2, features, uses, range(s, s + 1)).counters.remote_flush,
      1u);  // flush_tlb_all
}

TEST(FlushTlbPgtables, DidNothingIn2_4_0) {
  const Plan before = flush_tlb_pgtables(linux_2_4_0, features, uses, range(0, 0x400000));
  EXPECT_EQ(before.self.flush.what, Primitive::none);
  EXPECT_EQ(before.whom, Whom::nobody);
  const Plan after = flush_tlb_pgtables(linux_2_4_19, features, uses, range(0, 0x400000));
  EXPECT_EQ(after.self.flush.what, Primitive::cr3_reload);
  EXPECT_EQ(after.whom, Whom::mask);
}

TEST(FlushUp, IsOfThisCpuAlone) {
  const Kernel k = kernel(v4_6, {.smp = false});
  const Plan used = flush_tlb_mm_range(k, features, uses, range(0, 0x1000));
  EXPECT_EQ(used.self.flush.what, Primitive::cr3_reload);
  EXPECT_EQ(used.whom, Whom::nobody);
  EXPECT_EQ(flush_tlb_mm_range(k, features, elsewhere, range(0, 0x1000)).self.flush.what,
            Primitive::none);
  EXPECT_EQ(flush_tlb_mm(k, features, uses, Request{}).self.flush.what, Primitive::cr3_reload);
  EXPECT_EQ(flush_tlb_page(k, features, borrows, range(0x7000, 0)).self.flush.what,
            Primitive::invlpg);
  EXPECT_EQ(flush_tlb_page(k, features, uses, range(0x7000, 0)).whom, Whom::nobody);
  EXPECT_EQ(flush_tlb_kernel_range(k, features, uses, range(0, 0x1000)).self.flush.what,
            Primitive::invpcid_all);
  EXPECT_EQ(flush_tlb_all(k, features, uses).whom, Whom::nobody);
  EXPECT_EQ(flush_tlb_current_task(k, features, Request{}).whom, Whom::nobody);
  EXPECT_TRUE(kernel({4, 13}, {.smp = false}).flush.smp);
}

TEST(FlushTlbFunc, UntilGenerations) {
  FlushInfo<Word> f;
  f.start = 0x1000;
  f.end = 0x3000;
  for (const Kernel& k : {linux_3_2, linux_4_4, linux_4_6, linux_4_12}) {
    EXPECT_EQ(flush_tlb_func(k, features, elsewhere, f, Word{0}).flush.what, Primitive::none);
    EXPECT_EQ(flush_tlb_func(k, features, elsewhere, f, Word{0}).counters.remote_flush_received,
              0u);
    EXPECT_EQ(flush_tlb_func(k, features, lazy, f, Word{0}).flush.what, Primitive::leave_mm);
    const auto done = flush_tlb_func(k, features, uses, f, Word{0});
    EXPECT_EQ(done.flush.what, Primitive::invlpg);
    EXPECT_EQ(done.flush.count, 2u);
    EXPECT_EQ(done.counters.remote_flush_received, 1u);
  }
  f.has_mm = false;
  f.end = all;
  EXPECT_EQ(flush_tlb_func(linux_4_6, features, elsewhere, f, Word{0}).flush.what,
            Primitive::cr3_reload);
  EXPECT_EQ(flush_tlb_func(linux_4_4, features, elsewhere, f, Word{0}).flush.what, Primitive::none);
}

TEST(FlushTlbFunc, ByGenerations) {
  for (Word local = 1; local < 6; ++local) {
    for (Word mm = local; mm < 6; ++mm) {
      for (Word sent = 0; sent <= mm; ++sent) {
        for (const Word end : {Word{0x3000}, all}) {
          FlushInfo<Word> f;
          f.start = end == all ? 0 : 0x1000;
          f.end = end;
          f.new_tlb_gen = sent;
          const Cpu cpu{.local_gen = local};
          const auto old = flush_tlb_func(linux_4_20, features, cpu, f, mm);
          const auto now = flush_tlb_func(linux_6_1, features, cpu, f, mm);
          const bool by_pages = end != all && sent == local + 1 && sent == mm;
          const Primitive flushed = by_pages ? Primitive::invlpg : Primitive::cr3_reload;
          EXPECT_EQ(old.flush.what, local == mm ? Primitive::none : flushed);
          EXPECT_EQ(old.local_gen, mm);
          // Since 6.0 a flush that was made already is not made into a newer one.
          const bool made = local == mm || (sent != 0 && sent <= local);
          EXPECT_EQ(now.flush.what, made ? Primitive::none : flushed);
          EXPECT_EQ(now.local_gen, made ? local : mm);
        }
      }
    }
  }
}

TEST(FlushTlbFunc, LeavesLazyMmsAndSparesInitMm) {
  FlushInfo<Word> f;
  f.new_tlb_gen = 2;
  const auto left = flush_tlb_func(linux_4_20, features, lazy, f, Word{2});
  EXPECT_EQ(left.flush.what, Primitive::leave_mm);
  EXPECT_TRUE(left.flush.loads_cr3);
  EXPECT_EQ(left.local_gen, 1u);
  const Cpu in_init{.init_mm = true};
  EXPECT_EQ(flush_tlb_func(linux_4_20, features, in_init, f, Word{2}).flush.what, Primitive::none);
  // Who has another mm counts it since 6.12.
  EXPECT_EQ(
      flush_tlb_func(linux_4_20, features, elsewhere, f, Word{2}).counters.remote_flush_received,
      0u);
  EXPECT_EQ(
      flush_tlb_func(linux_6_12, features, elsewhere, f, Word{2}).counters.remote_flush_received,
      1u);
}

TEST(FlushGenerations, WhatTheCallerDoes) {
  Request r = range(0x1000, 0x4000);
  r.mm_gen = 7;
  Cpu cpu{.local_gen = 7};
  Plan p = flush_tlb_mm_range(linux_4_20, features, cpu, r);
  EXPECT_EQ(p.mm_gen, 8u);
  EXPECT_EQ(p.sent.new_tlb_gen, 8u);
  EXPECT_EQ(p.self.flush.what, Primitive::invlpg);
  EXPECT_EQ(p.self.flush.count, 3u);
  EXPECT_EQ(p.self.local_gen, 8u);
  EXPECT_EQ(p.counters.local_flush_one, 3u);
  EXPECT_EQ(p.whom, Whom::mask_not_lazy);
  cpu.local_gen = 6;
  p = flush_tlb_mm_range(linux_4_20, features, cpu, r);
  EXPECT_EQ(p.self.flush.what, Primitive::cr3_reload);
  EXPECT_EQ(p.counters.local_flush_all, 1u);
  EXPECT_EQ(p.sent.end, 0x4000u);  // others may have missed nothing
  cpu.loaded = false;
  EXPECT_EQ(flush_tlb_mm_range(linux_4_20, features, cpu, r).self.flush.what, Primitive::none);
  // VM_HUGETLB until 4.19, the stride since.
  r.hugetlb = true;
  EXPECT_EQ(flush_tlb_mm_range(linux_4_14, features, uses, r).sent.end, all);
  EXPECT_EQ(flush_tlb_mm_range(linux_4_20, features, uses, r).sent.end, 0x4000u);
  r = range(0, 33 * bit(21));
  r.stride_shift = 21;
  EXPECT_EQ(flush_tlb_mm_range(linux_4_20, features, uses, r).self.flush.count, 33u);
  EXPECT_EQ(flush_tlb_mm_range(linux_4_14, features, uses, r).sent.end, all);
  r.end += bit(21);
  EXPECT_EQ(flush_tlb_mm_range(linux_4_20, features, uses, r).sent.end, all);
  r.freed_tables = true;
  EXPECT_EQ(flush_tlb_mm_range(linux_4_20, features, uses, r).whom, Whom::mask);
}

TEST(FlushGenerations, ALazyCallerIsOneOfThoseTold) {
  Request r = range(0x1000, 0x2000);
  EXPECT_EQ(flush_tlb_mm_range(linux_4_20, features, lazy, r).self.flush.what, Primitive::leave_mm);
  EXPECT_EQ(flush_tlb_mm_range(linux_6_12, features, lazy, r).self.flush.what, Primitive::none);
  r.freed_tables = true;
  EXPECT_EQ(flush_tlb_mm_range(linux_6_12, features, lazy, r).self.flush.what, Primitive::leave_mm);
  r.freed_tables = r.others = false;
  EXPECT_EQ(flush_tlb_mm_range(linux_6_12, features, lazy, r).self.flush.what, Primitive::leave_mm);
}

TEST(ShouldFlushTlb, EveryState) {
  for (unsigned n = 0; n < 32; ++n) {
    const auto is = [n](unsigned i) { return (n >> i & 1) != 0; };
    const Cpu cpu{.loaded = is(0) && !is(1), .lazy = is(2), .switching = is(1), .trims = is(3)};
    FlushInfo<Word> f;
    f.has_mm = is(4);
    EXPECT_EQ(should_flush_tlb(linux_4_20, cpu, f), !is(2));
    EXPECT_EQ(should_flush_tlb(linux_6_12, cpu, f), !is(2));
    const bool expected = is(2) ? false : !is(4) ? true : is(1) ? true : is(0) ? true : is(3);
    EXPECT_EQ(should_flush_tlb(linux_6_12_117, cpu, f), expected) << n;
    EXPECT_EQ(should_flush_tlb(kernel({6, 15}), cpu, f), expected) << n;
  }
}

TEST(IsTold, ByTheMask) {
  const FlushInfo<Word> f;
  const Cpu out{.in_mask = false};
  for (const Whom whom : {Whom::nobody, Whom::mask, Whom::mask_not_lazy})
    EXPECT_FALSE(is_told(linux_4_20, whom, out, f));
  EXPECT_TRUE(is_told(linux_4_20, Whom::every_cpu, out, f));
  EXPECT_TRUE(is_told(linux_4_20, Whom::mask, lazy, f));
  EXPECT_FALSE(is_told(linux_4_20, Whom::mask_not_lazy, lazy, f));
  EXPECT_FALSE(is_told(linux_4_20, Whom::nobody, uses, f));
}

TEST(LeaveMm, OfEachVersion) {
  struct Row {
    Kernel k;
    bool lazy, in_mask, bug, clears, loads;
  };
  for (const Row& row : {Row{linux_4_6, true, true, false, true, true},
                         Row{linux_4_6, true, false, false, false, false},
                         Row{linux_4_6, false, true, true, false, false},
                         Row{linux_3_2, true, false, false, true, true},
                         Row{linux_3_2, true, true, false, true, true},
                         Row{linux_2_4_19, true, true, false, true, true},
                         Row{linux_2_4_0, true, true, false, true, false}}) {
    const auto left = leave_mm(row.k, Cpu{.lazy = row.lazy, .in_mask = row.in_mask});
    EXPECT_EQ(left.bug, row.bug);
    EXPECT_EQ(left.clears_bit, row.clears);
    EXPECT_EQ(left.loads_cr3, row.loads);
  }
  EXPECT_TRUE(enter_lazy_tlb(linux_4_6, uses));
  EXPECT_TRUE(enter_lazy_tlb(linux_4_6, lazy));
  EXPECT_FALSE(enter_lazy_tlb(linux_4_20, Cpu{.init_mm = true}));
}

TEST(TryToUnmapFlush, ThisCpuAndOthers) {
  const Plan p = try_to_unmap_flush(linux_4_6, features, uses, Request{});
  EXPECT_EQ(p.self.flush.what, Primitive::cr3_reload);
  EXPECT_FALSE(p.sent.has_mm);
  EXPECT_EQ(p.sent.end, all);
  EXPECT_EQ(p.counters.local_flush_all, 1u);
  const Cpu out{.in_mask = false};
  EXPECT_EQ(try_to_unmap_flush(linux_4_6, features, out, Request{}).self.flush.what,
            Primitive::none);
  for (const Kernel& k : {linux_4_14, linux_4_20, linux_6_1, linux_6_12_117}) {
    const Plan now = try_to_unmap_flush(k, features, uses, Request{});
    EXPECT_EQ(now.sent.new_tlb_gen, 0u);
    EXPECT_EQ(now.self.flush.what, Primitive::cr3_reload);
    EXPECT_EQ(flush_tlb_func(k, features, uses, now.sent, now.mm_gen).flush.what,
              Primitive::cr3_reload);
  }
}

TEST(Pti, FlushesOfTheUserPcid) {
  const FlushFeatures with{.pti = true}, without{.invpcid = false, .pti = true};
  const auto full = flush_tlb_local<Word>(linux_4_20, with, FlushWhy::all_asked);
  EXPECT_TRUE(full.user_marked);
  const auto by_invpcid = flush_tlb_mm_range(linux_4_20, with, uses, range(0, 1)).self.flush;
  EXPECT_TRUE(by_invpcid.user_invpcid);
  EXPECT_FALSE(by_invpcid.user_marked);
  const auto by_mark = flush_tlb_mm_range(linux_4_20, without, uses, range(0, 1)).self.flush;
  EXPECT_FALSE(by_mark.user_invpcid);
  EXPECT_TRUE(by_mark.user_marked);
  EXPECT_FALSE(flush_tlb_local<Word>(linux_4_20, features, FlushWhy::all_asked).user_marked);
  EXPECT_FALSE(flush_tlb_local<Word>(linux_4_6, with, FlushWhy::all_asked).user_marked);
}

TEST(Pti, Cr3ByNumbers) {
  FlushFeatures f{.pti = true};
  Asids<Word> a;
  a.user_flush_mask = 0x2;  // of ASID 0
  const Word cr3 = build_cr3(f, Word{0x1234000}, Word{0}, false);
  EXPECT_EQ(cr3, 0x8000'0000'0123'4001);
  EXPECT_EQ(build_cr3(f, Word{0x1234000}, Word{5}, true), 0x123'4006u);
  EXPECT_EQ(user_cr3(f, a, cr3), 0x123'5801u);
  EXPECT_EQ(a.user_flush_mask, 0u);
  EXPECT_EQ(user_cr3(f, a, cr3), 0x8000'0000'0123'5801);
  invalidate_user_asid(f, a, Word{5});
  EXPECT_EQ(a.user_flush_mask, 0x40u);
  f.pti = false;
  EXPECT_EQ(user_cr3(f, a, cr3), cr3);
  invalidate_user_asid(f, a, Word{3});
  EXPECT_EQ(a.user_flush_mask, 0x40u);
  f.pcid = false;
  EXPECT_EQ(build_cr3(f, Word{0x1234000}, Word{0}, false), 0x123'4000u);
}

TEST(Pti, ASwitchThatFlushesMarksTheUserPcid) {
  const FlushFeatures f{.pti = true};
  Asids<Word> a;
  EXPECT_EQ(load_new_mm(f, a, {.asid = 3, .flush = false}, Word{9}, Word{1}, Word{0x4000}),
            0x8000'0000'0000'4004);
  EXPECT_EQ(a.user_flush_mask, 0u);
  EXPECT_EQ(a.ctx_id[3], 0u);
  EXPECT_EQ(load_new_mm(f, a, {.asid = 3, .flush = true}, Word{9}, Word{1}, Word{0x4000}), 0x4004u);
  EXPECT_EQ(a.user_flush_mask, 0x10u);
  EXPECT_EQ(a.ctx_id[3], 9u);
  EXPECT_EQ(user_cr3(f, a, Word{0x4004}), 0x5804u);
}

TEST(FlushInstructions, ByHand) {
  using x86::OperationKind;
  x86::Registers<Word> r;
  r.cr3 = 0x1234'5003;
  r.cr4 = 0x2'06a0;
  EXPECT_EQ(instructions(Primitive::pge_toggle), 2);
  EXPECT_EQ(instruction(Primitive::pge_toggle, 0, r, Word{0}).value, 0x2'0620u);
  EXPECT_EQ(instruction(Primitive::pge_toggle, 1, r, Word{0}).value, 0x2'06a0u);
  EXPECT_EQ(instruction(Primitive::pge_toggle, 1, r, Word{0}).kind, OperationKind::mov_cr4);
  EXPECT_EQ(instruction(Primitive::cr3_reload, 0, r, Word{0}).value, 0x1234'5003u);
  EXPECT_EQ(instruction(Primitive::leave_mm, 0, r, Word{0x2000}).value, 0x2000u);
  EXPECT_EQ(instruction(Primitive::leave_mm, 0, r, Word{0x2000}).kind, OperationKind::mov_cr3);
  EXPECT_EQ(instruction(Primitive::invpcid_all, 0, r, Word{0}).value, 2u);
  EXPECT_EQ(instruction(Primitive::invpcid_all, 0, r, Word{0}).kind, OperationKind::invpcid);
  EXPECT_EQ(instructions(Primitive::invlpg), 0);
  const auto flush = flush_tlb_pages(linux_4_20, features, FlushWhy::range_sent, Word{0x200000},
                                     Word{0x800000}, Word{21});
  EXPECT_EQ(invlpg_of(flush, Word{2}).address, 0x60'0000u);
  EXPECT_EQ(invlpg_of(flush, Word{2}).kind, OperationKind::invlpg);
  const auto user = user_invpcid_of(flush, Word{1}, Word{0x803});
  EXPECT_EQ(user.address, 0x40'0000u);
  EXPECT_EQ(user.descriptor, 0x803u);
  EXPECT_EQ(user.kind, OperationKind::invpcid);
  EXPECT_EQ(user.value, 0u);
}

TEST(ChooseNewAsid, GivesThemAwayInTurn) {
  Asids<Word> a;
  const FlushFeatures f;
  const auto go = [&](Word id, Word gen) {
    const NewAsid<Word> to = choose_new_asid(f, a, id, gen);
    (void)load_new_mm(f, a, to, id, gen, Word{0x1000});
    return std::pair{to.asid, to.flush};
  };
  using Given = std::pair<Word, bool>;
  for (Word id = 10; id < 16; ++id) EXPECT_EQ(go(id, 1), (Given{id - 10, true}));
  EXPECT_EQ(go(12, 1), (Given{2, false}));
  EXPECT_EQ(go(12, 2), (Given{2, true}));
  EXPECT_EQ(go(12, 2), (Given{2, false}));
  EXPECT_EQ(go(16, 1), (Given{0, true}));
  EXPECT_EQ(a.next, 1u);
  EXPECT_EQ(go(10, 1), (Given{1, true}));
  EXPECT_EQ(go(15, 1), (Given{5, false}));
  EXPECT_EQ(a.loaded, 5u);
  a.invalidate_other = true;
  EXPECT_EQ(go(14, 1), (Given{4, false}));  // without isolation nobody sets it
  const FlushFeatures pti{.pti = true};
  EXPECT_EQ(choose_new_asid(pti, a, Word{14}, Word{1}).flush, false);  // loaded
  EXPECT_FALSE(a.invalidate_other);
  EXPECT_EQ(a.ctx_id[5], 0u);
  EXPECT_EQ(choose_new_asid(pti, a, Word{15}, Word{1}).flush, true);
  const FlushFeatures none{.pcid = false};
  EXPECT_EQ(choose_new_asid(none, a, Word{14}, Word{1}).asid, 0u);
  EXPECT_TRUE(choose_new_asid(none, a, Word{14}, Word{1}).flush);
}

TEST(SwitchMm, OfLinux4_6) {
  auto s = switch_mm(elsewhere, false);
  EXPECT_TRUE(s.sets_bit && s.clears_bit && s.loads_cr3 && !s.bug);
  s = switch_mm(uses, true);
  EXPECT_FALSE(s.sets_bit || s.clears_bit || s.loads_cr3 || s.bug);
  s = switch_mm(Cpu{.in_mask = false}, true);
  EXPECT_TRUE(s.sets_bit && s.loads_cr3);
  EXPECT_FALSE(s.clears_bit || s.bug);
  EXPECT_TRUE(switch_mm(elsewhere, true).bug);
}

TEST(SwitchMm, OfLinux4_20) {
  const auto go = [](const Cpu& cpu, Word id, Word gen, bool from_init, Word& cr3) {
    Asids<Word> a;
    a.ctx_id[0] = 10;
    a.tlb_gen[0] = 5;
    return switch_mm_irqs_off(linux_4_20, features, cpu, a, id, gen, from_init, Word{0x4000}, cr3);
  };
  Word cr3 = 0;
  // Not lazy, nothing is done; lazy and behind, a flush; lazy and not, nothing.
  EXPECT_FALSE(go(Cpu{.local_gen = 5}, 10, 6, false, cr3).loads_cr3);
  EXPECT_TRUE(go(Cpu{.lazy = true, .local_gen = 5}, 10, 6, false, cr3).flushes);
  EXPECT_EQ(cr3, 0x4001u);
  EXPECT_FALSE(go(Cpu{.lazy = true, .local_gen = 5}, 10, 5, false, cr3).loads_cr3);
  // Another mm: known and new, known and old, unknown.
  const Cpu other{.loaded = false, .in_mask = false};
  EXPECT_FALSE(go(other, 10, 5, false, cr3).flushes);
  EXPECT_EQ(cr3, 0x8000'0000'0000'4001);
  EXPECT_TRUE(go(other, 10, 6, false, cr3).flushes);
  EXPECT_TRUE(go(other, 11, 1, false, cr3).flushes);
  EXPECT_TRUE(go(other, 10, 5, false, cr3).sets_bit);
  EXPECT_TRUE(go(other, 10, 5, false, cr3).clears_bit);
  EXPECT_FALSE(go(other, 10, 5, true, cr3).clears_bit);  // init_mm has no mask
  const Cpu to_init{.loaded = false, .in_mask = false, .init_mm = true};
  EXPECT_FALSE(go(to_init, 10, 5, false, cr3).sets_bit);
}

TEST(MmuGather, RangesByHand) {
  for (const Kernel& k : {linux_4_6, linux_4_20}) {
    auto tlb = tlb_gather_mmu(k, Word{0x1000}, Word{0x100000});
    EXPECT_FALSE(tlb_flush(k, tlb).flushes);
    tlb_remove_entry(k, tlb, Word{0x5000}, 1);
    tlb_remove_entry(k, tlb, Word{0x3000}, 1);
    auto flush = tlb_flush(k, tlb);
    EXPECT_TRUE(flush.flushes);
    EXPECT_EQ(flush.request.start, 0x3000u);
    EXPECT_EQ(flush.request.end, 0x6000u);
    EXPECT_FALSE(flush.request.freed_tables);
    EXPECT_FALSE(tlb_flush(k, tlb).flushes);
    tlb_remove_entry(k, tlb, Word{0x400000}, 2);
    flush = tlb_flush(k, tlb);
    EXPECT_EQ(flush.request.end, k.flush.strides ? 0x600000u : 0x401000u);
    EXPECT_EQ(flush.request.stride_shift, k.flush.strides ? 21u : 12u);
    tlb_remove_entry(k, tlb, Word{0x400000}, 2);
    tlb_remove_entry(k, tlb, Word{0x200000}, 1);
    EXPECT_EQ(tlb_flush(k, tlb).request.stride_shift, 12u);
    tlb_remove_entry(k, tlb, Word{0x40000000}, 3);
    EXPECT_EQ(tlb_flush(k, tlb).request.stride_shift, k.flush.strides ? 30u : 12u);
    tlb_free_table(k, tlb, Word{0x200000}, false);
    flush = tlb_flush(k, tlb);
    EXPECT_TRUE(flush.request.freed_tables);
    EXPECT_EQ(flush.request.start, 0x200000u);
    EXPECT_EQ(flush.request.stride_shift, 12u);
    tlb_free_table(k, tlb, Word{0x40000000}, true);
    EXPECT_EQ(tlb_flush(k, tlb).request.end, all);

    auto whole = tlb_gather_mmu(k, Word{0}, all);
    EXPECT_TRUE(whole.fullmm);
    flush = tlb_flush(k, whole);
    EXPECT_EQ(flush.request.start, 0u);
    EXPECT_EQ(flush.request.end, all);
    EXPECT_FALSE(tlb_gather_mmu(k, Word{0}, all - 1).fullmm);
    EXPECT_FALSE(tlb_gather_mmu(k, Word{0x1000}, all).fullmm);
  }
}

TEST(MmuGather, BeginsWithNothingBelowTheEndOfUserSpace) {
  for (const int levels : {4, 5}) {
    const Kernel k = kernel(v6_12, {.levels = levels});
    const auto tlb = tlb_gather_mmu(k, Word{0x1000}, Word{0x2000});
    EXPECT_EQ(tlb.start, levels == 5 ? 0x00ff'ffff'ffff'f000u : 0x7fff'ffff'f000u);
    EXPECT_EQ(tlb.end, 0u);
  }
  const auto whole = tlb_gather_mmu(linux_4_6, Word{0}, all);
  EXPECT_EQ(whole.start, all);
  EXPECT_EQ(whole.end, all);
}

TEST(MmuGather, AFreedTableIsOnePage) {
  auto tlb = tlb_gather_mmu(linux_6_1, Word{0x1000}, Word{0x8000});
  tlb_free_table(linux_6_1, tlb, Word{0x4000}, false);
  EXPECT_EQ(tlb.start, 0x4000u);
  EXPECT_EQ(tlb.end, 0x5000u);
  EXPECT_FALSE(tlb.need_flush_all);
}

TEST(MmuGather, UnsharedTables) {
  auto tlb = tlb_gather_mmu(linux_6_1, Word{0x1000}, Word{0x2000});
  tlb_unshare(linux_6_1, tlb, Word{0x7f'5020'0000});
  const auto r = tlb_flush(linux_6_1, tlb).request;
  EXPECT_EQ(r.start, 0x7f'4000'0000u);
  EXPECT_EQ(r.end, 0x7f'8000'0000u);
  EXPECT_EQ(r.stride_shift, 21u);
  tlb = tlb_gather_mmu(linux_4_20, Word{0x1000}, Word{0x2000});
  tlb_unshare(linux_4_20, tlb, Word{0x7f'5020'0000});
  EXPECT_FALSE(tlb_flush(linux_4_20, tlb).flushes);
}

TEST(FlushRequest, IsOfEverythingUnlessItSays) {
  EXPECT_EQ(Request{}.end, all);
  EXPECT_EQ(FlushInfo<Word>{}.end, all);
}

// `range` says why others get what they get: only who flushes by pages has looked at the range.
TEST(FlushPlan, WhyTheRangeIsWhatItIs) {
  const Request page = range(0x1000, 0x2000);
  for (const Cpu& cpu : {elsewhere, borrows, borrows_ok})
    EXPECT_EQ(flush_tlb_mm_range(linux_4_6, features, cpu, page).range, FlushWhy::whole_mm);
  EXPECT_EQ(flush_tlb_mm_range(linux_4_6, features, uses, page).range, FlushWhy::within_ceiling);
  for (const Kernel& k : {linux_2_4_19, linux_3_2})
    EXPECT_EQ(flush_tlb_mm(k, features, uses, page).range, FlushWhy::whole_mm);
  for (const Kernel& k : {linux_4_4, linux_4_6, linux_4_12, linux_4_14, linux_6_12})
    EXPECT_EQ(flush_tlb_mm(k, features, uses, page).range, FlushWhy::all_asked);
  EXPECT_EQ(flush_tlb_all(linux_4_6, features, uses).range, FlushWhy::all_asked);
}

TEST(FlushMmRange, NothingIsMendedWhereNobodySendsAnEndOf0) {
  for (const Kernel& k : {linux_4_12, linux_4_14})
    EXPECT_EQ(flush_tlb_mm_range(k, features, uses, range(0, 0)).sent.end, 0u);
  // 4.6 mends it before it is sent, 4.4 where it is received.
  FlushInfo<Word> f;
  f.start = 0x1000;
  f.end = 0;
  EXPECT_EQ(flush_tlb_func(linux_4_4, features, uses, f, Word{0}).flush.count, 1u);
  EXPECT_EQ(flush_tlb_func(linux_4_6, features, uses, f, Word{0}).flush.count, 0u);
  EXPECT_EQ(flush_tlb_func(linux_4_12, features, uses, f, Word{0}).flush.count, 0u);
}

TEST(FlushGenerations, TheStrideIsSentSince4_20) {
  Request r = range(0, bit(21));
  r.stride_shift = 21;
  EXPECT_EQ(flush_tlb_mm_range(linux_4_14, features, uses, r).sent.stride_shift, 12u);
  EXPECT_EQ(flush_tlb_mm_range(linux_4_20, features, uses, r).sent.stride_shift, 21u);
}

// nr_tlb_local_flush_one counts whole steps of the range, not the INVLPGs.
TEST(FlushGenerations, APartOfAPageIsFlushedAndNotCounted) {
  const Plan p = flush_tlb_mm_range(linux_4_20, features, uses, range(0x1000, 0x1fff));
  EXPECT_EQ(p.self.flush.count, 1u);
  EXPECT_EQ(p.counters.local_flush_one, 0u);
}

TEST(FlushTlbKernelRange, WhyOnTheWay) {
  const Word s = 0xffff'ffff'8100'0000;
  const auto why = [](Word start, Word end) {
    return flush_tlb_kernel_range(linux_4_6, features, uses, range(start, end)).range;
  };
  EXPECT_EQ(why(s, s + 0x1000), FlushWhy::within_ceiling);
  EXPECT_EQ(why(s, s + 34 * 4096), FlushWhy::above_ceiling);
  EXPECT_EQ(why(0, all), FlushWhy::all_asked);
  // Everything, however few pages are left above its start.
  EXPECT_EQ(why(all - 0xfff, all), FlushWhy::all_asked);
  EXPECT_EQ(flush_tlb_kernel_range(linux_4_6, features, uses, range(all - 0xfff, all)).sent.handler,
            FlushHandler::do_flush_tlb_all);
}

TEST(FlushTlbKernelRange, OtherAsidsAreForgottenUnderPtiWithPcids) {
  FlushInfo<Word> f;
  f.handler = FlushHandler::do_kernel_range_flush;
  for (const Kernel& k : {linux_4_6, linux_4_20})
    for (const bool pti : {false, true})
      EXPECT_EQ(run_handler(k, {.pti = pti}, uses, f, Word{0}).flush.invalidates_other,
                pti && k.version == v4_20);
}

TEST(FlushUp, OtherCpusAreNotCounted) {
  const Kernel k = kernel(v4_6, {.smp = false}), old = kernel(v3_2, {.smp = false});
  EXPECT_EQ(flush_tlb_all(k, features, uses).counters.remote_flush, 0u);
  const Plan p = flush_tlb_mm(old, features, uses, Request{});
  EXPECT_EQ(p.self.flush.what, Primitive::cr3_reload);
  EXPECT_EQ(p.whom, Whom::nobody);
  EXPECT_EQ(p.counters.remote_flush, 0u);
}

TEST(FlushTlbFunc, SaysWhyAndCountsNothingAsLocal) {
  FlushInfo<Word> f;
  f.new_tlb_gen = 2;
  const auto told = [&](Word end, Word mm_gen) {
    f.end = end;
    const auto done = flush_tlb_func(linux_4_20, features, uses, f, mm_gen);
    EXPECT_EQ(done.counters.local_flush_all, 0u);
    EXPECT_EQ(done.counters.local_flush_one, 0u);
    return done.flush.why;
  };
  EXPECT_EQ(told(0x3000, 2), FlushWhy::follows_at_once);
  EXPECT_EQ(told(0x3000, 3), FlushWhy::missed_flushes);
  EXPECT_EQ(told(all, 2), FlushWhy::all_asked);
}

// What no release does: a flush without a generation taken for one that was made.
TEST(FlushTlbFunc, AFlushWithoutAGenerationAsThePatchHadIt) {
  Kernel k = linux_6_1;
  const FlushInfo<Word> f;
  EXPECT_EQ(flush_tlb_func(k, features, uses, f, Word{2}).flush.what, Primitive::cr3_reload);
  k.flush.no_generation_is_old = true;
  EXPECT_EQ(flush_tlb_func(k, features, uses, f, Word{2}).flush.what, Primitive::none);
}

TEST(ShouldFlushTlb, BeforeCpusThatSwitchWereTold) {
  Kernel k = linux_6_12_117;
  k.flush.should_flush_switching = false;
  const FlushInfo<Word> f;
  for (const bool loaded : {false, true})
    for (const bool switching : {false, true})
      EXPECT_EQ(should_flush_tlb(k, Cpu{.loaded = loaded, .switching = switching}, f),
                loaded && !switching);
}

TEST(TryToUnmapFlush, MakesAGenerationAndFollowsItSince4_14) {
  const Plan before = try_to_unmap_flush(linux_4_6, features, lazy, Request{});
  EXPECT_EQ(before.self.flush.what, Primitive::cr3_reload);  // lazy or not
  EXPECT_EQ(before.self.local_gen, 1u);
  for (const Kernel& k : {linux_4_14, linux_4_20, linux_6_1}) {
    const Plan p = try_to_unmap_flush(k, features, uses, Request{});
    EXPECT_EQ(p.mm_gen, 2u);
    EXPECT_EQ(p.self.local_gen, 2u);
    EXPECT_EQ(try_to_unmap_flush(k, features, lazy, Request{}).self.flush.what,
              Primitive::leave_mm);
  }
}

TEST(Pti, NeedsPcidsOfKernelAndProcessor) {
  for (unsigned n = 0; n < 16; ++n) {
    const Kernel& k = (n & 1) != 0 ? linux_4_20 : linux_4_6;
    const FlushFeatures f{.pcid = (n & 2) != 0, .invpcid = (n & 4) != 0, .pti = (n & 8) != 0};
    const bool isolated = (n & 11) == 11;
    const auto pages = flush_tlb_pages(k, f, FlushWhy::one_page, Word{0}, Word{4096}, Word{12});
    EXPECT_EQ(pages.user_invpcid, isolated && f.invpcid) << n;
    EXPECT_EQ(pages.user_marked, isolated && !f.invpcid) << n;
    EXPECT_EQ(flush_tlb_local<Word>(k, f, FlushWhy::whole_mm).user_marked, isolated) << n;
  }
}

TEST(LocalFlush, WhatEachPrimitiveDropsAndWhetherItSerialises) {
  for (const Primitive what :
       {Primitive::none, Primitive::invlpg, Primitive::cr3_reload, Primitive::invpcid_all,
        Primitive::pge_toggle, Primitive::leave_mm, Primitive::bug}) {
    auto flush = local_flush<Word>(what, FlushWhy::no_op);
    const bool everything = what == Primitive::cr3_reload || what == Primitive::invpcid_all ||
                            what == Primitive::pge_toggle;
    EXPECT_EQ(drops_all(flush), everything);
    EXPECT_EQ(drops(flush, Word{0}), everything);
    EXPECT_EQ(serialises(flush), everything);
    flush.count = 1;
    EXPECT_EQ(invalidates_page(flush, Word{0}, 12), what == Primitive::invlpg);
    EXPECT_EQ(serialises(flush), everything || what == Primitive::invlpg);
    flush.loads_cr3 = true;
    EXPECT_TRUE(drops(flush, Word{0x5000}));
    EXPECT_TRUE(serialises(flush));
  }
}

TEST(EnterLazyTlb, StaysLazyInInitMm) {
  EXPECT_TRUE(enter_lazy_tlb(linux_4_20, Cpu{.lazy = true, .init_mm = true}));
}

TEST(FlushInstructions, TheToggleChangesPgeAlone) {
  x86::Registers<Word> r;
  r.cr4 = 0x2'07e0;  // MCE, PGE, PCE side by side
  EXPECT_EQ(instruction(Primitive::pge_toggle, 0, r, Word{0}).value, 0x2'0760u);
}

TEST(ChooseNewAsid, ForgetsOnlyWhatOthersHoldAndOnlyIfAsked) {
  const FlushFeatures pti{.pti = true};
  Asids<Word> a;
  for (Word i = 0; i < 6; ++i) {
    a.ctx_id[i] = 10 + i;
    a.tlb_gen[i] = 5;
  }
  EXPECT_FALSE(choose_new_asid(pti, a, Word{13}, Word{5}).flush);
  for (Word i = 0; i < 6; ++i) EXPECT_EQ(a.ctx_id[i], 10 + i);
  a.invalidate_other = true;
  EXPECT_TRUE(choose_new_asid(pti, a, Word{13}, Word{5}).flush);
  for (Word i = 0; i < 6; ++i) {
    EXPECT_EQ(a.ctx_id[i], i == 0 ? 10u : 0u);  // 0 is loaded
    EXPECT_EQ(a.tlb_gen[i], 5u);
  }
  (void)load_new_mm(pti, a, {.asid = 2, .flush = true}, Word{13}, Word{7}, Word{0x4000});
  for (Word i = 0; i < 6; ++i) EXPECT_EQ(a.tlb_gen[i], i == 2 ? 7u : 5u);
}

TEST(Pti, WithoutPcidsOnlyThePgdIsAnother) {
  const FlushFeatures f{.pcid = false, .pti = true};
  Asids<Word> a;
  a.user_flush_mask = 0x2;
  EXPECT_EQ(user_cr3(f, a, Word{0x4000}), 0x5000u);
  invalidate_user_asid(f, a, Word{5});
  EXPECT_EQ(a.user_flush_mask, 0x2u);
  // Of the kernel's CR3 only bit 63 goes.
  EXPECT_EQ(user_cr3(f, a, bit(63) | bit(62) | 0x4000), bit(62) | 0x5000);
}

// A bit of the mask that is set already is no locked instruction, and so no barrier of its own.
TEST(SwitchMm, TheBarrierIsTheBitUnlessOneIsAdded) {
  for (const bool added : {false, true})
    for (const bool in_mask : {false, true}) {
      Kernel k = linux_4_20;
      k.flush.set_bit_is_barrier = added;
      Asids<Word> a;
      Word cr3 = 0;
      const Cpu cpu{.loaded = false, .in_mask = in_mask};
      const auto s =
          switch_mm_irqs_off(k, features, cpu, a, Word{9}, Word{1}, false, Word{0x4000}, cr3);
      EXPECT_EQ(s.barrier, added || !in_mask);
    }
}

TEST(MmuGather, TheEndIsTheFurthest) {
  auto tlb = tlb_gather_mmu(linux_4_6, Word{0x1000}, Word{0x8000});
  const std::pair<Word, Word> steps[] = {{2, 0x1002}, {3, 0x1003}, {1, 0x1003}, {3, 0x1003}};
  for (const auto& [size, end] : steps) {
    tlb_adjust_range(tlb, Word{0x1000}, size);
    EXPECT_EQ(tlb.end, end);
  }
}

TEST(MmuGather, TheStrideIsTheSmallestInAnyOrder) {
  // Bits 0 to 2 for what was removed: a page of 4 KiB, 2 MiB, 1 GiB.
  for (unsigned removed = 1; removed < 8; ++removed)
    for (const bool up : {false, true}) {
      auto tlb = tlb_gather_mmu(linux_4_20, Word{0x1000}, Word{0x2000});
      for (int i = 0; i < 3; ++i) {
        const int level = up ? i + 1 : 3 - i;
        if ((removed >> (level - 1)) % 2 != 0)
          tlb_remove_entry(linux_4_20, tlb, Word{0x4000'0000}, level);
      }
      EXPECT_EQ(tlb_flush(linux_4_20, tlb).request.stride_shift, removed % 2 != 0   ? 12u
                                                                 : removed % 4 != 0 ? 21u
                                                                                    : 30u)
          << removed;
    }
}

TEST(MmuGather, APmdOfPaeFlushesEverythingSince3_9) {
  for (const bool since : {false, true}) {
    const Kernel k = kernel({3, since ? 9 : 8});
    auto tlb = tlb_gather_mmu(k, Word{0x1000}, Word{0x2000});
    tlb_free_table(k, tlb, Word{0x4000}, true);
    tlb_free_table(k, tlb, Word{0x5000}, false);
    EXPECT_EQ(tlb.need_flush_all, since);
  }
}

TEST(MmuGather, UnsharedTablesLeaveTheSmallestStride) {
  auto tlb = tlb_gather_mmu(linux_6_1, Word{0x1000}, Word{0x2000});
  tlb_remove_entry(linux_6_1, tlb, Word{0x4000'0000}, 1);
  tlb_unshare(linux_6_1, tlb, Word{0x4000'0000});
  EXPECT_EQ(tlb_flush(linux_6_1, tlb).request.stride_shift, 12u);
}

}  // namespace
}  // namespace mmuref::lnx::test
