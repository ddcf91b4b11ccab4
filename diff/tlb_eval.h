// `mmuref tlb eval`: a program in, everything its accesses may do out (docs/tlb-eval.md).
#pragma once

#include <string>
#include <string_view>

namespace mmuref::diff {

/// Appends the answer to one line, and a newline. False if the line could not be read.
bool append_tlb_reply(std::string& out, std::string_view line);

}  // namespace mmuref::diff
