// What the Unicorn oracle reports, held to the manual in cases plain enough to judge by eye, and to
// what docs/unicorn.md says it does otherwise.
#include "diff/oracles/unicorn/unicorn_oracle.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

namespace mmuref::diff {
namespace {

using namespace x86;  // registers, entry flags, error codes
using x86::Outcome;

constexpr Word A = entry::A, D = entry::D, P = entry::P, RW = entry::RW, US = entry::US,
               PS = entry::PS, XD = entry::XD;
constexpr Word table_flags = P | RW | US | A;

// Tables at 0x1000 (PML4), 0x2000, 0x3000 and 0x4000 (page table), each with entry 0 only, or with
// the entries that `va` selects.
constexpr Word pml4 = 0x1000, pdpt = 0x2000, pd = 0x3000, pt = 0x4000, pml5 = 0x6000;

Machine machine(Word pte) {
  Machine m;
  m.cpu.maxphyaddr = unicorn_maxphyaddr;
  m.registers = {.cr0 = cr0::PE | cr0::PG | cr0::WP,
                 .cr3 = pml4,
                 .cr4 = cr4::PAE,
                 .efer = efer::LME | efer::LMA | efer::NXE};
  m.memory.write(pml4, pdpt | table_flags);
  m.memory.write(pdpt, pd | table_flags);
  m.memory.write(pd, pt | table_flags);
  m.memory.write(pt, pte);
  return m;
}

class UnicornOracle : public testing::Test {
 protected:
  Observation ask(const Machine& m, const diff::Access& access) {
    EXPECT_EQ(oracle->unsupported(m.cpu, m.registers, access), "");
    oracle->load(m);
    return oracle->access(access);
  }
  void expect_translated(const Observation& seen, Word address) {
    EXPECT_EQ(seen.outcome, Outcome::translated);
    ASSERT_TRUE(seen.located);
    EXPECT_EQ(seen.physical_address, address);
  }
  void expect_fault(const Observation& seen, Word error_code, Word va) {
    EXPECT_EQ(seen.outcome, Outcome::page_fault);
    EXPECT_EQ(seen.error_code, error_code);
    EXPECT_EQ(seen.cr2, va);
  }
  std::unique_ptr<Oracle> oracle = make_unicorn_oracle();
};

TEST_F(UnicornOracle, SaysWhatItIs) {
  EXPECT_EQ(oracle->name(), "unicorn");
  EXPECT_EQ(oracle->version().substr(0, 2), "2.");
}

TEST_F(UnicornOracle, LocatesEveryKindOfAccessAtBothPrivilegeLevels) {
  const Word frame = 0xab'cdef'e000;
  for (const bool cpl3 : {false, true}) {
    for (const Word va : {Word{0}, Word{0x123}, Word{0xff8}, Word{0xfff}}) {
      const Machine m = machine(frame | P | RW | US);
      expect_translated(ask(m, {.va = va, .cpl3 = cpl3}), frame | va);
      expect_translated(ask(m, {.va = va, .write = true, .cpl3 = cpl3}), frame | va);
      expect_translated(ask(m, {.va = va, .fetch = true, .cpl3 = cpl3}), frame | va);
      expect_translated(ask(m, {.va = va, .cpl3 = cpl3, .stack = true}), frame | va);
      expect_translated(ask(m, {.va = va, .write = true, .cpl3 = cpl3, .stack = true}), frame | va);
      if (va > 0xff8) continue;
      expect_translated(ask(m, {.va = va, .cpl3 = cpl3, .implicit = true}), frame | va);
    }
  }
}

TEST_F(UnicornOracle, LocatesInLargePages) {
  Machine m = machine(0);
  m.memory.write(pd, 0xff'ffe0'0000 | P | PS | bit(12));
  expect_translated(ask(m, {.va = 0x12'3458}), 0xff'fff2'3458);
  m.memory.write(pdpt, 0xff'c000'0000 | P | PS);
  expect_translated(ask(m, {.va = 0x3fff'fff8}), 0xff'ffff'fff8);
}

TEST_F(UnicornOracle, WalksFiveLevels) {
  Machine m = machine(0x5000 | P);
  m.registers.cr4 |= cr4::LA57;
  m.registers.cr3 = pml5;
  m.memory.write(pml5 + 8 * 0x80, pml4 | table_flags);
  expect_translated(ask(m, {.va = Word{0x80} << 48}), 0x5000);
  EXPECT_EQ(ask(m, {.va = bit(56)}).outcome, Outcome::general_protection);
}

TEST_F(UnicornOracle, SetsAccessedAndDirtyAndLeavesNothingElse) {
  Machine m = machine(0x5000 | P | RW | US);
  m.memory.write(pml4, pdpt | P | RW | US);
  ask(m, {.va = 0});
  EXPECT_EQ(oracle->read(pml4), pdpt | table_flags);
  EXPECT_EQ(oracle->read(pt), 0x5000 | table_flags);
  oracle->access({.va = 0, .write = true});
  EXPECT_EQ(oracle->read(pt), 0x5000 | table_flags | D);
  oracle->access({.va = 0, .fetch = true});
  EXPECT_EQ(oracle->read(0x5000), 0u) << "what the accesses stored and executed is taken away";
}

TEST_F(UnicornOracle, TakesBackWhatAWriteDidToItsOwnTables) {
  const Machine m = machine(pt | P | RW);  // the page table maps itself
  expect_translated(ask(m, {.va = 0, .write = true}), pt);
  EXPECT_EQ(oracle->read(pt), pt | P | RW | A | D);
}

TEST_F(UnicornOracle, ForgetsTheMachineBefore) {
  Machine m = machine(0x5000 | P | RW | US);
  m.memory.write(0x7000, 1);
  ask(m, {.va = 0});
  expect_fault(ask(machine(0), {.va = 0}), 0, 0);
  EXPECT_EQ(oracle->read(0x7000), 0u);
}

TEST_F(UnicornOracle, ReportsEveryBitOfTheErrorCodeItHas) {
  using diff::Access;
  const Machine absent = machine(0);
  expect_fault(ask(absent, {.va = 8}), 0, 8);
  expect_fault(ask(absent, {.va = 8, .write = true}), pfec::WR, 8);
  expect_fault(ask(absent, {.va = 8, .cpl3 = true}), pfec::US, 8);
  expect_fault(ask(absent, {.va = 8, .fetch = true}), pfec::ID, 8);
  expect_fault(ask(machine(0x5000 | P), {.va = 9, .cpl3 = true}), pfec::P | pfec::US, 9);
  expect_fault(ask(machine(bit(40) | P), {.va = 0}), pfec::P | pfec::RSVD, 0);
  Machine m = machine(0x5000 | P | US | Word{1} << entry::key_shift);
  m.registers.cr4 |= cr4::PKE;
  m.registers.pkru = bit(2);  // AD of key 1
  expect_fault(ask(m, {.va = 0}), pfec::P | pfec::PK, 0);
  expect_fault(ask(m, {.va = 0, .cpl3 = true}), pfec::P | pfec::US | pfec::PK, 0);
}

TEST_F(UnicornOracle, JudgesRightsByTheRegisters) {
  Machine m = machine(0x5000 | P | US);
  expect_fault(ask(m, {.va = 0, .write = true}), pfec::P | pfec::WR, 0);
  m.registers.cr0 &= ~cr0::WP;
  expect_translated(ask(m, {.va = 0, .write = true}), 0x5000);

  m.registers.cr4 |= cr4::SMAP | cr4::SMEP;
  expect_fault(ask(m, {.va = 0}), pfec::P, 0);
  expect_translated(ask(m, {.va = 0, .ac = true}), 0x5000);
  expect_translated(ask(m, {.va = 0, .cpl3 = true}), 0x5000);
  expect_fault(ask(m, {.va = 0, .fetch = true}), pfec::P | pfec::ID, 0);

  m.memory.write(pd, pt | table_flags | XD);
  expect_fault(ask(m, {.va = 0, .fetch = true, .cpl3 = true}), pfec::P | pfec::US | pfec::ID, 0);
  m.registers.efer &= ~efer::NXE;
  expect_fault(ask(m, {.va = 0}), pfec::P | pfec::RSVD, 0);
}

TEST_F(UnicornOracle, RaisesGeneralProtectionForNonCanonicalAddresses) {
  const Machine m = machine(0x5000 | P);
  for (const diff::Access access : {diff::Access{.va = bit(47)},
                                    {.va = bit(47), .write = true},
                                    {.va = bit(47), .fetch = true}}) {
    const Observation seen = ask(m, access);
    EXPECT_EQ(seen.outcome, Outcome::general_protection);
    EXPECT_EQ(seen.error_code, 0u);
  }
}

TEST_F(UnicornOracle, ManyAccessesOnOneEngineKeepTheirAnswers) {
  Machine m = machine(0x5000 | table_flags | D);
  m.memory.write(pt + 8, 0x8000 | P | RW | A | D);
  ask(m, {.va = 0});
  for (int i = 0; i < 8000; ++i) {
    expect_translated(oracle->access({.va = 0x10, .write = i % 2 == 0, .cpl3 = i % 3 == 0}),
                      0x5010);
    expect_fault(oracle->access({.va = 0x1008, .cpl3 = true}), pfec::P | pfec::US, 0x1008);
    expect_fault(oracle->access({.va = 0x2000, .fetch = true}), pfec::ID, 0x2000);
    expect_translated(oracle->access({.va = 0x1008, .fetch = true}), 0x8008);
    EXPECT_EQ(oracle->access({.va = bit(47)}).outcome, Outcome::general_protection);
  }
}

// The engine's own windows are linear addresses like any other.
TEST_F(UnicornOracle, AnswersForItsOwnWindows) {
  const Word own = Word{3} << 30 | (unicorn_reserved_page & (bit(30) - 1));
  for (const Word window : {Word{1} << 39 | own, Word{2} << 39 | own}) {
    Machine m = machine(0);
    m.memory.write(pml4 + 8 * table_index(window, 4), pdpt | table_flags);
    m.memory.write(pdpt + 8 * table_index(window, 3), pd | table_flags);
    m.memory.write(pd + 8 * table_index(window, 2), pt | table_flags);
    m.memory.write(pt + 8 * table_index(window, 1), 0x5000 | table_flags);
    ask(m, {.va = window | 0x400});
    for (int i = 0; i < 4; ++i) {
      expect_translated(oracle->access({.va = window | 0x400}), 0x5400);
      expect_translated(oracle->access({.va = window | 0x400, .fetch = true}), 0x5400);
      expect_translated(oracle->access({.va = window | 0x400, .write = true}), 0x5400);
    }
  }
}

TEST_F(UnicornOracle, SaysWhatItCannotAnswer) {
  const Machine m = machine(0);
  const auto why = [&](auto change) {
    Machine changed = m;
    diff::Access access;
    change(changed, access);
    return oracle->unsupported(changed.cpu, changed.registers, access);
  };
  EXPECT_EQ(why([](Machine&, diff::Access&) {}), "");
  EXPECT_NE(why([](Machine& c, diff::Access&) { c.cpu.maxphyaddr = 46; }), "");
  EXPECT_NE(why([](Machine& c, diff::Access&) { c.cpu.amd = true; }), "");
  EXPECT_NE(why([](Machine& c, diff::Access&) { c.registers.cr4 |= cr4::PKS; }), "");
  EXPECT_NE(why([](Machine& c, diff::Access&) { c.registers.cr3 |= bit(40); }), "");
  EXPECT_NE(why([](Machine& c, diff::Access&) { c.registers.efer = 0; }), "");
  EXPECT_NE(why([](Machine&, diff::Access& a) { a.implicit = a.write = true; }), "");
}

TEST_F(UnicornOracle, RefusesEntriesWhereItHasNoRoom) {
  Machine m = machine(0);
  m.memory.write(unicorn_reserved_page, 1);
  EXPECT_THROW(oracle->load(m), std::invalid_argument);
  m = machine(0);
  m.memory.write(bit(40), 1);
  EXPECT_THROW(oracle->load(m), std::invalid_argument);
}

// The differences that docs/unicorn.md names: a version that mends one is to be noticed.
TEST_F(UnicornOracle, DiffersAsDocumented) {
  Machine m = machine(0);
  m.memory.write(pdpt, P | RW | PS);
  expect_fault(ask(m, {.va = 0, .cpl3 = true}), pfec::P | pfec::US, 0);
  EXPECT_EQ(oracle->read(pdpt), P | RW | PS | A) << "accessed-1g-early, by rights";
  m.memory.write(pdpt, bit(13) | P | RW | US | PS);
  expect_fault(ask(m, {.va = 0}), pfec::P | pfec::RSVD, 0);
  EXPECT_EQ(oracle->read(pdpt), bit(13) | P | RW | US | PS | A) << "accessed-1g-early, reserved";
  m.cpu.page1gb = false;
  m.memory.write(pdpt, P | RW | US | PS);
  expect_translated(ask(m, {.va = 0}), 0);  // page1gb-always

  m = machine(0x5000 | P | RW | US);
  m.registers.cr4 |= cr4::SMAP;
  expect_translated(ask(m, {.va = 0, .ac = true, .implicit = true}), 0x5000);  // smap-implicit-ac
  expect_fault(ask(m, {.va = 0, .implicit = true}), pfec::P, 0);
  expect_fault(ask(m, {.va = 0, .cpl3 = true, .ac = true, .implicit = true}), pfec::P, 0);

  EXPECT_EQ(ask(m, {.va = bit(47), .stack = true}).outcome, Outcome::general_protection)
      << "stack-non-canonical";
}

}  // namespace
}  // namespace mmuref::diff
