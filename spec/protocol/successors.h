// What can happen next in a state.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "spec/protocol/machine.h"

namespace mmuref::spec::protocol {

enum class EventKind : Byte { step, visible, interrupt };

/// One thing that happened.
struct Event {
  EventKind kind = EventKind::step;
  Byte cpu = 0;
  Pc pc = 0;  ///< of a step
  std::uint16_t target =
      0;  ///< the choices made, digits in base 8; of an interrupt, first the sender

  friend bool operator==(const Event&, const Event&) = default;
};

/// A step of a program that an event is made of: which, and of a choice the option; of a condition
/// 1 where it holds.
struct Micro {
  Pc pc = 0;
  Byte choice = 0;
};

struct Successor {
  State state;
  Event event;
  std::vector<Micro> steps;  ///< filled where asked for
};

struct Options {
  /// Steps that nobody else can tell the place of are taken in one event with a step that somebody
  /// can. Every verdict is the same without, after more states.
  bool reduce = true;
  bool record_steps = false;
};

/// Every state that can follow, appended to `out`. What may be cached is kept closed: after each
/// event, all that a walk could find is in the slots. Returns whether something can happen other
/// than the start of an operation.
bool successors(const System& system, const State& state, const Options& options,
                std::vector<Successor>& out);

/// The first state, closed likewise.
State first(const System& system);

}  // namespace mmuref::spec::protocol
