#include <cstdio>
#include <exception>
#include <utility>
#include <vector>

#include "cli/command.h"

namespace {

using namespace mmuref::cli;

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

  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& e) {
    return app.exit(e);
  } catch (const CLI::CallForAllHelp& e) {
    return app.exit(e);
  } catch (const CLI::CallForVersion& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    if (app.get_subcommands().empty() && argc > 1) {
      std::fprintf(stderr, "mmuref: %s: expected a subcommand (see --help)\n", argv[1]);
      return bad_input;
    }
    std::fprintf(stderr, "mmuref: %s (see --help)\n", e.what());
    return bad_input;
  }
  for (const auto& [subcommand, command] : commands) {
    if (subcommand->parsed()) return command();
  }
  return bad_input;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const InputError& e) {
    std::fprintf(stderr, "mmuref: %s\n", e.what());
    return mmuref::cli::bad_input;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "mmuref: internal error: %s\n", e.what());
    return mmuref::cli::bad_input;
  }
}
