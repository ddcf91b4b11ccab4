// Times our full answer beside a bare walk and libkdumpfile's addrxlat, on a real kernel's tables.
//
// Two orders are timed. `independent`: no translation waits for another, so that the processor
// overlaps them; this counts instructions. `dependent`: each address is known only once the last
// translation is, as when one pointer leads to the next; this is how long one translation takes.
// Linux's address functions (bench/addresses.cc) are timed in the same run.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <exception>
#include <vector>

#include "bench/addresses.h"
#include "bench/addrxlat_walker.h"
#include "bench/bare_walk.h"
#include "bench/comparison.h"
#include "bench/fuzzing.h"
#include "bench/tlb.h"
#include "bench/workload.h"
#include "model/x86/accessed_dirty.h"

namespace mmuref::bench {
namespace {

constexpr std::uint64_t seed = 1;
constexpr auto folder = MMUREF_SOURCE_DIR "/corpora/linux-6.1-kaslr-4level";

enum class Order { independent, dependent };

/// Translates the whole workload an iteration, by `translate(va)`.
template <class Translate>
void run(benchmark::State& state, const Workload& workload, Order order, Translate translate) {
  // Zero, which the compiler cannot know: it makes an address depend on the last answer.
  Word dependence = 0;
  benchmark::DoNotOptimize(dependence);
  const auto& translations = workload.translations;
  for (auto _ : state) {
    Word pa = 0;
    if (order == Order::dependent) {
      for (const Translation& t : translations) pa = translate(t.va ^ (pa & dependence));
    } else {
      for (const Translation& t : translations) benchmark::DoNotOptimize(pa = translate(t.va));
    }
    benchmark::DoNotOptimize(pa);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(translations.size()));
}

template <class Memory>
void bare(benchmark::State& state, const Workload& w, const Memory& memory, Order order) {
  Word cr3 = w.paging.table_base;
  benchmark::DoNotOptimize(cr3);
  run(state, w, order, [&](Word va) { return bare_walk(cr3, va, memory); });
}

/// The whole answer is made: every field of it, and each entry as the access leaves it.
template <class Memory>
void full(benchmark::State& state, const Workload& w, const Memory& memory, Order order) {
  auto paging = w.paging;
  auto access = permitted_access();
  benchmark::DoNotOptimize(paging);
  benchmark::DoNotOptimize(access);
  run(state, w, order, [&, access](Word va) mutable {
    access.va = va;
    const auto walk = x86::walk(paging, access, memory);
    for (int i = 0; i < walk.count; ++i) {
      benchmark::DoNotOptimize(walk.steps[i].value | x86::flags_set(walk, i));
    }
    benchmark::DoNotOptimize(walk);
    return walk.physical_address;
  });
}

void addrxlat(benchmark::State& state, const Workload& w, std::vector<image::Segment> segments,
              Order order) {
  AddrxlatWalker walker(w.paging.table_base, std::move(segments));
  run(state, w, order, [&](Word va) { return walker.translate(va).value_or(0); });
}

template <class Run>
void add(const char* name, Run run_one) {
  benchmark::RegisterBenchmark(name, run_one)->Repetitions(9)->ReportAggregatesOnly();
}

void add_all(const Workload& w) {
  using State = benchmark::State;
  for (const Order order : {Order::independent, Order::dependent}) {
    const auto name = [&](const char* what) {
      return std::string(what) + (order == Order::independent ? "independent" : "dependent");
    };
    const image::Memory& memory = w.image.memory();
    add(name("bare/flat/").c_str(), [&w, order](State& s) { bare(s, w, w.flat, order); });
    add(name("walk/flat/").c_str(), [&w, order](State& s) { full(s, w, w.flat, order); });
    add(name("addrxlat/flat/").c_str(),
        [&w, order](State& s) { addrxlat(s, w, segments(w.flat), order); });
    add(name("bare/image/").c_str(), [&w, order](State& s) { bare(s, w, w.image, order); });
    add(name("walk/image/").c_str(), [&w, order](State& s) { full(s, w, w.image, order); });
    add(name("addrxlat/image/").c_str(),
        [&w, &memory, order](State& s) { addrxlat(s, w, memory.segments(), order); });
  }
}

int run_all(int argc, char** argv) {
  // Repetitions of all benchmarks in random order; what the caller says comes later and wins.
  char interleave[] = "--benchmark_enable_random_interleaving=true";
  std::vector<char*> arguments(argv, argv + argc);
  arguments.insert(arguments.begin() + 1, interleave);
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
  if (benchmark::ReportUnrecognizedArguments(count, arguments.data())) return 2;

  Workload workload = load_workload(folder, seed);
  check_agreement(workload);
  add_all(workload);
  add_addresses();
  add_tlb(workload);
  add_fuzzing();
  Comparison comparison;
  benchmark::RunSpecifiedBenchmarks(&comparison);
  return 0;
}

}  // namespace
}  // namespace mmuref::bench

int main(int argc, char** argv) {
  try {
    return mmuref::bench::run_all(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "mmuref_bench: %s\n", e.what());
    return 1;
  }
}
