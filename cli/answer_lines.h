// Commands that answer standard input line by line.
#pragma once

#include "diff/eval.h"

namespace mmuref::cli {

/// Answers every line by `reply` on standard output, and says on standard error how many could not
/// be read; the exit code. Throws InputError, which names `command`, when a stream fails.
int answer_lines(const char* command, bool (*reply)(std::string&, std::string_view));

}  // namespace mmuref::cli
