#include <fmt/format.h>

#include <memory>

#include "cli/campaign_options.h"
#include "cli/command.h"
#include "cli/numbers.h"
#include "cli/terminal.h"
#include "diff/campaign.h"
#include "diff/files.h"
#include "diff/oracles.h"
#include "diff/report.h"

namespace mmuref::cli {
namespace {

struct Options {
  std::string oracle{diff::oracle_names().front()};
  std::string mode = "walk";
  diff::CampaignOptions campaign;
  bool json = false;
};

diff::Totals run_campaign(auto& oracle, const diff::Domain& domain,
                          const diff::CampaignOptions& options, diff::Mode mode) {
  Progress progress("diff");
  return diff::run_campaign(oracle, domain, options, [&](const diff::Totals& t) {
    progress.show(fmt::format("{} of {} {}, {} unexplained", diff::compared(t),
                              diff::share(options, mode),
                              mode == diff::Mode::tlb ? "programs" : "accesses", t.unexplained));
  });
}

/// Runs the campaign on `oracle` and reports it.
template <class AnOracle>
int run_on(const std::unique_ptr<AnOracle>& oracle, const Options& options, diff::Mode mode,
           const std::string& expected) {
  if (oracle == nullptr) {
    throw InputError(fmt::format("--oracle {}: expected {}", options.oracle, expected));
  }
  try {
    diff::require_writable_folder(options.campaign.save);
  } catch (const diff::FileError& e) {
    throw InputError(std::string("--save ") + e.what());
  }
  const diff::Domain domain = diff::domain_of(*oracle);
  const diff::Totals totals = run_campaign(*oracle, domain, options.campaign, mode);
  if (options.json) {
    print(diff::report_json(*oracle, options.campaign, domain, totals).dump() + "\n");
  } else {
    print(diff::report_text(*oracle, options.campaign, domain, totals));
    if (totals.unexplained > 0 && !options.campaign.save.empty()) {
      print("  the first of each class, minimised, can be run again: mmuref replay " +
            options.campaign.save + "\n");
    }
  }
  return diff::passed(totals, options.campaign) ? good : violation;
}

int run(const Options& options) {
  if (options.mode == "tlb") {
    return run_on(diff::make_program_oracle(options.oracle), options, diff::Mode::tlb,
                  "one that runs programs: " + diff::program_oracle_list());
  }
  if (options.mode != "walk") {
    throw InputError(fmt::format("--mode {}: expected walk or tlb", options.mode));
  }
  return run_on(diff::make_oracle(options.oracle), options, diff::Mode::walk,
                "one of " + diff::oracle_list());
}

}  // namespace

Run add_diff(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("diff", "Compare the model with an oracle on generated address spaces");
  command->footer(
      "Examples: mmuref diff --oracle unicorn --seed 7 --count 1000000\n"
      "          mmuref diff --mode tlb --count 200000");
  const auto options = std::make_shared<Options>();
  options->campaign.save = "corpora/found";
  command->add_option("--oracle", options->oracle, "One of " + diff::oracle_list())
      ->capture_default_str();
  command
      ->add_option("--mode", options->mode,
                   "walk: single accesses; tlb: programs, whose accesses find what is cached")
      ->capture_default_str();
  add_number(*command, "--seed", options->campaign.seed, "What to draw")
      ->check(at_least(0))
      ->capture_default_str();
  add_number(*command, "--count", options->campaign.count,
             "Accesses to compare, in all shards; with --mode tlb, programs of 20 to 60 steps")
      ->check(at_least(1))
      ->capture_default_str();
  add_campaign_options(*command, options->campaign.shard, options->campaign.out);
  command->add_option("--save", options->campaign.save, "Folder for minimised cases")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print the summary as one JSON object");
  return errors_are_input([options] { return run(*options); });
}

}  // namespace mmuref::cli
