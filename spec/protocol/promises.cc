#include "spec/protocol/promises.h"

#include <algorithm>

namespace mmuref::spec::protocol {
namespace {

std::string cpu_name(int c) {
  return "CPU " + std::to_string(c);
}

class Judge {
 public:
  Judge(const System& system, const State& state, int c)
      : system_(system), state_(state), cpu_(state.cpus[c]), id_(c) {}

  std::string verdict() const {
    if (std::string s = in_use(); !s.empty()) return s;
    if (std::string s = unmasked(); !s.empty()) return s;
    return system_.generations ? generations() : std::string{};
  }

 private:
  std::string name() const { return cpu_name(id_); }
  /// In the middle of a switch, as the step to go on with says.
  bool switching() const {
    const Program& program = system_.program(id_);
    return program[cpu_.pc].switching || (cpu_.sender != 0 && program[cpu_.resume].switching);
  }

  /// What of `slot` a flush has removed, in words: T1 and T3 of pages.
  std::string stale(const Slot& slot) const {
    for (int p = 0; p < system_.pages; ++p) {
      const Byte held = slot.pages[p];
      if (held == 0) continue;
      const std::string page = "page " + std::to_string(p) + " of mm " + std::to_string(slot.mm);
      if ((held & state_.forbidden[slot.mm * max_pages + p]) != 0)
        return "T1: " + name() + " may use a translation of " + page + " after its flush";
      for (Byte v = 1; v < pte_values; ++v) {
        if ((held & bit_of(v)) == 0) continue;
        if ((state_.freed_frames & bit_of(slot.mm * 2 + frame_of(v))) != 0)
          return "T3: " + name() + " may use a translation of " + page +
                 " to a frame that was freed";
      }
    }
    return {};
  }

  /// T1, T3 and T4 of what is in use now.
  std::string in_use() const {
    const Slot& slot = cpu_.slots[cpu_.pcid];
    if (slot.mm >= no_mm) return {};
    if (switching() && !system_.promises.while_switching) return {};
    if (slot.table != 0 && (state_.freed_tables & bit_of(slot.mm)) != 0)
      return "T3: " + name() + " may walk a page table of mm " + std::to_string(slot.mm) +
             " that was freed";
    if (system_.promises.of_users_only && state_.seen_by(id_, at(Place::lazy, id_)) != 0) return {};
    return stale(slot);
  }

  std::string unmasked() const {
    if (cpu_.cr3 >= no_mm || switching()) return {};
    if ((state_.memory[at(Place::mask, cpu_.cr3)] & bit_of(id_)) != 0) return {};
    const bool lazy = cpu_.own[static_cast<int>(Own::current_mm)] == no_mm;
    return (lazy && !system_.promises.of_users_only ? "T4: " : "T2: ") + name() +
           " uses the tables of mm " + std::to_string(cpu_.cr3) + " and is not in its mm_cpumask";
  }

  std::string generations() const {
    for (const Slot& slot : cpu_.slots) {
      if (slot.context >= no_mm) continue;
      const Byte newest = state_.memory[at(Place::generation, slot.context)];
      if (slot.generation > newest)
        return "T5: " + name() + " notes a generation that mm " + std::to_string(slot.context) +
               " has not reached";
      // Between the note and the flush that makes it true, interrupts are off.
      if (slot.generation < newest || slot.mm != slot.context || cpu_.uninterrupted()) continue;
      if (const std::string s = stale(slot); !s.empty())
        return "T5: the newest generation is noted, and " + s.substr(4);
    }
    return {};
  }

  const System& system_;
  const State& state_;
  const Cpu& cpu_;
  int id_;
};

}  // namespace

std::string violation(const System& system, const State& state) {
  if (state.broken == Broken::generation_went_back) return "T6: a generation went back";
  if (state.broken == Broken::slot_of_another)
    return "T7: tables are loaded under a slot with translations of another mm";
  for (int c = 0; c < std::min(system.cpus, max_cpus); ++c)
    if (std::string s = Judge(system, state, c).verdict(); !s.empty()) return s;
  return {};
}

std::string stuck(const System& system, const State& state) {
  for (int c = 0; c < std::min(system.cpus, max_cpus); ++c) {
    const Cpu& cpu = state.cpus[c];
    if (cpu.pc != Program::idle || cpu.sender != 0)
      return "progress: " + cpu_name(c) + " waits for ever";
  }
  return {};
}

}  // namespace mmuref::spec::protocol
