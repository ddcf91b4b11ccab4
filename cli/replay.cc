#include "cli/command.h"

namespace mmuref::cli {

Run add_replay(CLI::App& app) {
  app.add_subcommand("replay");
  return []() -> int { throw InputError("replay is not there yet"); };
}

}  // namespace mmuref::cli
