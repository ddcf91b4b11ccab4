// Any bytes as a trace: refused in one line, or checked. The detector finds what the outcomes of
// the accesses show, and shows what it finds; and whatever a trace does, dropping everything on
// every processor after each change makes it clean.
#include <algorithm>
#include <cstdint>
#include <optional>
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

/// Whether an access may complete where memory faults, or elsewhere than memory says.
bool shows_staleness(const std::vector<Possibility>& outcomes) {
  using mmuref::x86::Outcome;
  const Walk& fresh = outcomes.front().walk;
  return std::any_of(outcomes.begin(), outcomes.end(), [&](const Possibility& p) {
    return p.walk.outcome == Outcome::translated &&
           (fresh.outcome != Outcome::translated ||
            p.walk.physical_address != fresh.physical_address);
  });
}

/// The first step with an access that shows it.
std::optional<std::size_t> first_shown(const Trace& trace) {
  CachingMachine machine = start(trace.start);
  for (std::size_t i = 0; i < trace.steps.size(); ++i) {
    const auto& [cpu, action, observed] = trace.steps[i];
    if (const auto* write = std::get_if<TableWrite>(&action)) {
      machine.write(write->address, write->value);
    } else if (const auto* op = std::get_if<Operation>(&action)) {
      machine.execute(cpu, *op);
    } else if (const auto* access = std::get_if<Access>(&action)) {
      const auto outcomes = machine.outcomes(cpu, *access);
      if (shows_staleness(outcomes)) return i;
      machine.settle(cpu, *access, outcomes);
    }
  }
  return {};
}

/// What a table that is gone, a lost D or a page that is freed has cached need not show yet.
void finds_what_shows(Trace trace) {
  for (TraceStep& step : trace.steps) step.observed = nullptr;
  const auto found = check(trace).finding;
  const auto shown = first_shown(trace);
  if (shown) require(found && found->step <= *shown, "what shows is found");
  if (!found) return;
  if (found->kind == FindingKind::grants || found->kind == FindingKind::elsewhere)
    require(shown == found->step, "what is found shows");
}

void use(const Trace& trace) {
  const Trace again = parse_trace(to_text(trace));
  require(to_text(again) == to_text(trace), "a trace reads back");
  if (trace.steps.size() > max_trace_steps) return;
  const TraceVerdict verdict = check(trace);
  const auto object = to_json(trace, verdict);
  require(to_json(again, check(again)) == object, "and means the same");
  const std::string text = text_form(trace, verdict, "input");
  require(text.starts_with("input:") && text.ends_with("\n"), "a verdict is lines");
  require(object.contains("verdict"), "a verdict is an object");
  if (verdict.finding) require(verdict.finding->step < trace.steps.size(), "a finding is a step");
  finds_what_shows(trace);
  require(!check(flushed_everywhere(trace)).finding, "what is always dropped is never stale");
}

}  // namespace

MMUREF_MUTATOR(mmuref::fuzz::mutate_lines);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    use(parse_trace({reinterpret_cast<const char*>(data), size}));
  } catch (const FormError& e) {
    mmuref::fuzz::require_line(e.what(), "line ");
  }
  return 0;
}
