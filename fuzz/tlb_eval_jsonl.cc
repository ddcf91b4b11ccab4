// Any bytes as input of `mmuref tlb eval`: each line gets one line of JSON, a program that is read
// has one meaning, and where everything is dropped before each access that has one outcome.
#include <cstdint>
#include <string>
#include <string_view>

#include "diff/program_json.h"
#include "diff/tlb_eval.h"
#include "fuzz/line_mutator.h"
#include "fuzz/lines.h"
#include "fuzz/mutator.h"
#include "fuzz/require.h"

namespace {

using namespace mmuref::diff;
using mmuref::fuzz::require;

nlohmann::json answer(nlohmann::json document) {
  document["id"] = 0;
  std::string out;
  append_tlb_reply(out, document.dump());
  return nlohmann::json::parse(out);
}

Program check_program(const nlohmann::json& line) {
  nlohmann::json document = line;
  document.erase("id");
  for (auto& step : document["steps"]) step.erase("observed");
  const Program program = read_program(document);
  const auto written = to_json(program);
  require(to_json(parse_program(written.dump())) == written, "a program reads back");
  require(answer(written) == answer(document), "and means the same");
  return program;
}

/// The program with everything dropped on every processor before each access.
Program flushed(const Program& program) {
  Program result{program.machine, program.cpus, {}};
  const Operation all{.kind = mmuref::x86::OperationKind::invpcid, .value = 2};
  for (const ProgramStep& step : program.steps) {
    for (std::size_t cpu = 0; cpu < program.cpus && std::holds_alternative<Access>(step.action);
         ++cpu)
      result.steps.push_back({.cpu = cpu, .action = all});
    result.steps.push_back(step);
  }
  return result;
}

/// With nothing cached an access has one outcome, so after it memory is certain again. Only where
/// there are too many steps now is there no answer.
void check_flushed(const Program& program) {
  const Program again = flushed(program);
  const auto reply = answer(to_json(again));
  const bool answered = reply.contains("accesses");
  require(answered == (again.steps.size() <= max_steps), "it is answered");
  if (!answered) return;
  for (const auto& access : reply["accesses"])
    require(access["outcomes"].size() == 1, "with nothing cached there is one outcome");
}

void check_line(std::string_view line) {
  std::string out;
  const bool readable = append_tlb_reply(out, line);
  require(out.find('\n') == out.size() - 1, "one line is answered by one line");
  const auto reply = nlohmann::json::parse(out);
  require(reply.contains("id") && reply.contains(readable ? "accesses" : "error"),
          "an answer has an id and accesses or an error");
  if (!readable) return;
  for (const auto& access : reply["accesses"]) {
    require(!access["outcomes"].empty() && access["outcomes"][0]["source"] == "memory",
            "the walk of memory is the first outcome");
  }
  check_flushed(check_program(nlohmann::json::parse(line)));
}

}  // namespace

MMUREF_MUTATOR(mmuref::fuzz::mutate_lines);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mmuref::fuzz::for_each_line(data, size, check_line);
  return 0;
}
