#include "diff/flush_trace.h"

#include <fmt/format.h>

#include <utility>

#include "diff/files.h"
#include "spec/protocol/linux/linux_4_6.h"
#include "spec/protocol/search.h"

namespace mmuref::diff {

using namespace spec::protocol;

System Subject::system() const {
  System s;
  if (!exhibit.empty()) {
    const Exhibit* e = spec::protocol::exhibit(exhibit);
    if (e == nullptr)
      throw FormError(
          fmt::format("break {}: expected one of those that `flush gallery` prints", exhibit));
    s = fixed ? e->fixed(bounds) : e->broken(bounds);
  } else if (!order.empty() || irqs_on) {
    if (protocol != "linux-4.6")
      throw FormError(fmt::format(
          "protocol {}: expected linux-4.6, whose order and interrupts can be chosen", protocol));
    Linux46 o{.bounds = bounds, .switch_irqs_off = !irqs_on};
    try {
      if (!order.empty()) set_order(o, order);
    } catch (const std::invalid_argument& e) {
      throw FormError(fmt::format("order {}: {}", order, e.what()));
    }
    s = linux_4_6(o);
  } else {
    std::string names;
    for (const Protocol& p : protocols()) {
      if (p.name == protocol) s = p.system(bounds);
      names += fmt::format("{}{}", names.empty() ? "" : ", ", p.name);
    }
    if (s.programs.empty())
      throw FormError(fmt::format("protocol {}: expected {}", protocol, names));
  }
  if (strict) s.promises.while_switching = true;
  return s;
}

nlohmann::ordered_json json_of(const Subject& s) {
  nlohmann::ordered_json j;
  if (s.exhibit.empty()) {
    j["protocol"] = s.protocol;
    if (!s.order.empty()) j["order"] = s.order;
    if (s.irqs_on) j["irqs_on"] = true;
  } else {
    j["break"] = s.exhibit;
    j["fixed"] = s.fixed;
  }
  j["cpus"] = s.bounds.cpus;
  j["mms"] = s.bounds.mms;
  j["pages"] = s.bounds.pages;
  j["pcids"] = s.bounds.asids;
  j["whole"] = !s.bounds.observe_one;
  j["strict"] = s.strict;
  j["reduction"] = s.reduce;
  return j;
}

namespace {

constexpr const char* kinds[] = {"step", "visible", "interrupt"};

nlohmann::ordered_json json_of(const Scene& scene) {
  const Event& e = scene.event;
  nlohmann::ordered_json deeds = nlohmann::ordered_json::array();
  for (const Deed& d : scene.deeds) deeds.push_back({{"function", d.function}, {"steps", d.steps}});
  return {{"cpu", e.cpu},
          {"kind", kinds[static_cast<std::size_t>(e.kind)]},
          {"step", e.pc},
          {"choice", e.target},
          {"what", deeds}};
}

int number(ObjectReader& from, std::string_view name, int least, int most) {
  const nlohmann::json& value = from.get(name);
  if (!value.is_number_integer() || value.get<std::int64_t>() < least ||
      value.get<std::int64_t>() > most)
    from.fail(std::string(name), fmt::format("expected a number from {} to {}", least, most));
  return value.get<int>();
}
bool truth(ObjectReader& from, std::string_view name) {
  const nlohmann::json& value = from.get(name);
  if (!value.is_boolean()) from.fail(std::string(name), "expected true or false");
  return value.get<bool>();
}
std::string string(ObjectReader& from, std::string_view name) {
  const nlohmann::json& value = from.get(name);
  if (!value.is_string()) from.fail(std::string(name), "expected a string");
  return value.get<std::string>();
}

Subject subject_of(ObjectReader& from) {
  Subject s;
  if (from.find("break") != nullptr) {
    s.exhibit = string(from, "break");
    s.fixed = truth(from, "fixed");
  } else {
    s.protocol = string(from, "protocol");
    if (from.find("order") != nullptr) s.order = string(from, "order");
    if (from.find("irqs_on") != nullptr) s.irqs_on = truth(from, "irqs_on");
  }
  s.bounds.cpus = number(from, "cpus", 1, max_cpus);
  s.bounds.mms = number(from, "mms", 1, max_mms);
  s.bounds.pages = number(from, "pages", 1, max_pages);
  s.bounds.asids = number(from, "pcids", 1, max_asids);
  s.bounds.observe_one = !truth(from, "whole");
  s.strict = truth(from, "strict");
  s.reduce = truth(from, "reduction");
  return s;
}

Event event_of(const nlohmann::json& value, const std::string& place, int cpus) {
  ObjectReader from(value, place);
  Event e;
  e.cpu = static_cast<Byte>(number(from, "cpu", 0, cpus - 1));
  const std::string kind = string(from, "kind");
  int k = 0;
  while (k < 3 && kind != kinds[k]) ++k;
  if (k == 3) from.fail("kind", "expected step, visible or interrupt");
  e.kind = static_cast<EventKind>(k);
  e.pc = static_cast<Pc>(number(from, "step", 0, 65535));
  e.target = static_cast<std::uint16_t>(number(from, "choice", 0, 65535));
  from.get("what");  // for people
  from.finish();
  return e;
}

}  // namespace

nlohmann::ordered_json json_of(const FlushTrace& trace, const std::vector<Scene>& scenes) {
  nlohmann::ordered_json j = json_of(trace.subject);
  j["reason"] = trace.reason;
  j["trace"] = nlohmann::ordered_json::array();
  for (const Scene& scene : scenes) j["trace"].push_back(json_of(scene));
  return j;
}

FlushTrace parse_flush_trace(std::string_view text) {
  const Document document = parse_document(text);
  if (!document.error.empty()) throw FormError(document.error);
  ObjectReader from(document.value, "");
  FlushTrace trace{.subject = subject_of(from), .reason = string(from, "reason"), .events = {}};
  const nlohmann::json& events = from.get("trace");
  if (!events.is_array()) from.fail("trace", "expected an array");
  for (std::size_t i = 0; i < events.size(); ++i)
    trace.events.push_back(
        event_of(events[i], fmt::format("trace[{}]", i), trace.subject.bounds.cpus));
  from.finish();
  return trace;
}

FlushReplay replay_flush_trace(FlushTrace trace) {
  FlushReplay r{.trace = std::move(trace), .system = {}, .scenes = {}, .found = {}};
  r.system = r.trace.subject.system();
  const bool reduce = r.trace.subject.reduce;
  try {
    const std::vector<Successor> led = replay(r.system, r.trace.events, reduce);
    r.scenes = tell(r.system, led);
    r.found = judge(r.system, led.empty() ? first(r.system) : led.back().state, reduce);
  } catch (const std::invalid_argument& e) {
    throw FormError(fmt::format("trace: {}", e.what()));
  }
  return r;
}

FlushReplay replay_flush_file(const std::string& file) {
  const std::string text = content_of_file(file);
  try {
    return replay_flush_trace(parse_flush_trace(text));
  } catch (const FormError& e) {
    throw FormError(fmt::format("{}: {}", file, e.what()));
  }
}

}  // namespace mmuref::diff
