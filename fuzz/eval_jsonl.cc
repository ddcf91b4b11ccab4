// Any bytes as input of `mmuref eval`: each line gets one line of JSON, which is what the
// specification says; and a request that is read has one meaning, as text and as a document.
#include <cstdint>
#include <string>
#include <string_view>

#include "diff/eval.h"
#include "diff/machine_json.h"
#include "diff/request_fields.h"
#include "fuzz/line_mutator.h"
#include "fuzz/lines.h"
#include "fuzz/mutator.h"
#include "fuzz/require.h"
#include "fuzz/rule_report.h"

namespace {

using namespace mmuref::diff;
using mmuref::fuzz::require;

Word number(const nlohmann::json& text) {
  Word value = 0;
  require(text.is_string() && read_hex(text.get_ref<const std::string&>(), value), "a number");
  return value;
}

void same_answer(const nlohmann::json& reply, const mmuref::spec::Statement<Word>& s) {
  require((reply["outcome"] == "ok") == s.ok, "one outcome");
  if (s.ok) {
    require(number(reply["pa"]) == s.physical_address, "one physical address");
    return;
  }
  require(reply["vector"] == s.vector && number(reply["error_code"]) == s.error_code, "one fault");
  if (s.vector == 14) require(reply["level"] == s.level, "one level");
}

/// A request may ask for accesses that no instruction makes.
void hold_to_specification(const nlohmann::json& reply, const Case& question) {
  const Access& a = question.access;
  if ((a.implicit || a.stack) && (a.fetch || (a.implicit && a.stack))) return;
  const Machine& m = question.machine;
  const auto s = mmuref::spec::state(m.cpu, m.registers, a, m.memory);
  same_answer(reply, s);
  if (s.vector == 14) require(number(reply["cr2"]) == a.va, "CR2 is the address");
  mmuref::fuzz::note(exercised(question, s));
}

void check_line(std::string_view line) {
  std::string out;
  const bool readable = append_reply(out, line);
  require(out.find('\n') == out.size() - 1, "one line is answered by one line");
  const auto reply = nlohmann::json::parse(out);
  require(reply.contains("id") && reply.contains(readable ? "outcome" : "error"),
          "an answer has an id and an outcome or an error");
  if (!readable) return;

  const Request request = parse_request(line);
  hold_to_specification(reply, request.question);
  const auto document = to_json(request);
  require(to_json(parse_request(document.dump())) == document, "a request reads back as text");
  require(to_json(read_request(document)) == document, "a request reads back as a document");
}

}  // namespace

MMUREF_MUTATOR(mmuref::fuzz::mutate_lines);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mmuref::fuzz::for_each_line(data, size, check_line);
  return 0;
}
