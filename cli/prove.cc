#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <thread>

#include "cli/campaign_options.h"
#include "cli/command.h"
#include "cli/numbers.h"
#include "cli/verdicts.h"
#include "diff/files.h"

namespace mmuref::cli {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct Options {
  std::string filter;
  std::string smt2;
  spec::ProveOptions prove;
  diff::Shard shard;
  std::string out;
  bool list = false;
  bool json = false;
};

int list(const Statements& chosen, bool as_json) {
  auto theorems = ordered_json::array(), defects = theorems;
  for (std::size_t i = 0; i < chosen.all.size(); ++i) {
    const spec::Theorem& t = chosen.all[i];
    const spec::Defect* defect = chosen.defect(i);
    ordered_json item{{"name", t.name}, {"claim", t.claim}, {"ref", t.ref}};
    if (defect != nullptr) {
      item["kernel"] = defect->kernel;
      item["fixed"] = defect->fixed;
    }
    (defect == nullptr ? theorems : defects).push_back(std::move(item));
    if (as_json) continue;
    print(fmt::format("{}\n    {}\n    {}\n", t.name, wrapped(t.claim, 4), t.ref));
    if (defect != nullptr)
      print(
          fmt::format("    must be refuted: Linux {}; fixed: {}\n", defect->kernel, defect->fixed));
  }
  if (as_json) print(ordered_json{{"theorems", theorems}, {"defects", defects}}.dump() + "\n");
  return good;
}

void write_script(const std::string& folder, const spec::Verdict& v) {
  const auto path = std::filesystem::path(folder) / (std::string(v.theorem.name) + ".smt2");
  diff::write_file(path.string(), v.script);
}

/// A program that answers nothing, or is not there, is not the second opinion asked for.
void require_second(const spec::ProveOptions& options) {
  const spec::SecondAnswer answer = spec::second_opinion(
      options.second_solver, "(set-logic QF_UFBV)\n(check-sat)\n", options.timeout_seconds);
  if (answer.answer == spec::Satisfiable::yes) return;
  throw InputError(fmt::format("--solver {}: {}; expected one that answers an SMT-LIB script",
                               options.second_solver,
                               answer.detail.empty() ? "it says: unsat" : answer.detail));
}

/// How many theorems the second solver could not judge is said, never counted as agreement.
std::string second_summary(const json& totals, const std::string& solver) {
  const json second = totals.value("second", json::object());
  const auto count = [&](const char* answer) { return second.value(answer, 0); };
  return fmt::format("{}: agrees on {}, disagrees on {}, no answer on {}\n", solver,
                     count("agrees"), count("disagrees"), count("unknown"));
}

json header(const Options& options, const Statements& chosen) {
  json line = diff::campaign_header("prove", chosen.all.size(), 1);
  line["filter"] = options.filter;
  line["solver"] = spec::solver_version();
  line["second"] = options.prove.second_solver;
  line["timeout"] = options.prove.timeout_seconds;
  return line;
}

/// A verdict as a campaign's file has it.
json unit_line(const Statements& chosen, std::size_t number, const spec::Verdict& v) {
  const spec::Defect* defect = chosen.defect(number);
  json line = json_form(v, defect);
  line["type"] = "unit";
  line["unit"] = number;
  line["passed"] = chosen.passes(number, v);
  line["timing"]["seconds"] = line["seconds"];
  line.erase("seconds");
  const std::string status(defect != nullptr && v.finds() ? "found" : status_name(v));
  line["totals"][defect == nullptr ? "theorems" : "defects"][status] = 1U;
  if (v.second) line["totals"]["second"][line["second"].get<std::string>()] = 1U;
  return line;
}

/// The object of `prove --json` of such a line; one of a merged file has no time.
ordered_json json_form(const json& line) {
  ordered_json object;
  for (const char* name : {"name", "status", "seconds", "paths", "claim", "ref", "obligations",
                           "detail", "second", "counterexample", "found", "kernel", "fixed"}) {
    if (line.contains(name)) object[name] = line[name];
    if (name == std::string_view("seconds"))
      object[name] = line.value("timing", json::object()).value("seconds", 0.0);
  }
  return object;
}

/// The lines of the shard's units, by number: those of its file, and the others proved now.
std::map<std::size_t, json> prove(const Statements& chosen, Options options) {
  diff::CampaignLog log(options.out, header(options, chosen));
  std::map<std::size_t, json> lines;
  std::vector<spec::Theorem> open;
  for (std::size_t i = 0; i < chosen.all.size(); ++i) {
    if (!options.shard.holds(i)) continue;
    if (const json* line = log.find(i, chosen.all[i].name, "status")) {
      lines[i] = *line;
    } else {
      open.push_back(chosen.all[i]);
    }
  }
  if (!lines.empty() && !options.json) print(fmt::format("{} done before\n", lines.size()));

  const Style style = Style::of_stdout();
  Progress progress("prove");
  const std::size_t all = lines.size() + open.size();
  std::exception_ptr failed;
  const auto done = [&](const spec::Verdict& v) {
    const auto found = std::ranges::find(chosen.all, v.theorem.name, &spec::Theorem::name);
    const auto number = static_cast<std::size_t>(found - chosen.all.begin());
    if (!v.script.empty() && !options.smt2.empty()) write_script(options.smt2, v);
    lines[number] = unit_line(chosen, number, v);
    // What took too long is not finished: another run may have more time.
    if (v.status != spec::Status::unknown) log.write(lines[number]);
    if (options.json) {
      progress.show(fmt::format("{} of {}", lines.size(), all));
    } else {
      print(text_form(v, chosen.defect(number), style));
    }
  };
  options.prove.done = [&](const spec::Verdict& v) {
    try {
      if (!failed) done(v);
    } catch (const std::exception&) {
      failed = std::current_exception();
    }
  };
  spec::prove(open, options.prove);
  if (failed) std::rethrow_exception(failed);
  return lines;
}

int run(Options options) {
  const Statements chosen = statements(options.filter);
  if (chosen.all.empty()) {
    throw InputError(fmt::format("prove {}: expected a part of a theorem's name; --list shows them",
                                 options.filter));
  }
  if (options.list) return list(chosen, options.json);
  if (!options.smt2.empty()) {
    if (!options.out.empty())
      throw InputError("--smt2: not with --out, whose theorems are not proved again");
    std::error_code error;
    std::filesystem::create_directories(options.smt2, error);
    if (error) throw InputError(options.smt2 + ": cannot be made a folder: " + error.message());
    options.prove.scripts = true;
  }
  if (!options.prove.second_solver.empty()) require_second(options.prove);

  const auto start = std::chrono::steady_clock::now();
  const auto lines = prove(chosen, options);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  std::size_t proved = 0, found = 0;
  auto theorems = ordered_json::array(), defects = theorems;
  json totals = json::object();
  for (const auto& [number, line] : lines) {
    const bool is_defect = chosen.defect(number) != nullptr;
    (is_defect ? found : proved) += line["passed"].get<bool>();
    (is_defect ? defects : theorems).push_back(json_form(line));
    diff::add_totals(totals, line["totals"]);
  }
  if (options.json) {
    print(ordered_json{{"theorems", theorems}, {"defects", defects}, {"seconds", seconds}}.dump() +
          "\n");
  } else {
    print(fmt::format("{} of {} theorems proved, {} of {} defects found, in {:.1f} s\n", proved,
                      theorems.size(), found, defects.size(), seconds));
    if (!options.prove.second_solver.empty())
      print(second_summary(totals, options.prove.second_solver));
  }
  return proved + found == lines.size() ? good : violation;
}

}  // namespace

Run add_prove(CLI::App& app) {
  CLI::App* command = app.add_subcommand("prove", "Prove the theorems, for all inputs");
  command->footer(
      "Only `proved` passes: refuted, unknown (a timeout included) and vacuous exit with 1.\n"
      "A defect of a Linux version passes when its claim is refuted, by inputs that replay.\n"
      "Example: mmuref prove walk-equals --solver cvc5 --smt2 obligations/");
  const auto options = std::make_shared<Options>();
  options->prove.threads = std::max(1U, std::thread::hardware_concurrency());
  command->add_option("filter", options->filter, "Only theorems whose name contains this");
  command->add_option("--smt2", options->smt2, "Write each theorem's obligations to this folder");
  command->add_option("--solver", options->prove.second_solver,
                      "A second solver that must agree, such as cvc5");
  add_number(*command, "--timeout", options->prove.timeout_seconds,
             "Seconds a query may take; then its theorem is unknown")
      ->check(CLI::Range(1U, 86400U))
      ->capture_default_str();
  add_number(*command, "--threads", options->prove.threads, "Theorems at a time")
      ->check(CLI::Range(1U, 1024U))
      ->capture_default_str();
  add_campaign_options(*command, options->shard, options->out);
  CLI::Option* list = command->add_flag("--list", options->list,
                                        "Print names, claims and references, prove nothing");
  command->add_flag("--json", options->json, "Print one JSON object");
  return errors_are_input([=] {
    require_alone(*command, list, {"filter", "--json"});
    return run(*options);
  });
}

}  // namespace mmuref::cli
