#include "diff/trace_files.h"

#include <fmt/format.h>

#include <system_error>

#include "diff/files.h"

namespace mmuref::diff {
namespace {

/// "line 3: what" as "path:3: what".
[[noreturn]] void refuse(const std::string& path, std::string_view what) {
  if (what.starts_with("line ")) {
    throw TraceFileError(fmt::format("{}:{}", path, what.substr(5)));
  }
  throw TraceFileError(fmt::format("{}: {}", path, what));
}

}  // namespace

Trace read_trace_file(const std::string& path) {
  try {
    const InputFile file(path);
    LineReader lines(file.descriptor());
    LineReader::Line line;
    TraceReader reader;
    // A line that is too long may have no end: no more of it is read.
    const auto before_reading = [&] {
      if (line.too_long) reader.read(line);
    };
    while (lines.next(line, before_reading)) reader.read(line);
    return reader.finish();
  } catch (const FormError& e) {
    refuse(path, e.what());
  } catch (const std::system_error& e) {
    refuse(path, e.code().message());
  }
}

TraceVerdict check_trace(const std::string& path, const Trace& trace) {
  try {
    return check(trace);
  } catch (const FormError& e) {
    refuse(path, e.what());
  }
}

std::vector<std::string> trace_paths(const std::vector<std::string>& arguments) {
  return files_below(arguments, {".jsonl"});
}

}  // namespace mmuref::diff
