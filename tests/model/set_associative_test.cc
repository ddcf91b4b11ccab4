// Which way of a set holds what.
#include "model/x86/set_associative.h"

#include <gtest/gtest.h>

#include <array>

namespace mmuref::x86::test {
namespace {

const auto always = [](int) { return true; };
const auto never = [](int) { return false; };

// Tags 2, 4, 6 and 8 share a set of two.
SetAssociative<int> cache(Replacement replacement = Replacement::lru) {
  return {{.sets = 2, .ways = 2}, replacement, 1};
}

TEST(SetAssociative, TakesThePlaceOfWhatItReplacesUnderTheSameTagAlone) {
  auto c = cache();
  EXPECT_FALSE(c.insert(4, 10, always));
  EXPECT_FALSE(c.insert(4, 11, always));
  EXPECT_EQ(c.size(), 1u);
  EXPECT_EQ(*c.find(4, always), 11);
  EXPECT_FALSE(c.insert(2, 12, always));
  EXPECT_EQ(c.size(), 2u);
  EXPECT_EQ(*c.find(4, always), 11);
  EXPECT_EQ(c.find(6, always), nullptr);
}

TEST(SetAssociative, FindsWhatWasKeptFirst) {
  auto c = cache();
  c.insert(4, 10, never);
  c.insert(4, 11, never);
  EXPECT_EQ(c.size(), 2u);
  EXPECT_EQ(*c.find(4, always), 10);
  EXPECT_EQ(*c.find(4, [](int entry) { return entry == 11; }), 11);
}

TEST(SetAssociative, AFullSetGivesRoom) {
  for (const auto replacement : {Replacement::lru, Replacement::fifo}) {
    auto c = cache(replacement);
    c.insert(2, 10, always);
    c.insert(4, 11, always);
    ASSERT_NE(c.find(2, always), nullptr);  // used last
    EXPECT_TRUE(c.insert(6, 12, always));
    EXPECT_EQ(c.find(2, always) != nullptr, replacement == Replacement::lru);
    EXPECT_EQ(c.find(4, always) != nullptr, replacement == Replacement::fifo);
    EXPECT_EQ(c.size(), 2u);
  }
}

// Knuth, The Art of Computer Programming vol. 2, 3.3.4: MMIX's multiplier and increment.
TEST(SetAssociative, RandomIsTheSequenceOfItsSeed) {
  constexpr std::size_t ways = 5;
  for (const std::uint64_t seed : {0u, 1u, 12345u}) {
    SetAssociative<int> c({.sets = 1, .ways = ways}, Replacement::random, seed);
    std::array<std::uint64_t, ways> held{};
    for (std::size_t way = 0; way < ways; ++way) c.insert(held[way] = way + 1, 0, always);
    std::uint64_t x = seed;
    for (std::uint64_t tag = 100; tag < 200; ++tag) {
      EXPECT_TRUE(c.insert(tag, 0, always));
      x = x * 6364136223846793005u + 1442695040888963407u;
      const std::size_t way = (x >> 33) % ways;
      EXPECT_EQ(c.find(held[way], always), nullptr) << tag;
      held[way] = tag;
    }
  }
}

}  // namespace
}  // namespace mmuref::x86::test
