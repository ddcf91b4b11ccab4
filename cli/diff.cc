#include "cli/command.h"

namespace mmuref::cli {

Run add_diff(CLI::App& app) {
  app.add_subcommand("diff");
  return []() -> int { throw InputError("diff is not there yet"); };
}

}  // namespace mmuref::cli
