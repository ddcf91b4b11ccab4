#include "cli/command.h"

namespace mmuref::cli {

Run add_minimize(CLI::App& app) {
  app.add_subcommand("minimize");
  return []() -> int { throw InputError("minimize is not there yet"); };
}

}  // namespace mmuref::cli
