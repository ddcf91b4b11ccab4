// Programs in which what is cached matters.
//
// Few tables and few addresses that share them. Most rounds warm an address, change an entry on its
// path (unmap, map elsewhere, protect, split, merge, replace a table), then drop nothing, the right
// thing or the wrong one, and access it again.
#pragma once

#include "diff/domain.h"
#include "diff/program_oracle.h"

namespace mmuref::diff {

inline constexpr std::size_t min_program_steps = 20, max_program_steps = 60;

/// Program `index` of the campaign with `seed`: a pure function of domain, seed, index and where
/// `oracle` maps its own code. One processor; no instruction in it is refused with #GP. `out` is
/// filled anew.
void generate(const Domain& domain, const ProgramOracle& oracle, Word seed, Word index,
              Program& out);

}  // namespace mmuref::diff
