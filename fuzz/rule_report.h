// What a target has exercised of the specification: fed back to libFuzzer, printed at the end.
#pragma once

#include "diff/rule_coverage.h"

namespace mmuref::fuzz {

/// Notes what an access exercises. Ends the process if that includes what is said to be
/// unreachable. The first call arranges for `report` at the process's end, with at most as many
/// lines of missing combinations as the environment's MMUREF_RULES says (20).
void note(const diff::Exercised& seen);

/// The combination of this number is not to be expected.
void do_not_expect(std::size_t number);

}  // namespace mmuref::fuzz
