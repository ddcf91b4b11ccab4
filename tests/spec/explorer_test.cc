// The explorer runs a function once along each feasible path, and along no other.
#include "spec/symbolic/explorer.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

#include "spec/symbolic/term.h"

namespace mmuref::spec {
namespace {

class Exploring : public testing::Test {
 protected:
  SymWord word(const char* name) { return SymWord(context.word(name)); }

  Context context{10};
  Explorer explorer{context};
};

TEST_F(Exploring, BothSidesOfAnOpenDecisionAreTaken) {
  std::multiset<bool> seen;
  explorer.explore([&] { seen.insert(static_cast<bool>(word("x") == SymWord(7))); });
  EXPECT_EQ(seen, (std::multiset<bool>{false, true}));
  EXPECT_EQ(explorer.paths(), 2u);
}

TEST_F(Exploring, AnInfeasibleSideIsNot) {
  std::multiset<int> seen;
  explorer.explore([&] {
    const SymWord x = word("x");
    if (x < SymWord(10)) {
      seen.insert(x > SymWord(20) ? 1 : 2);  // 1 cannot be
    } else {
      seen.insert(3);
    }
  });
  EXPECT_EQ(seen, (std::multiset<int>{2, 3}));
}

TEST_F(Exploring, ConstantsAreNoDecision) {
  int runs = 0;
  explorer.explore([&] {
    ++runs;
    EXPECT_TRUE(static_cast<bool>(SymWord(3) + SymWord(4) == SymWord(7)));
    EXPECT_FALSE(static_cast<bool>(SymWord(3) > SymWord(4)));
  });
  EXPECT_EQ(runs, 1);
}

TEST_F(Exploring, ConstantsBetweenDecisionsKeepReplaysAligned) {
  std::set<int> seen;
  explorer.explore([&] {
    const SymWord x = word("x");
    int taken = 0;
    for (unsigned b = 0; b < 3; ++b) {
      EXPECT_TRUE(static_cast<bool>(SymWord(b) < SymWord(3)));
      if (has(x, bit(b))) taken |= 1 << b;
    }
    EXPECT_TRUE(seen.insert(taken).second) << "path " << taken << " was run twice";
  });
  EXPECT_EQ(seen.size(), 8u);
}

TEST_F(Exploring, AnAssumptionPrunesAndAContradictionEndsTheRun) {
  int ended = 0;
  explorer.explore([&] {
    const SymWord x = word("x");
    explorer.assume((x < SymWord(4)).term());
    if (x == SymWord(9)) ADD_FAILURE() << "outside of the assumption";
    if (x == SymWord(2)) explorer.assume((x == SymWord(3)).term());
    ++ended;
  });
  EXPECT_EQ(ended, 1);
  EXPECT_EQ(explorer.paths(), 1u);
}

TEST_F(Exploring, EveryPathHoldsOfTheValuesThatTakeIt) {
  std::size_t paths = 0;
  explorer.explore([&] {
    const SymWord x = word("x");
    const bool low = static_cast<bool>(x < SymWord(100));
    const bool even = static_cast<bool>(!has(x, 1));
    // The path's own conditions decide this: no third decision opens.
    EXPECT_EQ(static_cast<bool>((x < SymWord(100)) & !has(x, 1)), low && even);
    ++paths;
  });
  EXPECT_EQ(paths, 4u);
}

TEST_F(Exploring, FreshOnlyBeyondWhatEarlierRunsPassed) {
  std::vector<int> fresh_at;
  explorer.explore([&] {
    if (explorer.fresh()) fresh_at.push_back(0);
    const bool side = static_cast<bool>(word("x") == SymWord(1));
    if (explorer.fresh()) fresh_at.push_back(side ? 1 : 2);
  });
  EXPECT_EQ(fresh_at, (std::vector<int>{0, 1, 2}));
}

TEST(Context, OneAThread) {
  Context context(1);
  EXPECT_THROW(Context(1), std::logic_error);
}

TEST(Context, NoneOutsideOfAProof) {
  EXPECT_THROW(SymWord(1) + SymWord(2), std::logic_error);
}

}  // namespace
}  // namespace mmuref::spec
