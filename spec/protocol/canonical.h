// One representative for states that differ by names alone.
#pragma once

#include "spec/protocol/machine.h"

namespace mmuref::spec::protocol {

/// Generations are only compared, and asked whether one follows another: all of an mm's are
/// renumbered from 1, in order, those that follow each other still doing so and others 2 apart.
void renumber_generations(const System& system, State& state);

/// The representative of a state among those that differ by the names of processors that run the
/// same program, and of mms where programs treat them alike. Any choice is sound, since such states
/// behave the same but for names; a better one merges more.
State canonical(const System& system, const State& state);

}  // namespace mmuref::spec::protocol
