#include "diff/minimize.h"

#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "cli/terminal.h"
#include "diff/case_file.h"
#include "diff/files.h"
#include "diff/oracles.h"
#include "diff/program_run.h"

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

/// A program shows how its last step differs.
std::string minimize_program(const Options& options, const nlohmann::json& document) {
  const diff::ProgramCase file = diff::read_program_case(options.path, document);
  const std::string& name = options.oracle.empty() ? file.oracle : options.oracle;
  const auto oracle = diff::make_program_oracle(name);
  if (oracle == nullptr) {
    throw InputError(fmt::format("{}: \"oracle\": expected one that runs programs: {}",
                                 options.path, diff::program_oracle_list()));
  }
  const std::string why = oracle->unsupported(file.program);
  if (!why.empty()) throw InputError(fmt::format("{}: {}: {}", options.path, name, why));
  const diff::ProgramRun run = diff::run_program(*oracle, file.program);
  if (run.effects.size() < file.program.steps.size() || run.last().parts == 0) {
    throw InputError(fmt::format("{}: {} does not differ in the last step: nothing to minimise",
                                 options.path, name));
  }
  return diff::to_text(diff::describe(*oracle, diff::minimize_program(*oracle, file.program),
                                      file.name, file.origin));
}

std::string minimize_access(const Options& options, const nlohmann::json& document) {
  const diff::CaseFile file = diff::read_case(options.path, document);
  const std::string& name = options.oracle.empty() ? file.oracle : options.oracle;
  if (name.empty()) return diff::to_text(minimize_answer(file));
  const auto oracle = diff::make_oracle(name);
  if (oracle == nullptr) {
    throw InputError(
        fmt::format("{}: \"oracle\": expected one of {}", options.path, diff::oracle_list()));
  }
  return diff::to_text(minimize_on(*oracle, file, options.path));
}

int run(const Options& options) {
  if (!options.out.empty()) diff::require_writable(options.out);
  const nlohmann::json document = diff::read_case_document(options.path);
  const std::string text = diff::holds_program(document) ? minimize_program(options, document)
                                                         : minimize_access(options, document);
  if (options.out.empty()) {
    print(text);
  } else {
    diff::write_file(options.out, text);
  }
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
  return errors_are_input([options] { return run(*options); });
}

}  // namespace mmuref::cli
