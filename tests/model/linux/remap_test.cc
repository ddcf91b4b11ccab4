// remap_pfn_range, follow_pte and their kin at every boundary of the tables.
#include "model/linux/remap.h"

#include "model/linux/follow.h"
#include "tests/model/linux/space.h"

namespace mmuref::lnx::test {
namespace {

vm_area_struct<Word> vma_at(Word start, Word pages, Word flags = vm::SHARED) {
  return {.vm_start = start, .vm_end = start + pages * 4096, .vm_pgoff = 7, .vm_flags = flags};
}

/// What separates neighbours: a PTE, PMD, PUD, P4D table.
constexpr Word boundaries[] = {0x20'0000, 0x4000'0000, 0x80'0000'0000, 0x1'0000'0000'0000};

TEST(Remap, PagesOnBothSidesOfEveryBoundary) {
  for (const Kernel& k : {linux_4_6, linux_6_12, linux_la57}) {
    for (const Word boundary : boundaries) {
      if (boundary >> k.virtual_mask_shift != 0) continue;
      Space s(k);
      const Word start = boundary - 0x2000;
      auto vma = vma_at(start, 4);
      ASSERT_EQ(remap_pfn_range(k, s.mm, vma, start, 0x1234, 4 * 4096, shared), Errno::ok);
      for (Word i = 0; i < 4; ++i) {
        EXPECT_EQ(s.to(start + i * 4096 + 0x123), (0x1234 + i) * 4096 + 0x123);
        EXPECT_EQ(s.walk(start + i * 4096).last().value,
                  ((0x1234 + i) << 12) | 0x8000'0000'0000'0227);
        const auto found = follow_pte<Word>(k, s.mm, start + i * 4096 + 5);
        ASSERT_EQ(found.error, Errno::ok);
        EXPECT_EQ(found.pte.value, s.walk(start + i * 4096).last().value);
        EXPECT_EQ(follow_pfn(k, s.mm, vma, start + i * 4096).pfn, 0x1234 + i);
      }
      EXPECT_FALSE(s.maps(start - 1));
      EXPECT_FALSE(s.maps(start + 0x4000));
      EXPECT_EQ(follow_pte<Word>(k, s.mm, start - 1).error, Errno::inval);
      EXPECT_EQ(follow_pte<Word>(k, s.mm, start + 0x4000).error, Errno::inval);
    }
  }
}

TEST(Remap, TheTopOfUserAddresses) {
  for (const Kernel& k : {linux_4_6, linux_la57}) {
    Space s(k);
    const Word last = bit(k.virtual_mask_shift) - 4096;
    auto vma = vma_at(last, 1);
    ASSERT_EQ(remap_pfn_range(k, s.mm, vma, last, 1, 4096, shared), Errno::ok);
    EXPECT_EQ(s.to(last), 0x1000u);
    EXPECT_FALSE(s.maps(last - 1));
  }
}

TEST(Remap, RightsAreThoseOfTheProtection) {
  for (Word prot : {Word{0x27}, Word{0x25}, Word{0x23}, Word{0x8000'0000'0000'0027}}) {
    Space s(linux_4_6);
    auto vma = vma_at(0x5000, 1);
    (void)remap_pfn_range(s.k, s.mm, vma, 0x5000, 9, 1, pgprot_t<Word>{prot});
    using x86::Outcome;
    EXPECT_EQ(s.walk(0x5000, true).outcome == Outcome::translated, (prot & 4) != 0);
    EXPECT_EQ(s.walk(0x5000, false, true).outcome == Outcome::translated, (prot & 2) != 0);
    EXPECT_EQ(s.walk(0x5000, false, false, true).outcome == Outcome::translated, prot >> 63 == 0);
  }
}

TEST(Remap, TheSizeIsRoundedUpToPages) {
  Space s(linux_4_6);
  auto vma = vma_at(0x5000, 2);
  EXPECT_EQ(remap_pfn_range(s.k, s.mm, vma, 0x5000, 9, 4097, shared), Errno::ok);
  EXPECT_TRUE(s.maps(0x6fff));
  EXPECT_FALSE(s.maps(0x7000));
}

TEST(Remap, NothingToMapIsABug) {
  Space s(linux_4_6);
  s.pages.left = 10;
  auto vma = vma_at(0x5000, 2);
  EXPECT_EQ(remap_pfn_range(s.k, s.mm, vma, 0x5000, 9, 0, shared), Errno::bug);
  EXPECT_EQ(remap_pfn_range(s.k, s.mm, vma, 0x5000, 9, ~Word{0} - 0x5000, shared), Errno::bug);
}

TEST(Remap, APageThatIsThereIsABugAndStays) {
  Space s(linux_4_6);
  auto vma = vma_at(0x4000, 3);
  ASSERT_EQ(remap_pfn_range(s.k, s.mm, vma, 0x5000, 9, 4096, shared), Errno::ok);
  EXPECT_EQ(remap_pfn_range(s.k, s.mm, vma, 0x4000, 20, 0x3000, shared), Errno::bug);
  EXPECT_EQ(s.to(0x4000), 20u * 4096);  // mapped before it was met
  EXPECT_EQ(s.to(0x5000), 9u * 4096);
  EXPECT_FALSE(s.maps(0x6000));
}

TEST(Remap, PrivateWritableMappingsAsAWholeOrNotAtAll) {
  Space s(linux_4_6);
  auto vma = vma_at(0x4000, 2, vm::MAYWRITE);
  EXPECT_EQ(remap_pfn_range(s.k, s.mm, vma, 0x4000, 9, 4096, shared), Errno::inval);
  EXPECT_EQ(remap_pfn_range(s.k, s.mm, vma, 0x5000, 9, 4096, shared), Errno::inval);
  EXPECT_TRUE(s.memory.entries().empty());
  EXPECT_EQ(vma.vm_pgoff, 7u);
  EXPECT_EQ(vma.vm_flags, vm::MAYWRITE);
  EXPECT_EQ(remap_pfn_range(s.k, s.mm, vma, 0x4000, 9, 8192, shared), Errno::ok);
  EXPECT_EQ(vma.vm_pgoff, 9u);
  // VM_IO, VM_PFNMAP, VM_DONTEXPAND and VM_DONTDUMP are set.
  EXPECT_EQ(vma.vm_flags, 0x0404'4400u | vm::MAYWRITE);
}

/// Refuses, or makes pages uncached.
struct Types {
  std::optional<pgprot_t<Word>> answer;
  Word tracked = 0, untracked = 0, size = 0;
  std::optional<pgprot_t<Word>> track(Word pfn, Word bytes, const pgprot_t<Word>&) {
    tracked = pfn;
    size = bytes;
    return answer;
  }
  void untrack(Word pfn, Word) { untracked = pfn; }
};

TEST(Remap, TheTrackerDecidesTheMemoryType) {
  Space s(linux_4_6);
  auto vma = vma_at(0x4000, 2);
  Types refuses;
  EXPECT_EQ(remap_pfn_range(s.k, s.mm, vma, 0x4000, 9, 5000, shared, refuses), Errno::inval);
  EXPECT_EQ(refuses.size, 8192u);
  EXPECT_TRUE(s.memory.entries().empty());
  Types uncached{.answer = pgprot_t<Word>{0x3f}};
  EXPECT_EQ(remap_pfn_range(s.k, s.mm, vma, 0x4000, 9, 4096, shared, uncached), Errno::ok);
  EXPECT_EQ(s.walk(0x4000).last().value, 0x923fu);
}

TEST(Remap, EveryAllocationMayFail) {
  for (const Kernel& k : {linux_4_6, linux_4_20, linux_la57}) {
    for (std::uint64_t left = 0;; ++left) {
      Space s(k);
      s.pages.left = left;
      const Word start = 0x80'0000'0000 - 0x1000;  // two pages that share the root alone
      auto vma = vma_at(start, 2);
      Types types{.answer = shared};
      const Errno error = remap_pfn_range(k, s.mm, vma, start, 50, 8192, shared, types);
      if (error == Errno::ok) {
        EXPECT_EQ(left, k.config.levels == 4 ? 6u : 7u);
        break;
      }
      EXPECT_EQ(error, Errno::nomem);
      EXPECT_EQ(s.to(start), left < (k.config.levels == 4 ? 3u : 4u) ? ~Word{0} : 50u * 4096);
      EXPECT_FALSE(s.maps(start + 4096));
      // 4.6 gives back frames it never had.
      const bool biased = !k.untrack_what_was_tracked;
      EXPECT_EQ(types.untracked, biased ? 50 - (start >> 12) : 50);
    }
  }
}

TEST(Follow, LargePagesAndWhatIsNotThere) {
  Space s(linux_4_6);
  auto vma = vma_at(0x4000, 2);
  (void)remap_pfn_range(s.k, s.mm, vma, 0x4000, 9, 4096, shared);
  const Word pmd = s.walk(0x4000).steps[2].address;
  const Word pud = s.walk(0x4000).steps[1].address;
  const Word good = s.memory.read(pmd);
  EXPECT_EQ(follow_pte<Word>(s.k, s.mm, 0x4000).error, Errno::ok);
  s.memory.write(pmd, 0x20'00e7);
  EXPECT_EQ(follow_pte<Word>(s.k, s.mm, 0x4000).error, Errno::bug);  // a THP
  s.memory.write(pmd, 0x20'00e7 | bit(58));
  EXPECT_EQ(follow_pte<Word>(s.k, s.mm, 0x4000).error, Errno::inval);  // DEVMAP
  s.memory.write(pmd, good | page::NX);
  EXPECT_EQ(follow_pte<Word>(s.k, s.mm, 0x4000).error, Errno::inval);  // bad
  s.memory.write(pmd, good);
  s.memory.write(pud, 0x4000'00e7);
  EXPECT_EQ(follow_pte<Word>(s.k, s.mm, 0x4000).error, Errno::inval);
}

TEST(Follow, OnlyInMappingsOfFrames) {
  Space s(linux_4_6);
  auto vma = vma_at(0x4000, 2);
  (void)remap_pfn_range(s.k, s.mm, vma, 0x4000, 9, 4096, pgprot_t<Word>{0x25});
  EXPECT_EQ(follow_phys(s.k, s.mm, vma, 0x4123, false).phys, 0x9000u);
  EXPECT_EQ(follow_phys(s.k, s.mm, vma, 0x4123, false).prot.value, 0x225u);
  EXPECT_EQ(follow_phys(s.k, s.mm, vma, 0x4123, true).error, Errno::inval);
  vma.vm_flags = vm::SHARED;
  EXPECT_EQ(follow_pfn(s.k, s.mm, vma, 0x4000).error, Errno::inval);
  EXPECT_EQ(follow_phys(s.k, s.mm, vma, 0x4000, false).error, Errno::inval);
}

// VM_IO or VM_PFNMAP, and no other flag.
TEST(Follow, EitherFlagMakesAMappingOfFrames) {
  for (unsigned flag = 0; flag < 32; ++flag) {
    Space s(linux_4_6);
    auto vma = vma_at(0x4000, 1);
    (void)remap_pfn_range(s.k, s.mm, vma, 0x4000, 9, 4096, pgprot_t<Word>{0x25});
    vma.vm_flags = bit(flag);
    const Errno expected = flag == 10 || flag == 14 ? Errno::ok : Errno::inval;
    EXPECT_EQ(follow_pfn(s.k, s.mm, vma, 0x4000).error, expected) << flag;
    EXPECT_EQ(follow_phys(s.k, s.mm, vma, 0x4000, false).error, expected) << flag;
    EXPECT_EQ(vm_normal_page(linux_4_6, vma, pte_t<Word>{0x6227}, 5, 100),
              flag == 10 || flag == 28 ? NormalPage::none : NormalPage::reports)
        << flag;
  }
}

TEST(Follow, APageWithoutRightsIsFoundAndNotTranslated) {
  Space s(linux_4_6);
  auto vma = vma_at(0x4000, 1);
  (void)remap_pfn_range(s.k, s.mm, vma, 0x4000, 9, 4096, pgprot_t<Word>{0x120});  // PAGE_NONE
  EXPECT_FALSE(s.maps(0x4000));
  EXPECT_EQ(follow_pfn(s.k, s.mm, vma, 0x4000).pfn, 9u);
}

TEST(NormalPage, EveryCase) {
  const auto ask = [](Word flags, Word pte) {
    return vm_normal_page(linux_4_6, vm_area_struct<Word>{.vm_flags = flags}, pte_t<Word>{pte}, 5,
                          100);
  };
  EXPECT_EQ(ask(0, 0x6'4027), NormalPage::page);     // frame 100
  EXPECT_EQ(ask(0, 0x6'5027), NormalPage::reports);  // frame 101
  EXPECT_EQ(ask(0, 0x5227), NormalPage::none);       // the zero page
  EXPECT_EQ(ask(0, 0x6227), NormalPage::reports);
  EXPECT_EQ(ask(vm::PFNMAP, 0x6227), NormalPage::none);
  EXPECT_EQ(ask(vm::MIXEDMAP, 0x6227), NormalPage::none);
  EXPECT_EQ(ask(vm::MIXEDMAP, 0x6027), NormalPage::page);
}

TEST(Remap, NothingToMapMapsNothing) {
  Space s(linux_4_6);
  auto vma = vma_at(0x5000, 2);
  EXPECT_EQ(remap_pfn_range(s.k, s.mm, vma, 0x5000, 9, 0, shared), Errno::bug);
  EXPECT_TRUE(s.memory.entries().empty());
}

TEST(Remap, APrivateMappingIsNotExceeded) {
  Space s(linux_4_6);
  auto vma = vma_at(0x4000, 2, vm::MAYWRITE);
  EXPECT_EQ(remap_pfn_range(s.k, s.mm, vma, 0x4000, 9, 3 * 4096, shared), Errno::inval);
}

TEST(Remap, ABugLeavesTheTrackerAlone) {
  Space s(linux_4_6);
  auto vma = vma_at(0x4000, 1);
  Types types{.answer = shared};
  ASSERT_EQ(remap_pfn_range(s.k, s.mm, vma, 0x4000, 9, 4096, shared, types), Errno::ok);
  EXPECT_EQ(remap_pfn_range(s.k, s.mm, vma, 0x4000, 9, 4096, shared, types), Errno::bug);
  EXPECT_EQ(types.untracked, 0u);
}

TEST(Follow, WhereNothingIsMapped) {
  Space s(linux_4_6);
  const auto vma = vma_at(0x4000, 1, vm::PFNMAP);
  EXPECT_EQ(follow_phys(s.k, s.mm, vma, 0x4000, false).error, Errno::inval);
  // A table at 0, which entries that are none must not lead to.
  s.memory.write(s.mm.pgd, 0x2067);
  for (Word slot = 0; slot < 512; ++slot) s.memory.write(8 * slot, 0x67);
  EXPECT_EQ(follow_pte<Word>(s.k, s.mm, 0x4000).error, Errno::inval);
}

TEST(Level, MasksAndWhatIsNoneBadOrATable) {
  EXPECT_EQ(mask_of(1), 0xffff'ffff'ffff'f000);
  EXPECT_EQ(mask_of(2), 0xffff'ffff'ffe0'0000);
  EXPECT_EQ(mask_of(5), 0xffff'0000'0000'0000);
  // A and D alone are none, but for a PGD.
  EXPECT_TRUE(entry_none(linux_la57, Word{0x60}, 4));
  EXPECT_FALSE(entry_none(linux_la57, Word{0x60}, 5));
  EXPECT_TRUE(entry_none(linux_6_12, Word{0x60}, 4));  // the PGD is folded, a P4D answers
  EXPECT_FALSE(entry_none(linux_4_6, Word{0x60}, 4));
  // What is not present is bad for a PGD, and passes for a P4D.
  EXPECT_TRUE(entry_bad(linux_4_6, Word{0}, 4));
  EXPECT_TRUE(entry_bad(linux_la57, Word{0}, 5));
  EXPECT_FALSE(entry_bad(linux_la57, Word{0}, 4));
  EXPECT_FALSE(entry_bad(linux_6_12, Word{0}, 4));
  for (const Kernel& k : {linux_4_6, linux_6_12, linux_la57})
    EXPECT_TRUE(entry_bad(k, Word{0x80e7}, 4));  // PSE
}

TEST(TableAlloc, ByTheEntryAboveAndItsLevel) {
  Space s(linux_la57);
  s.pages.left = 0;
  const auto below = [&](Word entry, int level) {
    s.memory.write(s.mm.pgd, entry);
    return table_alloc(s.k, s.mm, Word{s.mm.pgd}, Word{0}, level);
  };
  EXPECT_EQ(below(0x60, 4), 0u);  // not none for a PGD
  EXPECT_EQ(below(0x60, 3), std::nullopt);
  // PSE moves the frame's lowest bit, by the level.
  EXPECT_EQ(below(0x7654'3210'e0e7, 1), 0x7654'3200'0000u);
  EXPECT_EQ(below(0x7654'3210'e0e7, 2), 0x7654'0000'0000u);
  EXPECT_EQ(below(0x7654'3210'e0e7, 3), 0x7654'3210'e000u);
}

}  // namespace
}  // namespace mmuref::lnx::test
