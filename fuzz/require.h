// A condition a fuzz target holds its subject to.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace mmuref::fuzz {

/// Ends the process with the claim that failed, which libFuzzer and ctest both report.
inline void require(bool holds, const char* claim) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", claim);
  std::abort();
}

}  // namespace mmuref::fuzz
