// Explores every state of a protocol, breadth first, so that the first violation is a shortest one.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "spec/protocol/successors.h"

namespace mmuref::spec::protocol {

enum class Verdict : Byte {
  holds,     ///< every reachable state was seen, and none breaks a promise
  violated,  ///< `trace` leads to a state that does
  unknown,   ///< a bound was reached first
};

struct SearchOptions {
  bool reduce = true;    ///< see Options
  bool symmetry = true;  ///< names of processors, and of mms, do not count
  std::size_t max_states = 4'000'000'000;
  std::size_t max_bytes = std::size_t{8} << 30;
  /// Where to keep what was found when a bound is reached, and every `save_seconds`; empty:
  /// nowhere.
  std::string save;
  double save_seconds = 300;
  /// What an earlier search kept, to go on with; empty: from the start.
  std::string resume;
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
  double seconds = 0;     ///< of this run and those it resumes
};

/// States are told apart by 64 bits of hash each: among n of them two different ones are taken for
/// one with a probability below n^2 / 2^65, 1 in 3,000 for 10^8. Throws std::runtime_error for
/// files that cannot be read or written, or were kept by a search of another protocol.
SearchResult search(const System& system, const SearchOptions& options);

/// The successors that a trace leads through. Throws std::invalid_argument when an event cannot
/// happen where it stands.
std::vector<Successor> replay(const System& system, const std::vector<Event>& trace, bool reduce);

/// Which promise a state breaks, or how it is stuck; empty if neither.
std::string judge(const System& system, const State& state, bool reduce);

}  // namespace mmuref::spec::protocol
