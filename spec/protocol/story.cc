#include "spec/protocol/story.h"

#include <array>

namespace mmuref::spec::protocol {
namespace {

std::string value_of(Byte pte) {
  if (pte == none) return "nothing";
  return "frame " + std::to_string(frame_of(pte)) +
         ((pte - 1) % 2 == 0 ? ", read-only" : ", writable");
}

std::string mm_name(Byte mm) {
  if (mm == no_mm) return "init_mm";
  return mm == switching_mm ? "LOADED_MM_SWITCHING" : "mm " + std::to_string(mm);
}

/// The variable at a place in memory, and what it becomes.
std::string stored(Byte place, Byte value) {
  constexpr std::array names{"PTE",     "lock",          "PMD entry", "mm_cpumask",
                             "tlb_gen", "flush pending", "is_lazy",   "loaded_mm"};
  int p = 0;
  while (p + 1 < place_count && place >= offset(static_cast<Place>(p + 1))) ++p;
  const auto which = static_cast<Place>(p);
  const int index = place - offset(which);
  std::string of;
  switch (which) {
    case Place::pte:
    case Place::lock:
      of = " of page " + std::to_string(index % max_pages) + " of mm " +
           std::to_string(index / max_pages);
      break;
    case Place::lazy:
    case Place::loaded: of = " of CPU " + std::to_string(index); break;
    default: of = " of mm " + std::to_string(index); break;
  }
  std::string to = std::to_string(value);
  if (which == Place::pte) to = value_of(value);
  if (which == Place::loaded) to = mm_name(value);
  return names[static_cast<std::size_t>(p)] + of + " = " + to;
}

class Teller {
 public:
  Teller(const System& system, const Program& program, const Event& event)
      : system_(system), program_(program), scene_{.event = event} {}

  Scene scene(const State& before, const Successor& after) {
    const Event& e = scene_.event;
    const Cpu& cpu = before.cpus[e.cpu];
    if (e.kind == EventKind::visible)
      add("", "visible: " + stored(cpu.buffer_place[0], cpu.buffer_value[0]));
    if (e.kind == EventKind::interrupt)
      add("", "interrupt from CPU " + std::to_string(e.target & 7));
    for (const Micro& m : after.steps) step(m);
    for (int c = 0; c < system_.cpus; ++c) {
      const auto fresh = static_cast<Byte>(after.state.cpus[c].pending & ~before.cpus[c].pending);
      if ((fresh & bit_of(e.cpu)) != 0) scene_.sent |= bit_of(c);
      if ((before.cpus[c].waiting & ~after.state.cpus[c].waiting & bit_of(e.cpu)) != 0)
        scene_.acknowledged |= bit_of(c);
    }
    return std::move(scene_);
  }

 private:
  void step(const Micro& m) {
    const Words& words = program_.words(m.pc);
    std::string text = words.options.empty() ? words.text : words.options[m.choice];
    if (text.empty()) return;
    if (is_condition(program_[m.pc].op)) text += m.choice != 0 ? " yes" : " no";
    if (program_[m.pc].op == Op::store) text += " (buffered)";
    add(std::string(words.source), text);
  }
  void add(const std::string& function, const std::string& text) {
    auto& deeds = scene_.deeds;
    if (deeds.empty() || deeds.back().function != function) deeds.push_back({function, {}});
    deeds.back().steps.push_back(text);
  }

  const System& system_;
  const Program& program_;
  Scene scene_;
};

}  // namespace

std::vector<Scene> tell(const System& system, const std::vector<Successor>& led) {
  std::vector<Scene> scenes;
  State before = first(system);
  for (const Successor& after : led) {
    Teller teller(system, system.program(after.event.cpu), after.event);
    scenes.push_back(teller.scene(before, after));
    before = after.state;
  }
  return scenes;
}

}  // namespace mmuref::spec::protocol
