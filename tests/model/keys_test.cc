// SDM vol. 3, "Protection Keys" (4.6.2).
#include <gtest/gtest.h>

#include "tests/model/scene.h"

namespace mmuref::x86::test {
namespace {

constexpr Word access_disable(unsigned key) {
  return bit(2 * key);
}
constexpr Word write_disable(unsigned key) {
  return bit(2 * key + 1);
}

Scene keyed(int leaf, unsigned key) {
  Scene s = mapping(4, leaf);
  s.leaf_entry() |= Word{key} << entry::key_shift;
  return s;
}
Scene user_keyed(int leaf, unsigned key) {
  Scene s = keyed(leaf, key);
  s.registers.cr4 |= cr4::PKE;
  return s;
}
Scene supervisor_keyed(int leaf, unsigned key) {
  Scene s = keyed(leaf, key);
  s.registers.cr4 |= cr4::PKS;
  s.leaf_entry() &= ~entry::US;
  return s;
}

bool permitted(const Scene& s) {
  return s.walk().outcome == Outcome::translated;
}

// "ADi: if 1, no data accesses are permitted", for both modes: user-mode addresses, CR4.PKE.
TEST(ProtectionKeys, PkruAdDeniesReadsAndWritesOfItsKeyAlone) {
  for (int leaf = 1; leaf <= 3; ++leaf) {
    for (unsigned key = 0; key < 16; ++key) {
      Scene s = user_keyed(leaf, key);
      s.registers.pkru = access_disable(key);
      EXPECT_EQ(s.user().read().walk().error_code, pfec::P | pfec::PK | pfec::US);
      EXPECT_EQ(s.user().write().walk().error_code, pfec::P | pfec::PK | pfec::US | pfec::WR);
      EXPECT_EQ(s.supervisor().read().walk().error_code, pfec::P | pfec::PK);
      EXPECT_EQ(s.walk().rule, Rule::user_key);
      s.registers.pkru = bits(31, 0) & ~(access_disable(key) | write_disable(key));
      EXPECT_TRUE(permitted(s.user().write())) << "key " << key;
    }
  }
}

// "WDi: if 1, write accesses are not permitted" in user mode, and in supervisor mode if CR0.WP=1.
TEST(ProtectionKeys, PkruWdDeniesWrites) {
  for (unsigned key = 0; key < 16; ++key) {
    Scene s = user_keyed(1, key);
    s.registers.pkru = write_disable(key);
    EXPECT_TRUE(permitted(s.user().read()));
    EXPECT_TRUE(permitted(s.supervisor().read()));
    EXPECT_EQ(s.user().write().walk().error_code, pfec::P | pfec::PK | pfec::US | pfec::WR);
    EXPECT_EQ(s.supervisor().write().walk().error_code, pfec::P | pfec::PK | pfec::WR);
    s.registers.cr0 &= ~cr0::WP;
    EXPECT_FALSE(permitted(s.user().write()));
    EXPECT_TRUE(permitted(s.supervisor().write()));
  }
}

// "Instruction fetches": keys "do not affect" them.
TEST(ProtectionKeys, NeverDenyAFetch) {
  Scene s = user_keyed(1, 5);
  s.registers.pkru = bits(31, 0);
  EXPECT_TRUE(permitted(s.user().fetch()));
  s = supervisor_keyed(1, 5);
  s.registers.pkrs = bits(31, 0);
  EXPECT_TRUE(permitted(s.supervisor().fetch()));
}

TEST(ProtectionKeys, PkrsDoesTheSameForSupervisorModeAddresses) {
  for (int leaf = 1; leaf <= 3; ++leaf) {
    for (unsigned key = 0; key < 16; ++key) {
      Scene s = supervisor_keyed(leaf, key);
      s.registers.pkrs = access_disable(key);
      EXPECT_EQ(s.read().walk().error_code, pfec::P | pfec::PK);
      EXPECT_EQ(s.walk().rule, Rule::supervisor_key);
      s.registers.pkrs = write_disable(key);
      EXPECT_TRUE(permitted(s.read()));
      EXPECT_EQ(s.write().walk().error_code, pfec::P | pfec::PK | pfec::WR);
      s.registers.cr0 &= ~cr0::WP;
      EXPECT_TRUE(permitted(s.write()));
    }
  }
}

TEST(ProtectionKeys, EachRegisterGovernsItsOwnKindOfAddress) {
  Scene user = user_keyed(1, 3);
  user.registers.cr4 |= cr4::PKS;
  user.registers.pkrs = bits(31, 0);
  EXPECT_TRUE(permitted(user.user().write()));
  Scene supervisor = supervisor_keyed(1, 3);
  supervisor.registers.cr4 |= cr4::PKE;
  supervisor.registers.pkru = bits(31, 0);
  EXPECT_TRUE(permitted(supervisor.write()));
}

// Whether an address is user-mode is decided by all levels, not by the leaf's U/S.
TEST(ProtectionKeys, OneClearUsAnywhereMovesAnAddressToPkrs) {
  for (int level = 1; level <= 5; ++level) {
    Scene s = mapping(5);
    s.registers.cr4 |= cr4::PKE | cr4::PKS;
    s.registers.pkru = access_disable(0);
    s.entry[static_cast<unsigned>(level)] &= ~entry::US;
    EXPECT_TRUE(permitted(s.read())) << level;
    s.registers.pkrs = access_disable(0);
    EXPECT_EQ(s.walk().rule, Rule::supervisor_key) << level;
  }
}

TEST(ProtectionKeys, AreIgnoredWhileTheirControlBitIsClear) {
  Scene s = keyed(1, 7);
  s.registers.pkru = s.registers.pkrs = bits(31, 0);
  EXPECT_TRUE(permitted(s.user().write()));
  s.pte() &= ~entry::US;
  EXPECT_TRUE(permitted(s.supervisor().write()));
}

// Bits 62:59 of an entry that references a table are ignored.
TEST(ProtectionKeys, OnlyTheLeafHoldsAKey) {
  Scene s = mapping(5);
  s.registers.cr4 |= cr4::PKE;
  s.registers.pkru = bits(31, 0) & ~bits(1, 0);
  for (int level = 2; level <= 5; ++level) {
    s.entry[static_cast<unsigned>(level)] |= entry::key_mask;
  }
  EXPECT_TRUE(permitted(s.user().write()));
}

// 4.7: PK tells that a key denied the access, whether or not something else did too.
TEST(ProtectionKeys, ThePkBitIsSetBesideOtherCauses) {
  Scene s = user_keyed(1, 1);
  s.registers.pkru = access_disable(1);
  s.pte() &= ~entry::RW;
  const auto w = s.user().write().walk();
  EXPECT_EQ(w.error_code, pfec::P | pfec::PK | pfec::US | pfec::WR);
  EXPECT_EQ(w.rule, Rule::read_only);
}

TEST(ProtectionKeys, ThePkBitIsClearWhenThereIsNoTranslation) {
  Scene s = user_keyed(1, 1);
  s.registers.pkru = access_disable(1);
  s.pte() |= bit(50);
  EXPECT_EQ(s.read().walk().error_code, pfec::P | pfec::RSVD);
  s.pte() &= ~entry::P;
  EXPECT_EQ(s.read().walk().error_code, 0u);
}

}  // namespace
}  // namespace mmuref::x86::test
