#include "cli/command.h"

namespace mmuref::cli {

Run add_eval(CLI::App& app) {
  app.add_subcommand("eval");
  return []() -> int { throw InputError("eval is not there yet"); };
}

}  // namespace mmuref::cli
