// Any bytes as a trace: refused in one line, or checked; and whatever it does, dropping everything
// on every processor after each change makes it clean.
#include <cstdint>
#include <string>
#include <string_view>

#include "diff/trace_check.h"
#include "fuzz/line_mutator.h"
#include "fuzz/mutator.h"
#include "fuzz/require.h"

namespace {

using namespace mmuref::diff;
using mmuref::fuzz::require;

/// Steps that a run of the fuzzer can afford: time is in their square.
constexpr std::size_t max_trace_steps = 200;

Trace flushed_everywhere(const Trace& trace) {
  Trace flushed{.start = trace.start, .expect = {}, .steps = {}};
  for (TraceStep step : trace.steps) {
    if (std::holds_alternative<FreePage>(step.action)) continue;
    step.observed = nullptr;
    flushed.steps.push_back(step);
    if (std::holds_alternative<Access>(step.action)) continue;
    const Operation all{.kind = mmuref::x86::OperationKind::invpcid, .value = 2};
    for (std::size_t cpu = 0; cpu < trace.start.cpus; ++cpu)
      flushed.steps.push_back({.cpu = cpu, .action = all, .observed = {}});
  }
  return flushed;
}

void use(const Trace& trace) {
  require(to_text(parse_trace(to_text(trace))) == to_text(trace), "a trace reads back");
  if (trace.steps.size() > max_trace_steps) return;
  const TraceVerdict verdict = check(trace);
  const std::string text = text_form(trace, verdict, "input");
  require(text.starts_with("input:") && text.ends_with("\n"), "a verdict is lines");
  require(to_json(trace, verdict).contains("verdict"), "a verdict is an object");
  if (verdict.finding) require(verdict.finding->step < trace.steps.size(), "a finding is a step");
  require(!check(flushed_everywhere(trace)).finding, "what is always dropped is never stale");
}

}  // namespace

MMUREF_MUTATOR(mmuref::fuzz::mutate_lines);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    use(parse_trace({reinterpret_cast<const char*>(data), size}));
  } catch (const FormError& e) {
    const std::string_view line = e.what();
    require(line.starts_with("line ") && line.find('\n') == line.npos, "an error is one line");
  }
  return 0;
}
