#include "cli/command.h"

namespace mmuref::cli {

Run add_walk(CLI::App& app) {
  app.add_subcommand("walk");
  return []() -> int { throw InputError("walk is not there yet"); };
}

}  // namespace mmuref::cli
