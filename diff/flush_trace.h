// A way through a flush protocol in a file: which protocol and bounds, what happened, and to what
// end.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "diff/strict_json.h"
#include "spec/protocol/gallery.h"
#include "spec/protocol/story.h"

namespace mmuref::diff {

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

  /// Throws FormError for names there are none of.
  spec::protocol::System system() const;

  bool operator==(const Subject&) const = default;
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

/// Throws FormError with the place for anything but what json_of wrote.
FlushTrace parse_flush_trace(std::string_view text);

/// A trace, and what it leads to.
struct FlushReplay {
  FlushTrace trace;
  spec::protocol::System system;
  std::vector<spec::protocol::Scene> scenes;
  std::string found;  ///< the promise broken in the end, if one is
};

/// Throws FormError where an event cannot happen.
FlushReplay replay_flush_trace(FlushTrace trace);
/// Of what the file holds. Throws FormError naming it where that cannot be read, too.
FlushReplay replay_flush_file(const std::string& file);

}  // namespace mmuref::diff
