// When an operation faults instead: SDM vol. 2, MOV to Control Registers, INVPCID, WRPKRU, WRMSR.
#include "tests/model/tlb/lab.h"

namespace mmuref::x86::test {
namespace {

constexpr auto gp = Exception::general_protection, ok = Exception::none;

Lab lab(Word more_cr4 = 0, Word more_cr3 = 0) {
  Scene s = mapping();
  s.registers.cr4 |= more_cr4;
  s.registers.cr3 |= more_cr3;
  return Lab(s);
}

Exception load_cr3(Lab l, Word more) {
  return l.execute(OperationKind::mov_cr3, l.registers().cr3 | more);
}
Exception flip_cr4(Lab l, Word bits) {
  return l.execute(OperationKind::mov_cr4, l.registers().cr4 ^ bits);
}
Exception flip_cr0(Lab l, Word bits) {
  return l.execute(OperationKind::mov_cr0, l.registers().cr0 ^ bits);
}
Exception flip_efer(Lab l, Word bits) {
  return l.execute(OperationKind::wrmsr_efer, l.registers().efer ^ bits);
}

TEST(OperationFaults, MovCr3TakesNoBitsFromMaxphyaddrUp) {
  EXPECT_EQ(load_cr3(lab(), bit(45)), ok);
  for (unsigned b = 46; b <= 62; ++b) EXPECT_EQ(load_cr3(lab(), bit(b)), gp) << b;
  EXPECT_EQ(load_cr3(lab(cr4::PCIDE), bit(62)), gp);
}
TEST(OperationFaults, MovCr3TakesBit63WithPcideAlone) {
  EXPECT_EQ(load_cr3(lab(), bit(63)), gp);
  EXPECT_EQ(load_cr3(lab(cr4::PCIDE), bit(63)), ok);
}
TEST(OperationFaults, MovCr4SetsPcideUnderPcid0Alone) {
  EXPECT_EQ(flip_cr4(lab(), cr4::PCIDE), ok);
  EXPECT_EQ(flip_cr4(lab(0, 1), cr4::PCIDE), gp);
  EXPECT_EQ(flip_cr4(lab(0, bit(11)), cr4::PCIDE), gp);
  EXPECT_EQ(flip_cr4(lab(cr4::PCIDE, 1), cr4::SMAP), ok) << "set already";
  EXPECT_EQ(flip_cr4(lab(cr4::PCIDE, 1), cr4::PCIDE), ok) << "cleared";
}
TEST(OperationFaults, MovCr4KeepsPae) {
  EXPECT_EQ(flip_cr4(lab(), cr4::PAE), gp);
}
TEST(OperationFaults, MovCr4KeepsLa57) {
  EXPECT_EQ(flip_cr4(lab(), cr4::LA57), gp);
  EXPECT_EQ(flip_cr4(Lab(mapping(5)), cr4::LA57), gp);
  EXPECT_EQ(flip_cr4(Lab(mapping(5)), cr4::SMAP), ok);
}
TEST(OperationFaults, MovCr4TakesNoReservedBits) {
  EXPECT_EQ(flip_cr4(lab(), bit(15)), gp);
  for (unsigned b = 25; b <= 63; ++b) EXPECT_EQ(flip_cr4(lab(), bit(b)), gp) << b;
  for (const Word b : {cr4::PGE, cr4::SMEP, cr4::SMAP, cr4::PKE, cr4::PKS})
    EXPECT_EQ(flip_cr4(lab(), b), ok);
}
TEST(OperationFaults, CetNeedsWp) {
  EXPECT_EQ(flip_cr4(lab(), cr4::CET), ok);
  EXPECT_EQ(flip_cr0(lab(), cr0::WP), ok);
  EXPECT_EQ(flip_cr0(lab(cr4::CET), cr0::WP), gp);
  Scene s = mapping();
  s.registers.cr0 &= ~cr0::WP;
  EXPECT_EQ(flip_cr4(Lab(s), cr4::CET), gp);
}
TEST(OperationFaults, MovCr0KeepsPagingAndProtection) {
  EXPECT_EQ(flip_cr0(lab(), cr0::PG), gp);
  EXPECT_EQ(flip_cr0(lab(), cr0::PE), gp);
  for (unsigned b = 32; b <= 63; ++b) EXPECT_EQ(flip_cr0(lab(), bit(b)), gp) << b;
}
TEST(OperationFaults, MovCr0TakesNwWithCdAlone) {
  EXPECT_EQ(flip_cr0(lab(), bit(29)), gp);
  EXPECT_EQ(flip_cr0(lab(), bit(30)), ok);
  EXPECT_EQ(flip_cr0(lab(), bit(29) | bit(30)), ok);
}
TEST(OperationFaults, WrmsrEferKeepsLmeAndTakesNoReservedBits) {
  EXPECT_EQ(flip_efer(lab(), efer::LME), gp);
  EXPECT_EQ(flip_efer(lab(), efer::NXE), ok);
  EXPECT_EQ(flip_efer(lab(), bit(0)), ok);
  for (const unsigned b : {1u, 7u, 9u, 12u, 63u}) EXPECT_EQ(flip_efer(lab(), bit(b)), gp) << b;
  Lab l = lab();
  EXPECT_EQ(l.execute(OperationKind::wrmsr_efer, efer::LME | efer::NXE), ok);
  EXPECT_TRUE(has(l.registers().efer, efer::LMA)) << "LMA is not software's";
}
TEST(OperationFaults, WrpkruNeedsPke) {
  Lab off = lab(), on = lab(cr4::PKE);
  EXPECT_EQ(off.execute(OperationKind::wrpkru, 3), Exception::invalid_opcode);
  EXPECT_EQ(off.registers().pkru, 0u);
  EXPECT_EQ(on.execute(OperationKind::wrpkru, bit(40) | 3), ok);
  EXPECT_EQ(on.registers().pkru, 3u);
}
TEST(OperationFaults, PkrsHas32Bits) {
  EXPECT_EQ(lab().execute(OperationKind::wrmsr_pkrs, bit(32)), gp);
  EXPECT_EQ(lab().execute(OperationKind::wrmsr_pkrs, bit(31)), ok);
}
TEST(OperationFaults, InvpcidHasTypes0To3) {
  for (Word type = 0; type <= 3; ++type) EXPECT_EQ(lab().invpcid(type, 0), ok);
  EXPECT_EQ(lab().invpcid(4, 0), gp);
  EXPECT_EQ(lab().invpcid(bit(32), 0), gp);
}
TEST(OperationFaults, Invpcid0NeedsACanonicalAddress) {
  EXPECT_EQ(lab().invpcid(0, 0, bit(47)), gp);
  EXPECT_EQ(Lab(mapping(5)).invpcid(0, 0, bit(47)), ok);
  EXPECT_EQ(Lab(mapping(5)).invpcid(0, 0, bit(56)), gp);
  for (Word type = 1; type <= 3; ++type) EXPECT_EQ(lab().invpcid(type, 0, bit(47)), ok);
}
TEST(OperationFaults, Invpcid0And1NeedPcideForAPcid) {
  for (Word type = 0; type <= 3; ++type) {
    EXPECT_EQ(lab().invpcid(type, 1), type <= 1 ? gp : ok);
    EXPECT_EQ(lab(cr4::PCIDE).invpcid(type, 1), ok);
  }
}
TEST(OperationFaults, TheDescriptorHasReservedBits) {
  for (Word type = 0; type <= 3; ++type) {
    EXPECT_EQ(lab(cr4::PCIDE).invpcid(type, bit(12)), gp);
    EXPECT_EQ(lab(cr4::PCIDE).invpcid(type, bit(63)), gp);
  }
}
TEST(OperationFaults, InvlpgNeverFaults) {
  Lab l = lab();
  EXPECT_EQ(l.invlpg(bit(63)), ok);
  EXPECT_EQ(l.invlpg(0), ok);
}
TEST(OperationFaults, AFaultKeepsRegistersAndCaches) {
  Lab l = lab(cr4::PGE);
  const std::set<Word> before = l.answers();
  l.write(1, l.entry(1) + 0x1000);
  const Word registers = l.registers().cr4;
  EXPECT_EQ(l.execute(OperationKind::mov_cr4, (registers ^ cr4::PGE) & ~cr4::PAE), gp);
  EXPECT_EQ(l.registers().cr4, registers);
  EXPECT_TRUE(l.possible(*before.begin()));
  EXPECT_EQ(l.execute(OperationKind::mov_cr4, registers ^ cr4::PGE), ok);
  EXPECT_FALSE(l.possible(*before.begin()));
}

}  // namespace
}  // namespace mmuref::x86::test
