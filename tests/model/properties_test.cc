// What holds of every walk, whatever the tables: checked on random ones.
#include <gtest/gtest.h>

#include <tuple>
#include <vector>

#include "tests/arbitrary_case.h"

namespace mmuref::test {
namespace {

using namespace diff;
using x86::Outcome;
namespace entry = x86::entry;

Walk walk(const Case& c) {
  return x86::walk(x86::paging(c.machine.cpu, c.machine.registers), c.access, c.machine.memory);
}

/// All that software can tell of an answer, but the flags written.
auto visible(const Walk& w) {
  return std::tuple(w.outcome, w.error_code,
                    w.outcome == Outcome::translated ? w.physical_address : 0);
}

Memory written(const Case& c) {
  Memory after = c.machine.memory;
  x86::write_back(walk(c), after);
  return after;
}

bool is_leaf_step(const Walk& w, int i) {
  return x86::is_leaf(w.steps[i].value, w.steps[i].level);
}

/// The whole memory is what the walk read: each entry is met in one role.
bool met_once(const Case& c, const Walk& w) {
  return static_cast<int>(c.machine.memory.size()) == w.count;
}

RC_GTEST_PROP(WalkProperty, DependsOnTheEntriesItReportsAlone, (const Case& c)) {
  const Walk w = walk(c);
  Case bare = c;
  bare.machine.memory.clear();
  for (int i = 0; i < w.count; ++i) {
    bare.machine.memory.write(w.steps[i].address, w.steps[i].value);
  }
  RC_ASSERT(visible(walk(bare)) == visible(w));
  RC_ASSERT(walk(bare).rule == w.rule);
}

RC_GTEST_PROP(WalkProperty, ThePhysicalAddressKeepsTheOffsetInTheLeafsFrame, (const Case& c)) {
  const Walk w = walk(c);
  RC_PRE(w.outcome == Outcome::translated);
  const Word size = Word{4096} << 9 * (w.level - 1);
  RC_ASSERT(w.physical_address % size == c.access.va % size);
  RC_ASSERT(w.physical_address >> c.machine.cpu.maxphyaddr == 0u);
  RC_ASSERT((w.physical_address ^ w.last().value) % bit(52) / size == 0u);
}

RC_GTEST_PROP(WalkProperty, AddressesOfOnePageTranslateToOneFrame, (const Case& c)) {
  const Walk w = walk(c);
  RC_PRE(w.outcome == Outcome::translated);
  Case other = c;
  const Word offset = (Word{4096} << 9 * (w.level - 1)) - 1;
  other.access.va ^= any<Word>() & offset;
  // Offsets of large pages are indices of no level below the leaf, so nothing else is read.
  const Walk v = walk(other);
  RC_ASSERT(v.outcome == Outcome::translated);
  RC_ASSERT((v.physical_address & ~offset) == (w.physical_address & ~offset));
  RC_ASSERT((v.physical_address & offset) == (other.access.va & offset));
}

/// The bits that the manual's tables call ignored, or that only caching and A/D depend on.
Word ignored_bits(const Case& c, int level, bool leaf) {
  Word ignored = bits(58, 52) | bits(11, 9) | entry::A | entry::D | entry::PWT | entry::PCD;
  if (!leaf) ignored |= entry::key_mask;
  if (leaf) ignored |= level == 1 ? entry::PAT_4K : entry::PAT_large;
  if (level <= 3 || !c.machine.cpu.amd) ignored |= entry::G;
  return ignored;
}

RC_GTEST_PROP(WalkProperty, IgnoredBitsNeverMatter, (const Case& c)) {
  const Walk w = walk(c);
  RC_PRE(w.count > 0 && met_once(c, w));
  Case changed = c;
  for (int i = 0; i < w.count; ++i) {
    const auto& [level, address, value] = w.steps[i];
    const bool present = (value & entry::P) != 0;
    const Word ignored = present ? ignored_bits(c, level, is_leaf_step(w, i)) : ~entry::P;
    changed.machine.memory.write(address, value ^ (any<Word>() & ignored));
  }
  RC_ASSERT(visible(walk(changed)) == visible(w));
}

RC_GTEST_PROP(WalkProperty, RegisterBitsThatArePartOfNoRuleNeverMatter, (const Case& c)) {
  Case changed = c;
  x86::Registers<Word>& r = changed.machine.registers;
  namespace c4 = x86::cr4;
  r.cr0 ^= any<Word>() & ~(x86::cr0::PE | x86::cr0::PG | x86::cr0::WP);
  r.cr3 ^= any<Word>() & bits(11, 0);
  r.cr4 ^= any<Word>() & ~(c4::PAE | c4::LA57 | c4::SMEP | c4::SMAP | c4::PKE | c4::PKS);
  r.efer ^= any<Word>() & ~(x86::efer::LME | x86::efer::LMA | x86::efer::NXE);
  RC_ASSERT(visible(walk(changed)) == visible(walk(c)));
}

RC_GTEST_PROP(WalkProperty, TheErrorCodeIsConsistent, (const Case& c)) {
  const Walk w = walk(c);
  RC_PRE(w.outcome == Outcome::page_fault);
  namespace pf = x86::pfec;
  const Word e = w.error_code;
  if ((e & pf::RSVD) != 0) RC_ASSERT((e & pf::P) != 0u);
  if ((e & pf::P) == 0) RC_ASSERT((e & (pf::RSVD | pf::PK)) == 0u);
  if ((e & pf::PK) != 0) RC_ASSERT((e & (pf::RSVD | pf::ID)) == 0u);
  RC_ASSERT(((e & pf::WR) != 0) == c.access.write);
  RC_ASSERT(((e & pf::US) != 0) == (c.access.cpl3 && !c.access.implicit));
  RC_ASSERT((e & ~(pf::P | pf::WR | pf::US | pf::RSVD | pf::ID | pf::PK)) == 0u);
}

RC_GTEST_PROP(WalkProperty, MoreRightsNeverTurnAPermittedAccessIntoAFault, (const Case& c)) {
  const Walk w = walk(c);
  RC_PRE(w.outcome == Outcome::translated);
  Case changed = c;
  for (int i = 0; i < w.count; ++i) {
    Word e = w.steps[i].value;
    if (one_in(2)) e |= entry::RW;
    if (one_in(2)) e &= ~entry::XD;
    changed.machine.memory.write(w.steps[i].address, e);
  }
  RC_ASSERT(visible(walk(changed)) == visible(w));
}

Case by_user(Case c) {
  c.access.cpl3 = true;
  c.access.implicit = false;
  return c;
}

RC_GTEST_PROP(WalkProperty, AUserAccessNeedsUsInEveryEntry, (const Case& c)) {
  const Walk w = walk(by_user(c));
  RC_PRE(w.outcome == Outcome::translated);
  for (int i = 0; i < w.count; ++i) RC_ASSERT((w.steps[i].value & entry::US) != 0u);
}

RC_GTEST_PROP(WalkProperty, TheOrderOfLevelsPlaysNoPartInRights, (const Case& c)) {
  const Walk w = walk(c);
  RC_PRE(w.count > 1 && met_once(c, w));
  const bool valid = w.outcome == Outcome::translated || w.denials.any();
  RC_PRE(valid);
  const auto count = static_cast<unsigned>(w.count);
  const auto& a = w.steps[below(count)];
  const auto& b = w.steps[below(count)];
  const Word difference = (a.value ^ b.value) & (entry::RW | entry::US | entry::XD);
  Case swapped = c;
  swapped.machine.memory.write(a.address, a.value ^ difference);
  swapped.machine.memory.write(b.address, b.value ^ difference);
  RC_ASSERT(visible(walk(swapped)) == visible(w));
}

RC_GTEST_PROP(WalkProperty, WhereAUserReadsASupervisorWithoutSmapReads, (const Case& c)) {
  Case user = by_user(c);
  user.access.fetch = false;
  RC_PRE(walk(user).outcome == Outcome::translated);
  Case supervisor = user;
  supervisor.machine.registers.cr4 &= ~x86::cr4::SMAP;
  supervisor.access.cpl3 = supervisor.access.write = false;
  RC_ASSERT(walk(supervisor).outcome == Outcome::translated);
}

RC_GTEST_PROP(AccessedDirtyProperty, OnlyAAndDAreSetAndOnlyInEntriesUsed, (const Case& c)) {
  const Walk w = walk(c);
  const Memory after = written(c);
  RC_ASSERT(after.size() >= c.machine.memory.size());
  for (const auto& [address, value] : after) {
    const Word set = value ^ c.machine.memory.read(address);
    RC_ASSERT((value & set) == set);
    RC_ASSERT((set & ~(entry::A | entry::D)) == 0u);
    if (set == 0) continue;
    RC_ASSERT(w.outcome == Outcome::translated);
    const bool dirtied = (set & entry::D) != 0;
    RC_ASSERT(!dirtied || (c.access.write && address == w.last().address));
    bool used = false;
    for (int i = 0; i < w.count; ++i) used |= w.steps[i].address == address;
    RC_ASSERT(used);
  }
}

RC_GTEST_PROP(AccessedDirtyProperty, ASecondIdenticalAccessSucceedsAndWritesNothing,
              (const Case& c)) {
  RC_PRE(walk(c).outcome == Outcome::translated);
  Case again = c;
  again.machine.memory = written(c);
  RC_ASSERT(visible(walk(again)) == visible(walk(c)));
  RC_ASSERT(written(again) == again.machine.memory);
}

RC_GTEST_PROP(AccessedDirtyProperty, APermittedAccessHasAInEveryEntryAndDInAWrittenLeaf,
              (const Case& c)) {
  const Walk w = walk(c);
  RC_PRE(w.outcome == Outcome::translated);
  const Memory after = written(c);
  for (int i = 0; i < w.count; ++i) {
    RC_ASSERT((after.read(w.steps[i].address) & entry::A) != 0u);
  }
  if (c.access.write) RC_ASSERT((after.read(w.last().address) & entry::D) != 0u);
}

// Whatever prefix a processor left behind, the answer to the next access is the same.
RC_GTEST_PROP(AccessedDirtyProperty, NoPermittedPrefixChangesTheFault, (const Case& c)) {
  const Walk w = walk(c);
  RC_PRE(w.outcome != Outcome::translated);
  for (int prefix = 0; prefix <= x86::accessed_limit(w); ++prefix) {
    Case after = c;
    x86::write_back_prefix(w, prefix, after.machine.memory);
    RC_ASSERT(visible(walk(after)) == visible(w));
    for (const auto& [address, value] : after.machine.memory) {
      RC_ASSERT(((value ^ c.machine.memory.read(address)) & ~entry::A) == 0u);
    }
    if (w.count > 0 && met_once(c, w)) {
      RC_ASSERT(after.machine.memory.read(w.last().address) == w.last().value);
    }
  }
}

// The generator must reach the interesting answers, or the properties above say little.
TEST(ArbitraryCase, ReachesEveryRule) {
  std::vector<int> reached(x86::rule_texts.size());
  int met_again = 0;
  rc::Random random(1);
  const auto gen = rc::gen::arbitrary<Case>();
  for (int i = 0; i < 20000; ++i) {
    const Case c = gen(random.split(), rc::kNominalSize).value();
    const Walk w = walk(c);
    ++reached[static_cast<std::size_t>(w.rule)];
    for (int k = 1; k < w.count; ++k) met_again += w.steps[k].address == w.steps[0].address;
  }
  for (const auto& rule : x86::rule_texts) {
    EXPECT_GT(reached[static_cast<std::size_t>(rule.rule)], 10) << rule.name;
  }
  EXPECT_GT(reached[0], 2000) << "translated";
  EXPECT_GT(met_again, 100) << "an entry reached twice";
}

}  // namespace
}  // namespace mmuref::test
