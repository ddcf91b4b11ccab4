// SDM vol. 3, 4.10.2, 4.10.3, 4.10.4.3: what may be cached, and what an access may do with it.
#include "tests/model/tlb/lab.h"

namespace mmuref::x86::test {
namespace {

constexpr Word fault(Word error_code) {
  return bit(63) | error_code;
}
/// Where the scene's address lies in the frame that its leaf maps.
Word at(Word frame, const Scene& s) {
  return frame | page_offset(s.access.va, s.leaf);
}

TEST(MayCache, AnAccessIsNotNeeded) {
  Lab lab;
  const auto old = lab.answers();
  lab.write(1, lab.entry(1) + 0x1000);
  EXPECT_EQ(lab.answers(), (std::set{*old.begin(), *old.begin() + 0x1000}));
}

TEST(MayCache, EveryFrameSinceTheLastInvalidation) {
  Lab lab;
  const Word first = at(frame_at[1], lab.scene);
  for (int i = 0; i < 3; ++i) lab.write(1, lab.entry(1) + 0x1000);
  EXPECT_EQ(lab.answers(), (std::set{first, first + 0x1000, first + 0x2000, first + 0x3000}));
  lab.invlpg(lab.scene.access.va);
  EXPECT_EQ(lab.answers(), std::set{first + 0x3000});
}

TEST(MayCache, NotPresentIsNeverCached) {
  for (int level = 1; level <= 4; ++level) {
    Scene s = mapping();
    s.entry[static_cast<unsigned>(level)] &= ~entry::P;
    Lab lab(s);
    EXPECT_EQ(lab.answers(), std::set{fault(0)});
    lab.write(level, lab.entry(level) | entry::P);
    EXPECT_EQ(lab.answers(), std::set{at(frame_at[1], s)});
  }
}

TEST(MayCache, AnEntryWithAReservedBitIsNeverCached) {
  for (int level = 1; level <= 4; ++level) {
    Scene s = mapping();
    s.entry[static_cast<unsigned>(level)] |= bit(51);
    Lab lab(s);
    EXPECT_EQ(lab.answers(), std::set{fault(pfec::P | pfec::RSVD)});
    lab.write(level, lab.entry(level) & ~bit(51));
    EXPECT_EQ(lab.answers(), std::set{at(frame_at[1], s)});
  }
}

TEST(MayCache, UnmappingLeavesTheTranslationUntilInvalidated) {
  for (int level = 1; level <= 4; ++level) {
    Lab lab;
    lab.write(level, 0);
    EXPECT_EQ(lab.answers(), (std::set{at(frame_at[1], lab.scene), fault(0)}));
    lab.invlpg(lab.scene.access.va);
    EXPECT_EQ(lab.answers(), std::set{fault(0)});
  }
}

/// A user's access where one entry forbids it; then it no longer does.
void expect_one_spurious_fault(Scene s, int level, Word forbids, Word allows) {
  Word& changed = s.entry[static_cast<unsigned>(level)];
  changed = (changed & ~allows) | forbids;
  Lab lab(s);
  const auto denied = lab.answers();
  ASSERT_EQ(denied.size(), 1u);
  ASSERT_TRUE(has(*denied.begin(), bit(63)));
  lab.write(level, (lab.entry(level) & ~forbids) | allows);
  const Word granted = at(frame_at[1], s);
  EXPECT_EQ(lab.answers(), (std::set{granted, *denied.begin()}));
  // The fault happens, and drops what it used.
  for (const auto& p : lab.machine.outcomes(0, s.access)) {
    if (p.walk.outcome == Outcome::page_fault) lab.machine.settle(0, s.access, std::array{p});
  }
  EXPECT_EQ(lab.answers(), std::set{granted});
}
TEST(MayCache, LoosenedRightsGiveAtMostOneSpuriousFault) {
  for (int level = 1; level <= 4; ++level) {
    Scene s = mapping();
    expect_one_spurious_fault(s.user().write(), level, 0, entry::RW);
    expect_one_spurious_fault(s.user().read(), level, 0, entry::US);
    expect_one_spurious_fault(s.user().fetch(), level, entry::XD, 0);
  }
}
TEST(MayCache, AGlobalMadeUnderAnotherPcidMayFaultAgain) {
  Scene s = mapping();
  s.user().write();
  s.registers.cr4 |= cr4::PGE | cr4::PCIDE;
  s.pte() = (s.pte() | entry::G) & ~entry::RW;
  Lab lab(s);
  lab.write(1, lab.entry(1) | entry::RW);
  lab.switch_pcid(1);
  const Word denied = fault(pfec::P | pfec::WR | pfec::US);
  for (int again = 0; again < 2; ++again) {
    EXPECT_TRUE(lab.possible(denied));
    for (const auto& p : lab.machine.outcomes(0, s.access)) {
      if (p.walk.outcome == Outcome::page_fault) lab.machine.settle(0, s.access, std::array{p});
    }
  }
  lab.invlpg(s.access.va);
  EXPECT_FALSE(lab.possible(denied));
}

TEST(MayCache, TightenedRightsMayStillPermit) {
  for (int level = 1; level <= 4; ++level) {
    Scene s = mapping();
    s.user().write();
    s.pte() |= entry::D;
    Lab lab(s);
    lab.write(level, lab.entry(level) & ~entry::RW);
    const Word denied = fault(pfec::P | pfec::WR | pfec::US);
    EXPECT_EQ(lab.answers(), (std::set{at(frame_at[1], s), denied}));
    lab.invlpg(s.access.va);
    EXPECT_EQ(lab.answers(), std::set{denied});
  }
}

TEST(MayCache, PageSizeChangeLeavesEitherTranslation) {
  for (const int levels : {4, 5}) {
    Scene s = mapping(levels, 1);
    Lab lab(s);
    const Word small = at(frame_at[1], s);
    const Word large = frame_at[2] | page_offset(s.access.va, 2);
    lab.write(2, frame_at[2] | entry::P | entry::RW | entry::US | entry::PS);
    EXPECT_EQ(lab.answers(), (std::set{small, large}));
    // Demoted again: INVLPG of one address drops the translation of the large page.
    lab.write(2, s.pde());
    lab.invlpg(s.access.va ^ 0x1000);
    lab.write(1, lab.entry(1) + 0x1000);
    EXPECT_FALSE(lab.possible(large));
    EXPECT_TRUE(lab.possible(small + 0x1000));
  }
}

TEST(MayCache, UpperEntriesMayBeStaleThoughTheLeafNeverWasCached) {
  for (int level = 2; level <= 4; ++level) {
    Scene s = mapping();
    s.pte() &= ~entry::P;
    Lab lab(s);
    lab.write(level, 0);
    EXPECT_EQ(lab.answers(), std::set{fault(0)});
    lab.write(1, s.pte() | entry::P);
    EXPECT_EQ(lab.answers(), (std::set{at(frame_at[1], s), fault(0)})) << level;
    lab.invlpg(0);
    EXPECT_TRUE(lab.possible(at(frame_at[1], s))) << "by the translation, made since";
    lab.invlpg(s.access.va);
    EXPECT_EQ(lab.answers(), std::set{fault(0)});
  }
}

TEST(MayCache, AWriteNeverUsesATranslationCachedWithDClear) {
  Scene s = mapping();
  Lab lab(s);
  lab.write(1, 0);
  EXPECT_TRUE(lab.possible(at(frame_at[1], s))) << "a read";
  s.write();
  EXPECT_EQ(lab.answers(s.access), std::set{fault(pfec::WR)});
}
TEST(MayCache, ClearedAAndDMayStayClear) {
  for (int level = 1; level <= 4; ++level) {
    Scene s = mapping();
    s.write();
    s.pte() |= entry::D;
    for (Word& e : s.entry) e |= entry::A;
    Lab lab(s);
    const Word cleared = lab.entry(level) & ~(entry::A | (level == 1 ? entry::D : 0));
    lab.write(level, cleared);
    EXPECT_EQ(lab.machine.outcomes(0, s.access).size(), 2u);
    lab.access();
    EXPECT_EQ(lab.entry(level), cleared) << "certain";
    EXPECT_EQ(lab.machine.may_hold(s.at(level)), entry::A | (level == 1 ? entry::D : 0));
  }
}

/// The A and D flags that the scene's entries, from the leaf up, hold after an outcome.
std::vector<Word> flags(const Lab& lab, const diff::Possibility& p) {
  std::vector<Word> all;
  for (int level = 1; level <= lab.scene.levels; ++level)
    all.push_back((lab.entry(level) | p.flags_at(lab.scene.at(level))) & (entry::A | entry::D));
  return all;
}
constexpr Word A = entry::A, D = entry::D;

// SDM vol. 3, 4.10.2.3, 4.10.3.1: before anything is cached, A is set in each entry used.
TEST(MayCache, WhatIsCachedHasAccessedSet) {
  const Lab lab;
  EXPECT_EQ(lab.entry(1) & A, 0u);
  const auto all = lab.machine.outcomes(0, lab.scene.access);
  ASSERT_EQ(all.size(), 1u) << "the walk of memory sets it too";
  EXPECT_EQ(flags(lab, all[0]), (std::vector{A, A, A, A}));
}
TEST(MayCache, AccessedMayBeClearWhereSoftwareClearedItSince) {
  for (int level = 1; level <= 4; ++level) {
    Scene s = mapping();
    for (Word& e : s.entry) e |= entry::PCD | D;
    Lab lab(s);
    lab.write(level, lab.entry(level));  // it holds A=0, and A may have been set
    const auto all = lab.machine.outcomes(0, lab.scene.access);
    ASSERT_EQ(all.size(), 2u);
    std::vector<Word> expected(4, A | D);
    EXPECT_EQ(flags(lab, all[0]), expected);
    expected[static_cast<std::size_t>(level - 1)] = D;
    EXPECT_EQ(flags(lab, all[1]), expected);
    lab.machine.settle(0, lab.scene.access, std::span(&all[1], 1));
    for (int other = 1; other <= 4; ++other)
      EXPECT_EQ(lab.entry(other) & A, other == level ? 0u : A) << "certain";
  }
}
TEST(MayCache, AccessedIsHeldOfATranslationThatIsGone) {
  Lab lab;
  lab.write(1, A);  // not present
  const auto all = lab.machine.outcomes(0, lab.scene.access);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].source, Source::tlb);
  EXPECT_EQ(flags(lab, all[1]), (std::vector{A, A, A, A}));
  lab.machine.settle(0, lab.scene.access, std::span(&all[1], 1));
  for (int level = 1; level <= 4; ++level) EXPECT_EQ(lab.entry(level) & (A | D), A) << "certain";
  lab.invlpg(lab.scene.access.va);
  EXPECT_EQ(lab.machine.outcomes(0, lab.scene.access).size(), 1u);
}
TEST(MayCache, WhatIsCachedAnewHasAccessedSetAnew) {
  Lab lab;
  lab.write(4, lab.entry(4));
  EXPECT_EQ(lab.machine.outcomes(0, lab.scene.access).size(), 2u);
  lab.invlpg(lab.scene.access.va);
  EXPECT_EQ(lab.machine.outcomes(0, lab.scene.access).size(), 1u);
}
TEST(MayCache, APartialWalkHasAccessedSetAbove) {
  Scene s = mapping();
  s.pte() &= ~entry::P;
  Lab lab(s);
  lab.write(2, 0);
  lab.write(1, s.pte() | entry::P);
  const auto all = lab.machine.outcomes(0, s.access);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].source, Source::structure);
  EXPECT_EQ(flags(lab, all[1]), (std::vector{A, Word{0}, A, A}));
}
TEST(MayCache, AStaleFaultHasAccessedSet) {
  Scene s = mapping();
  s.user().write();
  s.pte() &= ~entry::RW;
  Lab lab(s);
  lab.write(1, s.pte() | entry::RW);
  const auto all = lab.machine.outcomes(0, s.access);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].walk.outcome, Outcome::page_fault);
  EXPECT_EQ(flags(lab, all[1]), (std::vector{Word{0}, A, A, A}));
  lab.machine.settle(0, s.access, std::span(&all[1], 1));
  EXPECT_EQ(lab.entry(4) & A, A);
}

// One entry that is used at every level gets the flags of all.
TEST(MayCache, AnEntryUsedAtTwoLevelsIsOneChange) {
  Scene s = mapping();
  s.registers.cr3 = 0x1000;
  diff::Memory memory;
  memory.write(0x1008, 0x1007);
  const std::vector<diff::Tlb> cpus{diff::Tlb(s.cpu, s.registers)};
  diff::CachingMachine machine(memory, cpus);
  const Access<Word> write{.va = 0x80'4020'1000, .write = true};
  const auto all = machine.outcomes(0, write);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].walk.physical_address, 0x1000u);
  EXPECT_EQ(all[0].flags_at(0x1008), A | D);
  machine.settle(0, write, all);
  EXPECT_EQ(machine.memory().read(0x1008), 0x1067u);
}

// The same page, but an entry that only the old table's walk reads has A=0.
TEST(MayCache, AnOutcomeThatSetsMoreFlagsIsAnother) {
  Scene s = mapping();
  for (Word& e : s.entry) e |= A;
  s.pte() &= ~A;
  Lab lab(s);
  lab.replace_table(0x9000, s.pte() | A);
  const auto all = lab.machine.outcomes(0, s.access);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].walk.physical_address, all[1].walk.physical_address);
  EXPECT_EQ(all[0].flags_at(s.at(1)), 0u);
  EXPECT_EQ(all[1].flags_at(s.at(1)), A);
}

// A write that may have gone by the old table sets A and D there, or nothing; A is set anyway.
TEST(MayCache, WhatMayHaveBeenSetIsNoStoreBySoftware) {
  Scene s = mapping();
  for (Word& e : s.entry) e |= A;
  s.pte() &= ~A;
  Lab lab(s);
  constexpr Word other_frame = 0xabc'd000;
  lab.replace_table(0x9000, other_frame | (s.pte() & bits(11, 0)) | A | D);
  Access<Word> write = s.access;
  write.write = true;
  lab.machine.settle(0, write, lab.machine.outcomes(0, write));
  EXPECT_EQ(lab.machine.may_hold(s.at(1)), A | D);
  lab.write(2, s.pde());
  for (const auto& p : lab.machine.outcomes(0, s.access)) {
    if (p.walk.physical_address != at(frame_at[1], s)) continue;
    EXPECT_EQ(p.flags_at(s.at(1)), A) << "by something cached, or not";
  }
}

// What an outcome leaves as it was makes it no other.
TEST(MayCache, EntriesThatHoldAccessedAlreadyTellNothingApart) {
  for (const Word root : {0x7000, 0}) {
    Scene s = mapping();
    s.registers.cr4 |= cr4::PCIDE;
    s.access.va &= bits(38, 0);
    for (Word& e : s.entry) e |= A;
    Lab lab(s);
    lab.machine.write(root, s.pml4e());
    EXPECT_EQ(lab.execute(OperationKind::mov_cr3, root | bit(63)), Exception::none);
    EXPECT_EQ(lab.machine.outcomes(0, s.access).size(), 1u) << "by either root's entry";
  }
}

TEST(MayCache, AfterAnInvalidationAAndDAreSet) {
  Scene s = mapping();
  s.write();
  for (Word& e : s.entry) e |= entry::A | entry::D;
  Lab lab(s);
  lab.write(1, lab.entry(1) & ~(entry::A | entry::D));
  EXPECT_EQ(lab.machine.outcomes(0, s.access).size(), 2u);
  lab.invlpg(s.access.va);
  ASSERT_EQ(lab.machine.outcomes(0, s.access).size(), 1u);
  lab.access();
  EXPECT_EQ(lab.entry(1) & (entry::A | entry::D), entry::A | entry::D);
}

TEST(MayCache, ATranslationServesAnotherPcidOnlyIfGlobal) {
  for (const bool global : {false, true}) {
    Scene s = mapping();
    s.registers.cr4 |= cr4::PGE | cr4::PCIDE;
    if (global) s.pte() |= entry::G;
    Lab lab(s);
    lab.write(1, 0);
    lab.switch_pcid(1);
    EXPECT_EQ(lab.possible(at(frame_at[1], s)), global);
    lab.switch_pcid(0);
    EXPECT_TRUE(lab.possible(at(frame_at[1], s)));
  }
}
TEST(MayCache, AWalkStartsAtNoTableThatAnotherPcidCached) {
  Scene s = mapping();
  s.registers.cr4 |= cr4::PCIDE;
  s.registers.cr3 |= 1;
  Lab lab(s);
  lab.write(2, 0);
  for (const Word other : {0, 2}) {
    lab.switch_pcid(other);
    EXPECT_EQ(lab.answers(), std::set{fault(0)});
  }
  lab.switch_pcid(1);
  EXPECT_TRUE(lab.possible(at(frame_at[1], s)));
}
TEST(MayCache, GIsIgnoredWithoutPge) {
  Scene s = mapping();
  s.registers.cr4 |= cr4::PCIDE;
  s.pte() |= entry::G;
  Lab lab(s);
  lab.write(1, 0);
  lab.switch_pcid(1);
  EXPECT_FALSE(lab.possible(at(frame_at[1], s)));
}

TEST(MayCache, PkruAndWpAreNotCached) {
  Scene s = mapping();
  s.user().write();
  s.registers.cr4 |= cr4::PKE;
  s.pte() |= entry::D | Word{5} << entry::key_shift;
  Lab lab(s);
  EXPECT_EQ(lab.answers(), std::set{at(frame_at[1], s)});
  lab.execute(OperationKind::wrpkru, bit(10));
  EXPECT_EQ(lab.answers(), std::set{fault(pfec::P | pfec::WR | pfec::US | pfec::PK)});

  Scene r = mapping();
  r.supervisor().write();
  r.pte() = (r.pte() | entry::D) & ~entry::RW;
  Lab wp(r);
  EXPECT_EQ(wp.answers(), std::set{fault(pfec::P | pfec::WR)});
  wp.execute(OperationKind::mov_cr0, wp.registers().cr0 & ~cr0::WP);
  EXPECT_EQ(wp.answers(), std::set{at(frame_at[1], r)});
}

TEST(MayCache, TheMemoryTypeAndKeyAreThoseOfTheCachedLeaf) {
  Scene s = mapping();
  s.user();
  s.registers.cr4 |= cr4::PKE;
  s.registers.pkru = bit(10);  // denies key 5
  Lab lab(s);
  lab.write(1, lab.entry(1) | Word{5} << entry::key_shift);
  EXPECT_EQ(lab.answers(), (std::set{at(frame_at[1], s), fault(pfec::P | pfec::US | pfec::PK)}));
}

TEST(MayCache, ANonCanonicalAddressIsAnsweredByNoCache) {
  Scene s = mapping();
  Lab lab(s);
  s.access.va ^= bit(63);
  const auto all = lab.machine.outcomes(0, s.access);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].walk.outcome, Outcome::general_protection);
}

}  // namespace
}  // namespace mmuref::x86::test
