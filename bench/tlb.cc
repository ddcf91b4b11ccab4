// Times the simulated TLB on a real kernel's tables, and the set of outcomes that an access may
// have, by how much has happened since everything was last dropped.
#include "bench/tlb.h"

#include <benchmark/benchmark.h>

#include <cmath>
#include <string>
#include <vector>

#include "model/x86/tlb_simulator.h"
#include "tests/model/small_program.h"

namespace mmuref::bench {
namespace {

using diff::Random;
using test::SmallProgram;
using Access = x86::Access<Word>;

constexpr std::uint64_t seed = 1;

/// Accesses to the workload's pages: `stay` of 16 go to the page accessed last, the others to a
/// page of rank r with a probability that falls as 1/r. A third write, where that is permitted.
std::vector<Access> make_trace(const Workload& w, std::uint32_t stay) {
  constexpr std::size_t length = std::size_t{1} << 20;
  Random random(seed, stay);
  const auto pages = static_cast<double>(w.translations.size());
  std::vector<Access> trace;
  Access a = permitted_access();
  while (trace.size() < length) {
    if (!random.chance(stay, 16)) {
      const double uniform = static_cast<double>(random.next() >> 11) * 0x1p-53;
      a.va = w.translations[static_cast<std::size_t>(std::pow(pages, uniform)) - 1].va;
    }
    a.va = (a.va & ~Word{bits(11, 3)}) | (random.next() & bits(11, 3));
    a.write = random.chance(1, 3);
    a.write = a.write && x86::walk(w.paging, a, w.flat).outcome == x86::Outcome::translated;
    trace.push_back(a);
  }
  return trace;
}

void simulate(benchmark::State& state, Workload& w, std::uint32_t stay) {
  const std::vector<Access> trace = make_trace(w, stay);
  x86::TlbSimulator tlb(x86::Processor<Word>{}, w.image.registers());
  for (const Access& a : trace) tlb.access(w.flat, a);  // begin with warm caches
  const x86::TlbStatistics before = tlb.statistics();
  for (auto _ : state) {
    for (const Access& a : trace) benchmark::DoNotOptimize(tlb.access(w.flat, a));
  }
  const x86::TlbStatistics& after = tlb.statistics();
  const auto accesses = after.accesses - before.accesses;
  state.SetItemsProcessed(static_cast<std::int64_t>(accesses));
  state.counters["hit_rate"] =
      static_cast<double>(after.hits - before.hits) / static_cast<double>(accesses);
}

/// Whether a step drops all there is, so that history begins anew.
bool drops_everything(const diff::ProgramStep& step) {
  const auto* op = std::get_if<diff::Operation>(&step.action);
  if (op == nullptr) return false;
  using enum x86::OperationKind;
  return op->kind == mov_cr4 || (op->kind == invpcid && op->value == 2);
}

void take(diff::CachingMachine& machine, const diff::ProgramStep& step) {
  if (const auto* write = std::get_if<diff::TableWrite>(&step.action)) {
    machine.write(write->address, write->value);
  } else if (const auto* op = std::get_if<diff::Operation>(&step.action)) {
    machine.execute(0, *op);
  } else {
    const Access& a = std::get<Access>(step.action);
    machine.settle(0, a, machine.outcomes(0, a));
  }
}

/// Outcomes of an access, after as many random steps as the argument says.
void outcomes_after_steps(benchmark::State& state) {
  constexpr std::uint64_t programs = 8, accesses = 64;
  std::vector<diff::CachingMachine> machines;
  std::vector<std::pair<std::size_t, Access>> asked;
  for (std::uint64_t i = 0; i < programs; ++i) {
    SmallProgram program(seed, i);
    diff::CachingMachine machine = diff::start({program.machine(), 1, {}});
    const auto next = [&] { return program.step(0, machine.cpu(0).registers(), machine.memory()); };
    for (std::int64_t taken = 0; taken < state.range(0);) {
      const diff::ProgramStep step = next();
      if (drops_everything(step)) continue;
      take(machine, step);
      ++taken;
    }
    machines.push_back(machine);
    for (std::size_t count = 0; count < accesses;) {
      const diff::ProgramStep step = next();
      const auto* a = std::get_if<Access>(&step.action);
      if (a == nullptr) continue;
      asked.emplace_back(i, *a);
      ++count;
    }
  }
  double events = 0, outcomes = 0, translations = 0;
  for (const auto& [i, a] : asked) {
    events += static_cast<double>(machines[i].cpu(0).history());
    outcomes += static_cast<double>(machines[i].outcomes(0, a).size());
    if (!x86::canonical(a.va, x86::linear_width(machines[i].cpu(0).context().levels()))) continue;
    translations += static_cast<double>(
        machines[i].cpu(0).cached(a.va, machines[i].memory()).translations.size());
  }
  for (auto _ : state) {
    for (const auto& [i, a] : asked) benchmark::DoNotOptimize(machines[i].outcomes(0, a));
  }
  const auto count = static_cast<double>(asked.size());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(asked.size()));
  state.counters["us"] = benchmark::Counter(
      count * 1e-6, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["events"] = events / count;
  state.counters["translations"] = translations / count;
  state.counters["outcomes"] = outcomes / count;
}

/// Outcomes of an access to a page whose PTE has held as many frames as the argument says.
void outcomes_of_translations(benchmark::State& state) {
  diff::Machine m;
  constexpr Word flags = bits(2, 0) | x86::entry::A | x86::entry::D;
  m.registers = {.cr0 = x86::cr0::PE | x86::cr0::PG,
                 .cr3 = 0x4000,
                 .cr4 = x86::cr4::PAE,
                 .efer = x86::efer::LME | x86::efer::LMA};
  for (Word table = 4; table > 1; --table) m.memory.write(table << 12, (table - 1) << 12 | flags);
  diff::CachingMachine machine = diff::start({m, 1, {}});
  for (std::int64_t i = 1; i <= state.range(0); ++i)
    machine.write(0x1000, static_cast<Word>(i) << 12 | flags);
  for (auto _ : state) benchmark::DoNotOptimize(machine.outcomes(0, Access{}));
  state.counters["outcomes"] = static_cast<double>(machine.outcomes(0, Access{}).size());
}

}  // namespace

void add_tlb(Workload& workload) {
  for (const std::uint32_t stay : {15, 8, 0}) {
    benchmark::RegisterBenchmark(
        ("simulate/stay:" + std::to_string(stay)).c_str(),
        [&workload, stay](benchmark::State& s) { simulate(s, workload, stay); })
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RegisterBenchmark("outcomes/steps", outcomes_after_steps)
      ->RangeMultiplier(10)
      ->Range(10, 10000)
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("outcomes/translations", outcomes_of_translations)
      ->RangeMultiplier(10)
      ->Range(1, 1000)
      ->Unit(benchmark::kMicrosecond);
}

}  // namespace mmuref::bench
