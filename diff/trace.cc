#include "diff/trace.h"

#include <fmt/format.h>

#include <array>

namespace mmuref::diff {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr const char* machine_expected = "expected the machine, a JSON object";

/// Those of the verdict (docs/traces.md).
constexpr std::array<std::string_view, 13> verdict_fields{
    "verdict",   "kind",  "step",       "cpu",     "va",   "page",
    "by",        "level", "removed_by", "missing", "says", "spurious_faults",
    "exceptions"};

/// A text for people; it means nothing to the detector.
void skip_text(ObjectReader& object, std::string_view name) {
  if (object.find(name) == nullptr) return;
  object.read(name, [](const Value& v) {
    if (!std::holds_alternative<std::string_view>(v)) throw Unexpected("a string");
  });
}

json document_of(std::string_view line) {
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
    ObjectReader fields(*expect, "expect");
    for (const std::string_view field : verdict_fields) fields.find(field);
    fields.finish();
    trace.expect = *expect;
  }
  object.finish();
}

FreePage read_free(ObjectReader& object, const Program& start) {
  return {read_physical(object, "page", start, 0x1000,
                        R"(the physical address of a page such as "0x5000")")};
}

TraceStep read_trace_step(std::string_view line, const Program& start) {
  const json document = document_of(line);
  ObjectReader object(document, {});
  skip_text(object, "note");
  TraceStep step;
  if (object.get("step") == "free") {
    step.cpu = read_cpu(object, start.cpus);
    step.action = read_free(object, start);
  } else {
    const ProgramStep common = read_step(object, start, R"("free", )");
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

void TraceReader::read(const LineReader::Line& line) {
  ++lines_;
  try {
    if (line.too_long) throw FormError(fmt::format("a line longer than {} bytes", max_line_bytes));
    if (lines_ > 1) {
      trace_.steps.push_back(read_trace_step(line.text, trace_.start));
    } else if (line.text.empty()) {
      throw FormError(machine_expected);
    } else {
      read_header(line.text, trace_);
    }
  } catch (const FormError& e) {
    throw FormError(fmt::format("line {}: {}", lines_, e.what()));
  }
}

Trace TraceReader::finish() {
  if (lines_ == 0) throw FormError(fmt::format("line 1: {}", machine_expected));
  return std::move(trace_);
}

Trace parse_trace(std::string_view text) {
  TraceReader reader;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    reader.read({line, line.size() > max_line_bytes});
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  }
  return reader.finish();
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
