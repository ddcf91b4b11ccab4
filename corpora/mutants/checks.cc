// The checks a broken model is put to, in a program small enough to rebuild for every break.
//
//   mutant_checks prove [THEOREM…]   a line each: name and verdict; all theorems when none is named
//   mutant_checks diff               a line: how many accesses an oracle answers otherwise
#include <fmt/format.h>

#include <span>
#include <string_view>
#include <thread>

#include "diff/campaign.h"
#include "diff/oracles.h"
#include "spec/prover.h"

namespace {

using namespace mmuref;

int prove(std::span<char*> names) {
  std::vector<spec::Theorem> theorems = spec::all_theorems();
  std::erase_if(theorems, [&](const spec::Theorem& t) {
    return !names.empty() && std::find(names.begin(), names.end(), t.name) == names.end();
  });
  const unsigned threads = std::max(1U, std::thread::hardware_concurrency());
  for (const spec::Verdict& v : spec::prove(theorems, {.threads = threads}))
    fmt::print("{} {}\n", v.theorem.name, spec::name(v.status));
  return 0;
}

int diff_with_unicorn() {
  const auto oracle = diff::make_oracle("unicorn");
  diff::CampaignOptions options;
  options.count = 20'000;
  const auto totals = diff::run_campaign(*oracle, diff::domain_of(*oracle), options);
  fmt::print("unexplained {}\n", totals.unexplained);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span arguments(argv + 1, static_cast<std::size_t>(argc - 1));
  if (!arguments.empty() && std::string_view(arguments[0]) == "prove")
    return prove(arguments.subspan(1));
  if (arguments.size() == 1 && std::string_view(arguments[0]) == "diff") return diff_with_unicorn();
  fmt::print(stderr, "mutant_checks: expected `prove [THEOREM…]` or `diff`\n");
  return 2;
}
