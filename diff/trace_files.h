// Traces in files.
#pragma once

#include <string>
#include <vector>

#include "diff/trace_check.h"

namespace mmuref::diff {

/// A file that is no trace: "path:line: what was expected", on one line.
class TraceFileError : public FormError {
  using FormError::FormError;
};

/// Throws TraceFileError.
Trace read_trace_file(const std::string& path);

/// The verdict of a trace read from `path`. Throws TraceFileError.
TraceVerdict check_trace(const std::string& path, const Trace& trace);

/// The files that `arguments` name: a folder stands for every *.jsonl below it, in order of name.
/// Throws FileError for a folder without any.
std::vector<std::string> trace_paths(const std::vector<std::string>& arguments);

}  // namespace mmuref::diff
