// A way through a protocol, in words.
#pragma once

#include <string>
#include <vector>

#include "spec/protocol/successors.h"

namespace mmuref::spec::protocol {

/// What one function of the kernel did within an event.
struct Deed {
  std::string function;  ///< empty: the processor itself
  std::vector<std::string> steps;
};

struct Scene {
  Event event;
  std::vector<Deed> deeds;
  /// Processors interrupts went to, and one that was acknowledged to; a bit each.
  Byte sent = 0, acknowledged = 0;
};

/// What happened in each event of a trace; `led` is what `replay` made of it.
std::vector<Scene> tell(const System& system, const std::vector<Successor>& led);

}  // namespace mmuref::spec::protocol
