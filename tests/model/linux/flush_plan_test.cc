// What flushes of Linux ask for and of whom, against tables written by hand and loops taken
// literally.
#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "tests/model/linux/flush_scene.h"

namespace mmuref::lnx::test {
namespace {

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

TEST(FlushTlbPgtables, DidNothingIn2_4_0) {
  const Plan before = flush_tlb_pgtables(linux_2_4_0, features, uses, range(0, 0x400000));
  EXPECT_EQ(before.self.flush.what, Primitive::none);
  EXPECT_EQ(before.whom, Whom::nobody);
  const Plan after = flush_tlb_pgtables(linux_2_4_19, features, uses, range(0, 0x400000));
  EXPECT_EQ(after.self.flush.what, Primitive::cr3_reload);
  EXPECT_EQ(after.whom, Whom::mask);
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

TEST(ShouldFlushTlb, BeforeCpusThatSwitchWereTold) {
  Kernel k = linux_6_12_117;
  k.flush.should_flush_switching = false;
  const FlushInfo<Word> f;
  for (const bool loaded : {false, true})
    for (const bool switching : {false, true})
      EXPECT_EQ(should_flush_tlb(k, Cpu{.loaded = loaded, .switching = switching}, f),
                loaded && !switching);
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

}  // namespace
}  // namespace mmuref::lnx::test
