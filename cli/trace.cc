#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "cli/terminal.h"
#include "diff/trace_files.h"

namespace mmuref::cli {
namespace {

constexpr const char* example = R"(Example:
  $ mmuref trace check corpora/traces/bad_unmap_no_invlpg.jsonl
docs/traces.md has the form. The exit code is 1 if a trace is stale, 2 if one cannot be read.)";

struct Options {
  std::vector<std::string> paths;
  bool json = false;
};

int run_check(const Options& options) {
  bool stale = false, unreadable = false;
  for (const std::string& path : diff::trace_paths(options.paths)) {
    try {
      const diff::Trace trace = diff::read_trace_file(path);
      const diff::TraceVerdict verdict = diff::check_trace(path, trace);
      stale = stale || verdict.finding.has_value();
      if (options.json) {
        nlohmann::ordered_json document = {{"file", path}};
        document.update(diff::to_json(trace, verdict));
        print(document.dump() + "\n");
      } else {
        print(diff::text_form(trace, verdict, path));
      }
    } catch (const diff::FormError& e) {
      unreadable = true;
      print_error(e.what());
    }
  }
  return unreadable ? bad_input : stale ? violation : good;
}

}  // namespace

Run add_trace(CLI::App& app) {
  CLI::App* trace = app.add_subcommand("trace", "Traces of table writes, invalidations, accesses");
  trace->require_subcommand(1);
  trace->footer("Example: mmuref trace check corpora/traces");
  CLI::App* check = trace->add_subcommand(
      "check", "Name the first access that could use a translation meant to be gone");
  check->footer(example);
  const auto options = std::make_shared<Options>();
  check->add_option("paths", options->paths, "Traces, or folders of *.jsonl")->required();
  check->add_flag("--json", options->json, "Print one JSON object a trace");
  return errors_are_input([options] { return run_check(*options); });
}

}  // namespace mmuref::cli
