// SDM vol. 3, "Linear-Address Translation with 4-Level Paging and 5-Level Paging" (4.5.4): which
// entry each level reads, and which physical address comes out.
#include <gtest/gtest.h>

#include <vector>

#include "tests/model/scene.h"

namespace mmuref::x86::test {
namespace {

// A whole walk at compile time: the model is a constant expression.
static_assert(mapping(4, 1).walk().outcome == Outcome::translated);
static_assert(mapping(4, 1).walk().physical_address == 0x123'489a);
static_assert(mapping(5, 3).walk().physical_address == 0xb456'889a);
static_assert(mapping(4, 2).after(2) == (mapping(4, 2).pde() | entry::A));

// "Bits 47:39", "bits 38:30", "bits 29:21", "bits 20:12", and 56:48 with five levels.
TEST(Translation, EachLevelTakesItsNineBitsOfTheAddress) {
  const Word va = Word{0x155} << 48 | Word{0x0aa} << 39 | Word{0x1ff} << 30 | Word{0x001} << 21 |
                  Word{0x100} << 12 | 0xfff;
  EXPECT_EQ(table_index(va, 5), 0x155u);
  EXPECT_EQ(table_index(va, 4), 0x0aau);
  EXPECT_EQ(table_index(va, 3), 0x1ffu);
  EXPECT_EQ(table_index(va, 2), 0x001u);
  EXPECT_EQ(table_index(va, 1), 0x100u);
}

TEST(Translation, EveryShapeKeepsTheOffsetOfItsPageSize) {
  const Word size[] = {0, Word{4} << 10, Word{2} << 20, Word{1} << 30};
  for (const auto [levels, leaf] : shapes) {
    const Scene s = mapping(levels, leaf);
    const auto w = s.walk();
    ASSERT_EQ(w.outcome, Outcome::translated);
    EXPECT_EQ(w.level, leaf);
    EXPECT_EQ(w.count, levels - leaf + 1);
    EXPECT_EQ(w.physical_address, frame_at[static_cast<unsigned>(leaf)] + s.access.va % size[leaf]);
  }
}

TEST(Translation, TheWalkReadsTheEntriesFromTheRootDown) {
  for (const auto [levels, leaf] : shapes) {
    const Scene s = mapping(levels, leaf);
    const auto w = s.walk();
    for (int i = 0; i < w.count; ++i) {
      const int level = levels - i;
      EXPECT_EQ(w.steps[i].level, level);
      EXPECT_EQ(w.steps[i].address, s.at(level));
      EXPECT_EQ(w.steps[i].value, s.entry[static_cast<unsigned>(level)]);
    }
  }
}

// "Use of CR3 with Ordinary 4-Level Paging and 5-Level Paging" (4.5.2): bits 11:0 are the PCID or
// PWT and PCD, bits 63:MAXPHYADDR are reserved.
TEST(Translation, OnlyBitsMaxphyaddrTo12OfCr3AreTheTableBase) {
  Scene s = mapping();
  s.registers.cr3 |= 0xfff | bits(63, 46);
  EXPECT_EQ(s.walk().outcome, Outcome::translated);
  s.registers.cr3 = mapping().registers.cr3 ^ bit(45);
  EXPECT_EQ(s.walk().rule, Rule::not_present);
}

TEST(Translation, FrameBitsUpToMaxphyaddrReachThePhysicalAddress) {
  for (unsigned m = 32; m <= 52; ++m) {
    for (const auto [levels, leaf] : shapes) {
      Scene s = mapping(levels, leaf);
      s.cpu.maxphyaddr = m;
      const Word base = s.walk().physical_address;
      for (unsigned b = level_shift(leaf); b < m; ++b) {
        Scene changed = s;
        changed.leaf_entry() ^= bit(b);
        EXPECT_EQ(changed.walk().physical_address, base ^ bit(b)) << "bit " << b << ", M=" << m;
      }
    }
  }
}

TEST(Translation, BitsTheManualIgnoresDoNotReachThePhysicalAddress) {
  for (const auto [levels, leaf] : shapes) {
    Scene s = mapping(levels, leaf);
    const Word expected = s.walk().physical_address;
    const Word pat = leaf == 1 ? entry::PAT_4K : entry::PAT_large;
    s.leaf_entry() |= pat | entry::PWT | entry::PCD | entry::G | bits(11, 9) | bits(62, 52);
    ASSERT_EQ(s.walk().outcome, Outcome::translated);
    EXPECT_EQ(s.walk().physical_address, expected);
  }
}

// "If the PDPTE's PS flag is 1, the PDPTE maps a 1-GByte page"; likewise a PDE and 2 MiB.
TEST(Translation, PsMakesALeafOfAPdpteAndOfAPde) {
  for (const int levels : {4, 5}) {
    for (const int level : {2, 3}) {
      Scene s = mapping(levels);
      s.entry[static_cast<unsigned>(level)] |= entry::PS;
      ASSERT_EQ(s.walk().outcome, Outcome::translated);
      EXPECT_EQ(s.walk().level, level);
    }
  }
}

TEST(Translation, Bit7OfAPteIsPatAndNotAPageSize) {
  Scene s = mapping();
  s.pte() |= bit(7);
  EXPECT_EQ(s.walk().physical_address, mapping().walk().physical_address);
}

TEST(Translation, MemoryThatWasNeverWrittenIsNotPresent) {
  for (const auto [levels, leaf] : shapes) {
    for (int level = leaf; level <= levels; ++level) {
      Scene s = mapping(levels, leaf);
      s.entry[static_cast<unsigned>(level)] = 0;
      const auto w = s.walk();
      EXPECT_EQ(w.rule, Rule::not_present);
      EXPECT_EQ(w.level, level);
      EXPECT_EQ(w.error_code, 0u);
    }
  }
}

struct Seen {
  int level;
  Word value;
  Decision decision;
  bool operator==(const Seen&) const = default;
};

std::vector<Seen> trace(const Scene& s) {
  std::vector<Seen> seen;
  walk(paging(s.cpu, s.registers), s.access, s.memory(),
       [&](const Step<Word>& step, Decision decision, const Rights<Word>&) {
         seen.push_back({step.level, step.value, decision});
       });
  return seen;
}

TEST(Trace, ReportsEachEntryWithWhatItDecided) {
  Scene s = mapping(5, 2);
  EXPECT_EQ(trace(s), (std::vector<Seen>{{5, s.pml5e(), Decision::table},
                                         {4, s.pml4e(), Decision::table},
                                         {3, s.pdpte(), Decision::table},
                                         {2, s.pde(), Decision::leaf}}));
}

TEST(Trace, EndsWithTheEntryThatFaulted) {
  Scene s = mapping();
  s.pde() &= ~entry::P;
  EXPECT_EQ(trace(s).back(), (Seen{2, s.pde(), Decision::not_present}));
  s = mapping();
  s.pdpte() |= bit(51);
  EXPECT_EQ(trace(s).back(), (Seen{3, s.pdpte(), Decision::reserved}));
}

TEST(Trace, ANonCanonicalAddressReportsNothing) {
  Scene s = mapping();
  s.access.va = bit(63);
  EXPECT_TRUE(trace(s).empty());
}

TEST(Trace, ShowsTheRightsGrantedSoFar) {
  Scene s = mapping();
  s.pdpte() &= ~entry::RW;
  s.pde() |= entry::XD;
  std::vector<std::pair<bool, bool>> rights;
  walk(paging(s.cpu, s.registers), s.access, s.memory(),
       [&](const Step<Word>&, Decision, const Rights<Word>& r) {
         rights.emplace_back(r.writable(), r.execute_disable());
       });
  EXPECT_EQ(rights, (std::vector<std::pair<bool, bool>>{
                        {true, false}, {false, false}, {false, true}, {false, true}}));
}

// A watcher never changes the answer.
TEST(Trace, TheAnswerIsTheSameWithAndWithoutIt) {
  const Scene s = mapping();
  const auto watched = walk(paging(s.cpu, s.registers), s.access, s.memory(),
                            [](const Step<Word>&, Decision, const Rights<Word>&) {});
  EXPECT_EQ(watched.physical_address, s.walk().physical_address);
  EXPECT_EQ(watched.outcome, s.walk().outcome);
}

}  // namespace
}  // namespace mmuref::x86::test
