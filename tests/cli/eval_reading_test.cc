// A request has one meaning, whether its text streams through the parser or comes as a document.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "diff/eval.h"
#include "tests/arbitrary_case.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;
using test::any;
using test::below;

/// What a reading comes to: the request written again, or nothing if it is refused.
template <class Read, class Input>
std::optional<std::string> outcome(const Read& read, const Input& input) {
  try {
    return to_json(read(input)).dump();
  } catch (const RequestError&) {
    return std::nullopt;
  }
}

void assert_one_reading(const json& document) {
  RC_ASSERT(outcome(parse_request, document.dump()) == outcome(read_request, document));
}

RC_GTEST_PROP(EvalReading, WhatIsWrittenReadsBack, (const Case& c)) {
  const auto written = to_json(Request{"id", c});
  RC_ASSERT(outcome(parse_request, written.dump()) == written.dump());
  RC_ASSERT(outcome(read_request, written) == written.dump());
}

RC_GTEST_PROP(EvalReading, TheAnswerIsTheModels, (const Case& c)) {
  const Request read = parse_request(to_json(Request{"id", c}).dump());
  const Answer expected = answer(c);
  std::string text;
  append_answer(text, "id", read.question, answer(read.question));
  const auto document = to_json("id", c, expected);
  RC_ASSERT(document.dump() == text);

  const Walk& w = expected.walk;
  const auto hex = [&](const char* field) {
    return std::stoull(document[field].get<std::string>(), nullptr, 16);
  };
  if (w.outcome == x86::Outcome::translated) {
    RC_ASSERT(document["outcome"] == "ok");
    RC_ASSERT(hex("pa") == w.physical_address);
    Memory after = c.machine.memory;
    x86::write_back(w, after);
    for (const auto& [address, value] : document["writes"].items()) {
      RC_ASSERT(after.read(std::stoull(address, nullptr, 16)) ==
                std::stoull(value.get<std::string>(), nullptr, 16));
    }
    std::size_t changed = 0;
    for (const auto& [address, value] : after) {
      changed += value != c.machine.memory.read(address) ? 1 : 0;
    }
    RC_ASSERT(document["writes"].size() == changed);
  } else {
    RC_ASSERT(document["vector"] == x86::vector(w.outcome));
    RC_ASSERT(hex("error_code") == w.error_code);
    RC_ASSERT(document["rule"] == x86::text(w.rule).name);
    if (w.outcome == x86::Outcome::page_fault) RC_ASSERT(hex("cr2") == c.access.va);
  }
}

json arbitrary_value() {
  switch (below(9)) {
    case 0: return nullptr;
    case 1: return any<bool>();
    case 2: return any<std::int64_t>();
    case 3: return below(64);
    case 4: return 46.0;
    case 5: return fmt::format("{:#x}", any<Word>());
    case 6: return "amd";
    case 7: return json::array({1, json::object({{"0x0", 1}})});
    default: return json::object({{fmt::format("{:#x}", Word{below(64)} * 4), below(2)}});
  }
}

// Both forms refuse the same requests: one field replaced, dropped, or added.
RC_GTEST_PROP(EvalReading, BothFormsRefuseAlike, (const Case& c)) {
  json document = to_json(Request{"id", c});
  auto field = document.begin();
  std::advance(field, below(static_cast<unsigned>(document.size())));
  switch (below(4)) {
    case 0: document.erase(field); break;
    case 1: document["vendor"] = arbitrary_value(); break;
    case 2: document[any<bool>() ? "stack" : "extra"] = arbitrary_value(); break;
    default: field.value() = arbitrary_value(); break;
  }
  assert_one_reading(document);
}

// Bytes of a good line changed at random: an answer or an error, always one line of JSON.
RC_GTEST_PROP(EvalReading, AnyLineIsAnsweredByOneLineOfJson, (const Case& c)) {
  std::string line = to_json(Request{"id", c}).dump();
  for (unsigned i = below(4) + 1; i > 0; --i) {
    line[below(static_cast<unsigned>(line.size()))] = static_cast<char>(below(256));
  }
  std::string out;
  const bool readable = append_reply(out, line);
  RC_ASSERT(out.find('\n') == out.size() - 1);
  const json reply = json::parse(out);
  RC_ASSERT(reply.contains("id"));
  RC_ASSERT(reply.contains(readable ? "outcome" : "error"));
}

}  // namespace
}  // namespace mmuref::diff
