// The simulated TLB, and what a TLB may hold.
#pragma once

#include "bench/workload.h"

namespace mmuref::bench {

/// Registers its benchmarks; they use `workload` while they run.
void add_tlb(Workload& workload);

}  // namespace mmuref::bench
