// Which way of a set holds what.
#include "model/x86/set_associative.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace mmuref::x86::test
