// Any bytes as input of `mmuref tlb eval`: each line gets one line of JSON, and a program that is
// read has one meaning.
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

void check_program(const nlohmann::json& line) {
  nlohmann::json document = line;
  document.erase("id");
  for (auto& step : document["steps"]) step.erase("observed");
  const Program program = read_program(document);
  const auto written = to_json(program);
  require(to_json(parse_program(written.dump())) == written, "a program reads back");
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
  check_program(nlohmann::json::parse(line));
}

}  // namespace

MMUREF_MUTATOR(mmuref::fuzz::mutate_lines);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mmuref::fuzz::for_each_line(data, size, check_line);
  return 0;
}
