#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <exception>
#include <sstream>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/terminal.h"

namespace {

using namespace mmuref::cli;

/// A file that is opened must not get the number of a standard stream that is closed, and with it
/// what is printed. What takes its place can neither be read nor written, as the closed one.
void occupy_standard_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) >= 0) continue;
    const int mode = stream == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (open("/dev/null", mode) != stream) throw InputError("/dev/null: cannot be opened");
  }
}

/// A value that is empty, as `--out "$UNSET"` gives it, is not taken for none; and a flag has none.
void refuse_empty_values(CLI::App& app) {
  for (CLI::Option* option : app.get_options({})) {
    const bool flag = option->get_expected_min() == 0;
    option->check([flag](const std::string& text) -> std::string {
      if (flag) return text == "true" ? "" : "expected no value";
      return text.empty() ? "expected a value, not an empty text" : "";
    });
  }
  for (CLI::App* command : app.get_subcommands({})) refuse_empty_values(*command);
}

int run(int argc, char** argv) {
  CLI::App app{"mmuref: the reference MMU. Proves, diffs and explains x86-64 page walks."};
  app.name("mmuref");
  app.set_version_flag("--version", MMUREF_VERSION);
  app.require_subcommand(1);
  app.footer("Example: mmuref check\nEach subcommand's --help has its own.");

  std::vector<std::pair<CLI::App*, Run>> commands;
  for (const auto add :
       {add_check, add_prove, add_diff, add_merge, add_replay, add_minimize, add_eval, add_tlb,
        add_trace, add_walk, add_maps, add_explain, add_layout, add_va, add_pa, add_flush}) {
    Run command = add(app);
    commands.emplace_back(app.get_subcommands({}).back(), std::move(command));
  }

  refuse_empty_values(app);

  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {  // --help, --version
    std::ostringstream text;
    app.exit(e, text, text);
    print(text.str());
    return good;
  } catch (const CLI::ParseError& e) {
    if (app.get_subcommands().empty() && argc > 1)
      throw InputError(fmt::format("{}: expected a subcommand (see --help)", argv[1]));
    throw InputError(fmt::format("{} (see --help)", e.what()));
  }
  for (const auto& [subcommand, command] : commands) {
    if (subcommand->parsed()) return command();
  }
  return bad_input;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    occupy_standard_streams();
    return run(argc, argv);
  } catch (const InputError& e) {
    print_error(e.what());
  } catch (const std::exception& e) {
    print_error(std::string("internal error: ") + e.what());
  }
  return bad_input;
}
