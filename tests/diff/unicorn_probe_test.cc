// Where an access landed is told by data: an engine that lies about it is not believed.
#include <gtest/gtest.h>

#include <cstring>

#include "diff/oracles/unicorn/physical_memory.h"
#include "diff/oracles/unicorn/probe.h"

namespace mmuref::diff {
namespace {

class UnicornProbe : public testing::Test {
 protected:
  std::uint64_t at(std::uint64_t address) const {
    std::uint64_t value = 0;
    std::memcpy(&value, memory.at(address), sizeof value);
    return value;
  }
  void put(std::uint64_t address, std::uint64_t value) {
    std::memcpy(memory.at(address), &value, sizeof value);
  }
  PhysicalMemory memory{1 << 20};
  Probe probe{memory};
};

TEST_F(UnicornProbe, ALoadIsLocatedByTheValuePlacedForIt) {
  put(0x1000, 7);
  probe.arm(8);
  EXPECT_FALSE(probe.loaded(at(0x1000))) << "nothing was announced";
  probe.before_load(0x1000);
  EXPECT_TRUE(probe.loaded(at(0x1000)));
  EXPECT_FALSE(probe.loaded(at(0x2000)));
  probe.restore();
  EXPECT_EQ(at(0x1000), 7u);
}

TEST_F(UnicornProbe, AStoreIsLocatedOnlyWhereItWasAnnounced) {
  put(0x1000, 7);
  probe.arm(8);
  probe.before_store(0x1000);
  put(0x2000, probe.value());
  EXPECT_FALSE(probe.stored());
  put(0x1000, probe.value());
  EXPECT_TRUE(probe.stored());
  probe.restore();
  EXPECT_EQ(at(0x1000), 7u);
}

TEST_F(UnicornProbe, AStoreThatWasNotMadeIsNotSeenInWhatWasThere) {
  probe.arm(8);
  put(0x1000, probe.value());
  probe.before_store(0x1000);
  EXPECT_FALSE(probe.stored());
}

TEST_F(UnicornProbe, AnAddressOutsideMemoryIsNotFollowed) {
  probe.arm(8);
  probe.before_load(memory.size());
  EXPECT_FALSE(probe.placed());
}

TEST_F(UnicornProbe, OneByteTouchesOneByte) {
  put(0x1000, 0x1122'3344'5566'7788);
  probe.arm(1);
  probe.before_load(0x1003);
  EXPECT_TRUE(probe.loaded(at(0x1003)));
  EXPECT_EQ(at(0x1000) & ~0xff00'0000ull, 0x1122'3344'0066'7788u);
  probe.restore();
  EXPECT_EQ(at(0x1000), 0x1122'3344'5566'7788u);
}

TEST(UnicornPhysicalMemory, ReadsZeroAgainAfterRelease) {
  PhysicalMemory memory{1 << 20};
  std::byte* const place = memory.at(0x1234);
  *place = std::byte{1};
  memory.release();
  EXPECT_EQ(memory.at(0x1234), place);
  EXPECT_EQ(*place, std::byte{0});
}

}  // namespace
}  // namespace mmuref::diff
