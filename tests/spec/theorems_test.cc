// The theorems as properties: what is proved for all inputs holds for random ones, run concretely.
// Proving them is the command `mmuref prove`, which ctest runs as `theorems`.
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "model/x86/walk.h"
#include "spec/theorem.h"

namespace mmuref::spec {
namespace {

/// Inputs that make worthwhile walks: few frames, mostly valid entries, true 32..52 widths.
class Random : public Valuation {
 public:
  explicit Random(std::uint64_t seed) : random_(seed) {}

  std::uint64_t word(const std::string& name) override {
    if (name.ends_with("maxphyaddr")) return 32 + random_() % 21;
    if (name == "cr3") return frame();
    if (name == "cr4") return x86::cr4::PAE | (random_() & bits(24, 12));
    if (name.starts_with("va")) return address();
    return random_() & random_();
  }
  bool flag(const std::string&) override { return random_() % 2 != 0; }
  std::uint64_t memory(const std::string&, std::uint64_t) override {
    std::uint64_t e = frame() | 7;
    for (auto flips = random_() % 3; flips > 0; --flips) e ^= bit(random_() % 64);
    return random_() % 4 == 0 ? (e | x86::entry::PS) & ~bits(29, 13) : e;
  }

 private:
  std::uint64_t frame() { return (1 + random_() % 8) << 12; }
  std::uint64_t address() {
    const std::uint64_t va = random_() & bits(46, 0);
    return random_() % 8 == 0 ? va ^ bit(random_() % 64) : va;
  }
  std::mt19937_64 random_;
};

class TheoremTest : public testing::TestWithParam<Theorem> {};

TEST_P(TheoremTest, HoldsOfRandomInputs) {
  const Theorem& theorem = GetParam();
  std::size_t claims = 0;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    Random source(seed);
    ConcreteSession session(source);
    try {
      theorem.concrete(session);
    } catch (const ConcreteSession::Excluded&) {
      continue;
    }
    claims += session.claims();
    ASSERT_EQ(session.failed(), "") << "seed " << seed;
  }
  // Assumptions about a second memory are next to never met by chance.
  if (theorem.name == "tables-decide-alone") return;
  EXPECT_GT(claims, 5u);
}

TEST_P(TheoremTest, SaysWhatItProvesAndWhereTheManualDoes) {
  const Theorem& theorem = GetParam();
  EXPECT_TRUE(theorem.claim.ends_with(".")) << theorem.claim;
  EXPECT_GT(theorem.ref.size(), 10u);
}

INSTANTIATE_TEST_SUITE_P(Every, TheoremTest, testing::ValuesIn(all_theorems()),
                         [](const auto& param) {
                           std::string name(param.param.name);
                           for (char& c : name)
                             if (c == '-') c = '_';
                           return name;
                         });

TEST(Theorems, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const Theorem& t : all_theorems()) EXPECT_TRUE(names.insert(t.name).second) << t.name;
  EXPECT_GE(names.size(), 33u);
}

}  // namespace
}  // namespace mmuref::spec
