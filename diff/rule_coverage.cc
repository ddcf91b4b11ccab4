#include "diff/rule_coverage.h"

#include <fmt/format.h>

#include <algorithm>

#include "diff/rule_terms.h"

namespace mmuref::diff {

bool RuleCoverage::wanted(std::size_t number) const {
  return !excluded_.test(number) && unreachable(all_combinations()[number]) == nullptr;
}

std::size_t RuleCoverage::reachable() const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < all_combinations().size(); ++i) count += wanted(i);
  return count;
}

std::size_t RuleCoverage::covered() const {
  return reachable() - missing().size();
}

std::vector<std::size_t> RuleCoverage::missing() const {
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < all_combinations().size(); ++i)
    if (!seen_.test(i) && wanted(i)) numbers.push_back(i);
  return numbers;
}

std::vector<std::size_t> RuleCoverage::impossible() const {
  std::vector<std::size_t> numbers;
  const auto all = all_combinations();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (seen_.test(i) && unreachable(all[i]) != nullptr) numbers.push_back(i);
  return numbers;
}

std::string report(const RuleCoverage& coverage, std::size_t limit) {
  struct Count {
    std::size_t seen = 0, all = 0;
  };
  std::array<Count, families> counts{};
  const auto all = all_combinations();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!coverage.wanted(i)) continue;
    Count& count = counts[static_cast<std::size_t>(all[i].family)];
    ++count.all;
    count.seen += coverage.has(i);
  }
  const auto missing = coverage.missing();
  std::string lines = fmt::format("rules: {} of {} reachable combinations\n", coverage.covered(),
                                  coverage.reachable());
  for (std::size_t f = 0; f < families; ++f) {
    lines += fmt::format("  {:8} {:5} of {:5}\n", rules::family_name(static_cast<Family>(f)),
                         counts[f].seen, counts[f].all);
  }
  for (std::size_t i = 0; i < std::min(limit, missing.size()); ++i)
    lines += fmt::format("  never seen: {}\n", text(all[missing[i]]));
  if (missing.size() > limit) lines += fmt::format("  … and {} more\n", missing.size() - limit);
  return lines;
}

}  // namespace mmuref::diff
