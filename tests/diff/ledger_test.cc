// Every known difference has a witness that still shows it, and explains nothing else.
#include "diff/ledger.h"

#include <gtest/gtest.h>

#include "diff/oracles.h"
#include "diff/replay.h"
#include "tests/diff/support.h"

namespace mmuref::diff {

inline void PrintTo(const KnownDifference& known, std::ostream* out) {
  *out << known.name;
}

namespace {

std::string witness_path(const KnownDifference& known) {
  return MMUREF_SOURCE_DIR "/corpora/ledger/" + std::string(known.name) + ".json";
}

class Ledger : public testing::TestWithParam<KnownDifference> {
 protected:
  void SetUp() override {
    file = read_case_file(witness_path(GetParam()));
    oracle = make_oracle(file.oracle);
    ASSERT_NE(oracle, nullptr);
    model = answer(file.question);
    oracle->load(file.question.machine);
    run_access(*oracle, file.question, model, effect);
  }
  bool explained() const { return explain(file.oracle, {file.question, model, effect}) != nullptr; }

  CaseFile file;
  std::unique_ptr<Oracle> oracle;
  Answer model;
  Effect effect;
};

TEST_P(Ledger, HasAWitnessThatStillDiffers) {
  OraclePool oracles;
  const Replayed replayed = replay_file(witness_path(GetParam()), oracles);
  EXPECT_EQ(replayed.verdict, Verdict::good) << replayed.message;
  EXPECT_EQ(replayed.skipped, "");
  EXPECT_EQ(file.ledger, GetParam().name);
  EXPECT_FALSE(GetParam().section.empty());
}

TEST_P(Ledger, ExplainsNoOtherEffectOfTheSameAccess) {
  ASSERT_TRUE(explained());
  const Effect right = effect;
  const auto refuses = [&](const auto& change) {
    effect = right;
    change(effect);
    return !explained();
  };
  EXPECT_TRUE(refuses([](Effect& e) { e.changes.push_back({0xfff000, 1}); }));
  if (right.observed.outcome == x86::Outcome::translated) {
    EXPECT_TRUE(refuses([](Effect& e) { e.observed.physical_address ^= 0x1000; }));
  } else {
    EXPECT_TRUE(refuses([](Effect& e) { e.observed.error_code ^= x86::pfec::US; }));
  }
  EXPECT_TRUE(refuses([](Effect& e) { e.observed.outcome = x86::Outcome::stack_fault; }));
  if (!right.changes.empty()) {
    EXPECT_TRUE(refuses([](Effect& e) { e.changes.pop_back(); }));
  }
}

TEST_P(Ledger, ExplainsNoOtherOracle) {
  EXPECT_EQ(explain("spec", {file.question, model, effect}), nullptr);
}

/// Those that a single access shows; the others are program_campaign_test.cc's.
std::vector<KnownDifference> of_accesses() {
  std::vector<KnownDifference> entries;
  for (const KnownDifference& known : ledger()) {
    if (known.explains != nullptr) entries.push_back(known);
  }
  return entries;
}

INSTANTIATE_TEST_SUITE_P(Every, Ledger, testing::ValuesIn(of_accesses()),
                         [](const testing::TestParamInfo<KnownDifference>& entry) {
                           std::string name(entry.param.name);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST(LedgerNames, AreFound) {
  EXPECT_EQ(find_known("no-such-difference"), nullptr);
  for (const KnownDifference& known : ledger()) EXPECT_EQ(find_known(known.name), &known);
}

}  // namespace
}  // namespace mmuref::diff
