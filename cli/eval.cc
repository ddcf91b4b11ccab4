#include "diff/eval.h"

#include "cli/answer_lines.h"
#include "cli/command.h"

namespace mmuref::cli {
namespace {

constexpr const char* example = R"(Example:
  $ echo '{"id":"7","maxphyaddr":46,"page1gb":true,"cr0":"0x80010033","cr3":"0x1000","cr4":"0x20",
    "efer":"0xd01","pkru":"0x0","cpl":3,"ac":false,"access":"read","va":"0x1234",
    "mem":{"0x1000":"0x2067","0x2000":"0x3067","0x3000":"0x4067","0x4008":"0x5007"}}' |
    tr -d '\n' | mmuref eval
  {"id":"7","outcome":"ok","pa":"0x5234","page":"4K","writes":{"0x4008":"0x5027"}}

The exit code is 2 if any line could not be read. docs/eval.md has every field.)";

}  // namespace

Run add_eval(CLI::App& app) {
  CLI::App* command = app.add_subcommand(
      "eval", "Answer what single accesses do: one JSON object a line in, one a line out");
  command->add_flag("--json")->description("Accepted everywhere; these answers are always JSON");
  command->footer(example);
  return [] { return answer_lines("eval", diff::append_reply); };
}

}  // namespace mmuref::cli
