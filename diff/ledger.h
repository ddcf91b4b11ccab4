// The known differences of oracles: each has a name, a cause and a witness, or it is a failure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "diff/compare.h"
#include "diff/program_model.h"

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
  Departures departure;      ///< the same in programs
  /// Whether this is the difference; null when only a program shows it. States exactly what the
  /// oracle does instead and compares the whole effect with that: an oracle wrong in any other way
  /// on the same access stays unexplained.
  bool (*explains)(const Difference&);
};

std::span<const KnownDifference> ledger();

/// The entry that explains `difference` of `oracle`; null when none does.
const KnownDifference* explain(std::string_view oracle, const Difference& difference);

/// Explains what happens in one program. An entry explains a step when the model with its departure
/// permits what was seen; where several have to work together, one that is needed does.
class ProgramLedger {
 public:
  /// `program` must outlive it. `outcomes` is the set that accesses are held to.
  ProgramLedger(const Program& program, std::string_view oracle, Outcomes outcomes = model_outcomes)
      : program_(program), oracle_(oracle), outcomes_(std::move(outcomes)) {}

  /// `effects` are what the first steps of the program did; the last of them is not permitted.
  /// Null when no entry explains that.
  const KnownDifference* explain(std::span<const StepEffect> effects);

 private:
  /// A model that has followed the program so far.
  struct Follower {
    ProgramModel model;
    std::size_t steps = 0;
    bool permitted = false;  ///< of the last of them
  };
  bool permitted(Departures departures, std::span<const StepEffect> effects);

  const Program& program_;
  std::string oracle_;
  Outcomes outcomes_;
  std::map<Departures, Follower> followers_;
};

/// The entry of that name; null when there is none.
const KnownDifference* find_known(std::string_view name);

}  // namespace mmuref::diff
