// Verdicts: each of the four is given where it is due, and only `proved` passes.
#include "spec/prover.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "spec/minimize.h"

namespace mmuref::spec {
namespace {

const ProveOptions quick{.timeout_seconds = 10, .threads = 1};

const Theorem truth = theorem("truth", "x & y never exceeds x.", "", [](auto& t) {
  const auto x = t.word("x"), y = t.word("y");
  t.prove((x & y) <= x, "at most x");
});

TEST(Prove, ATruthIsProved) {
  const Verdict v = prove(truth, quick);
  EXPECT_EQ(v.status, Status::proved);
  EXPECT_TRUE(v.passes());
  EXPECT_EQ(v.obligations, 1u);
}

TEST(Prove, AFalsehoodIsRefutedReplayedAndMinimal) {
  const Theorem t =
      theorem("false", "No word has bits 5 and 9 and any other set.", "", [](auto& s) {
        const auto x = s.word("x");
        s.assume(x > decltype(x){100});
        s.prove((x & decltype(x){0x220}) != decltype(x){0x220}, "never");
      });
  const Verdict v = prove(t, quick);
  ASSERT_EQ(v.status, Status::refuted);
  EXPECT_FALSE(v.passes());
  ASSERT_TRUE(v.counterexample.has_value());
  EXPECT_TRUE(v.counterexample->replayed);
  EXPECT_EQ(v.counterexample->claim, "never");
  EXPECT_EQ(v.counterexample->inputs.words.at("x"), 0x220u) << "only the bits that matter";
}

TEST(Prove, ACounterexampleNamesTheMemoryItReads) {
  const Theorem t = theorem("false", "Entries have bit 4 clear.", "", [](auto& s) {
    const auto memory = s.memory("memory");
    const auto a = s.word("a");
    s.assume(a == decltype(a){0x1238});
    s.prove(!has(memory.read(a), bit(4)), "bit 4 clear");
  });
  const Verdict v = prove(t, quick);
  ASSERT_EQ(v.status, Status::refuted);
  EXPECT_EQ(v.counterexample->inputs.memories.at("memory").at(0x1238), 0x10u);
}

TEST(Prove, PagesOfACounterexampleMoveToTheLowest) {
  const Theorem t = theorem("false", "No two tables far up hold bit 2.", "", [](auto& s) {
    const auto memory = s.memory("memory");
    const auto cr3 = s.word("cr3");
    using W = std::remove_const_t<decltype(cr3)>;
    const W frame{bits(51, 12)};
    const W next = memory.read(cr3 & frame);
    s.assume(((cr3 & frame) != W{0}) & ((next & frame) != W{0}) &
             ((cr3 & frame) != (next & frame)));
    s.prove(!(has(next, 4) & has(memory.read(next & frame), 4)), "never both");
  });
  const Verdict v = prove(t, quick);
  ASSERT_EQ(v.status, Status::refuted);
  std::vector<std::uint64_t> pages;
  for (const auto& [address, value] : v.counterexample->inputs.memories.at("memory"))
    pages.push_back(address);
  EXPECT_EQ(pages, (std::vector<std::uint64_t>{0x1000, 0x2000}));
}

TEST(Prove, OnlyTheFalseClaimOfSeveralPathsIsNamed) {
  const Theorem t = theorem("false", "", "", [](auto& s) {
    const auto x = s.word("x");
    if (has(x, 1)) {
      s.prove(has(x, 1), "odd");
    } else {
      s.prove(has(x, 2), "even words have bit 1");
    }
  });
  const Verdict v = prove(t, quick);
  ASSERT_EQ(v.status, Status::refuted);
  EXPECT_EQ(v.counterexample->claim, "even words have bit 1");
}

TEST(Prove, PremisesThatCannotHoldAreVacuous) {
  const Theorem t = theorem("vacuous", "", "", [](auto& s) {
    const auto x = s.word("x");
    s.assume(x < decltype(x){3});
    s.assume(x > decltype(x){5});
    s.prove(x == decltype(x){0}, "anything follows");
  });
  const Verdict v = prove(t, quick);
  EXPECT_EQ(v.status, Status::vacuous);
  EXPECT_FALSE(v.passes());
}

TEST(Prove, AMissingWitnessIsVacuous) {
  const Theorem t = theorem("vacuous", "", "", [](auto& s) {
    const auto x = s.word("x");
    s.assume(x < decltype(x){3});
    s.witness(x == decltype(x){7}, "seven");
    s.prove(x < decltype(x){4}, "small");
  });
  const Verdict v = prove(t, quick);
  EXPECT_EQ(v.status, Status::vacuous);
  EXPECT_NE(v.detail.find("seven"), std::string::npos);
}

TEST(Prove, NoClaimIsVacuous) {
  EXPECT_EQ(prove(theorem("empty", "", "", [](auto& s) { s.word("x"); }), quick).status,
            Status::vacuous);
}

TEST(Prove, ATimeoutIsUnknown) {
  // True, and far beyond a second of bit-blasting two multipliers.
  const Theorem t = theorem("hard", "", "", [](auto& s) {
    const auto x = s.word("x"), y = s.word("y");
    s.prove((x | y) * (x & y) + (x & ~y) * (y & ~x) == x * y, "a product in parts");
  });
  const Verdict v = prove(t, {.timeout_seconds = 1, .threads = 1});
  EXPECT_EQ(v.status, Status::unknown);
  EXPECT_FALSE(v.passes());
}

TEST(Prove, VerdictsComeInTheOrderOfTheTheorems) {
  const Theorem theorems[] = {truth, theorem("empty", "", "", [](auto&) {}), truth};
  const auto verdicts = prove(theorems, {.timeout_seconds = 10, .threads = 2});
  ASSERT_EQ(verdicts.size(), 3u);
  EXPECT_EQ(verdicts[0].status, Status::proved);
  EXPECT_EQ(verdicts[1].status, Status::vacuous);
  EXPECT_EQ(verdicts[2].status, Status::proved);
}

TEST(Minimize, KeepsTheFailure) {
  const Theorem t = theorem("false", "", "", [](auto& s) {
    const auto x = s.word("x");
    s.prove(x + s.word("y") != decltype(x){8}, "not eight");
  });
  Assignment inputs;
  inputs.words = {{"x", 3}, {"y", 5}};
  ASSERT_TRUE(fails(t, inputs));
  EXPECT_TRUE(fails(t, minimize(t, inputs)));
}

/// A "solver" that answers `says` to everything.
class FakeSolver {
 public:
  explicit FakeSolver(const std::string& says)
      : path_(testing::TempDir() + "fake_solver_" + std::to_string(getpid())) {
    std::ofstream(path_) << "#!/bin/sh\n" << says << "\n";
    chmod(path_.c_str(), 0755);
  }
  ~FakeSolver() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

Verdict with_second(const Theorem& t, const std::string& solver) {
  return prove(t, {.timeout_seconds = 1, .threads = 1, .second_solver = solver});
}

TEST(SecondSolver, ADisagreementFails) {
  const FakeSolver solver("echo sat");
  const Verdict v = with_second(truth, solver.path());
  EXPECT_EQ(v.status, Status::proved);
  EXPECT_TRUE(v.disputed());
  EXPECT_FALSE(v.passes());
}

TEST(SecondSolver, AnAgreementPasses) {
  const FakeSolver solver("echo unsat");
  EXPECT_TRUE(with_second(truth, solver.path()).passes());
}

TEST(SecondSolver, NoAnswerIsNeitherAndSaysWhy) {
  for (const char* says : {"echo unknown", "echo '(error \"cannot read\")'", "sleep 60", "true"}) {
    const FakeSolver solver(says);
    const Verdict v = with_second(truth, solver.path());
    ASSERT_TRUE(v.second.has_value());
    EXPECT_EQ(v.second->answer, Satisfiable::unknown) << says;
    EXPECT_FALSE(v.second->detail.empty()) << says;
    EXPECT_FALSE(v.disputed());
  }
  const Verdict v = with_second(truth, "/nonexistent/solver");
  EXPECT_EQ(v.second->detail, "the program is not there");
  const FakeSolver crashing("kill -SEGV $$");
  EXPECT_EQ(with_second(truth, crashing.path()).second->detail, "signal 11 ended it");
}

TEST(SecondSolver, Cvc5ReadsTheScripts) {
  if (std::system("command -v cvc5 >/dev/null") != 0) GTEST_SKIP() << "cvc5 is not installed";
  const Verdict good = with_second(truth, "cvc5");
  EXPECT_EQ(good.second->answer, Satisfiable::no) << good.second->detail;
  const Verdict bad = with_second(theorem("false", "", "",
                                          [](auto& s) {
                                            const auto x = s.word("x");
                                            s.prove(x == x + x, "zero");
                                          }),
                                  "cvc5");
  EXPECT_EQ(bad.status, Status::refuted);
  EXPECT_EQ(bad.second->answer, Satisfiable::yes) << bad.second->detail;
  EXPECT_FALSE(bad.disputed());
}

}  // namespace
}  // namespace mmuref::spec
