// Unicorn 2.1 as an oracle of programs: its own TLB, dropped by nothing but the program.
//
// The program's CR3 stays loaded. Everything is executed by the guest: accesses, instructions that
// change registers or drop translations, and the stores that change tables, through a supervisor
// mapping of the lowest 1 GiB. The instructions lie in the oracle's page (unicorn_oracle.h), which
// the program's root tables lead to by an entry of their own: PML4E 1, or PML5E 0 with 5-level
// paging. docs/unicorn.md says more.
//
// Contract, besides that of unicorn_oracle.h
// - One processor. Tables that are written lie below 1 GiB.
// - Every root table that is loaded has the entry `map_monitor` writes; no step changes it, or the
//   oracle's page, and no access goes through it.
#pragma once

#include <memory>

#include "diff/program_oracle.h"

namespace mmuref::diff {

/// Throws as make_unicorn_oracle does.
std::unique_ptr<ProgramOracle> make_unicorn_programs();

}  // namespace mmuref::diff
