// The minimiser keeps what is shown and leaves nothing that can be left out.
#include "diff/minimize.h"

#include <gtest/gtest.h>

#include <set>

#include "diff/generator.h"
#include "tests/diff/support.h"

namespace mmuref::diff {
namespace {

using Shows = std::function<bool(const Case&)>;

/// All cases that are `c` with one thing left out.
std::vector<Case> one_smaller(const Case& c) {
  std::vector<Case> smaller;
  const auto add = [&](const auto& change) {
    Case copy = c;
    change(copy);
    smaller.push_back(std::move(copy));
  };
  for (const auto& [address, value] : c.machine.memory) {
    add([&, a = address](Case& x) {
      x.machine.memory.clear();
      for (const auto& e : c.machine.memory) {
        if (e.first != a) x.machine.memory.write(e.first, e.second);
      }
    });
    for (unsigned b = 0; b < 64; ++b) {
      if (!has(value, bit(b))) continue;
      add([&, a = address, v = value](Case& x) { x.machine.memory.write(a, v & ~bit(b)); });
    }
  }
  for (unsigned b = 0; b < 64; ++b) {
    if (has(c.access.va, bit(b))) add([&](Case& x) { x.access.va &= ~bit(b); });
    for (const auto r : {&Registers::cr0, &Registers::cr3, &Registers::cr4, &Registers::efer,
                         &Registers::pkru, &Registers::pkrs}) {
      if (!has(c.machine.registers.*r, bit(b))) continue;
      add([&](Case& x) { x.machine.registers.*r &= ~bit(b); });
    }
  }
  for (const auto flag : {&Access::write, &Access::fetch, &Access::cpl3, &Access::ac,
                          &Access::implicit, &Access::stack}) {
    if (c.access.*flag) add([&](Case& x) { x.access.*flag = false; });
  }
  return smaller;
}

void expect_minimal(const Case& c, const Shows& shows) {
  EXPECT_TRUE(shows(c));
  for (const Case& smaller : one_smaller(c)) {
    EXPECT_FALSE(x86::ia32e_paging(smaller.machine.registers) && shows(smaller));
  }
}

TEST(Minimize, LeavesOnlyWhatTheRuleNeeds) {
  Case start = user_read();
  start.machine.registers.cr4 |= x86::cr4::SMEP | x86::cr4::SMAP | x86::cr4::PGE;
  start.machine.registers.pkru = 0x55555554;
  start.machine.memory.write(0x9008, 0xdead000);
  start.access.write = true;
  const Word pde = entry_address(start, 2);
  start.machine.memory.write(pde, start.machine.memory.read(pde) & ~x86::entry::RW);

  const Shows read_only = [](const Case& c) { return answer(c).walk.rule == x86::Rule::read_only; };
  const Case smallest = minimize(start, read_only);
  expect_minimal(smallest, read_only);
  EXPECT_LE(smallest.machine.memory.size(), 4U);
  EXPECT_EQ(smallest.machine.registers.cr4, x86::cr4::PAE);
  EXPECT_EQ(smallest.access.va & bits(11, 0), 0U);
}

TEST(Minimize, IsOneMinimalForEveryRule) {
  const Domain domain = full_domain();
  AddressSpace space;
  std::set<x86::Rule> done;
  for (Word i = 0; i < 200; ++i) {
    generate(domain, 11, i, space);
    for (const Access& access : space.accesses) {
      const Case start{space.machine, access};
      const x86::Rule rule = answer(start).walk.rule;
      if (!done.insert(rule).second) continue;
      const Shows shows = [rule](const Case& c) { return answer(c).walk.rule == rule; };
      SCOPED_TRACE(x86::text(rule).name);
      expect_minimal(minimize(start, shows), shows);
    }
  }
  EXPECT_EQ(done.size(), x86::rule_texts.size());
}

TEST(Minimize, MovesTablesToTheLowestPages) {
  Case start = user_read();
  Case moved = start;
  moved.machine.memory.clear();
  moved.machine.registers.cr3 = 0x801000;
  for (const auto& [address, value] : start.machine.memory) {
    moved.machine.memory.write(address + 0x800000, value + 0x800000);
  }
  const Shows shows = [](const Case& c) {
    const Walk w = answer(c).walk;
    return w.outcome == x86::Outcome::translated && w.count == 4 &&
           w.steps[0].address < w.steps[1].address && w.steps[1].address < w.steps[2].address &&
           w.steps[2].address < w.steps[3].address;
  };
  const Case smallest = minimize(moved, shows);
  EXPECT_TRUE(shows(smallest));
  EXPECT_LT(answer(smallest).walk.steps[3].address, 0x5000U);
}

TEST(MinimizeDifference, KeepsTheClass) {
  LyingOracle oracle([](const Case& c, Observation& o, LyingOracle&) {
    if (c.access.fetch) o.error_code &= ~x86::pfec::ID;
  });
  Case start = user_read();
  start.access.fetch = true;
  const Word pte = entry_address(start, 1);
  start.machine.memory.write(pte, start.machine.memory.read(pte) | x86::entry::XD);

  const DifferenceClass before = classify(oracle, start);
  EXPECT_EQ(before.parts, static_cast<Parts>(Part::error_code));
  EXPECT_EQ(before.rule, x86::Rule::execute_disable);
  const Case smallest = minimize_difference(oracle, start);
  EXPECT_EQ(classify(oracle, smallest), before);
  expect_minimal(smallest, [&](const Case& c) { return classify(oracle, c) == before; });
}

TEST(MinimizeDifference, LeavesAnAgreementAlone) {
  const auto oracle = make_statement_oracle();
  const Case start = user_read();
  EXPECT_EQ(minimize_difference(*oracle, start).machine.memory, start.machine.memory);
}

}  // namespace
}  // namespace mmuref::diff
