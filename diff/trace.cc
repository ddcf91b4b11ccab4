#include "diff/trace.h"

#include <fmt/format.h>

#include "diff/eval.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

/// A text for people; it means nothing to the detector.
void skip_text(ObjectReader& object, std::string_view name) {
  if (object.find(name) == nullptr) return;
  object.read(name, [](const Value& v) {
    if (!std::holds_alternative<std::string_view>(v)) throw Unexpected("a string");
  });
}

json document_of(std::string_view line) {
  if (line.size() > max_line_bytes) {
    throw FormError(fmt::format("a line longer than {} bytes", max_line_bytes));
  }
  Document document = parse_document(line);
  if (!document.error.empty()) throw FormError(document.error);
  return std::move(document.value);
}

void read_header(std::string_view line, Trace& trace) {
  const json document = document_of(line);
  ObjectReader object(document, {});
  for (const char* name : {"trace", "note", "from"}) skip_text(object, name);
  trace.start = read_program_machine(object);
  if (object.find("lazy_pcids") != nullptr) {
    trace.lazy_pcids = object.read("lazy_pcids", [](const Value& v) {
      if (const auto* flag = std::get_if<bool>(&v)) return *flag;
      throw Unexpected("true or false");
    });
  }
  if (const json* expect = object.find("expect")) {
    if (!expect->is_object()) object.fail("expect", "expected an object");
    trace.expect = *expect;
  }
  object.finish();
}

FreePage read_free(ObjectReader& object) {
  return {object.read("page", [](const Value& v) {
    constexpr const char* expected = R"(the physical address of a page such as "0x5000")";
    const Word page = read_word(v);
    if (page % 0x1000 != 0) throw Unexpected(expected);
    return page;
  })};
}

TraceStep read_trace_step(std::string_view line, std::size_t cpus) {
  const json document = document_of(line);
  ObjectReader object(document, {});
  skip_text(object, "note");
  TraceStep step;
  if (object.get("step") == "free") {
    step.cpu = read_cpu(object, cpus);
    step.action = read_free(object);
  } else {
    const ProgramStep common = read_step(object, cpus);
    step.cpu = common.cpu;
    std::visit([&](const auto& action) { step.action = action; }, common.action);
  }
  if (std::holds_alternative<Access>(step.action)) {
    if (const json* observed = object.find("observed")) {
      if (!observed->is_object() && !observed->is_number_unsigned()) {
        object.fail("observed", "expected an outcome, or the index of one");
      }
      step.observed = *observed;
    }
  }
  object.finish();
  return step;
}

}  // namespace

Trace parse_trace(std::string_view text) {
  Trace trace;
  std::size_t number = 0;
  while (number == 0 || !text.empty()) {
    ++number;
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    try {
      if (number == 1) {
        read_header(line, trace);
      } else {
        trace.steps.push_back(read_trace_step(line, trace.start.cpus));
      }
    } catch (const FormError& e) {
      throw FormError(fmt::format("line {}: {}", number, e.what()));
    }
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return trace;
}

ordered_json to_json(const TraceStep& step) {
  if (const auto* free = std::get_if<FreePage>(&step.action)) {
    ordered_json document;
    if (step.cpu != 0) document["cpu"] = step.cpu;
    document["step"] = "free";
    document["page"] = fmt::format("{:#x}", free->page);
    return document;
  }
  ProgramStep common{.cpu = step.cpu, .action = {}};
  std::visit(
      [&]<class T>(const T& action) {
        if constexpr (!std::is_same_v<T, FreePage>) common.action = action;
      },
      step.action);
  ordered_json document = to_json(common);
  if (!step.observed.is_null()) document["observed"] = step.observed;
  return document;
}

std::string to_text(const Trace& trace) {
  ordered_json header;
  if (!trace.expect.is_null()) header["expect"] = trace.expect;
  append_machine(header, trace.start);
  if (trace.lazy_pcids) header["lazy_pcids"] = true;
  std::string text = header.dump() + "\n";
  for (const TraceStep& step : trace.steps) text += to_json(step).dump() + "\n";
  return text;
}

}  // namespace mmuref::diff
