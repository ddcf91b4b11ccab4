// A console reporter that ends with what the run is for: walkers and functions beside each other.
#pragma once

#include <benchmark/benchmark.h>

#include <map>
#include <string>

namespace mmuref::bench {

/// Prints each benchmark as usual and, at the end, one line for every MEMORY/ORDER of the
/// benchmarks named WALKER/MEMORY/ORDER: the median CPU time of a translation by each walker, and
/// their ratios; and one for every FUNCTION of those named model/FUNCTION and plain/FUNCTION.
/// Medians of one interleaved run, so that a busy machine slows all walkers alike.
class Comparison : public benchmark::ConsoleReporter {
 public:
  Comparison() : ConsoleReporter(OO_None) {}
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override;

 private:
  using Medians = std::map<std::string, double>;  ///< nanoseconds a translation or call, by who
  std::string walkers() const;
  std::string functions() const;

  std::map<std::string, Medians> medians_;  ///< by MEMORY/ORDER and by FUNCTION
};

}  // namespace mmuref::bench
