#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>

#include "cli/command.h"
#include "cli/verdicts.h"

namespace mmuref::cli {
namespace {

struct Options {
  std::string filter;
  std::string smt2;
  spec::ProveOptions prove;
  bool list = false;
  bool json = false;
};

std::vector<spec::Theorem> chosen(const std::string& filter) {
  std::vector<spec::Theorem> theorems = spec::all_theorems();
  std::erase_if(theorems, [&](const spec::Theorem& t) {
    return t.name.find(filter) == std::string_view::npos;
  });
  if (theorems.empty()) {
    throw InputError(
        fmt::format("prove {}: expected a part of a theorem's name; --list shows them", filter));
  }
  return theorems;
}

int list(const std::vector<spec::Theorem>& theorems, bool json) {
  auto all = nlohmann::ordered_json::array();
  for (const spec::Theorem& t : theorems) {
    if (json) {
      all.push_back({{"name", t.name}, {"claim", t.claim}, {"ref", t.ref}});
    } else {
      print(fmt::format("{}\n    {}\n    {}\n", t.name, wrapped(t.claim, 4), t.ref));
    }
  }
  if (json) print(nlohmann::ordered_json{{"theorems", all}}.dump() + "\n");
  return good;
}

void write_script(const std::string& folder, const spec::Verdict& v) {
  const auto path = std::filesystem::path(folder) / (std::string(v.theorem.name) + ".smt2");
  std::ofstream file(path);
  file << v.script;
  if (!file.flush()) throw InputError(path.string() + ": cannot be written");
}

/// How many theorems the second solver could not judge is said, never counted as agreement.
std::string second_summary(const std::vector<spec::Verdict>& verdicts, const std::string& solver) {
  std::size_t agrees = 0, disagrees = 0, silent = 0;
  for (const spec::Verdict& v : verdicts) {
    if (v.disputed()) {
      ++disagrees;
    } else if (v.second && v.second->answer != spec::Satisfiable::unknown) {
      ++agrees;
    } else {
      ++silent;
    }
  }
  return fmt::format("{}: agrees on {}, disagrees on {}, no answer on {}\n", solver, agrees,
                     disagrees, silent);
}

/// A solver that is not there, or answers nothing at all, is not the second opinion asked for.
void require_second(const std::vector<spec::Verdict>& verdicts, const std::string& solver) {
  std::string why;
  for (const spec::Verdict& v : verdicts) {
    if (!v.second) continue;
    if (v.second->answer != spec::Satisfiable::unknown) return;
    why = v.second->detail;
  }
  if (!why.empty()) {
    throw InputError(fmt::format("--solver {}: {}; expected an answer on a theorem", solver, why));
  }
}

int run(Options options) {
  const auto theorems = chosen(options.filter);
  if (options.list) return list(theorems, options.json);
  if (!options.smt2.empty()) {
    std::error_code error;
    std::filesystem::create_directories(options.smt2, error);
    if (error) throw InputError(options.smt2 + ": cannot be made a folder: " + error.message());
    options.prove.scripts = true;
  }

  const Style style = Style::of_stdout();
  std::size_t finished = 0;
  const bool progress = options.json && isatty(STDERR_FILENO) != 0;
  options.prove.done = [&](const spec::Verdict& v) {
    ++finished;
    if (!options.json) print(text_form(v, style));
    if (progress) fmt::print(stderr, "\rprove: {} of {}\x1b[K", finished, theorems.size());
  };
  const auto start = std::chrono::steady_clock::now();
  const auto verdicts = spec::prove(theorems, options.prove);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (progress) fmt::print(stderr, "\r\x1b[K");

  std::size_t passed = 0;
  auto all = nlohmann::ordered_json::array();
  for (const spec::Verdict& v : verdicts) {
    passed += v.passes();
    all.push_back(json_form(v));
    if (!options.smt2.empty() && !v.script.empty()) write_script(options.smt2, v);
  }
  if (options.json) {
    print(nlohmann::ordered_json{{"theorems", all}, {"seconds", seconds}}.dump() + "\n");
  } else {
    print(fmt::format("{} of {} theorems proved in {:.1f} s\n", passed, verdicts.size(), seconds));
    if (!options.prove.second_solver.empty())
      print(second_summary(verdicts, options.prove.second_solver));
  }
  if (!options.prove.second_solver.empty()) require_second(verdicts, options.prove.second_solver);
  return passed == verdicts.size() ? good : violation;
}

}  // namespace

Run add_prove(CLI::App& app) {
  CLI::App* command = app.add_subcommand("prove", "Prove the theorems, for all inputs");
  command->footer(
      "Only `proved` passes: refuted, unknown (a timeout included) and vacuous exit with 1.\n"
      "Example: mmuref prove walk-equals --solver cvc5 --smt2 /tmp/obligations");
  const auto options = std::make_shared<Options>();
  options->prove.threads = std::max(1U, std::thread::hardware_concurrency());
  command->add_option("filter", options->filter, "Only theorems whose name contains this");
  command->add_option("--smt2", options->smt2, "Write each theorem's obligations to this folder");
  command->add_option("--solver", options->prove.second_solver,
                      "A second solver that must agree, such as cvc5");
  command
      ->add_option("--timeout", options->prove.timeout_seconds,
                   "Seconds a query may take; then its theorem is unknown")
      ->check(CLI::Range(1U, 86400U))
      ->capture_default_str();
  command->add_option("--threads", options->prove.threads, "Theorems at a time")
      ->check(CLI::Range(1U, 1024U))
      ->capture_default_str();
  command->add_flag("--list", options->list, "Print names, claims and references, prove nothing");
  command->add_flag("--json", options->json, "Print one JSON object");
  return [options] { return run(*options); };
}

}  // namespace mmuref::cli
