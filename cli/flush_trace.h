// A way through a flush protocol in a file: which protocol and bounds, what happened, and to what
// end.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "spec/protocol/gallery.h"
#include "spec/protocol/story.h"

namespace mmuref::cli {

/// What is explored: a protocol as shipped, or an exhibit of the gallery broken or repaired.
struct Subject {
  std::string protocol = "linux-4.6";
  std::string exhibit;  ///< empty: the protocol
  bool fixed = false;   ///< the exhibit repaired
  /// Of linux-4.6 alone: the order of switch_mm's steps, empty for the kernel's; and whether
  /// interrupts are enabled meanwhile.
  std::string order;
  bool irqs_on = false;
  spec::protocol::Bounds bounds;
  bool reduce = true;
  bool strict = false;  ///< what is promised is promised within a switch too

  /// Throws InputError for names there are none of.
  spec::protocol::System system() const;
};

nlohmann::ordered_json json_of(const Subject& subject);

struct FlushTrace {
  Subject subject;
  std::string reason;
  std::vector<spec::protocol::Event> events;
};

/// The file form; `scenes` are the words of its events.
nlohmann::ordered_json json_of(const FlushTrace& trace,
                               const std::vector<spec::protocol::Scene>& scenes);

/// Throws InputError naming `file` and the place for anything but what json_of wrote.
FlushTrace read_flush_trace(const std::string& file);

/// A trace from a file, and what it leads to.
struct Replayed {
  FlushTrace trace;
  spec::protocol::System system;
  std::vector<spec::protocol::Scene> scenes;
  std::string found;  ///< the promise broken in the end, if one is
};

/// Throws InputError where the trace cannot be read, or an event of it cannot happen.
Replayed replay_flush_trace(const std::string& file);

}  // namespace mmuref::cli
