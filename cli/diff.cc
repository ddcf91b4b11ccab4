#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <memory>

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
  std::string shard = "0/1";
  std::string mode = "walk";
  diff::CampaignOptions campaign;
  bool json = false;
};

diff::Shard parse_shard(const std::string& text) {
  diff::Shard shard;
  const char* const end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, shard.index);
  if (index.ec == std::errc{} && index.ptr != end && *index.ptr == '/') {
    const auto count = std::from_chars(index.ptr + 1, end, shard.count);
    if (count.ec == std::errc{} && count.ptr == end && shard.index < shard.count) return shard;
  }
  throw InputError(fmt::format("--shard {}: expected I/N with 0 <= I < N, such as 0/4", text));
}

/// One line on stderr: rewritten in place on a terminal, every ten seconds elsewhere.
diff::Progress progress_line(const diff::CampaignOptions& options) {
  using Clock = std::chrono::steady_clock;
  const bool terminal = isatty(STDERR_FILENO) != 0;
  const auto interval = terminal ? std::chrono::milliseconds(200) : std::chrono::seconds(10);
  auto next = Clock::now() + std::chrono::seconds(1);
  return [=, count = options.count](const diff::Totals& t) mutable {
    if (Clock::now() < next) return;
    next = Clock::now() + interval;
    fmt::print(stderr, "{}diff: {} of {} {}, {} unexplained{}", terminal ? "\r" : "",
               diff::compared(t), count, t.mode == diff::Mode::tlb ? "programs" : "accesses",
               t.unexplained, terminal ? "\x1b[K" : "\n");
  };
}

/// Runs the campaign on `oracle` and reports it.
template <class AnOracle>
int run_on(const std::unique_ptr<AnOracle>& oracle, const Options& options,
           const std::string& expected) {
  if (oracle == nullptr) {
    throw InputError(fmt::format("--oracle {}: expected {}", options.oracle, expected));
  }
  const diff::Domain domain = diff::domain_of(*oracle);
  const diff::Totals totals =
      diff::run_campaign(*oracle, domain, options.campaign, progress_line(options.campaign));
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

int run(Options options) {
  options.campaign.shard = parse_shard(options.shard);
  if (options.mode == "tlb") {
    return run_on(diff::make_program_oracle(options.oracle), options,
                  "one that runs programs: " + diff::program_oracle_list());
  }
  if (options.mode != "walk") {
    throw InputError(fmt::format("--mode {}: expected walk or tlb", options.mode));
  }
  return run_on(diff::make_oracle(options.oracle), options, "one of " + diff::oracle_list());
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
      ->add_option("--count", options->campaign.count,
                   "Accesses to compare; with --mode tlb, programs of 20 to 60 steps")
      ->check(at_least(1))
      ->capture_default_str();
  command
      ->add_option("--shard", options->shard,
                   "Every N-th address space or program, from the I-th: I/N")
      ->capture_default_str();
  command->add_option("--out", options->campaign.out,
                      "JSON Lines file of findings and checkpoints; resumed when it exists");
  command->add_option("--save", options->campaign.save, "Folder for minimised cases")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print the summary as one JSON object");
  return errors_are_input([options] { return run(*options); });
}

}  // namespace mmuref::cli
