#include "cli/answer_lines.h"
#include "cli/command.h"
#include "cli/tlb_simulate.h"
#include "diff/tlb_eval.h"

namespace mmuref::cli {
namespace {

constexpr const char* example = R"(Example:
  $ mmuref tlb eval <programs.jsonl
Each line is a machine, by the fields of `mmuref eval`, with "steps": table writes, instructions and
accesses. The exit code is 2 if any line could not be read. docs/tlb-eval.md has every field.)";

}  // namespace

Run add_tlb(CLI::App& app) {
  CLI::App* tlb = app.add_subcommand("tlb", "What translation caches let an access do");
  tlb->require_subcommand(1);
  tlb->footer("Example: mmuref tlb eval <programs.jsonl");
  CLI::App* eval = tlb->add_subcommand(
      "eval", "Answer what accesses of programs may do: one JSON object a line in, one a line out");
  eval->add_flag("--json")->description("Accepted everywhere; these answers are always JSON");
  eval->footer(example);
  return [eval, simulate = add_tlb_simulate(*tlb)] {
    return eval->parsed() ? answer_lines("tlb eval", diff::append_tlb_reply) : simulate();
  };
}

}  // namespace mmuref::cli
