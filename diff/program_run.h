// A program on an oracle, every step judged.
#pragma once

#include <optional>

#include "diff/case_file.h"
#include "diff/ledger.h"
#include "diff/minimize.h"
#include "diff/program_oracle.h"

namespace mmuref::diff {

/// The steps that were run: all, or those up to the first unexplained difference.
struct ProgramRun {
  std::vector<StepEffect> effects;
  std::vector<Judged> judged;
  std::vector<const KnownDifference*> known;  ///< of the steps that differ; else null
  bool unexplained = false;                   ///< the last step differs and no entry explains it

  /// The last step's difference; no parts when it has none.
  DifferenceClass last() const;
};

/// `oracle` supports `program`. A known difference does not end the program: the model goes on from
/// what the oracle shows.
ProgramRun run_program(ProgramOracle& oracle, const Program& program,
                       const Outcomes& outcomes = model_outcomes);

/// The smallest program whose last step differs as the last step of `start` does: drops steps and
/// entries, clears bits of entries, registers and operands. `start` itself when it does not differ.
Program minimize_program(ProgramOracle& oracle, const Program& start,
                         const Outcomes& outcomes = model_outcomes);

/// A case of what `oracle` does in the last step of `program`, which it reaches.
ProgramCase describe(ProgramOracle& oracle, const Program& program, std::string name,
                     std::string origin);

}  // namespace mmuref::diff
