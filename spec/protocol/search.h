// Explores every state of a protocol, breadth first, so that the first violation is a shortest one.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "spec/protocol/machine.h"

namespace mmuref::spec::protocol {

enum class Verdict : Byte {
  holds,     ///< every reachable state was seen, and none breaks a promise
  violated,  ///< `trace` leads to a state that does
  unknown,   ///< a bound was reached first
};

struct SearchOptions {
  Options machine;
  bool symmetry = true;  ///< processors that run the same program, and pages, are interchangeable
  std::size_t max_states = 200'000'000;
  std::size_t max_bytes = std::size_t{8} << 30;
  /// Called after each level of the search: states seen, states waiting.
  std::function<void(std::size_t, std::size_t)> progress;
};

struct SearchResult {
  Verdict verdict = Verdict::unknown;
  std::string reason;        ///< the promise broken, or the bound reached
  std::vector<Event> trace;  ///< events from the first state
  std::size_t states = 0;    ///< distinct, as kept
  std::size_t transitions = 0;
  std::size_t depth = 0;  ///< events on the longest shortest path
  std::size_t bytes = 0;  ///< memory at its largest
  double seconds = 0;
};

/// States are told apart by 64 bits of hash each: among n of them two different ones are taken for
/// one with a probability below n^2 / 2^65, 1 in 3,000 for 10^8.
SearchResult search(const System& system, const SearchOptions& options);

/// The states a trace leads through, the first one included. Throws std::invalid_argument when an
/// event cannot happen where it stands.
std::vector<State> replay(const System& system, const std::vector<Event>& trace,
                          const Options& options);

/// The representative of a state among those that differ by names of processors and pages alone.
State canonical(const System& system, const State& state);

}  // namespace mmuref::spec::protocol
