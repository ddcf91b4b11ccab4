// `mmuref tlb eval`: a program in, everything its accesses may do out (docs/tlb-eval.md).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mmuref::diff {

/// Of all accesses of one line together. 2048 accesses after as many writes to one entry would have
/// two million, in an answer 2000 times as long as the line.
inline constexpr std::size_t max_outcomes = 100'000;

/// Appends the answer to one line, and a newline. False if the line could not be read.
bool append_tlb_reply(std::string& out, std::string_view line);

}  // namespace mmuref::diff
