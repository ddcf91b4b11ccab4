#include "cli/command.h"

namespace mmuref::cli {

Run add_prove(CLI::App& app) {
  app.add_subcommand("prove");
  return []() -> int { throw InputError("prove is not there yet"); };
}

}  // namespace mmuref::cli
