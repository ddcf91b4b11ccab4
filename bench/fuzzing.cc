#include "bench/fuzzing.h"

#include <benchmark/benchmark.h>

#include <vector>

#include "fuzz/space_input.h"
#include "fuzz/walk_check.h"
#include "fuzz/walk_seeds.h"

namespace mmuref::bench {
namespace {

using Input = std::vector<std::uint8_t>;

/// In random order, so that no branch predictor learns them.
std::vector<Input> inputs() {
  std::vector<Input> all = fuzz::walk_seeds();
  diff::Random random(1, 0);
  const std::size_t seeds = all.size();
  for (std::size_t i = 0; i < seeds; ++i) {
    Input mutant = all[i];
    mutant.resize(fuzz::max_space_bytes);
    std::size_t size = all[i].size();
    for (int n = 0; n < 4; ++n)
      size = fuzz::mutate_space(mutant.data(), size, mutant.size(), random);
    mutant.resize(size);
    all.push_back(std::move(mutant));
  }
  for (std::size_t i = all.size() - 1; i > 0; --i)
    std::swap(all[i], all[random.below(static_cast<std::uint32_t>(i + 1))]);
  return all;
}

template <class Target>
void run(benchmark::State& state, const Target& target) {
  const std::vector<Input> all = inputs();
  std::size_t next = 0;
  for (auto _ : state) {
    target(all[next].data(), all[next].size());
    if (++next == all.size()) next = 0;
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

void add_fuzzing() {
  benchmark::RegisterBenchmark("fuzz/walk_vs_spec",
                               [](benchmark::State& s) { run(s, fuzz::walk_vs_spec); })
      ->Repetitions(9)
      ->ReportAggregatesOnly();
  benchmark::RegisterBenchmark("fuzz/walk_vs_unicorn",
                               [](benchmark::State& s) { run(s, fuzz::walk_vs_unicorn); })
      ->Repetitions(9)
      ->ReportAggregatesOnly();
}

}  // namespace mmuref::bench
