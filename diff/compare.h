// What an oracle did for an access, and whether the manual permits it.
#pragma once

#include <string>
#include <vector>

#include "diff/answer.h"
#include "diff/oracle.h"

namespace mmuref::diff {

/// The whole of what an access did: the outcome, and every 8-byte entry whose value it changed,
/// in ascending order of address, with the new value.
struct Effect {
  Observation observed;
  std::vector<Memory::Entry> changes;
};

/// The parts of an effect that can differ; a set is an OR of them.
enum class Part : unsigned {
  outcome = 1,
  error_code = 2,
  cr2 = 4,
  physical_address = 8,
  entries = 16,
};
using Parts = unsigned;

/// "outcome+entries", say; empty for none.
std::string parts_text(Parts parts);

/// Runs the access on `oracle`, which holds the machine, and reads back every entry of the machine
/// and the one the walk ended at. `out` is filled anew; its buffer is reused.
void run_access(Oracle& oracle, const Case& question, const Answer& model, Effect& out);

/// Where `effect` leaves what the manual permits for an access that the model answers with
/// `model`; 0 when it agrees. On success exactly the model's flags are written; on a fault the A
/// flag of any prefix of the entries used. SDM vol. 3, "Accessed and Dirty Flags" (4.8).
Parts compare(const Case& question, const Answer& model, const Effect& effect);

/// Whether two effects are the same in every part that `observed` could tell.
bool same_effect(const Effect& predicted, const Effect& observed);

/// The effect of the model's answer; of a fault, the one that writes nothing.
Effect effect_of(const Case& question, const Answer& model);

}  // namespace mmuref::diff
