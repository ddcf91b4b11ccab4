#include "cli/command.h"

namespace mmuref::cli {

Run add_explain(CLI::App& app) {
  app.add_subcommand("explain");
  return []() -> int { throw InputError("explain is not there yet"); };
}

}  // namespace mmuref::cli
