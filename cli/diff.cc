#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <memory>

#include "cli/campaign_options.h"
#include "cli/command.h"
#include "cli/numbers.h"
#include "cli/terminal.h"
#include "diff/campaign.h"
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

/// One line on stderr: rewritten in place on a terminal, every ten seconds elsewhere.
diff::Progress progress_line(const diff::CampaignOptions& options, diff::Mode mode) {
  using Clock = std::chrono::steady_clock;
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto interval = terminal ? std::chrono::milliseconds(200) : std::chrono::seconds(10);
  auto next = Clock::now() + std::chrono::seconds(1);
  return [=, count = diff::share(options, mode)](const diff::Totals& t) mutable {
    if (Clock::now() < next) return;
    next = Clock::now() + interval;
    fmt::print(stderr, "{}diff: {} of {} {}, {} unexplained{}", terminal ? "\r" : "",
               diff::compared(t), count, mode == diff::Mode::tlb ? "programs" : "accesses",
               t.unexplained, terminal ? "\x1b[K" : "\n");
  };
}

/// Runs the campaign on `oracle` and reports it.
template <class AnOracle>
int run_on(const std::unique_ptr<AnOracle>& oracle, const Options& options, diff::Mode mode,
           const std::string& expected) {
  if (oracle == nullptr) {
    throw InputError(fmt::format("--oracle {}: expected {}", options.oracle, expected));
  }
  const diff::Domain domain = diff::domain_of(*oracle);
  const diff::Totals totals =
      diff::run_campaign(*oracle, domain, options.campaign, progress_line(options.campaign, mode));
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r\x1b[K");
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
  command->add_option("--seed", options->campaign.seed, "What to draw")
      ->check(at_least(0))
      ->capture_default_str();
  command
      ->add_option(
          "--count", options->campaign.count,
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
