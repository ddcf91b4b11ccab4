// SDM vol. 3, 4.10.2.3: what an oracle's entries must hold when it goes by something cached.
#include "diff/program_model.h"

#include <gtest/gtest.h>

namespace mmuref::diff {
namespace {

constexpr Word A = x86::entry::A;
constexpr Word entries[] = {0x1000, 0x2000, 0x3000, 0x4008};
constexpr auto entries_part = static_cast<Parts>(Part::entries);

/// A user page at 0x10000 for 0x1000; A is clear in every entry.
Program program() {
  Program p;
  p.machine.cpu = {.maxphyaddr = 46};
  p.machine.registers = {.cr0 = 0x8001'0033, .cr3 = 0x1000, .cr4 = 0x20, .efer = 0xd01};
  const Word values[] = {0x2007, 0x3007, 0x4007, 0x10007};
  for (std::size_t i = 0; i < 4; ++i) p.machine.memory.write(entries[i], values[i]);
  return p;
}

class Accessed : public testing::Test {
 protected:
  Accessed() : model(program()) {}

  Judged take(const TableWrite& write) { return model.step({.action = write}, {}); }
  /// A read that reaches the page and sets A in the entries named.
  Judged read(const std::vector<Word>& sets) {
    StepEffect seen;
    seen.effect.observed = {.physical_address = 0x10000, .located = true};
    for (const Word address : sets)
      seen.effect.changes.emplace_back(address, model.entries().read(address) | A);
    return model.step({.action = Access{.va = 0x1000, .cpl3 = true}}, seen);
  }

  ProgramModel model;
};

TEST_F(Accessed, IsSetInEveryEntryOfWhatIsCached) {
  EXPECT_EQ(read({}).parts, entries_part) << "an oracle that never sets A";
}

TEST_F(Accessed, IsSetByTheWalkOfMemory) {
  const Judged judged = read({0x1000, 0x2000, 0x3000, 0x4008});
  EXPECT_EQ(judged.parts, 0u);
  EXPECT_FALSE(judged.stale);
  EXPECT_EQ(judged.outcomes, 1u);
}

TEST_F(Accessed, IsSetAboveAnEntryThatIsGone) {
  take({0x4008, 0});
  EXPECT_NE(read({0x1000, 0x2000}).parts, 0u);
}

TEST_F(Accessed, MayBeClearWhereSoftwareClearedIt) {
  take({0x4008, 0x10007});
  const Judged judged = read({0x1000, 0x2000, 0x3000});
  EXPECT_EQ(judged.parts, 0u);
  EXPECT_TRUE(judged.stale);
}

}  // namespace
}  // namespace mmuref::diff
