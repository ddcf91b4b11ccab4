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

namespace {

double time(const std::map<std::string, double>& medians, const char* who) {
  const auto found = medians.find(who);
  return found == medians.end() ? 0.0 : found->second;
}
std::string number(double value) {
  return value > 0 ? fmt::format("{:.2f}", value) : std::string("-");
}
std::string ratio(double a, double b) {
  return number(b > 0 ? a / b : 0.0);
}
/// Nothing where the run had none of it.
std::string table(const std::string& heading, const std::string& rows) {
  return rows.empty() ? rows : fmt::format("\n{}{}", heading, rows);
}

}  // namespace

std::string Comparison::walkers() const {
  constexpr auto line = "{:<20} {:>9} {:>9} {:>9} {:>12} {:>15}\n";
  std::string rows;
  for (const auto& [what, medians] : medians_) {
    const double bare = time(medians, "bare"), walk = time(medians, "walk"),
                 addrxlat = time(medians, "addrxlat");
    if (bare + walk + addrxlat == 0) continue;
    rows += fmt::format(line, what, number(bare), number(walk), number(addrxlat), ratio(walk, bare),
                        ratio(addrxlat, walk));
  }
  return table(fmt::format(line, "ns a translation", "bare", "walk", "addrxlat", "walk / bare",
                           "addrxlat / walk"),
               rows);
}

std::string Comparison::functions() const {
  constexpr auto line = "{:<20} {:>9} {:>9} {:>16}\n";
  std::string rows;
  for (const auto& [function, medians] : medians_) {
    const double plain = time(medians, "plain"), model = time(medians, "model");
    if (plain + model == 0) continue;
    rows += fmt::format(line, function, number(plain), number(model), ratio(model, plain));
  }
  return table(fmt::format(line, "ns a call", "by hand", "model", "model / by hand"), rows);
}

void Comparison::Finalize() {
  GetOutputStream() << walkers() << functions();
  ConsoleReporter::Finalize();
}

}  // namespace mmuref::bench
