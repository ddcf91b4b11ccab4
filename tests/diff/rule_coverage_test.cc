// Every combination of the specification is either reached by its witness or said to be
// unreachable, and never both.
#include "diff/rule_coverage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "diff/domain.h"
#include "diff/generator.h"
#include "fuzz/space_input.h"
#include "fuzz/walk_seeds.h"
#include "spec/theorem.h"

namespace mmuref::diff {
namespace {

Exercised ask(const Case& c) {
  return exercised(c, spec::state(c.machine.cpu, c.machine.registers, c.access, c.machine.memory));
}

TEST(RuleCoverage, NumbersAreAsManyAsCombinations) {
  const auto all = all_combinations();
  ASSERT_LT(all.size(), max_combinations);
  std::set<std::string> texts;
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(number_of(all[i]), i);
    EXPECT_TRUE(texts.insert(text(all[i])).second) << text(all[i]);
  }
}

TEST(RuleCoverage, EachReachableOneIsReachedByItsWitness) {
  const auto all = all_combinations();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (unreachable(all[i]) != nullptr) continue;
    const Exercised seen = ask(witness(all[i]));
    EXPECT_TRUE(std::find(seen.begin(), seen.end(), i) != seen.end()) << text(all[i]);
  }
}

// The other side of it: what is said not to occur does not, in address spaces made to be odd.
TEST(RuleCoverage, NothingUnreachableOccurs) {
  const Domain domain = full_domain();
  RuleCoverage coverage;
  AddressSpace space;
  for (Word index = 0; index < 4000; ++index) {
    generate(domain, 1, index, space);
    for (const Access& access : space.accesses) coverage.add(ask({space.machine, access}));
  }
  for (const std::size_t number : coverage.impossible())
    ADD_FAILURE() << text(all_combinations()[number]);
}

// A reason that no combination needs is a mistake in the list.
TEST(RuleCoverage, EachReasonIsNeededAndIsATheoremOrADefinition) {
  const auto theorems = spec::all_theorems();
  for (const Unreachable& reason : unreachable_rules()) {
    const auto all = all_combinations();
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const Combination& c) {
      return unreachable(c) == &reason;
    })) << reason.says;
    const bool theorem = std::any_of(theorems.begin(), theorems.end(),
                                     [&](const auto& t) { return t.name == reason.by; });
    EXPECT_TRUE(theorem || reason.by.starts_with("model/x86/")) << reason.by;
  }
}

// What the fuzz targets start from, through their own form of input.
TEST(RuleCoverage, SeedsOfTheFuzzTargetsCoverAll) {
  const Domain domain = full_domain();
  RuleCoverage coverage;
  Case c;
  for (const auto& seed : fuzz::walk_seeds()) {
    ASSERT_LE(seed.size(), fuzz::max_space_bytes);
    fuzz::decode(seed, domain, c);
    EXPECT_EQ(fuzz::encode(c), seed);
    coverage.add(ask(c));
  }
  for (const std::size_t number : coverage.missing())
    ADD_FAILURE() << text(all_combinations()[number]);
}

// A mutator that leaves what it is given teaches a fuzzer nothing; one that writes further than it
// may is worse.
TEST(RuleCoverage, MutatedSpacesStayInBoundsAndDiffer) {
  const std::vector<std::uint8_t> seed = fuzz::walk_seeds().back();
  Random random(1, 0);
  int same = 0;
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::uint8_t> bytes = seed;
    const std::size_t most = seed.size() + random.below(2) * fuzz::record_bytes;
    bytes.resize(most + 8, 0xee);
    const std::size_t size = fuzz::mutate_space(bytes.data(), seed.size(), most, random);
    ASSERT_LE(size, most);
    for (std::size_t j = most; j < bytes.size(); ++j) ASSERT_EQ(bytes[j], 0xee);
    bytes.resize(size);
    same += bytes == seed;
  }
  EXPECT_LT(same, 400);
}

}  // namespace
}  // namespace mmuref::diff
