#include "image/ranges.h"

#include <gtest/gtest.h>

#include <vector>

namespace mmuref::image {
namespace {

Mapping page(Word number, Word frame, Word flags = 0x7) {
  Mapping m{number << 12, frame << 12, 4096, 1, frame << 12 | flags, {}};
  m.rights.add(m.entry);
  return m;
}

std::vector<Word> counts(const std::vector<Mapping>& mappings) {
  RangeMerger merger;
  std::vector<Word> result;
  for (const Mapping& m : mappings) {
    if (const auto r = merger.add(m)) result.push_back(r->count);
  }
  if (const auto r = merger.finish()) result.push_back(r->count);
  return result;
}

TEST(Ranges, ContiguousInBothAddressesIsOne) {
  EXPECT_EQ(counts({page(1, 8), page(2, 9), page(3, 10)}), (std::vector<Word>{3}));
}

TEST(Ranges, AGapInEitherAddressParts) {
  EXPECT_EQ(counts({page(1, 8), page(3, 9)}), (std::vector<Word>{1, 1}));
  EXPECT_EQ(counts({page(1, 8), page(2, 8)}), (std::vector<Word>{1, 1}));
}

TEST(Ranges, OtherRightsPartAccessedAndDirtyDoNot) {
  EXPECT_EQ(counts({page(1, 8), page(2, 9, 0x5)}), (std::vector<Word>{1, 1}));
  EXPECT_EQ(counts({page(1, 8), page(2, 9, 0x67)}), (std::vector<Word>{2}));
  EXPECT_EQ(counts({page(1, 8), page(2, 9, 0x1f)}), (std::vector<Word>{1, 1})) << "memory type";
}

TEST(Ranges, EffectiveRightsCountNotOnlyTheLeafs) {
  Mapping second = page(2, 9);
  second.rights.add(0x1);
  EXPECT_EQ(counts({page(1, 8), second}), (std::vector<Word>{1, 1}));
  for (const Word above : {Word{0x3}, Word{0x5}, bit(63) | 0x7}) {
    Mapping other = page(2, 9);
    other.rights.add(above);
    EXPECT_EQ(counts({page(1, 8), other}), (std::vector<Word>{1, 1})) << above;
  }
}

TEST(Ranges, NothingGivesNothing) {
  EXPECT_TRUE(counts({}).empty());
}

}  // namespace
}  // namespace mmuref::image
