// How many executions a second the fuzz targets of the walk make on one core.
#pragma once

namespace mmuref::bench {

/// Adds `fuzz/walk_vs_spec` and `fuzz/walk_vs_unicorn`: an iteration is one execution of the target
/// as the fuzzer calls it, over the generated seeds and as many mutants of each.
void add_fuzzing();

}  // namespace mmuref::bench
