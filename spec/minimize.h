// Makes a counterexample small.
#pragma once

#include "spec/theorem.h"

namespace mmuref::spec {

/// Whether some claim of the theorem fails, concretely, on these inputs.
bool fails(const Theorem& theorem, const Assignment& inputs);

/// Clears entries and bits of `inputs` and moves its pages to low addresses, as long as a claim
/// still fails. The result is minimal: clearing any further single bit makes every claim hold.
/// `inputs` must fail.
Assignment minimize(const Theorem& theorem, Assignment inputs);

}  // namespace mmuref::spec
