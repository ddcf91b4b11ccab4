// What Unicorn keeps cached between the steps of a program, in programs plain enough to judge by
// eye, and what docs/unicorn.md says it does otherwise than the manual.
#include "diff/oracles/unicorn/unicorn_programs.h"

#include <gtest/gtest.h>

#include "diff/oracles/unicorn/unicorn_oracle.h"

namespace mmuref::diff {
namespace {

using namespace x86;  // registers, entry flags, error codes
using diff::Access;
using diff::Operation;
using x86::Exception;
using x86::OperationKind;
using x86::Outcome;

constexpr Word A = entry::A, D = entry::D, P = entry::P, RW = entry::RW, US = entry::US,
               PS = entry::PS, XD = entry::XD, G = entry::G;
constexpr Word table_flags = P | RW | US | A;
// Tables with entry 0 only; a second root, whose page table is another.
constexpr Word pml4 = 0x1000, pdpt = 0x2000, pd = 0x3000, pt = 0x4000, pml5 = 0x6000;
constexpr Word pml4_b = 0x11000, pdpt_b = 0x12000, pd_b = 0x13000, pt_b = 0x14000;
constexpr Word frame = 0x12'3456'7000, other = 0x23'4567'8000, data = P | RW | US;

class UnicornPrograms : public testing::Test {
 protected:
  UnicornPrograms() {
    Machine& m = program.machine;
    m.cpu.maxphyaddr = unicorn_maxphyaddr;
    m.registers = {.cr0 = cr0::PE | cr0::PG | cr0::WP,
                   .cr3 = pml4,
                   .cr4 = cr4::PAE,
                   .efer = efer::LME | efer::LMA | efer::NXE};
    const Word paths[][4] = {{pml4, pdpt, pd, pt}, {pml4_b, pdpt_b, pd_b, pt_b}};
    for (const auto& path : paths) {
      for (int i = 0; i < 3; ++i) m.memory.write(path[i], path[i + 1] | table_flags);
      oracle->map_monitor(m.memory, m.registers, path[0]);
    }
    m.memory.write(pml5 + 8, pml4 | table_flags);
    m.memory.write(pt, frame | data);
    m.memory.write(pt_b, other | data);
  }

  void start() {
    ASSERT_EQ(oracle->unsupported(program), "");
    oracle->start(program);
  }
  void five_levels() {
    program.machine.registers.cr4 |= cr4::LA57;
    program.machine.registers.cr3 = pml5;
    oracle->map_monitor(program.machine.memory, program.machine.registers, pml5);
  }
  Exception load(OperationKind kind, Word value) {
    return oracle->execute({.kind = kind, .value = value});
  }
  void invlpg(Word va) {
    EXPECT_EQ(oracle->execute({.kind = OperationKind::invlpg, .address = va}), Exception::none);
  }
  void expect_at(const Access& access, Word address) {
    const Observation seen = oracle->access(access);
    EXPECT_EQ(seen.outcome, Outcome::translated);
    ASSERT_TRUE(seen.located);
    EXPECT_EQ(seen.physical_address, address);
  }
  void expect_fault(const Access& access, Word error_code) {
    const Observation seen = oracle->access(access);
    EXPECT_EQ(seen.outcome, Outcome::page_fault);
    EXPECT_EQ(seen.error_code, error_code);
    EXPECT_EQ(seen.cr2, access.va);
  }

  std::unique_ptr<ProgramOracle> oracle = make_unicorn_programs();
  Program program;
};

const Access reads[] = {{},
                        {.va = 8, .cpl3 = true},
                        {.va = 1, .cpl3 = true},
                        {.fetch = true},
                        {.va = 16, .fetch = true, .cpl3 = true}};

TEST_F(UnicornPrograms, LocatesEveryKindOfAccess) {
  for (const bool five : {false, true}) {
    if (five) five_levels();
    start();
    for (const bool cpl3 : {false, true}) {
      for (const bool ac : {false, true}) {
        for (const Word offset : {Word{0}, Word{0x123}, Word{0xff8}}) {
          const Word va = offset | (five ? bit(level_shift(5)) : 0), pa = frame | offset;
          expect_at({.va = va, .cpl3 = cpl3, .ac = ac}, pa);
          expect_at({.va = va, .write = true, .cpl3 = cpl3, .ac = ac}, pa);
          expect_at({.va = va, .fetch = true, .cpl3 = cpl3, .ac = ac}, pa);
          expect_at({.va = va, .cpl3 = cpl3, .ac = ac, .implicit = true}, pa);
          expect_at({.va = va, .write = true, .cpl3 = cpl3, .ac = ac, .stack = true}, pa);
        }
      }
    }
    EXPECT_EQ(oracle->read(pt), frame | data | A | D);
  }
}

TEST_F(UnicornPrograms, AnUnmappedPageStaysUntilInvlpg) {
  for (const Access& access : reads) {
    start();
    expect_at(access, frame | access.va);
    oracle->write({pt, 0});
    EXPECT_EQ(oracle->read(pt), 0U);
    expect_at(access, frame | access.va);
    invlpg(0x1000);
    expect_at(access, frame | access.va);
    invlpg(0xfff);
    const Word code = (access.cpl3 ? pfec::US : 0) | (access.fetch ? pfec::ID : 0);
    expect_fault(access, code);
    // What is not present is never cached.
    oracle->write({pt, other | data});
    expect_at(access, other | access.va);
  }
}

TEST_F(UnicornPrograms, AnotherFrameIsSeenAfterInvlpg) {
  for (const Access& access : reads) {
    start();
    expect_at(access, frame | access.va);
    oracle->write({pt, other | data});
    expect_at(access, frame | access.va);
    EXPECT_EQ(oracle->read(pt), other | data);  // the stale translation sets no flag
    invlpg(0);
    expect_at(access, other | access.va);
    EXPECT_EQ(oracle->read(pt), other | data | A);
  }
}

TEST_F(UnicornPrograms, AWriteWalksAgainToSetD) {
  start();
  expect_at({}, frame);
  oracle->write({pt, other | data});
  expect_at({.write = true}, other);
  EXPECT_EQ(oracle->read(pt), other | data | A | D);
}

TEST_F(UnicornPrograms, CachedRightsNeverDenyWhatTablesGrant) {
  program.machine.memory.write(pt, frame | P);
  start();
  expect_at({}, frame);
  expect_fault({.cpl3 = true}, pfec::P | pfec::US);
  expect_fault({.write = true}, pfec::P | pfec::WR);
  oracle->write({pt, frame | data});
  expect_at({.cpl3 = true}, frame);
  expect_at({.write = true}, frame);
}

// Upper entries are read anew by each walk: it has no paging-structure caches.
TEST_F(UnicornPrograms, UpperEntriesAreNotCachedAlone) {
  start();
  expect_at({}, frame);
  oracle->write({pd, pt_b | table_flags});
  expect_at({}, frame);
  expect_fault({.va = 0x1000}, 0);
  oracle->write({pt_b + 8, other | data});
  expect_at({.va = 0x1000}, other);
}

TEST_F(UnicornPrograms, SaysWhatItCannotRun) {
  EXPECT_EQ(oracle->unsupported(program), "");
  const auto refuses = [&](const auto& change) {
    Program copy = program;
    change(copy);
    return !oracle->unsupported(copy).empty();
  };
  const auto step = [](auto action) {
    return [=](Program& p) { p.steps.push_back({.action = action}); };
  };
  EXPECT_TRUE(refuses([](Program& p) { p.cpus = 2; }));
  EXPECT_TRUE(refuses([](Program& p) { p.machine.registers.cr3 = 0x7000; }));
  EXPECT_TRUE(refuses([](Program& p) { p.machine.memory.write(unicorn_reserved_page, 0); }));
  EXPECT_TRUE(refuses(step(TableWrite{unicorn_reserved_page, 0})));
  EXPECT_TRUE(refuses(step(TableWrite{pml4 + 8, 0})));
  EXPECT_FALSE(refuses(step(TableWrite{pml4_b, 0})));
  EXPECT_TRUE(refuses(step(TableWrite{bit(30), 0})));
  EXPECT_TRUE(refuses(step(Access{.va = bit(39)})));
  EXPECT_TRUE(refuses(step(Operation{.kind = OperationKind::invpcid})));
  EXPECT_TRUE(refuses(step(Operation{.kind = OperationKind::mov_cr3, .value = 0x7000})));
  EXPECT_TRUE(refuses(step(Operation{.kind = OperationKind::mov_cr3, .value = pml4 | bit(63)})));
  EXPECT_TRUE(refuses(step(Operation{.kind = OperationKind::mov_cr4, .value = 0})));
}

TEST_F(UnicornPrograms, WrpkruWithoutPkeIsAnInvalidOpcode) {
  start();
  EXPECT_EQ(load(OperationKind::wrpkru, 0), Exception::invalid_opcode);
  expect_at({}, frame);
}

// SDM vol. 3, 4.10.4.1: a page fault drops what is cached for its address. QEMU keeps it.
TEST_F(UnicornPrograms, APageFaultDropsNothing) {
  start();
  expect_at({}, frame);
  oracle->write({pt, 0});
  expect_fault({.cpl3 = true}, pfec::US);
  expect_at({}, frame);
}

TEST_F(UnicornPrograms, ProtectionKeysTurnedOnDenyNothingCached) {
  program.machine.registers.pkru = 3;
  start();
  expect_at({.cpl3 = true}, frame);
  EXPECT_EQ(load(OperationKind::mov_cr4, cr4::PAE | cr4::PKE), Exception::none);
  expect_at({.cpl3 = true}, frame);
  invlpg(0);
  expect_fault({.cpl3 = true}, pfec::P | pfec::US | pfec::PK);
}

struct Flush {
  const char* name;
  OperationKind kind;
  Word cr4;  ///< set at the start besides PAE
  Word value;
  bool drops;
};

const Word base_cr0 = cr0::PE | cr0::PG | cr0::WP;
const Word base_efer = efer::LME | efer::LMA | efer::NXE;
const Flush flushes[] = {
    {"cr3", OperationKind::mov_cr3, 0, pml4, true},
    {"cr3_globals", OperationKind::mov_cr3, cr4::PGE, pml4, true},  // more than it must
    {"cr3_no_flush", OperationKind::mov_cr3, cr4::PCIDE, pml4 | bit(63), true},
    {"pge", OperationKind::mov_cr4, 0, cr4::PAE | cr4::PGE, true},
    {"smep", OperationKind::mov_cr4, 0, cr4::PAE | cr4::SMEP, true},
    {"smap", OperationKind::mov_cr4, 0, cr4::PAE | cr4::SMAP, true},
    {"pke", OperationKind::mov_cr4, 0, cr4::PAE | cr4::PKE, false},
    {"pcide", OperationKind::mov_cr4, 0, cr4::PAE | cr4::PCIDE, false},
    {"pcide_off", OperationKind::mov_cr4, cr4::PCIDE, cr4::PAE, false},
    {"wp", OperationKind::mov_cr0, 0, cr0::PE | cr0::PG, true},
    {"cr0_same", OperationKind::mov_cr0, 0, base_cr0, false},
    {"nxe", OperationKind::wrmsr_efer, 0, base_efer & ~efer::NXE, false},
    {"wrpkru", OperationKind::wrpkru, cr4::PKE, 0x55555550, true},
};

class Flushes : public UnicornPrograms, public testing::WithParamInterface<Flush> {};

TEST_P(Flushes, DropWhatTheTableSays) {
  const Flush& flush = GetParam();
  program.machine.registers.cr4 |= flush.cr4;
  program.machine.memory.write(pt, frame | data | G);
  start();
  expect_at({.cpl3 = true}, frame);
  oracle->write({pt, other | data});
  EXPECT_EQ(load(flush.kind, flush.value), Exception::none);
  expect_at({.cpl3 = true}, flush.drops ? other : frame);
}

INSTANTIATE_TEST_SUITE_P(Every, Flushes, testing::ValuesIn(flushes),
                         [](const testing::TestParamInfo<Flush>& flush) {
                           return std::string(flush.param.name);
                         });

void PrintTo(const Flush& flush, std::ostream* out) {
  *out << flush.name;
}

}  // namespace
}  // namespace mmuref::diff
