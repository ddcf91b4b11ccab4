// The known differences of oracles: each has a name, a cause and a witness, or it is a failure.
#pragma once

#include <span>
#include <string_view>

#include "diff/compare.h"

namespace mmuref::diff {

/// An effect that the manual does not permit.
struct Difference {
  const Case& question;  ///< with the entries before the access
  const Answer& model;
  const Effect& effect;  ///< the oracle's
};

struct KnownDifference {
  std::string_view name;     ///< also of its witness, corpora/ledger/NAME.json
  std::string_view oracle;   ///< whose difference it is
  std::string_view cause;    ///< what the oracle does instead, in a sentence
  std::string_view section;  ///< of the manual that it departs from
  /// Whether this is the difference. States exactly what the oracle does instead and compares the
  /// whole effect with that: an oracle wrong in any other way on the same access stays unexplained.
  bool (*explains)(const Difference&);
};

std::span<const KnownDifference> ledger();

/// The entry that explains `difference` of `oracle`; null when none does.
const KnownDifference* explain(std::string_view oracle, const Difference& difference);

/// The entry of that name; null when there is none.
const KnownDifference* find_known(std::string_view name);

}  // namespace mmuref::diff
