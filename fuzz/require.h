// A condition a fuzz target holds its subject to.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace mmuref::fuzz {

/// Ends the process with the claim that failed, which libFuzzer and ctest both report.
inline void require(bool holds, const char* claim) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", claim);
  std::abort();
}

/// An error says something, on one line.
inline void require_line(std::string_view error, std::string_view start = "") {
  require(!error.empty() && error.starts_with(start), "an error says what and where");
  require(error.find('\n') == error.npos, "an error is one line");
}

}  // namespace mmuref::fuzz
