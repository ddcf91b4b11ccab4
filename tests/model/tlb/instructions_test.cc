// Which bits of a register decide what an instruction does, bit by bit; and what a Drop covers,
// flag by flag. SDM vol. 3, 2.5, 4.10.4.1; vol. 2, INVPCID.
#include <gtest/gtest.h>

#include <set>

#include "model/x86/invalidation.h"

namespace mmuref::x86::test {
namespace {

using Word = std::uint64_t;

constexpr Processor<Word> cpu{.maxphyaddr = 46};
constexpr Registers<Word> running{.cr0 = 0x8001'0033, .cr3 = 0x5000, .cr4 = 0x20, .efer = 0xd01};
constexpr Registers<Word> with_pcids{
    .cr0 = 0x8001'0033, .cr3 = 0x5000, .cr4 = 0x2'0020, .efer = 0xd01};

/// The bits that alone, changed in `value`, make `holds(value)` true.
template <class Holds>
std::set<unsigned> bits_that(Word value, const Holds& holds) {
  std::set<unsigned> found;
  for (unsigned b = 0; b < 64; ++b)
    if (holds(value ^ bit(b))) found.insert(b);
  return found;
}

std::set<unsigned> from_to(unsigned first, unsigned last, std::set<unsigned> all = {}) {
  for (unsigned b = first; b <= last; ++b) all.insert(b);
  return all;
}

TEST(MovCr0, BitsThatFault) {
  const auto faults = [](const Registers<Word>& r) {
    return bits_that(r.cr0, [&](Word value) { return mov_cr0_faults(r, value); });
  };
  EXPECT_EQ(faults(running), from_to(32, 63, {0, 29, 31}));
  Registers<Word> r = running;
  r.cr0 |= bit(30);  // CD permits NW
  EXPECT_EQ(faults(r), from_to(32, 63, {0, 31}));
  r = running;
  r.cr4 |= bit(23);  // CET needs WP
  EXPECT_EQ(faults(r), from_to(32, 63, {0, 16, 29, 31}));
  for (unsigned b = 0; b < 64; ++b) {
    r.cr4 = bit(b);
    EXPECT_EQ(mov_cr0_faults(r, (running.cr0 & ~bit(16)) | bit(15) | bit(17)), b == 23) << b;
  }
}

TEST(MovCr0, OnlyPagingTurnedOffDrops) {
  const auto drops = [](Word before) {
    return bits_that(before, [&](Word value) {
      return mov_cr0_drops(Registers<Word>{.cr0 = before}, value).all();
    });
  };
  EXPECT_EQ(drops(~Word{0}), std::set{31u});
  EXPECT_EQ(drops(0), std::set<unsigned>{});
}

TEST(MovCr3, BitsThatFault) {
  const auto faults = [](const Registers<Word>& r) {
    return bits_that(r.cr3, [&](Word value) { return mov_cr3_faults(cpu, r, value); });
  };
  EXPECT_EQ(faults(running), from_to(46, 63));
  EXPECT_EQ(faults(with_pcids), from_to(46, 62));
}

TEST(MovCr3, PcideIsBit17OfCr4) {
  for (unsigned b = 0; b < 64; ++b) {
    const Registers<Word> r{.cr4 = bit(b)};
    EXPECT_EQ(mov_cr3_faults(cpu, r, bit(63)), b != 17) << b;
    EXPECT_EQ(mov_cr3_drops(r, ~Word{0}).pcid, b == 17 ? 0xfffu : 0u) << b;
    EXPECT_EQ(mov_cr3_drops(r, ~Word{0}).own, b != 17) << b;
  }
}

TEST(MovCr3, Bit63KeepsAndIsNotKept) {
  for (const Registers<Word>& r : {running, with_pcids}) {
    const bool pcids = r.cr4 == with_pcids.cr4;
    EXPECT_EQ(bits_that(Word{0x5000},
                        [&](Word value) { return !mov_cr3_drops(r, value).own_structures; }),
              pcids ? std::set{63u} : std::set<unsigned>{});
    for (unsigned b = 0; b < 64; ++b)
      EXPECT_EQ(mov_cr3_drops(r, bit(b)).pcid, pcids && b < 12 ? bit(b) : 0) << b;
  }
  const Operation<Word> load{OperationKind::mov_cr3, bit(63) | 0x6fff};
  EXPECT_EQ(execute(cpu, with_pcids, load).registers.cr3, 0x6fffu);
  const Operation<Word> low{OperationKind::mov_cr3, 0x2fff'ffff'ffff};
  EXPECT_EQ(execute(cpu, running, low).registers.cr3, 0x2fff'ffff'ffffu);
}

TEST(MovCr4, BitsThatFault) {
  const auto faults = [](const Registers<Word>& r) {
    return bits_that(r.cr4, [&](Word value) { return mov_cr4_faults(r, value); });
  };
  const auto always = from_to(25, 63, {5, 12, 15});
  const auto and_bit = [&](unsigned b) { return from_to(b, b, always); };
  EXPECT_EQ(faults(running), always);
  EXPECT_EQ(faults(with_pcids), always);
  Registers<Word> r = running;
  for (unsigned b = 0; b < 14; ++b) {  // PCIDE only under PCID 0
    r.cr3 = bit(b);
    EXPECT_EQ(faults(r), b < 12 ? and_bit(17) : always) << b;
  }
  r = with_pcids;
  r.cr3 = 0x5001;  // … when it is set, not where it is
  EXPECT_EQ(faults(r), always);
  r = running;
  r.cr0 &= ~bit(16);  // CET only with WP
  EXPECT_EQ(faults(r), and_bit(23));
}

TEST(MovCr4, WhatNoOtherBitStandsFor) {
  EXPECT_TRUE(mov_cr4_faults(Registers<Word>{}, bit(4) | bit(6))) << "no PAE";
  for (unsigned b = 0; b < 64; ++b)  // CET needs WP, which is bit 16 of CR0
    EXPECT_EQ(mov_cr4_faults(Registers<Word>{.cr0 = ~bit(b)}, bit(5) | bit(23)), b == 16) << b;
}

TEST(MovCr4, BitsThatDrop) {
  for (const bool set : {false, true}) {
    const Word before = set ? bits(24, 0) : 0;
    const auto by = [&](auto kind) {
      return bits_that(before, [&](Word value) {
        return mov_cr4_drops(Registers<Word>{.cr4 = before}, value).*kind;
      });
    };
    // PGE changes, PCIDE is cleared; what the current PCID has: PAE changes, SMEP is set.
    EXPECT_EQ(by(&Drop<Word>::others), set ? (std::set{7u, 17u}) : (std::set{7u}));
    EXPECT_EQ(by(&Drop<Word>::own), set ? (std::set{5u, 7u, 17u}) : (std::set{5u, 7u, 20u}));
  }
}

TEST(CurrentPcid, IsTheLowTwelveBitsOfCr3WithPcide) {
  EXPECT_EQ(current_pcid(Registers<Word>{.cr3 = ~Word{0}, .cr4 = bit(17)}), 0xfffu);
  EXPECT_EQ(current_pcid(Registers<Word>{.cr3 = ~Word{0}, .cr4 = ~bit(17)}), 0u);
}

TEST(WrmsrEfer, BitsThatFault) {
  EXPECT_EQ(bits_that(running.efer, [](Word value) { return wrmsr_efer_faults(running, value); }),
            from_to(12, 63, from_to(1, 9)));
}

TEST(WrmsrEfer, LmaIsTheProcessors) {
  for (const Word lma : {Word{0}, bit(10)}) {
    Registers<Word> r = running;
    r.efer = 0x901 | lma;
    for (const Word value : {0x900, 0xd00, 0x101, 0x501}) {
      const auto effect = execute(cpu, r, {OperationKind::wrmsr_efer, value});
      ASSERT_EQ(effect.exception, Exception::none);
      EXPECT_EQ(effect.registers.efer, (value & 0xb01) | lma);
    }
  }
}

TEST(ProtectionKeys, RegistersHold32Bits) {
  for (unsigned b = 0; b < 64; ++b) {
    Registers<Word> r = running;
    r.cr4 = bit(b);  // PKE is bit 22
    const auto user = execute(cpu, r, {OperationKind::wrpkru, ~Word{0}});
    EXPECT_EQ(user.exception == Exception::none, b == 22) << b;
    EXPECT_EQ(user.registers.pkru, b == 22 ? 0xffff'ffffu : 0u) << b;
    const auto supervisor = execute(cpu, r, {OperationKind::wrmsr_pkrs, bit(b)});
    EXPECT_EQ(supervisor.exception == Exception::none, b < 32) << b;
  }
}

TEST(Invpcid, BitsThatFault) {
  for (Word type = 0; type < 6; ++type) {
    for (const Registers<Word>& r : {running, with_pcids}) {
      const auto found = bits_that(Word{0}, [&](Word descriptor) {
        return invpcid_faults(r, {OperationKind::invpcid, type, 0, descriptor});
      });
      const bool any_pcid = r.cr4 == with_pcids.cr4 || type > 1;
      const auto expected = type > 3 ? from_to(0, 63) : from_to(any_pcid ? 12 : 0, 63);
      EXPECT_EQ(found, expected) << type;
    }
  }
  for (unsigned b = 0; b < 64; ++b) {  // PCIDE is bit 17
    Registers<Word> r = running;
    r.cr4 = bit(b);
    EXPECT_EQ(invpcid_faults(r, {OperationKind::invpcid, 1, 0, 1}), b != 17) << b;
  }
  const auto effect = execute(cpu, with_pcids, {OperationKind::invpcid, 1, 0, 0xfff});
  EXPECT_EQ(effect.drop.pcid, 0xfffu);
}

Drop<Word> drop_of(unsigned flags) {
  const auto flag = [&](unsigned b) { return (flags >> b & 1) != 0; };
  return {.pcid = 4,
          .address = 0x1000,
          .own = flag(0),
          .others = flag(1),
          .own_globals = flag(2),
          .other_globals = flag(3),
          .own_structures = flag(4),
          .other_structures = flag(5),
          .one_page = flag(6),
          .one_path = flag(7)};
}

TEST(Drop, EveryFlagForEverythingCached) {
  for (unsigned flags = 0; flags < 256; ++flags) {
    const Drop<Word> d = drop_of(flags);
    EXPECT_EQ(d.all(), flags == 0x3f);
    for (const Word pcid : {3, 4, 5}) {
      const bool own = pcid == 4;
      for (const Word va : {0x0fff, 0x1fff, 0x2000}) {
        const bool page = va == 0x1fff || !d.one_page;
        EXPECT_EQ(drops_translation(d, va, 1, pcid, false), (own ? d.own : d.others) && page);
        EXPECT_EQ(drops_translation(d, va, 1, pcid, true),
                  (own ? d.own_globals : d.other_globals) && page);
      }
      for (const Word va : {0x1f'ffff, 0x20'0000}) {
        const bool path = va == 0x1f'ffff || !d.one_path;
        EXPECT_EQ(drops_structure(d, va, 1, pcid),
                  (own ? d.own_structures : d.other_structures) && path);
      }
    }
  }
}

}  // namespace
}  // namespace mmuref::x86::test
