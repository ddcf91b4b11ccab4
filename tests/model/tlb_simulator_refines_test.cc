// Whatever the simulator answers is one of the outcomes that the caches of caching_machine.h
// permit, and the memory it leaves is one that they permit too.
//
// MMUREF_SIMULATOR_STEPS and MMUREF_SIMULATOR_SEED in the environment make the run longer, or
// another.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>

#include "model/x86/tlb_simulator.h"
#include "tests/model/small_program.h"

namespace mmuref::test {
namespace {

using x86::Outcome;
using x86::Replacement;
using x86::TlbParameters;
using x86::TlbSimulator;

constexpr std::uint64_t steps_per_program = 100, default_steps = 100000;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 0);
}

std::uint64_t steps() {
  return from_environment("MMUREF_SIMULATOR_STEPS", default_steps);
}

/// Small enough to evict, or large enough to keep everything, or missing.
TlbParameters any_parameters(Random& random) {
  TlbParameters parameters;
  const auto shape = [&]() -> x86::CacheShape {
    if (random.chance(1, 2)) return {8, 8};
    return {std::size_t{1} << random.below(2), random.below(4)};
  };
  for (auto& s : parameters.translations) s = shape();
  for (auto& s : parameters.structures) s = shape();
  parameters.replacement =
      random.pick(std::array{Replacement::lru, Replacement::fifo, Replacement::random});
  parameters.seed = random.next();
  return parameters;
}

/// What the run met: a check that never saw a stale answer would say little.
struct Met {
  std::map<std::string, std::uint64_t> times;
  x86::TlbStatistics statistics;
};

/// A simulator and a machine with caches, stepped alike.
class Pair {
 public:
  /// With `told`, the machine learns which of its outcomes each access had; else it knows no more
  /// than that it was one of them.
  Pair(std::uint64_t seed, std::uint64_t number, bool told, Met& met)
      : program_(seed, number),
        machine_(start({program_.machine(), 2, {}})),
        memory_(program_.machine().memory),
        told_(told),
        met_(met) {
    for (std::size_t i = 0; i < machine_.cpus(); ++i) {
      simulators_.emplace_back(program_.machine().cpu, program_.machine().registers,
                               any_parameters(program_.random()));
    }
  }

  /// What was wrong, if anything.
  std::optional<std::string> step() {
    const std::size_t cpu = program_.random().chance(1, 8) ? 1 : 0;
    const ProgramStep s = program_.step(cpu, simulators_[cpu].registers(), memory_);
    if (const auto* write = std::get_if<TableWrite>(&s.action)) {
      memory_.write(write->address, write->value);
      machine_.write(write->address, write->value);
      return std::nullopt;
    }
    if (const auto* op = std::get_if<Operation>(&s.action)) {
      const auto a = simulators_[cpu].execute(*op), b = machine_.execute(cpu, *op);
      if (a.exception != b.exception) return "an exception differs";
      return std::nullopt;
    }
    return access(cpu, std::get<Access>(s.action));
  }

  void finish() {
    for (const TlbSimulator& simulator : simulators_) {
      met_.statistics.hits += simulator.statistics().hits;
      met_.statistics.evictions += simulator.statistics().evictions;
    }
  }

 private:
  std::optional<std::string> access(std::size_t cpu, const Access& a) {
    const std::vector<Possibility> permitted = machine_.outcomes(cpu, a);
    const Memory before = memory_;
    const Possibility had = simulators_[cpu].access(memory_, a);
    const auto element = std::find_if(permitted.begin(), permitted.end(),
                                      [&](const auto& p) { return is(p, had, before); });
    if (element == permitted.end()) return "the outcome is not permitted";
    note(permitted, *element, had);
    const std::span<const Possibility> all(permitted);
    machine_.settle(cpu, a, told_ ? std::span(&*element, 1) : all);
    return memory_permitted() ? std::nullopt
                              : std::optional<std::string>("memory is not permitted");
  }

  /// Whether what the simulator did is this outcome: what that says an entry holds it does, maybe
  /// since before.
  bool is(const Possibility& p, const Possibility& had, const Memory& before) const {
    const Walk &x = p.walk, &y = had.walk;
    if (x.outcome != y.outcome) return false;
    const bool translated = x.outcome == Outcome::translated;
    if (translated && (x.level != y.level || x.physical_address != y.physical_address))
      return false;
    if (!translated && x.error_code != y.error_code) return false;
    return std::all_of(memory_.begin(), memory_.end(), [&](const auto& entry) {
      const auto& [address, value] = entry;
      const Word flags = p.flags_at(address);
      return has_all(value, flags) && has_all(before.read(address) | flags, value);
    });
  }
  static bool has_all(Word value, Word bits) { return (bits & ~value) == 0; }

  void note(const std::vector<Possibility>& permitted, const Possibility& element,
            const Possibility& had) {
    using x86::Source;
    const bool stale = &element != permitted.data();
    const bool faults = had.walk.outcome == Outcome::page_fault;
    const std::string kind = std::string(stale ? "stale " : "") + (faults ? "fault" : "access");
    constexpr std::array sources{" by memory", " by a structure", " by a translation"};
    ++met_.times[kind + sources[static_cast<std::size_t>(had.source)]];
    if (had.walk.count > 0 && had.walk.write && !faults && !has(had.walk.last().value, entry::D)) {
      ++met_.times["D set"];
    }
  }

  bool memory_permitted() const {
    for (const auto& [address, value] : memory_) {
      const Word least = machine_.memory().read(address);
      const Word most = least | machine_.may_hold(address);
      if ((least & ~value) != 0 || (value & ~most) != 0) return false;
    }
    return memory_.size() == machine_.memory().size();
  }

  SmallProgram program_;
  CachingMachine machine_;
  Memory memory_;
  std::vector<TlbSimulator> simulators_;
  bool told_;
  Met& met_;
};

Met run(bool told) {
  const std::uint64_t seed = from_environment("MMUREF_SIMULATOR_SEED", 1);
  Met met;
  for (std::uint64_t number = 0; number * steps_per_program < steps(); ++number) {
    Pair pair(seed, number, told, met);
    for (std::uint64_t i = 0; i < steps_per_program; ++i) {
      if (const auto wrong = pair.step()) {
        ADD_FAILURE() << "seed " << seed << ", program " << number << ", step " << i << ": "
                      << *wrong;
        return met;
      }
    }
    pair.finish();
  }
  for (const auto& [what, times] : met.times)
    ::testing::Test::RecordProperty(what, std::to_string(times));
  return met;
}

void expect_met(const Met& met) {
  if (steps() < default_steps) return;
  for (const char* what :
       {"access by memory", "access by a structure", "access by a translation", "fault by memory",
        "fault by a structure", "stale access by a structure", "stale access by a translation",
        "stale fault by a structure", "stale fault by a translation", "D set"}) {
    const auto found = met.times.find(what);
    EXPECT_GT(found == met.times.end() ? 0 : found->second, 20u) << what;
  }
  EXPECT_GT(met.statistics.evictions, 1000u);
}

TEST(TlbSimulatorRefines, WhenEachOutcomeIsKnown) {
  expect_met(run(/*told=*/true));
}

TEST(TlbSimulatorRefines, WhenNoOutcomeIsKnown) {
  expect_met(run(/*told=*/false));
}

}  // namespace
}  // namespace mmuref::test
