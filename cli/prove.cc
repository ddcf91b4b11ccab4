#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <thread>

#include "cli/command.h"
#include "cli/output_file.h"
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

/// What the filter leaves: theorems, and the defects behind them in the same vector.
struct Chosen {
  std::vector<spec::Theorem> statements;
  std::vector<spec::Defect> defects;

  std::size_t theorem_count() const { return statements.size() - defects.size(); }
};

Chosen chosen(const std::string& filter) {
  Chosen c{spec::all_theorems(), spec::all_defects()};
  const auto other = [&](const spec::Theorem& t) {
    return t.name.find(filter) == std::string_view::npos;
  };
  std::erase_if(c.statements, other);
  std::erase_if(c.defects, [&](const spec::Defect& d) { return other(d.theorem); });
  for (const spec::Defect& d : c.defects) c.statements.push_back(d.theorem);
  if (c.statements.empty()) {
    throw InputError(
        fmt::format("prove {}: expected a part of a theorem's name; --list shows them", filter));
  }
  return c;
}

int list(const Chosen& chosen, bool json) {
  auto theorems = nlohmann::ordered_json::array(), defects = theorems;
  for (std::size_t i = 0; i < chosen.statements.size(); ++i) {
    const spec::Theorem& t = chosen.statements[i];
    const spec::Defect* defect =
        i < chosen.theorem_count() ? nullptr : &chosen.defects[i - chosen.theorem_count()];
    nlohmann::ordered_json item{{"name", t.name}, {"claim", t.claim}, {"ref", t.ref}};
    if (defect != nullptr) {
      item["kernel"] = defect->kernel;
      item["fixed"] = defect->fixed;
    }
    (defect == nullptr ? theorems : defects).push_back(std::move(item));
    if (json) continue;
    print(fmt::format("{}\n    {}\n    {}\n", t.name, wrapped(t.claim, 4), t.ref));
    if (defect != nullptr)
      print(
          fmt::format("    must be refuted: Linux {}; fixed: {}\n", defect->kernel, defect->fixed));
  }
  if (json)
    print(nlohmann::ordered_json{{"theorems", theorems}, {"defects", defects}}.dump() + "\n");
  return good;
}

void write_script(const std::string& folder, const spec::Verdict& v) {
  const auto path = std::filesystem::path(folder) / (std::string(v.theorem.name) + ".smt2");
  write_file(path.string(), v.script);
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
  const Chosen all = chosen(options.filter);
  const std::size_t theorem_count = all.theorem_count();
  if (options.list) return list(all, options.json);
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
    const auto defect = std::ranges::find(all.defects, v.theorem.name,
                                          [](const spec::Defect& d) { return d.theorem.name; });
    if (!options.json)
      print(defect == all.defects.end() ? text_form(v, style) : text_form(v, *defect, style));
    if (progress) fmt::print(stderr, "\rprove: {} of {}\x1b[K", finished, all.statements.size());
  };
  const auto start = std::chrono::steady_clock::now();
  const auto verdicts = spec::prove(all.statements, options.prove);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (progress) fmt::print(stderr, "\r\x1b[K");

  std::size_t proved = 0, found = 0;
  auto theorems = nlohmann::ordered_json::array(), defects = theorems;
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    const spec::Verdict& v = verdicts[i];
    if (i < theorem_count) {
      proved += v.passes();
      theorems.push_back(json_form(v));
    } else {
      found += v.finds();
      defects.push_back(json_form(v, all.defects[i - theorem_count]));
    }
    if (!options.smt2.empty() && !v.script.empty()) write_script(options.smt2, v);
  }
  if (options.json) {
    print(nlohmann::ordered_json{{"theorems", theorems}, {"defects", defects}, {"seconds", seconds}}
              .dump() +
          "\n");
  } else {
    print(fmt::format("{} of {} theorems proved, {} of {} defects found, in {:.1f} s\n", proved,
                      theorem_count, found, all.defects.size(), seconds));
    if (!options.prove.second_solver.empty())
      print(second_summary(verdicts, options.prove.second_solver));
  }
  if (!options.prove.second_solver.empty()) require_second(verdicts, options.prove.second_solver);
  return proved == theorem_count && found == all.defects.size() ? good : violation;
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
