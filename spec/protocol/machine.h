// What can happen next in a state, and what must never have happened.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "spec/protocol/program.h"
#include "spec/protocol/state.h"

namespace mmuref::spec::protocol {

/// A protocol to explore: who runs what, from where.
struct System {
  std::string name;
  int cpus = 2, mms = 1, pages = 1;
  std::vector<Program> programs;     ///< finished
  std::array<int, max_cpus> runs{};  ///< which program each processor runs
  State initial;
  bool generations = false;  ///< tlb_gen is in use: lazy processors are not told of flushes
};

enum class EventKind : Byte { step, visible, interrupt };

/// One thing that happened.
struct Event {
  EventKind kind = EventKind::step;
  Byte cpu = 0;
  Byte pc = 0;               ///< of a step
  std::uint16_t target = 0;  ///< of a choice its outcome; of an interrupt the sender
};

struct Successor {
  State state;
  Event event;
};

struct Options {
  /// Steps that no other processor can tell the place of are taken at once with the step before.
  /// Every verdict is the same without, after more states.
  bool reduce = true;
};

/// Every state that can follow, appended to `out`. What may be cached is kept closed: after each
/// event, all that a walk could find is in the slots.
void successors(const System& system, const State& state, const Options& options,
                std::vector<Successor>& out);

/// The first state, closed likewise.
State first(const System& system, const Options& options);

/// Which promise `state` breaks; empty if none. `blocked`: nothing can follow it.
std::string violation(const System& system, const State& state, bool blocked);

}  // namespace mmuref::spec::protocol
