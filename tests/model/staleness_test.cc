// SDM vol. 3, "Recommended Invalidation" (4.10.4.2) and "Optional Invalidation" (4.10.4.3).
#include "model/x86/staleness.h"

#include <gtest/gtest.h>

#include <map>

namespace mmuref::x86 {
namespace {

using Word = std::uint64_t;

struct Memory {
  std::map<Word, Word> entries;
  Word read(Word address) const {
    const auto found = entries.find(address);
    return found == entries.end() ? 0 : found->second;
  }
  void write(Word address, Word value) { entries[address] = value; }
};

using Machine = CachingMachine<Word, Memory>;

/// Tables at 0x1000 to 0x4000; `va` maps a writable, dirty user page at 0x10000.
constexpr Word va = 0x1000, pte = 0x4008, pde = 0x3000;

Machine machine() {
  const Registers<Word> registers{.cr0 = cr0::PE | cr0::PG | cr0::WP,
                                  .cr3 = 0x1000,
                                  .cr4 = cr4::PAE,
                                  .efer = efer::LME | efer::LMA | efer::NXE};
  const std::vector<Tlb<Word>> cpus(1, Tlb<Word>(Processor<Word>{}, registers));
  return {Memory{{{0x1000, 0x2067}, {0x2000, 0x3067}, {pde, 0x4067}, {pte, 0x10067}}}, cpus};
}

constexpr Access<Word> read_access{.va = va, .cpl3 = true};
constexpr Access<Word> write_access{.va = va, .write = true, .cpl3 = true};
constexpr Access<Word> fetch_access{.va = va, .fetch = true, .cpl3 = true};

struct Row {
  const char* what;
  Word address, value;
  Access<Word> access;
  Staleness worst;
};

TEST(Staleness, OfOneWriteWithoutInvalidation) {
  const Row rows[] = {
      {"the same value", pte, 0x10067, write_access, Staleness::none},
      {"P 1 to 0", pte, 0, read_access, Staleness::grants},
      {"R/W 1 to 0, a read", pte, 0x10065, read_access, Staleness::none},
      {"R/W 1 to 0, a write", pte, 0x10065, write_access, Staleness::grants},
      {"U/S 1 to 0", pte, 0x10063, read_access, Staleness::grants},
      {"XD 0 to 1, a fetch", pte, bit(63) | 0x10067, fetch_access, Staleness::grants},
      {"XD 0 to 1, a read", pte, bit(63) | 0x10067, read_access, Staleness::none},
      {"another frame", pte, 0x11067, read_access, Staleness::elsewhere},
      {"D 1 to 0, a write", pte, 0x10027, write_access, Staleness::lost_dirty},
      {"D 1 to 0, a read", pte, 0x10027, read_access, Staleness::none},
      {"A 1 to 0", pte, 0x10047, write_access, Staleness::none},
      {"R/W 1 to 0 in the PDE", pde, 0x4065, write_access, Staleness::grants},
      {"no PDE", pde, 0, read_access, Staleness::table},
      {"another table, with the same page", pde, 0x5067, read_access, Staleness::table},
  };
  for (const Row& row : rows) {
    Machine m = machine();
    m.write(0x5008, 0x10067);
    m.write(row.address, row.value);
    Staleness worst = Staleness::none;
    for (const auto& use : stale_uses(m, 0, row.access)) worst = std::max(worst, use.staleness);
    EXPECT_EQ(worst, row.worst) << row.what;
    m.execute(0, {.kind = OperationKind::invlpg, .address = va});
    EXPECT_TRUE(stale_uses(m, 0, row.access).empty()) << row.what << ", then INVLPG";
  }
}

TEST(Staleness, LooseningCostsASpuriousFault) {
  for (const Word before : {Word{0x10065}, Word{0x10063}}) {
    Machine m = machine();
    m.write(pte, before);
    m.execute(0, {.kind = OperationKind::invlpg, .address = va});
    m.write(pte, 0x10067);
    const auto uses = stale_uses(m, 0, write_access);
    ASSERT_EQ(uses.size(), 1U);
    EXPECT_EQ(uses[0].staleness, Staleness::spurious_fault);
    EXPECT_TRUE(std::holds_alternative<Translation<Word>>(uses[0].item));
  }
}

TEST(Staleness, DirtyThatMayBeSetIsNotLost) {
  // The first write may read the PML4E, where A was cleared, or not: what it sets is not certain.
  Machine m = machine();
  m.write(pte, 0x10027);
  m.execute(0, {.kind = OperationKind::invpcid, .value = 2});
  m.write(0x1000, 0x2047);
  const auto outcomes = m.outcomes(0, write_access);
  ASSERT_GT(outcomes.size(), 1U);
  m.settle(0, write_access, outcomes);
  EXPECT_EQ(m.memory().read(pte) & entry::D, 0U);
  EXPECT_TRUE(has(m.may_hold(pte), entry::D));
  EXPECT_TRUE(stale_uses(m, 0, write_access).empty());
}

TEST(Staleness, OfAnotherPcidIsNotUsed) {
  Machine m = machine();
  m.execute(0, {.kind = OperationKind::mov_cr4, .value = cr4::PAE | cr4::PCIDE});
  m.execute(0, {.kind = OperationKind::mov_cr3, .value = bit(63) | 0x1001});
  m.write(pde, 0);  // both the page and its table are gone
  EXPECT_FALSE(stale_uses(m, 0, read_access).empty());
  m.execute(0, {.kind = OperationKind::mov_cr3, .value = bit(63) | 0x1002});
  EXPECT_TRUE(stale_uses(m, 0, read_access).empty());
  m.execute(0, {.kind = OperationKind::mov_cr3, .value = bit(63) | 0x1001});
  EXPECT_FALSE(stale_uses(m, 0, read_access).empty());
}

TEST(Staleness, NonCanonicalAddressesUseNothing) {
  Machine m = machine();
  m.write(pte, 0);
  EXPECT_TRUE(stale_uses(m, 0, Access<Word>{.va = bit(60) | va, .cpl3 = true}).empty());
}

TEST(Staleness, TranslationsReachTheirWholePage) {
  const Word mask = entry::address_mask;
  Translation<Word> t{.level = 1, .leaf = 0x10067};
  EXPECT_TRUE(reaches(t, Word{0x10000}, mask));
  EXPECT_FALSE(reaches(t, Word{0x11000}, mask));
  t = {.level = 2, .leaf = 0x2010e7};  // with PAT, which is no address
  EXPECT_TRUE(reaches(t, Word{0x200000}, mask));
  EXPECT_TRUE(reaches(t, Word{0x3ff000}, mask));
  EXPECT_FALSE(reaches(t, Word{0x400000}, mask));
}

TEST(Staleness, OfWalksByHand) {
  Walk<Word> fresh, cached;
  fresh.write = true;
  fresh.count = 1;
  fresh.steps[0] = {2, 0x1000, entry::P | entry::PS};
  fresh.steps[1] = {1, 0x2000, 0};  // of an earlier use of the same memory: no step of the walk
  EXPECT_EQ(staleness(fresh, cached, Word{0}), Staleness::lost_dirty);
  EXPECT_EQ(staleness(fresh, cached, entry::D), Staleness::none);
  fresh.steps[0].value |= entry::D;
  EXPECT_EQ(staleness(fresh, cached, Word{0}), Staleness::none);
  cached.count = 1;
  cached.steps[0] = {1, 0x1000, 0};
  EXPECT_EQ(staleness(fresh, cached, Word{0}), Staleness::none);
  cached.steps[0].address = 0x2000;
  EXPECT_EQ(staleness(fresh, cached, Word{0}), Staleness::table);
}

TEST(Staleness, ATranslationReachesThePagesOfItsFrame) {
  const Word frame_mask = bits(45, 12);
  const auto reach = [&](int level, Word leaf, Word page) {
    return reaches(Translation<Word>{.level = level, .leaf = leaf}, page, frame_mask);
  };
  const Word flags = bits(62, 59) | entry::D | entry::PWT;
  for (const Word page : {0x3000, 0x4000, 0x5000, 0x6000, 0x7000})
    EXPECT_EQ(reach(1, 0x5000 | flags, page), page == 0x5000) << page;
  for (const Word page : {0x1f'f000, 0x20'0000, 0x3f'f000, 0x40'0000})
    EXPECT_EQ(reach(2, 0x20'1000 | flags, page), page == 0x20'0000 || page == 0x3f'f000) << page;
}

}  // namespace
}  // namespace mmuref::x86
