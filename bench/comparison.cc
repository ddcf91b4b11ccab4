#include "bench/comparison.h"

#include <fmt/format.h>

namespace mmuref::bench {

void Comparison::ReportRuns(const std::vector<Run>& runs) {
  ConsoleReporter::ReportRuns(runs);
  for (const Run& run : runs) {
    if (run.aggregate_name != "median") continue;
    const std::string& name = run.run_name.function_name;
    const auto slash = name.find('/');
    const auto rate = run.counters.find("items_per_second");
    if (slash == std::string::npos || rate == run.counters.end()) continue;
    medians_[name.substr(slash + 1)][name.substr(0, slash)] = 1e9 / rate->second.value;
  }
}

void Comparison::Finalize() {
  constexpr auto line = "{:<20} {:>9} {:>9} {:>9} {:>12} {:>15}\n";
  std::string text = fmt::format("\n");
  text += fmt::format(line, "ns a translation", "bare", "walk", "addrxlat", "walk / bare",
                      "addrxlat / walk");
  for (const auto& [what, walkers] : medians_) {
    const auto time = [&](const char* walker) {
      const auto found = walkers.find(walker);
      return found == walkers.end() ? 0.0 : found->second;
    };
    const auto number = [](double value) {
      return value > 0 ? fmt::format("{:.2f}", value) : std::string("-");
    };
    const auto ratio = [&](double a, double b) { return number(b > 0 ? a / b : 0.0); };
    const double bare = time("bare"), walk = time("walk"), addrxlat = time("addrxlat");
    text += fmt::format(line, what, number(bare), number(walk), number(addrxlat), ratio(walk, bare),
                        ratio(addrxlat, walk));
  }
  GetOutputStream() << text;
  ConsoleReporter::Finalize();
}

}  // namespace mmuref::bench
