#include "cli/command.h"

namespace mmuref::cli {

Run add_maps(CLI::App& app) {
  app.add_subcommand("maps");
  return []() -> int { throw InputError("maps is not there yet"); };
}

}  // namespace mmuref::cli
