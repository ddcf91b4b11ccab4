#include "diff/minimize.h"

#include <fmt/format.h>

#include <memory>

#include "cli/command.h"
#include "diff/case_file.h"
#include "diff/oracles.h"

namespace mmuref::cli {
namespace {

struct Options {
  std::string path, oracle, out;
};

int run(const Options& options) {
  diff::CaseFile file;
  try {
    file = diff::read_case_file(options.path);
  } catch (const diff::CaseFileError& e) {
    throw InputError(e.what());
  }
  const std::string name = options.oracle.empty() ? file.oracle : options.oracle;
  const auto oracle = diff::make_oracle(name);
  if (oracle == nullptr) {
    throw InputError(
        fmt::format("{}: \"oracle\": expected one of {}", options.path, diff::oracle_list()));
  }
  const diff::Machine& machine = file.question.machine;
  const std::string why = oracle->unsupported(machine.cpu, machine.registers, file.question.access);
  if (!why.empty()) throw InputError(fmt::format("{}: {}: {}", options.path, name, why));
  if (diff::classify(*oracle, file.question).parts == 0) {
    throw InputError(
        fmt::format("{}: {} agrees with the model: nothing to minimise", options.path, name));
  }

  diff::CaseFile smaller = diff::describe(
      *oracle, diff::minimize_difference(*oracle, file.question), file.name, file.origin);
  smaller.id = file.id;
  if (options.out.empty()) {
    fmt::print("{}", diff::to_text(smaller));
  } else {
    diff::write_case_file(options.out, smaller);
  }
  return good;
}

}  // namespace

Run add_minimize(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("minimize", "Make a case as small as its difference allows");
  command->footer("Example: mmuref minimize corpora/found/case.json --out smaller.json");
  const auto options = std::make_shared<Options>();
  command->add_option("file", options->path, "Case file")->required();
  command->add_option("--oracle", options->oracle, "Instead of the oracle that the case names");
  command->add_option("--out", options->out, "Write here instead of to stdout");
  return [options] { return run(*options); };
}

}  // namespace mmuref::cli
