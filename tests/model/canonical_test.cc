// SDM vol. 1, "Canonical Addressing" (3.3.7.1): bits 63:47, or 63:56 with 5-level paging, are
// equal.
#include <gtest/gtest.h>

#include "tests/model/scene.h"

namespace mmuref::x86::test {
namespace {

TEST(Canonical, EveryBitAboveTheSignBitMustEqualIt) {
  for (const unsigned width : {48u, 57u}) {
    const Word low = 0x1234, high = bits(63, width - 1) | 0x1234;
    EXPECT_TRUE(canonical(low, width));
    EXPECT_TRUE(canonical(high, width));
    for (unsigned b = width - 1; b < 64; ++b) {
      EXPECT_FALSE(canonical(low ^ bit(b), width)) << width << " bits, bit " << b;
      EXPECT_FALSE(canonical(high ^ bit(b), width)) << width << " bits, bit " << b;
    }
  }
}

TEST(Canonical, TheEdgesOfTheHoleWithFourLevels) {
  EXPECT_TRUE(canonical(Word{0x0000'7fff'ffff'ffff}, 48));
  EXPECT_FALSE(canonical(Word{0x0000'8000'0000'0000}, 48));
  EXPECT_FALSE(canonical(Word{0xffff'7fff'ffff'ffff}, 48));
  EXPECT_TRUE(canonical(Word{0xffff'8000'0000'0000}, 48));
}

TEST(Canonical, TheEdgesOfTheHoleWithFiveLevels) {
  EXPECT_TRUE(canonical(Word{0x00ff'ffff'ffff'ffff}, 57));
  EXPECT_FALSE(canonical(Word{0x0100'0000'0000'0000}, 57));
  EXPECT_FALSE(canonical(Word{0xfeff'ffff'ffff'ffff}, 57));
  EXPECT_TRUE(canonical(Word{0xff00'0000'0000'0000}, 57));
}

TEST(Canonical, ANonCanonicalAddressIsGeneralProtectionAndReadsNoEntry) {
  Scene s = mapping();
  s.access.va = 0x8000'0000'0000;
  const auto w = s.walk();
  EXPECT_EQ(w.outcome, Outcome::general_protection);
  EXPECT_EQ(vector(w.outcome), 13);
  EXPECT_EQ(w.error_code, 0u);
  EXPECT_EQ(w.rule, Rule::non_canonical);
  EXPECT_EQ(w.count, 0);
  EXPECT_EQ(accessed_limit(w), 0);
}

TEST(Canonical, ThroughTheStackSegmentItIsStackFault) {
  Scene s = mapping();
  s.access.va = 0x8000'0000'0000;
  s.access.stack = true;
  const auto w = s.walk();
  EXPECT_EQ(w.outcome, Outcome::stack_fault);
  EXPECT_EQ(vector(w.outcome), 12);
  EXPECT_EQ(w.error_code, 0u);
}

// #GP(0) and #SS(0) push 0 whatever the access was.
TEST(Canonical, TheErrorCodeIsZeroForEveryKindOfAccess) {
  for (const bool user : {false, true}) {
    for (const int kind : {0, 1, 2}) {
      Scene s = mapping();
      s.access = {.va = bit(50), .write = kind == 1, .fetch = kind == 2, .cpl3 = user};
      EXPECT_EQ(s.walk().error_code, 0u);
    }
  }
}

TEST(Canonical, FiveLevelsTranslateWhatFourLevelsRefuse) {
  Scene four = mapping(4);
  four.access.va = mapping(5).access.va;
  EXPECT_EQ(four.walk().outcome, Outcome::general_protection);
  EXPECT_EQ(mapping(5).walk().outcome, Outcome::translated);
}

// A translated access through SS is like any other.
TEST(Canonical, ACanonicalStackAccessIsAnOrdinaryOne) {
  Scene s = mapping();
  s.access.stack = true;
  EXPECT_EQ(s.walk().outcome, Outcome::translated);
  s.pte() = 0;
  EXPECT_EQ(s.walk().outcome, Outcome::page_fault);
}

}  // namespace
}  // namespace mmuref::x86::test
