#include "diff/replay.h"

#include <fmt/format.h>

#include <memory>
#include <thread>

#include "cli/command.h"
#include "cli/terminal.h"

namespace mmuref::cli {
namespace {

struct Options {
  std::vector<std::string> paths;
  bool json = false;
};

std::string counted(std::size_t n, std::string_view what) {
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

int run(const Options& options) {
  const auto paths = diff::corpus_paths(options.paths);
  const auto results = diff::replay_files(paths, std::max(1U, std::thread::hardware_concurrency()));

  std::size_t violations = 0, bad = 0;
  std::map<std::string, std::size_t> skipped;
  for (const diff::Replayed& result : results) {
    violations += result.verdict == diff::Verdict::violation;
    bad += result.verdict == diff::Verdict::bad_file;
    if (!result.skipped.empty()) ++skipped[result.skipped];
    if (!result.message.empty()) print_error(result.message);
  }
  if (options.json) {
    const nlohmann::ordered_json summary = {{"cases", results.size()},
                                            {"violations", violations},
                                            {"bad_files", bad},
                                            {"skipped", skipped}};
    print(summary.dump() + "\n");
  } else if (bad < results.size()) {  // else the errors say it all
    print(fmt::format("{}: {} good, {}, {}\n", counted(results.size(), "case"),
                      results.size() - violations - bad, counted(violations, "violation"),
                      counted(bad, "bad file")));
    for (const auto& [why, count] : skipped) {
      print(fmt::format("  {} without the oracle they name: {}\n", count, why));
    }
  }
  return bad > 0 ? bad_input : violations > 0 ? violation : good;
}

}  // namespace

Run add_replay(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "replay", "Run what corpora/ keeps: cases, traces, ways through flush protocols");
  command->footer(
      "A case is put to the model, the statement and its oracle.\n"
      "Example: mmuref replay corpora/ledger corpora/found/case.json");
  const auto options = std::make_shared<Options>();
  command
      ->add_option(
          "paths", options->paths,
          "Cases (*.json), traces (*.jsonl), ways through flush protocols (*.flush), or folders")
      ->required();
  command->add_flag("--json", options->json, "Print the summary as one JSON object");
  return errors_are_input([options] { return run(*options); });
}

}  // namespace mmuref::cli
