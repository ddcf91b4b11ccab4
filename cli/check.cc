#include "cli/command.h"

namespace mmuref::cli {

Run add_check(CLI::App& app) {
  app.add_subcommand("check");
  return []() -> int { throw InputError("check is not there yet"); };
}

}  // namespace mmuref::cli
