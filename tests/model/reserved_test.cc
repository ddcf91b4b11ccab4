// Reserved bits: SDM vol. 3, 4.5.4, tables "Format of a Page-Map Level-5 Entry" to "Format of a
// Page-Table Entry"; APM vol. 2, 5.3 and 5.4 for AMD.
#include <gtest/gtest.h>

#include "tests/model/scene.h"

namespace mmuref::x86::test {
namespace {

constexpr Word rsvd = pfec::P | pfec::RSVD;

/// Whether bit `b` of the entry of `level` is reserved, said of one bit at a time as the manuals'
/// format tables do.
bool reserved(unsigned b, int level, bool maps_page, const Scene& s) {
  if (b == 63) return (s.registers.efer & efer::NXE) == 0;
  if (b >= 52) return false;
  if (b >= s.cpu.maxphyaddr) return true;
  if (maps_page && level == 3) return (b >= 13 && b <= 29) || (b == 7 && !s.cpu.page1gb);
  if (maps_page && level == 2) return b >= 13 && b <= 20;
  if (level >= 4) return b == 7 || (b == 8 && s.cpu.amd);
  return false;
}

/// Sets each bit of each entry on its own and expects a fault exactly where the tables say so.
void expect_reserved_bits_as_listed(const Scene& scene) {
  for (int level = scene.leaf; level <= scene.levels; ++level) {
    for (unsigned b = 0; b < 64; ++b) {
      Scene s = scene;
      Word& e = s.entry[static_cast<unsigned>(level)];
      // A set address bit leads elsewhere: judge only entries whose bits the scene left 0.
      if ((e & bit(b)) != 0) continue;
      e |= bit(b);
      const bool maps_page = level == 1 || (level <= 3 && (e & entry::PS) != 0);
      const auto w = s.walk();
      const bool faulted = (w.error_code & pfec::RSVD) != 0;
      ASSERT_EQ(faulted, reserved(b, level, maps_page, s))
          << "bit " << b << " at level " << level << ", MAXPHYADDR " << s.cpu.maxphyaddr
          << (s.cpu.amd ? ", AMD" : ", Intel");
      if (!faulted) continue;
      EXPECT_EQ(w.outcome, Outcome::page_fault);
      EXPECT_EQ(w.error_code, rsvd);
      EXPECT_EQ(w.level, level);
    }
  }
}

// What `explain` shows of entries that no walk gets to.
TEST(Reserved, MasksHaveTheBitsListedAndNoOther) {
  for (const bool page1gb : {false, true}) {
    for (const bool amd : {false, true}) {
      for (const bool nxe : {false, true}) {
        Scene s;
        s.cpu = {.maxphyaddr = 46, .page1gb = page1gb, .amd = amd};
        s.registers.efer = nxe ? efer::NXE : 0;
        const auto masks = reserved_bits(s.cpu, nxe);
        for (int level = 1; level <= 5; ++level) {
          for (unsigned b = 0; b < 64; ++b) {
            const bool table = reserved(b, level, false, s), leaf = reserved(b, level, true, s);
            EXPECT_TRUE(level == 1 || has(masks.table[level], bit(b)) == table)
                << b << ' ' << level;
            EXPECT_TRUE(level > 3 || has(masks.leaf[level], bit(b)) == leaf) << b << ' ' << level;
          }
        }
      }
    }
  }
}

TEST(Reserved, EveryBitAtEveryLevelForEveryMaxphyaddrAndBothVendors) {
  for (unsigned m = 32; m <= 52; ++m) {
    for (const bool amd : {false, true}) {
      for (const bool page1gb : {false, true}) {
        for (const bool nxe : {false, true}) {
          for (const auto [levels, leaf] : shapes) {
            if (leaf == 3 && !page1gb) continue;
            Scene s = mapping(levels, leaf);
            s.cpu = {.maxphyaddr = m, .page1gb = page1gb, .amd = amd};
            if (!nxe) s.registers.efer &= ~efer::NXE;
            expect_reserved_bits_as_listed(s);
          }
        }
      }
    }
  }
}

// Without 1-GByte pages "bit 7 is reserved (must be 0)" in a PDPTE.
TEST(Reserved, PsInAPdpteWithoutOneGigabytePages) {
  for (const int levels : {4, 5}) {
    Scene s = mapping(levels, 3);
    ASSERT_EQ(s.walk().outcome, Outcome::translated);
    s.cpu.page1gb = false;
    EXPECT_EQ(s.walk().error_code, rsvd);
    EXPECT_EQ(s.walk().rule, Rule::reserved_page_size);
  }
}

TEST(Reserved, AtMaxphyaddr52NoAddressBitIsReserved) {
  Scene s = mapping();
  s.cpu.maxphyaddr = 52;
  s.pte() |= bits(51, 12);
  EXPECT_EQ(s.walk().outcome, Outcome::translated);
}

// "If the P flag is 0 … the processor does not use the other bits": no reserved bit is checked.
TEST(Reserved, NoBitIsReservedInAnEntryThatIsNotPresent) {
  for (const auto [levels, leaf] : shapes) {
    for (int level = leaf; level <= levels; ++level) {
      Scene s = mapping(levels, leaf);
      s.registers.efer &= ~efer::NXE;
      s.entry[static_cast<unsigned>(level)] = ~entry::P;
      EXPECT_EQ(s.walk().error_code, 0u);
      EXPECT_EQ(s.walk().rule, Rule::not_present);
    }
  }
}

// The walk stops at the first entry that is not present or has a reserved bit set.
TEST(Reserved, TheHighestLevelThatFaultsDecides) {
  Scene s = mapping();
  s.pdpte() |= bit(50);
  s.pte() = 0;
  EXPECT_EQ(s.walk().error_code, rsvd);
  EXPECT_EQ(s.walk().level, 3);

  s = mapping();
  s.pdpte() = 0;
  s.pte() |= bit(50);
  EXPECT_EQ(s.walk().error_code, 0u);
  EXPECT_EQ(s.walk().level, 3);
}

// Rights are determined for a translation, and there is none with a reserved bit set.
TEST(Reserved, AReservedBitBelowBeatsMissingRightsAbove) {
  Scene s = mapping();
  s.user().write();
  s.pml4e() &= ~(entry::US | entry::RW);
  s.pte() |= bit(50);
  EXPECT_EQ(s.walk().error_code, rsvd | pfec::US | pfec::WR);
  EXPECT_EQ(s.walk().rule, Rule::reserved_address);
}

TEST(Reserved, TheRuleNamesTheBitThatWasSet) {
  const auto rule = [](Scene s, int level, Word set) {
    s.entry[static_cast<unsigned>(level)] |= set;
    return s.walk().rule;
  };
  Scene amd = mapping(5);
  amd.cpu.amd = true;
  Scene no_nx = mapping(4, 2);
  no_nx.registers.efer &= ~efer::NXE;
  EXPECT_EQ(rule(mapping(4, 2), 2, bit(13)), Rule::reserved_large_frame);
  EXPECT_EQ(rule(mapping(4, 3), 3, bit(29)), Rule::reserved_large_frame);
  EXPECT_EQ(rule(mapping(), 1, bit(51)), Rule::reserved_address);
  EXPECT_EQ(rule(mapping(5), 5, bit(7)), Rule::reserved_page_size);
  EXPECT_EQ(rule(mapping(), 4, bit(7)), Rule::reserved_page_size);
  EXPECT_EQ(rule(amd, 4, bit(8)), Rule::reserved_global);
  EXPECT_EQ(rule(amd, 5, bit(8)), Rule::reserved_global);
  EXPECT_EQ(rule(no_nx, 2, bit(63)), Rule::reserved_execute_disable);
}

}  // namespace
}  // namespace mmuref::x86::test
