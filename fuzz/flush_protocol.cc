// Any bytes as a way through a flush protocol: refused in one line, or gone; what was gone reads
// back; and no protocol as shipped, nor a break repaired, ever breaks a promise, on bounds that are
// too large to be explored too.
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "diff/flush_trace.h"
#include "fuzz/mutator.h"
#include "fuzz/require.h"
#include "spec/protocol/search.h"

namespace {

using namespace mmuref::spec::protocol;
using mmuref::diff::FlushTrace;
using mmuref::diff::FormError;
using mmuref::diff::Subject;
using mmuref::fuzz::require;

/// What a run of the fuzzer can afford.
constexpr std::size_t max_events = 400;

std::string text_of(const FlushTrace& trace, const std::vector<Scene>& scenes) {
  return json_of(trace, scenes).dump(1) + '\n';
}

/// The kernel's own order of switch_mm keeps promises outside it.
bool must_hold(const Subject& s) {
  const bool shipped = s.exhibit.empty() && s.order.empty() && !s.irqs_on;
  return !s.strict && (shipped || s.fixed);
}

void use(const FlushTrace& trace) {
  if (trace.events.size() > max_events) return;
  const auto r = mmuref::diff::replay_flush_trace(trace);
  const std::string text = text_of(r.trace, r.scenes);
  const FlushTrace again = mmuref::diff::parse_flush_trace(text);
  require(again.subject == trace.subject && again.events == trace.events, "it reads back");
  require(text_of(again, r.scenes) == text, "a trace reads back");
  if (must_hold(trace.subject)) require(r.found.empty(), "a protocol keeps its promises");
}

}  // namespace

#ifdef MMUREF_FUZZING_ENGINE
namespace {

/// Goes on from where the first `keep` events lead, as any of what can happen there.
void wander(FlushTrace& trace, std::size_t keep, mmuref::diff::Random& random) {
  trace.events.resize(keep);
  const System system = trace.subject.system();
  const bool reduce = trace.subject.reduce;
  const auto led = replay(system, trace.events, reduce);
  State state = led.empty() ? first(system) : led.back().state;
  for (std::uint32_t n = 1 + random.below(40); n > 0 && trace.events.size() < max_events; --n) {
    std::vector<Successor> following;
    successors(system, state, {.reduce = reduce}, following);
    if (following.empty()) return;
    const Successor& next = random.pick(following);
    trace.events.push_back(next.event);
    state = next.state;
  }
}

void change_subject(Subject& s, mmuref::diff::Random& random) {
  Bounds& b = s.bounds;
  const auto up_to = [&](int most) {
    return 1 + static_cast<int>(random.below(static_cast<std::uint32_t>(most)));
  };
  switch (random.below(8)) {
    case 0: b.cpus = up_to(max_cpus); break;
    case 1: b.mms = up_to(max_mms); break;
    case 2: b.pages = up_to(max_pages); break;
    case 3: b.asids = up_to(max_asids); break;
    case 4: b.observe_one = !b.observe_one; break;
    case 5: s.reduce = !s.reduce; break;
    case 6: s.fixed = !s.exhibit.empty() && !s.fixed; break;
    default: s = {.protocol = std::string(random.pick(protocols()).name), .bounds = b}; break;
  }
}

/// In place, a trace that ends otherwise, or of another subject; the new size.
std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t max_size,
                   mmuref::diff::Random& random) {
  try {
    FlushTrace trace = mmuref::diff::parse_flush_trace({reinterpret_cast<const char*>(data), size});
    if (random.chance(1, 4)) change_subject(trace.subject, random);
    const auto events = static_cast<std::uint32_t>(trace.events.size());
    try {
      wander(trace, random.below(events + 1), random);
    } catch (const std::invalid_argument&) {
      wander(trace, 0, random);
    }
    std::vector<Scene> wordless;
    for (const Event& e : trace.events) wordless.push_back({.event = e, .deeds = {}});
    const std::string text = json_of(trace, wordless).dump();
    if (text.size() > max_size) return size;
    std::memcpy(data, text.data(), text.size());
    return text.size();
  } catch (const FormError&) {
    return size;
  }
}

}  // namespace
#endif

MMUREF_MUTATOR(mutate);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    use(mmuref::diff::parse_flush_trace({reinterpret_cast<const char*>(data), size}));
  } catch (const FormError& e) {
    mmuref::fuzz::require_line(e.what());
  }
  return 0;
}
