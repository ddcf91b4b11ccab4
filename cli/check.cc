#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "cli/command.h"
#include "cli/flush_campaign.h"
#include "cli/numbers.h"
#include "cli/verdicts.h"
#include "diff/campaign.h"
#include "diff/files.h"
#include "diff/oracles.h"
#include "diff/replay.h"
#include "image/info_tlb.h"

namespace mmuref::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string corpora = MMUREF_SOURCE_DIR "/corpora";
  diff::Word count = 200'000;
  diff::Word seed = 1;
  bool json = false;
};

/// Of the count of accesses, one in so many is a program: some 25 accesses, each more work.
constexpr diff::Word accesses_a_program = 100;

struct Part {
  std::string name;
  bool passed = false;
  std::string summary;  ///< one line
  std::string detail;   ///< of a failure; lines
  double seconds = 0;
};

template <class Run>
Part timed(const std::string& name, Run run) {
  const auto start = std::chrono::steady_clock::now();
  Part part = run();
  part.name = name;
  part.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return part;
}

unsigned threads() {
  return std::max(1U, std::thread::hardware_concurrency());
}

Part check_theorems() {
  Part part;
  std::size_t proved = 0, found = 0, finished = 0;
  const Statements chosen = statements();
  spec::ProveOptions options{.threads = threads()};
  Progress progress("check");
  options.done = [&](const spec::Verdict&) {
    progress.show(fmt::format("{} of {} theorems", ++finished, chosen.all.size()));
  };
  const auto verdicts = spec::prove(chosen.all, options);
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const bool passes = chosen.passes(i, verdicts[i]);
    (chosen.defect(i) == nullptr ? proved : found) += passes;
    if (!passes) part.detail += text_form(verdicts[i], chosen.defect(i), Style(false));
  }
  part.passed = chosen.theorem_count() > 0 && proved + found == verdicts.size();
  part.summary = fmt::format("{} of {} proved, {} of {} defects of Linux found", proved,
                             chosen.theorem_count(), found, chosen.defects.size());
  return part;
}

std::size_t sum(const std::map<std::string, diff::Word>& counts) {
  std::size_t all = 0;
  for (const auto& [name, count] : counts) all += count;
  return all;
}

Part check_oracle(std::string_view name, const Options& options) {
  const auto oracle = diff::make_oracle(name);
  diff::CampaignOptions campaign;
  campaign.seed = options.seed;
  campaign.count = options.count;
  const diff::Totals t = diff::run_campaign(*oracle, diff::domain_of(*oracle), campaign);
  Part part;
  part.passed = diff::passed(t, campaign);
  part.summary = fmt::format(
      "{} {}: {} accesses compared, {} faults, {} unexplained, {} known differences, {} skipped",
      oracle->name(), oracle->version(), t.accesses, t.faults, t.unexplained, sum(t.known),
      sum(t.skipped));
  if (!part.passed)
    part.detail = fmt::format("  mmuref diff --oracle {} --seed {} --count {} shows them\n", name,
                              options.seed, options.count);
  return part;
}

/// Programs, whose accesses find what is cached: a campaign that saw nothing stale shows nothing.
Part check_programs(std::string_view name, const Options& options) {
  const auto oracle = diff::make_program_oracle(name);
  diff::CampaignOptions campaign;
  campaign.seed = options.seed;
  campaign.count = std::max<diff::Word>(1, options.count / accesses_a_program);
  const diff::Totals t = diff::run_campaign(*oracle, diff::domain_of(*oracle), campaign);
  Part part;
  part.passed = diff::passed(t, campaign) && (t.stale > 0 || t.accesses < 1000);
  part.summary = fmt::format(
      "{} {}: {} programs, {} accesses, {} of them stale, {} unexplained, {} known differences",
      oracle->name(), oracle->version(), t.programs, t.accesses, t.stale, t.unexplained,
      sum(t.known));
  if (!part.passed)
    part.detail =
        fmt::format("  mmuref diff --mode tlb --oracle {} --seed {} --count {} shows them\n", name,
                    options.seed, campaign.count);
  return part;
}

Part check_corpora(const Options& options) {
  const auto results = diff::replay_files(diff::corpus_paths({options.corpora}), threads());
  Part part;
  std::size_t good_cases = 0, skipped = 0;
  for (const diff::Replayed& r : results) {
    good_cases += r.verdict == diff::Verdict::good;
    skipped += !r.skipped.empty();
    if (r.verdict != diff::Verdict::good) part.detail += "  " + r.message + "\n";
  }
  part.passed = !results.empty() && good_cases == results.size();
  part.summary =
      fmt::format("{} of {} cases, traces and ways as expected, {} without the oracle they name",
                  good_cases, results.size(), skipped);
  return part;
}

Part check_linux(const Options& options) {
  const auto compared = image::compare_linux61(options.corpora + "/linux-6.1-kaslr-4level");
  Part part;
  part.passed = compared.agrees();
  part.summary = fmt::format("{} of {} mappings of Linux 6.1 as QEMU has them, {} differences",
                             compared.walks, compared.mappings, compared.differences.size());
  for (std::size_t i = 0; i < compared.differences.size() && i < 10; ++i)
    part.detail += "  " + compared.differences[i] + "\n";
  return part;
}

/// Linux's flush protocols hold within bounds that take seconds; and each break of them is seen.
Part check_flushes() {
  Part part;
  part.passed = true;
  std::size_t shipped = 0, states = 0, breaks = 0, seen = 0;
  for (const Exploration& e : explorations()) {
    if (!e.quick) continue;
    const auto explored = spec::protocol::search(e.subject.system(), {});
    const bool passes = e.passes(explored.verdict);
    if (e.kind == "broken") {
      ++breaks;
      seen += passes;
    } else {
      ++shipped;
      states += explored.states;
    }
    if (passes) continue;
    part.passed = false;
    part.detail += fmt::format("  mmuref flush campaign '{}': {} {}\n", e.name,
                               name(explored.verdict), explored.reason);
  }
  part.summary =
      fmt::format("{} protocols on 2 CPUs, 1 mm, 2 pages: {} states; {} of {} breaks seen", shipped,
                  states, seen, breaks);
  return part;
}

/// The theorems take a minute: what the later parts need is looked for before.
void check_folder(const std::string& corpora) {
  const auto expect = [&](bool good, std::string_view what) {
    if (!good) throw InputError(fmt::format("--corpora {}: expected {}", corpora, what));
  };
  const std::string core = "linux-6.1-kaslr-4level/pagetables.core";
  expect(fs::is_directory(corpora), "the folder of cases, traces and page tables");
  for (const std::string_view kind : {".json", ".jsonl", ".flush"})
    diff::files_below({corpora}, {kind});
  expect(fs::is_regular_file(fs::path(corpora) / core), core + " there");
}

int run(const Options& options) {
  check_folder(options.corpora);
  const Style style = Style::of_stdout();
  bool passed = true;
  auto parts = nlohmann::ordered_json::array();
  const auto report = [&](const Part& part) {
    passed = passed && part.passed;
    parts.push_back({{"name", part.name},
                     {"passed", part.passed},
                     {"summary", part.summary},
                     {"seconds", part.seconds}});
    if (!part.detail.empty()) parts.back()["detail"] = part.detail;
    if (options.json) return;
    print(fmt::format("{}  {:<10} {:6.1f} s  {}\n{}",
                      part.passed ? style.green("good") : style.red("BAD "), part.name,
                      part.seconds, part.summary, part.detail));
  };
  report(timed("theorems", check_theorems));
  for (const std::string_view name : diff::oracle_names())
    report(timed("diff", [&] { return check_oracle(name, options); }));
  for (const std::string_view name : diff::oracle_names()) {
    if (diff::make_program_oracle(name) != nullptr)
      report(timed("programs", [&] { return check_programs(name, options); }));
  }
  report(timed("corpora", [&] { return check_corpora(options); }));
  report(timed("flushes", check_flushes));
  report(timed("tables", [&] { return check_linux(options); }));

  if (options.json) {
    print(nlohmann::ordered_json{{"passed", passed}, {"parts", parts}}.dump() + "\n");
  } else {
    print(passed ? "check: everything holds\n" : "check: a violation was found\n");
  }
  return passed ? good : violation;
}

}  // namespace

Run add_check(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "check", "The main job: theorems, a campaign against each oracle, corpora, real page tables");
  command->footer("Example: mmuref check --count 1000000 --seed 7");
  const auto options = std::make_shared<Options>();
  command->add_option("--corpora", options->corpora, "The folder of cases and page tables")
      ->capture_default_str();
  add_number(*command, "--count", options->count, "Accesses to compare with each oracle")
      ->check(at_least(1))
      ->capture_default_str();
  add_number(*command, "--seed", options->seed, "What the campaigns draw")
      ->check(at_least(0))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print one JSON object");
  return errors_are_input([options] { return run(*options); });
}

}  // namespace mmuref::cli
