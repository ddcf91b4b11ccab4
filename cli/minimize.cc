#include "diff/minimize.h"

#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "cli/terminal.h"
#include "diff/case_file.h"
#include "diff/oracles.h"

namespace mmuref::cli {
namespace {

struct Options {
  std::string path, oracle, out;
};

/// A case without an oracle shows how the model answers: by which rule, at which level.
diff::CaseFile minimize_answer(const diff::CaseFile& file) {
  const diff::Walk wanted = diff::answer(file.question).walk;
  diff::CaseFile smaller = file;
  smaller.question = diff::minimize(file.question, [&](const diff::Case& c) {
    const diff::Walk found = diff::answer(c).walk;
    return found.rule == wanted.rule && found.level == wanted.level &&
           found.error_code == wanted.error_code;
  });
  return smaller;
}

diff::CaseFile minimize_on(diff::Oracle& oracle, const diff::CaseFile& file,
                           const std::string& path) {
  const diff::Machine& machine = file.question.machine;
  const std::string why = oracle.unsupported(machine.cpu, machine.registers, file.question.access);
  if (!why.empty()) throw InputError(fmt::format("{}: {}: {}", path, oracle.name(), why));
  if (diff::classify(oracle, file.question).parts == 0) {
    throw InputError(
        fmt::format("{}: {} agrees with the model: nothing to minimise", path, oracle.name()));
  }
  diff::CaseFile smaller = diff::describe(oracle, diff::minimize_difference(oracle, file.question),
                                          file.name, file.origin);
  smaller.id = file.id;
  return smaller;
}

int run(const Options& options) {
  diff::CaseFile file;
  try {
    file = diff::read_case_file(options.path);
    const std::string& name = options.oracle.empty() ? file.oracle : options.oracle;
    if (name.empty()) {
      file = minimize_answer(file);
    } else if (const auto oracle = diff::make_oracle(name)) {
      file = minimize_on(*oracle, file, options.path);
    } else {
      throw InputError(
          fmt::format("{}: \"oracle\": expected one of {}", options.path, diff::oracle_list()));
    }
    if (!options.out.empty()) diff::write_case_file(options.out, file);
  } catch (const diff::CaseFileError& e) {
    throw InputError(e.what());
  }
  if (options.out.empty()) print(diff::to_text(file));
  return good;
}

}  // namespace

Run add_minimize(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "minimize",
      "Make a case as small as what it shows allows: a difference, or else the rule it ends by");
  command->footer("Example: mmuref minimize corpora/found/case.json --out smaller.json");
  const auto options = std::make_shared<Options>();
  command->add_option("file", options->path, "Case file")->required();
  command->add_option("--oracle", options->oracle, "Instead of the oracle that the case names");
  command->add_option("--out", options->out, "Write here instead of to stdout");
  return [options] { return run(*options); };
}

}  // namespace mmuref::cli
