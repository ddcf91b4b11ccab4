// Which bit decides what, one bit at a time: registers, and what a reserved bit is named. Numbers
// are the manual's.
#include <gtest/gtest.h>

#include "tests/model/scene.h"

namespace mmuref::x86::test {
namespace {

// SDM vol. 3, 2.5, 4.1.
TEST(Bits, OfControlRegisters) {
  const Processor<Word> cpu;
  for (unsigned b = 0; b < 64; ++b) {
    const auto by_cr4 = paging(cpu, Registers<Word>{.cr4 = bit(b)});
    EXPECT_EQ(by_cr4.la57, b == 12) << b;
    EXPECT_EQ(by_cr4.smep, b == 20) << b;
    EXPECT_EQ(by_cr4.smap, b == 21) << b;
    EXPECT_EQ(by_cr4.pke, b == 22) << b;
    EXPECT_EQ(by_cr4.pks, b == 24) << b;
    EXPECT_EQ(paging_levels(Registers<Word>{.cr4 = bit(b)}), b == 12 ? 5 : 4) << b;
    EXPECT_EQ(paging(cpu, Registers<Word>{.cr0 = bit(b)}).wp, b == 16) << b;
    EXPECT_EQ(paging(cpu, Registers<Word>{.efer = bit(b)}).nxe, b == 11) << b;
  }
}

// SDM vol. 3, 4.1.1: PE and PG of CR0, PAE of CR4, LME of EFER.
TEST(Bits, ThatSelectIa32ePaging) {
  const Registers<Word> all{.cr0 = ~Word{0}, .cr4 = ~Word{0}, .efer = ~Word{0}};
  EXPECT_TRUE(ia32e_paging(all));
  for (unsigned b = 0; b < 64; ++b) {
    Registers<Word> r = all;
    r.cr0 ^= bit(b);
    EXPECT_EQ(ia32e_paging(r), b != 0 && b != 31) << b;
    r = all;
    r.cr4 ^= bit(b);
    EXPECT_EQ(ia32e_paging(r), b != 5) << b;
    r = all;
    r.efer ^= bit(b);
    EXPECT_EQ(ia32e_paging(r), b != 8) << b;
  }
}

TEST(Bits, OfAnOffset) {
  EXPECT_EQ(page_offset(~Word{0}, 1), 0xfffu);
  EXPECT_EQ(page_offset(~Word{0}, 2), 0x1f'ffffu);
  EXPECT_EQ(page_offset(~Word{0}, 3), 0x3fff'ffffu);
}

/// The name of bit `b` where it is the only reserved one.
Rule name_of(unsigned b, int level, bool leaf) {
  const unsigned frame = 12 + 9 * static_cast<unsigned>(level - 1);
  if (leaf && b > 12 && b < frame) return Rule::reserved_large_frame;
  if (b >= 12 && b <= 51) return Rule::reserved_address;
  if (b == 7) return Rule::reserved_page_size;
  return b == 8 ? Rule::reserved_global : Rule::reserved_execute_disable;
}

TEST(Bits, ThatAreReservedAreNamedByTheLowestRule) {
  for (int level = 1; level <= 5; ++level) {
    for (const bool leaf : {false, true}) {
      if (leaf ? level > 3 : level == 1) continue;
      for (unsigned b = 0; b < 64; ++b)
        EXPECT_EQ(reserved_rule(bit(b), level, leaf), name_of(b, level, leaf)) << level << ' ' << b;
    }
  }
  EXPECT_EQ(reserved_rule(bit(13) | bit(51), 2, true), Rule::reserved_large_frame);
  EXPECT_EQ(reserved_rule(bit(51) | bit(7) | bit(8) | bit(63), 4, false), Rule::reserved_address);
  EXPECT_EQ(reserved_rule(bit(7) | bit(8) | bit(63), 4, false), Rule::reserved_page_size);
  EXPECT_EQ(reserved_rule(bit(8) | bit(63), 4, false), Rule::reserved_global);
}

// SDM vol. 3, 4.6.2: PKRU with CR4.PKE for user-mode addresses, PKRS with CR4.PKS for the others.
TEST(Bits, OfEachKeyRegisterCountForItsOwnAddressesAlone) {
  for (const bool user_page : {false, true}) {
    for (const Word flags : {Word{0}, bit(22), bit(24), bit(22) | bit(24)}) {
      for (const bool by_user : {false, true}) {  // which register denies key 0
        Scene s = mapping();
        if (!user_page) s.pte() &= ~entry::US;
        s.registers.cr4 |= flags;
        (by_user ? s.registers.pkru : s.registers.pkrs) = 1;
        const auto w = s.read().walk();
        const bool denied = user_page == by_user && has(flags, by_user ? bit(22) : bit(24));
        EXPECT_EQ(w.outcome == Outcome::page_fault, denied);
        EXPECT_EQ(w.denials.user_key, denied && user_page);
        EXPECT_EQ(w.denials.supervisor_key, denied && !user_page);
      }
    }
  }
}

}  // namespace
}  // namespace mmuref::x86::test
