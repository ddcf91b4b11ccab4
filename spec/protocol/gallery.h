// Ways in which Linux's flush protocols were broken, or could be: each with the system that shows
// it, and the same one repaired.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "spec/protocol/linux/code.h"

namespace mmuref::spec::protocol {

struct Exhibit {
  std::string_view name;     ///< of the command line
  std::string_view says;     ///< what is left out or out of order
  std::string_view from;     ///< where that was so; empty if nowhere that is known
  std::string_view promise;  ///< which one breaks: T1 to T7, or progress
  Bounds bounds;             ///< small ones that show it
  std::function<System(const Bounds&)> broken, fixed;
};

const std::vector<Exhibit>& gallery();
/// Null for a name that is none.
const Exhibit* exhibit(std::string_view name);

/// The protocols as shipped: linux-4.6 (with the barrier of ca6c99c07948), linux-4.20, linux-6.12.
struct Protocol {
  std::string_view name;
  std::function<System(const Bounds&)> system;
};
const std::vector<Protocol>& protocols();

}  // namespace mmuref::spec::protocol
