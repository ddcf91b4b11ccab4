// The protocol explorer: the machine does what x86 does, and the search misses nothing.
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>

#include "spec/protocol/canonical.h"
#include "spec/protocol/gallery.h"
#include "spec/protocol/linux/linux_4_6.h"
#include "spec/protocol/search.h"
#include "spec/protocol/seen.h"

namespace mmuref::spec::protocol {
namespace {

constexpr Operand result = of(Own::tlb_state), other_result = of(Own::batch);

At variable(int mm) {
  return {Place::pending, constant(mm), {}};
}

/// Each processor runs one block once: its lock is never released.
System litmus(const std::vector<std::function<void(Code&)>>& blocks) {
  System s;
  s.cpus = static_cast<int>(blocks.size());
  for (int c = 0; c < s.cpus; ++c) {
    Code code;
    const auto once = [&] {
      code.add({.op = Op::acquire, .at = {Place::lock, constant(0), constant(c)}});
      blocks[static_cast<std::size_t>(c)](code);
    };
    s.programs.push_back(code.finish({{"once", once}}, [] {}));
    s.runs[static_cast<std::size_t>(c)] = c;
  }
  return s;
}

using Pairs = std::set<std::pair<int, int>>;

/// What both results are of processor `cpu`, or of 0 and 1, in states that nothing follows.
Pairs finals(const System& s, bool reduce, bool of_one = false) {
  Pairs found;
  std::vector<State> all{first(s)};
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::vector<Successor> next;
    successors(s, all[i], {.reduce = reduce}, next);
    const auto own = [&](int c, Operand o) { return all[i].cpus[c].own[o.value]; };
    if (next.empty())
      found.insert(of_one ? std::pair<int, int>{own(1, result), own(1, other_result)}
                          : std::pair<int, int>{own(0, result), own(1, result)});
    for (const Successor& n : next)
      if (std::ranges::find(all, n.state) == all.end()) all.push_back(n.state);
  }
  return found;
}

void store(Code& code, int mm) {
  code.add({.op = Op::store, .a = constant(1), .at = variable(mm)});
}
void load(Code& code, int mm, Operand to) {
  code.add({.op = Op::load, .at = variable(mm), .to = to});
}

System store_buffering(bool barrier) {
  const auto block = [barrier](int c) {
    return [c, barrier](Code& code) {
      store(code, c);
      if (barrier) code.add({.op = Op::barrier});
      load(code, 1 - c, result);
    };
  };
  return litmus({block(0), block(1)});
}

class EachWay : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Reduced, EachWay, testing::Bool());

TEST_P(EachWay, StoresMayBeSeenLateByOthers) {
  EXPECT_EQ(finals(store_buffering(false), GetParam()), (Pairs{{0, 0}, {0, 1}, {1, 0}, {1, 1}}));
}

TEST_P(EachWay, ABarrierWaitsForTheStoreBuffer) {
  EXPECT_EQ(finals(store_buffering(true), GetParam()), (Pairs{{0, 1}, {1, 0}, {1, 1}}));
}

TEST_P(EachWay, DisabledInterruptsAreNoBarrier) {
  const auto block = [](int c) {
    return [c](Code& code) {
      code.add({.op = Op::disable});
      store(code, c);
      load(code, 1 - c, result);
      code.add({.op = Op::enable});
    };
  };
  EXPECT_EQ(finals(litmus({block(0), block(1)}), GetParam()),
            (Pairs{{0, 0}, {0, 1}, {1, 0}, {1, 1}}));
}

TEST_P(EachWay, AStoreMayBeSeenBeforeTheNextLoad) {
  const auto answer = [](Code& code) {
    load(code, 0, result);
    code.when(equal(result, constant(1)), {}, [&] { store(code, 1); });
  };
  const auto ask = [](Code& code) {
    code.add({.op = Op::disable});
    store(code, 0);
    load(code, 1, result);
  };
  EXPECT_EQ(finals(litmus({ask, answer}), GetParam()), (Pairs{{0, 0}, {0, 1}, {1, 1}}));
}

TEST_P(EachWay, TwoLocksInTwoOrdersAreStuck) {
  const auto block = [](int first) {
    return [first](Code& code) {
      const auto take = [&](int page) {
        code.add(
            {.op = Op::acquire, .at = {Place::lock, constant(1), constant(page)}, .locked = true});
      };
      take(first);
      take(1 - first);
      for (const int page : {0, 1})
        code.add({.op = Op::release, .at = {Place::lock, constant(1), constant(page)}});
    };
  };
  System s;
  s.cpus = 2;
  for (int c = 0; c < 2; ++c) {
    Code code;
    s.programs.push_back(code.finish({{"both", [&] { block(c)(code); }}}, [] {}));
    s.runs[static_cast<std::size_t>(c)] = c;
  }
  EXPECT_TRUE(search(s, {.reduce = GetParam()}).reason.starts_with("progress:"));
}

TEST_P(EachWay, StoresAreSeenInTheirOrder) {
  const System s = litmus({[](Code& code) {
                             store(code, 0);
                             store(code, 1);
                           },
                           [](Code& code) {
                             load(code, 1, result);
                             load(code, 0, other_result);
                           }});
  EXPECT_EQ(finals(s, GetParam(), true), (Pairs{{0, 0}, {0, 1}, {1, 1}}));
}

TEST_P(EachWay, AProcessorSeesItsOwnStoresAtOnce) {
  const System s = litmus({[](Code& code) {
                             store(code, 0);
                             load(code, 0, result);
                           },
                           [](Code&) {}});
  EXPECT_EQ(finals(s, GetParam()), (Pairs{{1, 0}}));
}

/// Paging-structure entries go whatever address they are of. SDM vol. 3, 4.10.4.1.
TEST(ProtocolMachine, InvlpgDropsItsPageAndAllTableEntries) {
  const System s = litmus({[](Code& code) { code.add({.op = Op::invlpg, .a = constant(1)}); }});
  State state = s.initial;
  Cpu& cpu = state.cpus[0];
  cpu.cr3 = 0;
  cpu.slots[0] = {.mm = 0, .pages = {2, 2}, .table = 1};
  while (Machine(s, state, 0).next().op != Op::invlpg) Machine(s, state, 0).take();
  Machine(s, state, 0).take();
  EXPECT_NE(cpu.slots[0].pages[0], 0);
  EXPECT_EQ(cpu.slots[0].pages[1], 0);
  EXPECT_EQ(cpu.slots[0].table, 0);
}

TEST(ProtocolMachine, AWalkBeginsAtATableEntryThatIsKept) {
  System s;
  s.cpus = 1;
  for (const Byte kept : {Byte{0}, Byte{1}}) {
    State state;
    state.memory[at(Place::pte, 0, 0)] = 2;
    state.cpus[0].cr3 = 0;
    state.cpus[0].slots[0] = {.mm = 0, .table = kept};
    close(s, state);
    EXPECT_EQ(state.cpus[0].slots[0].pages[0], kept == 0 ? 0 : bit_of(2));
  }
}

TEST(ProtocolCode, RefusesWhatAStateCannotHold) {
  Code code;
  const std::vector<Code::Option> many(9, {"nothing", [] {}});
  EXPECT_THROW(code.choose("too many", many), std::invalid_argument);
}

TEST(ProtocolCode, RegistersNobodyReadsAreForgotten) {
  Code code;
  const Operand mm = of(Register::mm), flag = of(Register::flag);
  const Program p =
      code.finish({{"x",
                    [&] {
                      code.set(mm, constant(1));
                      code.set(flag, constant(1));
                      code.add({.op = Op::load, .at = {Place::mask, mm, {}}, .to = flag});
                      code.set(result, flag);
                    }}},
                  [] {});
  const auto live = [&](std::size_t i, Register r) {
    return (p[i].live >> static_cast<int>(r) & 1) != 0;
  };
  EXPECT_FALSE(live(0, Register::mm));
  EXPECT_TRUE(live(1, Register::mm));
  EXPECT_FALSE(live(2, Register::flag));
  EXPECT_TRUE(live(3, Register::flag));
  EXPECT_FALSE(live(3, Register::mm));
}

/// States on the way of a search.
std::vector<State> some_states(const System& s, std::size_t count) {
  std::vector<State> all{first(s)};
  Fingerprints seen;
  for (std::size_t i = 0; i < all.size() && all.size() < count; ++i) {
    std::vector<Successor> next;
    successors(s, all[i], {}, next);
    for (const Successor& n : next)
      if (seen.add(fingerprint(canonical(s, n.state)))) all.push_back(n.state);
  }
  return all;
}

TEST(ProtocolSymmetry, ARepresentativeBehavesAsWhatItStandsFor) {
  for (const Protocol& p : protocols()) {
    const System s =
        p.system({.cpus = 3, .mms = 2, .pages = 2, .observe_one = p.name == "linux-6.12"});
    for (const State& state : some_states(s, 3000)) {
      const auto keys = [&](const State& from) {
        std::vector<Successor> next;
        successors(s, from, {}, next);
        std::set<std::uint64_t> out;
        for (const Successor& n : next) out.insert(fingerprint(canonical(s, n.state)));
        return out;
      };
      const State stands = canonical(s, state);
      ASSERT_EQ(canonical(s, stands), stands);
      ASSERT_EQ(keys(state), keys(stands));
    }
  }
}

TEST(ProtocolGenerations, KeepOrderAndNeighbours) {
  System s = protocols()[1].system({});
  State state = s.initial;
  state.memory[at(Place::generation, 0)] = 90;
  Byte* slots[] = {&state.cpus[0].slots[1].generation, &state.cpus[1].slots[0].generation,
                   &state.cpus[1].slots[1].generation};
  state.cpus[0].slots[1].context = state.cpus[1].slots[0].context = state.cpus[1].slots[1].context =
      0;
  *slots[0] = 89;
  *slots[1] = 80;
  *slots[2] = 80;
  renumber_generations(s, state);
  EXPECT_EQ(*slots[1], 1);
  EXPECT_EQ(*slots[2], 1);
  EXPECT_EQ(*slots[0], 3);
  EXPECT_EQ(state.memory[at(Place::generation, 0)], 4);
}

class EachProtocol : public testing::TestWithParam<std::size_t> {
 protected:
  const Protocol& protocol() const { return protocols()[GetParam()]; }
};
INSTANTIATE_TEST_SUITE_P(Shipped, EachProtocol, testing::Range(std::size_t{0}, std::size_t{3}));

TEST_P(EachProtocol, HoldsHoweverItIsLookedAt) {
  for (const bool one : {true, false})
    for (const bool symmetry : {true, false}) {
      const SearchResult r =
          search(protocol().system({.observe_one = one}), {.symmetry = symmetry});
      EXPECT_EQ(r.verdict, Verdict::holds) << r.reason;
      EXPECT_GT(r.states, 1000U);
    }
  const SearchResult r = search(protocol().system({}), {.reduce = false});
  EXPECT_EQ(r.verdict, Verdict::holds) << r.reason;
  EXPECT_GT(r.states, 100'000U);
}

TEST_P(EachProtocol, HoldsOnTwoProcessorsWithTwoMmsOrTwoPages) {
  for (const Bounds& b : {Bounds{.cpus = 2, .mms = 1, .pages = 2},
                          Bounds{.cpus = 2, .mms = 2, .pages = 1, .asids = 1}}) {
    const SearchResult r = search(protocol().system(b), {});
    EXPECT_EQ(r.verdict, Verdict::holds) << r.reason;
  }
}

TEST(ProtocolSearch, WithoutReductionLinux46HoldsToo) {
  const System s = protocols()[0].system({});
  const SearchResult whole = search(s, {.reduce = false}), reduced = search(s, {});
  EXPECT_EQ(whole.verdict, Verdict::holds) << whole.reason;
  EXPECT_GT(whole.states, 50 * reduced.states);
}

/// Interrupts between the steps of a switch are where a wrong reduction would lose something.
TEST(ProtocolSearch, WithoutReductionInterruptedSwitchesFareTheSame) {
  const std::vector<std::string> orders = every_order();
  ASSERT_EQ(orders.size(), 125U);
  for (std::size_t i = 0; i < orders.size(); i += 8) {
    Linux46 o{.switch_irqs_off = false};
    set_order(o, orders[i]);
    System s = linux_4_6(o);
    s.promises.while_switching = true;
    EXPECT_EQ(search(s, {}).verdict, search(s, {.reduce = false}).verdict) << orders[i];
  }
}

TEST(ProtocolSearch, WithInterruptsOffMaskCr3MaskIsAllTheOrderThereIs) {
  for (const std::string& order : every_order()) {
    Linux46 o{.bounds = {.mms = 2}};
    set_order(o, order);
    System s = linux_4_6(o);
    s.promises.while_switching = true;
    EXPECT_EQ(search(s, {}).verdict, masks_enclose_cr3(order) ? Verdict::holds : Verdict::violated)
        << order;
  }
}

TEST(ProtocolSearch, ABoundThatIsReachedIsNoVerdict) {
  const System s = protocols()[0].system({});
  EXPECT_EQ(search(s, {.max_states = 1000}).verdict, Verdict::unknown);
  EXPECT_EQ(search(s, {.max_bytes = 1 << 18}).verdict, Verdict::unknown);
}

TEST(ProtocolSearch, InTheMiddleOfASwitchAFreedTableMayBeWalked) {
  for (const Protocol& p : protocols()) {
    System s = p.system({.cpus = 2, .mms = 1, .pages = 2});
    s.promises.while_switching = true;
    EXPECT_EQ(search(s, {}).verdict, Verdict::violated) << p.name;
  }
}

class Kept : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path); }
  const std::string path = testing::TempDir() + "mmuref_kept_search";
  const System system = protocols()[1].system({});
};

TEST_F(Kept, ASearchGoesOnWhereItStopped) {
  const SearchResult at_once = search(system, {});
  const SearchResult begun = search(system, {.max_states = 5000, .save = path});
  ASSERT_EQ(begun.verdict, Verdict::unknown);
  ASSERT_LT(begun.states, at_once.states);
  const SearchResult ended = search(system, {.resume = path});
  EXPECT_EQ(ended.verdict, Verdict::holds);
  EXPECT_EQ(ended.states, at_once.states);
  EXPECT_EQ(ended.transitions, at_once.transitions);
  EXPECT_EQ(ended.depth, at_once.depth);
}

TEST_F(Kept, ATraceThatBeganBeforeIsWhole) {
  const Exhibit& e = *exhibit("partial-needs-next");
  const System broken = e.broken(e.bounds);
  search(broken, {.max_states = 5000, .save = path});
  const SearchResult ended = search(broken, {.resume = path}), at_once = search(broken, {});
  EXPECT_EQ(ended.verdict, Verdict::violated);
  EXPECT_EQ(ended.trace, at_once.trace);
}

TEST_F(Kept, OnlyItsOwnSearchGoesOn) {
  search(system, {.max_states = 5000, .save = path});
  EXPECT_THROW(search(protocols()[2].system({}), {.resume = path}), std::runtime_error);
  EXPECT_THROW(search(system, {.symmetry = false, .resume = path}), std::runtime_error);
  EXPECT_THROW(search(system, {.resume = path + "_none"}), std::runtime_error);
}

TEST_F(Kept, AFileThatIsNotWholeIsRefused) {
  search(system, {.max_states = 5000, .save = path});
  const auto size = std::filesystem::file_size(path);
  for (const auto keep : {size - 1, size / 2, std::uintmax_t{20}, std::uintmax_t{0}}) {
    std::filesystem::resize_file(path, keep);
    EXPECT_THROW(search(system, {.resume = path}), std::runtime_error) << keep;
  }
}

TEST_F(Kept, ADamagedFileIsRefused) {
  search(system, {.max_states = 5000, .save = path});
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(path));
  for (const std::streamoff where : {size / 3, size / 2, size - 3}) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(where);
    const char was = static_cast<char>(file.get());
    file.seekp(where);
    file.put(static_cast<char>(was ^ 1));
    file.close();
    EXPECT_THROW(search(system, {.resume = path}), std::runtime_error) << where;
  }
}

class EachBreak : public testing::TestWithParam<std::size_t> {
 protected:
  const Exhibit& shown() const { return gallery()[GetParam()]; }
};
INSTANTIATE_TEST_SUITE_P(Gallery, EachBreak, testing::Range(std::size_t{0}, gallery().size()),
                         [](const auto& of) {
                           std::string name(gallery()[of.param].name);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST_P(EachBreak, IsFoundAndItsTraceReplays) {
  const System s = shown().broken(shown().bounds);
  const SearchResult r = search(s, {});
  ASSERT_EQ(r.verdict, Verdict::violated);
  EXPECT_TRUE(r.reason.starts_with(std::string(shown().promise) + ":")) << r.reason;
  const auto led = replay(s, r.trace, true);
  ASSERT_EQ(led.size(), r.trace.size());
  EXPECT_EQ(judge(s, led.back().state, true), r.reason);
}

TEST_P(EachBreak, IsFoundWhereNamesCountToo) {
  const SearchResult r = search(shown().broken(shown().bounds), {.symmetry = false});
  EXPECT_EQ(r.verdict, Verdict::violated);
}

TEST_P(EachBreak, IsFoundWhereEverythingIsWatchedToo) {
  Bounds whole = shown().bounds;
  whole.observe_one = false;
  const SearchResult r = search(shown().broken(whole), {});
  EXPECT_EQ(r.verdict, Verdict::violated);
}

TEST_P(EachBreak, IsFoundWithoutReductionToo) {
  if (search(shown().broken(shown().bounds), {}).states > 100'000)
    GTEST_SKIP() << "without reduction it takes a minute: mmuref flush explore --no-reduction";
  const SearchResult r = search(shown().broken(shown().bounds), {.reduce = false});
  EXPECT_EQ(r.verdict, Verdict::violated);
}

TEST_P(EachBreak, RepairedItHolds) {
  const SearchResult r = search(shown().fixed(shown().bounds), {});
  EXPECT_EQ(r.verdict, Verdict::holds) << r.reason;
}

TEST(ProtocolReplay, AnEventThatCannotHappenIsRefused) {
  const System s = protocols()[0].system({});
  const Event visible{.kind = EventKind::visible};
  EXPECT_THROW(replay(s, {visible}, true), std::invalid_argument);
}

}  // namespace
}  // namespace mmuref::spec::protocol
