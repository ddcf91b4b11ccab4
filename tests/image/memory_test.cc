#include "image/memory.h"

#include <gtest/gtest.h>

#include "tests/image/core_builder.h"

namespace mmuref::image {
namespace {

class MemoryTest : public testing::Test {
 protected:
  Segment segment(Word address, const std::string& bytes) {
    return {address, bytes.size(), bytes_of(bytes).data()};
  }
  std::string one = page_of(1), two = page_of(2), three = page_of(3);
};

TEST_F(MemoryTest, ReadsThePageThatHoldsTheAddress) {
  const Memory m{{segment(0x1000, one), segment(0x3000, three)}};
  EXPECT_EQ(m.read(0x1000), 1u);
  EXPECT_EQ(m.read(0x1ff8), 1u);
  EXPECT_EQ(m.read(0x3000), 3u);
}

TEST_F(MemoryTest, AbsentMemoryReadsZeroAndSaysSo) {
  const Memory m{{segment(0x1000, one), segment(0x3000, three)}};
  for (const Word address : {Word{0}, Word{0xff8}, Word{0x2000}, Word{0x4000}, ~Word{7}}) {
    EXPECT_EQ(m.read(address), 0u) << std::hex << address;
    EXPECT_FALSE(m.present(address)) << std::hex << address;
  }
  EXPECT_TRUE(m.present(0x1ff8));
  EXPECT_EQ(Memory{{}}.read(0x1000), 0u);
}

TEST_F(MemoryTest, PagesSplitOrCutShortAreFoundToo) {
  const std::string half = one.substr(0, 0x800), odd = two.substr(0, 0x404);
  const Memory m{{segment(0x1000, half), segment(0x1800, odd)}};
  EXPECT_EQ(m.read(0x17f8), 1u);
  EXPECT_EQ(m.read(0x1800), 2u);
  EXPECT_EQ(m.read(0x1bf8), 2u);
  EXPECT_FALSE(m.present(0x1c00)) << "only four of its bytes are there";
  EXPECT_EQ(m.read(0x1c00), 0u);
}

TEST_F(MemoryTest, AWordMayLieInSeveralSegments) {
  const std::string word = page_of(0x1122334455667788);
  const std::string low = word.substr(0, 3), middle = word.substr(3, 1), high = word.substr(4, 4);
  const Memory m{{segment(0x1000, low), segment(0x1003, middle), segment(0x1004, high)}};
  EXPECT_EQ(m.read(0x1000), 0x1122334455667788u);
  EXPECT_TRUE(m.present(0x1000));
  const Memory gap{{segment(0x1000, low), segment(0x1004, high)}};
  EXPECT_EQ(gap.read(0x1000), 0u);
  EXPECT_FALSE(gap.present(0x1000)) << "the fourth byte is not there";
  EXPECT_FALSE(Memory({segment(0x1000, low), segment(0x1003, middle)}).present(0x1000));
}

TEST_F(MemoryTest, ASegmentMayBeginInsideAPage) {
  const std::string bytes = one.substr(0, 0x800) + two;
  const Memory m{{segment(0x1800, bytes)}};
  EXPECT_FALSE(m.present(0x17f8));
  EXPECT_EQ(m.read(0x17f8), 0u);
  EXPECT_EQ(m.read(0x1ff8), 1u);
  EXPECT_EQ(m.read(0x2000), 2u);
}

TEST_F(MemoryTest, AddressesAboveTheTableAreSearched) {
  const Word high = (Word{1} << 52) - 0x1000;
  const Memory m{{segment(0x1000, one), segment(high, two)}};
  EXPECT_EQ(m.read(high + 0xff8), 2u);
  EXPECT_EQ(m.read(high - 8), 0u);
  EXPECT_EQ(m.read(0x1000), 1u);
}

}  // namespace
}  // namespace mmuref::image
