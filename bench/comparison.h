// A console reporter that ends with what the run is for: the walkers beside each other.
#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <string>

namespace mmuref::bench {

/// Prints each benchmark as usual and, at the end, one line for every MEMORY/ORDER of the
/// benchmarks named WALKER/MEMORY/ORDER: the median CPU time of a translation by each walker, and
/// their ratios. Medians of one interleaved run, so that a busy machine slows all walkers alike.
class Comparison : public benchmark::ConsoleReporter {
 public:
  Comparison() : ConsoleReporter(OO_None) {}
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override;

 private:
  /// MEMORY/ORDER to WALKER to nanoseconds a translation.
  std::map<std::string, std::map<std::string, double>> medians_;
};

}  // namespace mmuref::bench
