// Which effects the manual permits: SDM vol. 3, 4.7 and 4.8.
#include "diff/compare.h"

#include <gtest/gtest.h>

#include "tests/diff/support.h"

namespace mmuref::diff {
namespace {

using x86::Outcome;

Parts only(Part part) {
  return static_cast<Parts>(part);
}

struct Compared {
  Case question;
  Answer model;
  Effect effect;  ///< the model's own; tests change it
  Parts parts() const { return compare(question, model, effect); }
};

Compared agreeing(const Case& question) {
  const Answer model = answer(question);
  return {question, model, effect_of(question, model)};
}

/// A user write where the PTE does not permit one.
Case denied_write() {
  Case c = user_read();
  c.access.write = true;
  const Word pte = entry_address(c, 1);
  c.machine.memory.write(pte, c.machine.memory.read(pte) & ~x86::entry::RW);
  return c;
}

Memory::Entry accessed(const Case& c, int level) {
  const Word address = entry_address(c, level);
  return {address, c.machine.memory.read(address) | x86::entry::A};
}

TEST(Compare, TheModelAgreesWithItself) {
  EXPECT_EQ(agreeing(user_read()).parts(), 0U);
  EXPECT_EQ(agreeing(denied_write()).parts(), 0U);
}

TEST(Compare, OutcomeDiffers) {
  Compared c = agreeing(user_read());
  c.effect.observed.outcome = Outcome::page_fault;
  EXPECT_EQ(c.parts(), only(Part::outcome));
}

TEST(Compare, PhysicalAddressDiffersWhenLocated) {
  Compared c = agreeing(user_read());
  c.effect.observed.physical_address ^= 0x1000;
  EXPECT_EQ(c.parts(), only(Part::physical_address));
  c.effect.observed.located = false;
  EXPECT_EQ(c.parts(), 0U);
}

TEST(Compare, ErrorCodeAndCr2Differ) {
  Compared c = agreeing(denied_write());
  c.effect.observed.error_code ^= x86::pfec::PK;
  EXPECT_EQ(c.parts(), only(Part::error_code));
  c.effect.observed.cr2 ^= bit(63);
  EXPECT_EQ(c.parts(), only(Part::error_code) | only(Part::cr2));
}

TEST(Compare, OnlyPageFaultsLoadCr2) {
  Case question = user_read();
  question.access.va = bit(47);
  Compared c = agreeing(question);
  c.effect.observed.cr2 = 0x1234;
  EXPECT_EQ(c.parts(), 0U);
  c.effect.observed.error_code = 1;
  EXPECT_EQ(c.parts(), only(Part::error_code));
}

TEST(Compare, SuccessWritesExactlyTheFlags) {
  const Compared c = agreeing(user_read());
  ASSERT_EQ(c.effect.changes.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    Compared missing = c;
    missing.effect.changes.erase(missing.effect.changes.begin() + static_cast<long>(i));
    EXPECT_EQ(missing.parts(), only(Part::entries)) << i;
    Compared dirty = c;
    dirty.effect.changes[i].second |= x86::entry::D;
    EXPECT_EQ(dirty.parts(), only(Part::entries)) << i;
  }
}

TEST(Compare, AFaultMaySetAnyPrefixOfTheAccessedFlags) {
  Compared c = agreeing(denied_write());
  EXPECT_EQ(c.parts(), 0U);
  for (const int level : {4, 3, 2}) {
    c.effect.changes.push_back(accessed(c.question, level));
    EXPECT_EQ(c.parts(), 0U) << level;
  }
  // The leaf must stay clear, and nothing gets D.
  Compared leaf = c;
  leaf.effect.changes.push_back(accessed(c.question, 1));
  EXPECT_EQ(leaf.parts(), only(Part::entries));
  c.effect.changes.back().second |= x86::entry::D;
  EXPECT_EQ(c.parts(), only(Part::entries));
}

TEST(Compare, APrefixHasNoHoles) {
  Compared c = agreeing(denied_write());
  c.effect.changes = {accessed(c.question, 4), accessed(c.question, 2)};
  EXPECT_EQ(c.parts(), only(Part::entries));
  c.effect.changes = {accessed(c.question, 3)};
  EXPECT_EQ(c.parts(), only(Part::entries));
}

TEST(Compare, AnEntryThatWasAccessedBeforeLeavesNoHole) {
  Case question = denied_write();
  const Memory::Entry third = accessed(question, 3);
  question.machine.memory.write(third.first, third.second);
  Compared c = agreeing(question);
  c.effect.changes = {accessed(question, 4), accessed(question, 2)};
  EXPECT_EQ(c.parts(), 0U);
}

// Root entry 1 references the root: a walk through it twice uses the entry twice, then entry 2.
TEST(Compare, APrefixMayUseAnEntryTwice) {
  using namespace x86::entry;
  Case c = user_read();
  c.machine.memory.clear();
  c.machine.memory.write(0x1008, 0x1000 | P | RW | US);
  c.machine.memory.write(0x1010, 0x1000 | P | RW | US);
  // Indices 1, 2, 1, 0: the last is not present.
  c.access.va = Word{1} << 39 | Word{2} << 30 | Word{1} << 21;
  Compared compared = agreeing(c);
  ASSERT_EQ(compared.model.walk.rule, x86::Rule::not_present);
  ASSERT_EQ(compared.model.walk.level, 1);
  compared.effect.changes = {{0x1008, 0x1000 | P | RW | US | A}};
  EXPECT_EQ(compared.parts(), 0U);
  compared.effect.changes.push_back({0x1010, 0x1000 | P | RW | US | A});
  EXPECT_EQ(compared.parts(), 0U);
  compared.effect.changes.erase(compared.effect.changes.begin());
  EXPECT_EQ(compared.parts(), only(Part::entries));
}

TEST(RunAccess, SeesEntriesTheWalkDidNotUseAndTheOneItEndedAt) {
  Case c = user_read();
  c.machine.memory.write(0x9000, 0x1234000);
  const Word pte = entry_address(c, 1);
  const Word absent = pte + 8;
  c.access.va += 0x1000;
  LyingOracle oracle([&](const Case&, Observation&, LyingOracle& self) {
    self.flip(0x9000, 1);
    self.flip(absent, x86::entry::A);
  });
  oracle.load(c.machine);
  Effect effect;
  run_access(oracle, c, answer(c), effect);
  const std::vector<Memory::Entry> expected{{absent, x86::entry::A}, {0x9000, 0x1234001}};
  EXPECT_EQ(effect.changes, expected);
}

TEST(SameEffect, ComparesEveryObservedPart) {
  const Compared ok = agreeing(user_read());
  Effect other = ok.effect;
  EXPECT_TRUE(same_effect(ok.effect, other));
  other.observed.physical_address ^= 1;
  EXPECT_FALSE(same_effect(ok.effect, other));
  other.observed.located = false;
  EXPECT_TRUE(same_effect(ok.effect, other));
  other.changes.pop_back();
  EXPECT_FALSE(same_effect(ok.effect, other));

  const Compared fault = agreeing(denied_write());
  other = fault.effect;
  EXPECT_TRUE(same_effect(fault.effect, other));
  other.observed.cr2 ^= 1;
  EXPECT_FALSE(same_effect(fault.effect, other));
  other = fault.effect;
  other.observed.error_code ^= 1;
  EXPECT_FALSE(same_effect(fault.effect, other));
}

}  // namespace
}  // namespace mmuref::diff
