// Answers are written by hand: building a document first would cost more than the walk.
#include <fmt/compile.h>
#include <fmt/format.h>

#include <iterator>

#include "diff/machine_json.h"
#include "diff/text.h"

namespace mmuref::diff {
namespace {

template <class Format, class... Values>
void append(std::string& out, const Format& format, const Values&... values) {
  fmt::format_to(std::back_inserter(out), format, values...);
}

/// The id as it came: most are short plain strings, which need no serialiser.
void append_id(std::string& out, const nlohmann::json& id) {
  const auto plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
  out += R"({"id":)";
  if (const auto* text = id.get_ptr<const std::string*>();
      text != nullptr && std::all_of(text->begin(), text->end(), plain)) {
    append(out, FMT_COMPILE(R"("{}")"), *text);
  } else {
    out += id.dump();
  }
}

void append_writes(std::string& out, const Answer& answer) {
  out += R"("writes":{)";
  const char* separator = "";
  for (const auto& [address, value] : answer.writes) {
    append(out, FMT_COMPILE(R"({}"{:#x}":"{:#x}")"), separator, address, value);
    separator = ",";
  }
  out += '}';
}

void append_translated(std::string& out, const Answer& answer) {
  append(out, FMT_COMPILE(R"("outcome":"ok","pa":"{:#x}","page":"{}",)"),
         answer.walk.physical_address, page_size(answer.walk.level));
  append_writes(out, answer);
}

void append_fault(std::string& out, const Access& access, const Answer& answer) {
  const Walk& walk = answer.walk;
  append(out, FMT_COMPILE(R"("outcome":"fault","vector":{},"error_code":"{:#x}")"),
         x86::vector(walk.outcome), walk.error_code);
  // A non-canonical address loads no CR2 and reaches no level.
  if (walk.outcome == x86::Outcome::page_fault) {
    append(out, FMT_COMPILE(R"(,"cr2":"{:#x}","level":{})"), access.va, walk.level);
  }
  append(out, FMT_COMPILE(R"(,"rule":"{}","may_write":{{)"), x86::text(walk.rule).name);
  const char* separator = "";
  for (const auto& [address, value] : answer.may_write) {
    append(out, FMT_COMPILE(R"({}"{:#x}":["{:#x}"])"), separator, address, value);
    separator = ",";
  }
  out += '}';
  if (answer.writes.begin() == answer.writes.end()) return;
  out += ',';
  append_writes(out, answer);
}

}  // namespace

void append_outcome(std::string& out, const Access& access, const Answer& answer) {
  if (answer.walk.outcome == x86::Outcome::translated) {
    append_translated(out, answer);
  } else {
    append_fault(out, access, answer);
  }
}

void append_answer(std::string& out, const nlohmann::json& id, const Case& question,
                   const Answer& answer) {
  append_id(out, id);
  out += ',';
  append_outcome(out, question.access, answer);
  out += '}';
}

void append_error(std::string& out, const RequestError& error) {
  append_id(out, error.id);
  // The message may quote the input, which need not be UTF-8; the answer is.
  out += R"(,"error":)";
  out +=
      nlohmann::json(error.what()).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  out += '}';
}

nlohmann::ordered_json to_json(const nlohmann::json& id, const Case& question,
                               const Answer& answer) {
  std::string text;
  append_answer(text, id, question, answer);
  return nlohmann::ordered_json::parse(text);
}

}  // namespace mmuref::diff
