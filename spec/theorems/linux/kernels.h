// The versions of Linux that a theorem about all of them speaks of.
#pragma once

#include <string>
#include <vector>

#include "model/linux/kernel.h"

namespace mmuref::spec {

/// One version on each side of every change to entries, and one with five levels. 4.18.1 and
/// 4.18.2, which inverted the empty entry, are left out (linux-empty-entry).
inline const std::vector<lnx::Kernel>& every_kernel() {
  using namespace lnx;
  static const std::vector<Kernel> kernels = {
      kernel(v3_2), kernel({3, 9}), kernel(v4_4), kernel(v4_6), kernel({4, 8}), kernel({4, 14}),
      kernel({4, 17}), kernel({4, 18, 3}), kernel(v4_20), kernel({5, 8}), kernel(v6_1),
      kernel(v6_12), kernel({7, 3}), kernel(v6_12, {.levels = 5, .shadow_stack = true}),
      // A processor without NX and G.
      kernel(v4_6, {.supported_pte_mask = ~(bit(63) | bit(8))})};
  return kernels;
}

/// "4.6: " and what is claimed of it.
inline std::string of(const lnx::Kernel& k, const std::string& claim) {
  return std::to_string(k.version.major) + "." + std::to_string(k.version.minor) +
         (k.config.levels == 5 ? " with five levels: " : ": ") + claim;
}

}  // namespace mmuref::spec
