// A trace: what software did to its tables and processors, one JSON object a line (docs/traces.md).
// The first line is the machine, each other one a step.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "diff/eval.h"
#include "diff/program_json.h"

namespace mmuref::diff {

/// Software has given a page back: from here on it may hold anything.
struct FreePage {
  Word page = 0;  ///< physical address, 4-KByte aligned
};

struct TraceStep {
  std::size_t cpu = 0;
  std::variant<TableWrite, Operation, Access, FreePage> action;
  nlohmann::json observed;  ///< of an access: which outcome it had; null when not known
};

struct Trace {
  Program start;  ///< without steps
  /// What is cached under a PCID that is not current may stay when a page is freed, if it goes
  /// before the processor returns to that PCID.
  bool lazy_pcids = false;
  nlohmann::json expect;  ///< an object, part of the verdict that the trace must get, or null
  std::vector<TraceStep> steps;
};

/// Reads a trace line by line. Throws FormError, which names the line: "line 3: …".
class TraceReader {
 public:
  /// The next line. One that is too long may be cut anywhere.
  void read(const LineReader::Line& line);
  /// To be called behind the last line.
  Trace finish();

 private:
  Trace trace_;
  std::size_t lines_ = 0;
};

/// Reads a trace. Throws FormError, which names the line: "line 3: …".
Trace parse_trace(std::string_view text);

/// The lines of a trace; without notes.
std::string to_text(const Trace& trace);

/// A step as a line of a trace holds it.
nlohmann::ordered_json to_json(const TraceStep& step);

}  // namespace mmuref::diff
