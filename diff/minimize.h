// From a case that shows something to the smallest that still does.
#pragma once

#include <functional>

#include "diff/compare.h"

namespace mmuref::diff {

/// Drops entries, clears bits of entries, registers and the address, and moves tables to the
/// lowest pages, as long as `shows` holds of the result; it holds of `start`. The result is
/// 1-minimal: undoing no single one of these steps is left to try. `shows` is asked a few thousand
/// times at most.
Case minimize(Case start, const std::function<bool(const Case&)>& shows);

/// What makes two differences the same one: which parts differ, what each side answered, and which
/// ledger entry, if any, explains it.
struct DifferenceClass {
  Parts parts = 0;
  x86::Rule rule = x86::Rule::translated;            ///< by which the model answers
  x86::Outcome observed = x86::Outcome::translated;  ///< by the oracle
  std::string_view known;                            ///< ledger name; empty when unexplained

  bool operator==(const DifferenceClass&) const = default;
  /// As a file name: "unicorn-error-code-read-only", say.
  std::string text() const;
};

/// Runs `c` on `oracle`. No parts when they agree or the oracle does not support the case.
DifferenceClass classify(Oracle& oracle, const Case& c);

/// The smallest case with the difference of `start` on `oracle`.
Case minimize_difference(Oracle& oracle, const Case& start);

}  // namespace mmuref::diff
