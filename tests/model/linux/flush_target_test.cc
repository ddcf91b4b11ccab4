// What a processor does that is told to flush, switches or becomes lazy.
#include <gtest/gtest.h>

#include "tests/model/linux/flush_scene.h"

namespace mmuref::lnx::test {
namespace {

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

TEST(FlushUp, OtherCpusAreNotCounted) {
  const Kernel k = kernel(v4_6, {.smp = false}), old = kernel(v3_2, {.smp = false});
  EXPECT_EQ(flush_tlb_all(k, features, uses).counters.remote_flush, 0u);
  const Plan p = flush_tlb_mm(old, features, uses, Request{});
  EXPECT_EQ(p.self.flush.what, Primitive::cr3_reload);
  EXPECT_EQ(p.whom, Whom::nobody);
  EXPECT_EQ(p.counters.remote_flush, 0u);
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

TEST(FlushInstructions, TheToggleChangesPgeAlone) {
  x86::Registers<Word> r;
  r.cr4 = 0x2'07e0;  // MCE, PGE, PCE side by side
  EXPECT_EQ(instruction(Primitive::pge_toggle, 0, r, Word{0}).value, 0x2'0760u);
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

TEST(ChooseNewAsid, LooksForTheMmAmongTheirOwnersAlone) {
  Asids<Word> a;
  for (Word i = 0; i < 6; ++i) {
    a.ctx_id[i] = 10 + i;
    a.tlb_gen[i] = 20 + i;
  }
  for (Word gen = 20; gen < 26; ++gen)
    EXPECT_LT(choose_new_asid(FlushFeatures{}, a, gen, Word{30}).asid, 6u);
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

}  // namespace
}  // namespace mmuref::lnx::test
