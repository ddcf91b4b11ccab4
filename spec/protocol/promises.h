// What must hold in every state of a protocol.
//
// T1: after a flush, nobody uses what it removed. T2: whoever uses an mm's tables is in its
// mm_cpumask, or nobody would tell it. T3: nobody uses a freed page, or walks a freed table.
// T4: a lazy processor is told, or runs on swapper's tables (that is T2 for lazy ones). T5: a slot
// whose generation is the mm's holds nothing that a flush removed, and no slot is ahead of its mm.
// T6: generations never go back. T7: a slot's translations are those of the tables in use.
// Progress: what has begun can be finished.
#pragma once

#include <string>

#include "spec/protocol/machine.h"

namespace mmuref::spec::protocol {

/// Which promise `state` breaks; empty if none.
std::string violation(const System& system, const State& state);

/// Which processor has begun what it cannot finish; empty if none. For states where nothing can
/// happen but the start of an operation: programs have no loops, so that what can always go on
/// ends.
std::string stuck(const System& system, const State& state);

}  // namespace mmuref::spec::protocol
