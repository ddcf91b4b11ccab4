// The protocol explorer: the machine does what x86 does, and the search misses nothing.
#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

#include "spec/protocol/linux46.h"
#include "spec/protocol/search.h"

namespace mmuref::spec::protocol {
namespace {

constexpr Operand number = of(Register::number);

At variable(int mm) {
  return {Place::generation, constant(mm), {}};
}

/// Two processors; each stores to its own variable, and then loads the other's.
System store_buffering(bool barrier) {
  System s;
  s.cpus = 2;
  for (int c = 0; c < 2; ++c) {
    Program p;
    p.add({.op = Op::store, .a = constant(1), .at = variable(c)});
    if (barrier) p.add({.op = Op::barrier});
    p.add({.op = Op::load, .at = variable(1 - c), .to = number});
    p.label("end").add({.op = Op::stop});
    p.finish("end");
    s.programs.push_back(p);
    s.runs[static_cast<std::size_t>(c)] = c;
  }
  return s;
}

/// What both registers hold in the states that nothing follows.
std::set<std::pair<int, int>> finals(const System& s, const Options& options) {
  std::set<std::pair<int, int>> found;
  std::vector<State> all{first(s, options)};
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::vector<Successor> next;
    successors(s, all[i], options, next);
    const auto result = [&](int c) {
      return all[i].cpus[c].registers[static_cast<int>(Register::number)];
    };
    if (next.empty()) found.insert({result(0), result(1)});
    for (const Successor& n : next) {
      bool seen = false;
      for (const State& old : all) seen = seen || old == n.state;
      if (!seen) all.push_back(n.state);
    }
  }
  return found;
}

using Pairs = std::set<std::pair<int, int>>;

TEST(ProtocolMachine, StoresMayBeSeenLateByOthers) {
  for (const bool reduce : {true, false})
    EXPECT_EQ(finals(store_buffering(false), {reduce}), (Pairs{{0, 0}, {0, 1}, {1, 0}, {1, 1}}));
}

TEST(ProtocolMachine, ABarrierWaitsForTheStoreBuffer) {
  for (const bool reduce : {true, false})
    EXPECT_EQ(finals(store_buffering(true), {reduce}), (Pairs{{0, 1}, {1, 0}, {1, 1}}));
}

TEST(ProtocolMachine, AProcessorSeesItsOwnStoresAtOnce) {
  System s;
  s.cpus = 1;
  Program p;
  p.add({.op = Op::store, .a = constant(1), .at = variable(0)});
  p.add({.op = Op::load, .at = variable(0), .to = number});
  p.label("end").add({.op = Op::stop});
  p.finish("end");
  s.programs.push_back(p);
  EXPECT_EQ(finals(s, {}), (Pairs{{1, 0}}));
}

TEST(ProtocolMachine, WaitingForEverIsADeadlock) {
  System s;
  s.cpus = 1;
  Program p;
  const At lock{Place::lock, constant(0), {}};
  p.add({.op = Op::acquire, .at = lock}).add({.op = Op::acquire, .at = lock});
  p.label("end").add({.op = Op::stop});
  p.finish("end");
  s.programs.push_back(p);
  const SearchResult r = search(s, {});
  EXPECT_EQ(r.verdict, Verdict::violated);
  EXPECT_EQ(r.reason, "deadlock: CPU 0 waits for ever");
  EXPECT_EQ(r.trace.size(), 1u);
}

TEST(ProtocolMachine, WhatMayBeCachedStaysUntilItIsDropped) {
  System s;
  s.cpus = 1;
  const At pte{Place::pte, constant(0), constant(0)};
  Program p;
  p.add({.op = Op::load_cr3, .a = constant(0), .b = constant(0)});
  p.add({.op = Op::exchange, .a = constant(none), .at = pte, .to = of(Register::pte)});
  p.add({.op = Op::barrier});
  p.add({.op = Op::invlpg, .a = constant(0)});
  p.label("end").add({.op = Op::stop});
  p.finish("end");
  s.programs.push_back(p);
  s.initial.memory[offset(Place::pmd)] = 1;
  s.initial.memory[offset(Place::pte)] = pte_value(0, true);
  State state = first(s, {});
  std::vector<int> held;
  for (std::vector<Successor> next;; next.clear()) {
    held.push_back(state.cpus[0].slots[0].pages[0]);
    successors(s, state, {}, next);
    if (next.empty()) break;
    ASSERT_EQ(next.size(), 1u);
    state = next[0].state;
  }
  const int entry = 1 << pte_value(0, true);
  EXPECT_EQ(held, (std::vector<int>{0, entry, entry, entry, 0}));
}

TEST(ProtocolProgram, ErrorsAreTold) {
  EXPECT_THROW(Program().add({.op = Op::jump, .labels = {"nowhere"}}).finish("nowhere"),
               std::invalid_argument);
  Program waits;
  waits.label("in").add({.op = Op::disable}).add({.op = Op::wait});
  EXPECT_THROW(waits.finish("in"), std::invalid_argument);
}

TEST(Linux46, HoldsForEveryOptionOfTheSearch) {
  for (const bool symmetry : {true, false}) {
    const SearchResult r = search(linux46({.cpus = 2}), {.symmetry = symmetry});
    EXPECT_EQ(r.verdict, Verdict::holds) << r.reason;
    EXPECT_GT(r.states, 50'000u);
  }
  for (const bool reduce : {true, false}) {
    const SearchResult r = search(linux46({.cpus = 1, .mms = 2}), {.machine = {reduce}});
    EXPECT_EQ(r.verdict, Verdict::holds) << r.reason;
  }
}

TEST(Linux46, SymmetryMergesStatesAndLosesNone) {
  const System s = linux46({.cpus = 2});
  const auto merged = search(s, {.symmetry = true}), all = search(s, {.symmetry = false});
  EXPECT_LT(merged.states, all.states * 6 / 10);
  EXPECT_GE(merged.states * 2, all.states);
}

TEST(Linux46, ABoundThatIsReachedIsNoVerdict) {
  EXPECT_EQ(search(linux46({}), {.max_states = 1000}).verdict, Verdict::unknown);
  EXPECT_EQ(search(linux46({}), {.max_bytes = 1 << 20}).verdict, Verdict::unknown);
}

class Linux46Break : public testing::TestWithParam<BreakText> {};

TEST_P(Linux46Break, IsFoundAndItsTraceReplays) {
  const System s = linux46({.cpus = 2, .broken = GetParam().what});
  for (const bool reduce : {true, false}) {
    const SearchResult r = search(s, {.machine = {reduce}});
    ASSERT_EQ(r.verdict, Verdict::violated);
    EXPECT_EQ(r.reason[0], 'T') << r.reason;
    const auto states = replay(s, r.trace, {reduce});
    for (std::size_t i = 0; i + 1 < states.size(); ++i)
      EXPECT_EQ(violation(s, states[i], false), "") << "only the last state breaks a promise";
    EXPECT_EQ(violation(s, states.back(), false), r.reason);
  }
}

INSTANTIATE_TEST_SUITE_P(Every, Linux46Break, testing::ValuesIn(linux46_breaks()),
                         [](const auto& param) {
                           std::string name(param.param.name);
                           for (char& c : name)
                             if (c == '-') c = '_';
                           return name;
                         });

}  // namespace
}  // namespace mmuref::spec::protocol
