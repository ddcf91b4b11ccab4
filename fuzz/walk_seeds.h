// Inputs of walk_vs_spec and walk_vs_unicorn that together exercise all that can occur.
#pragma once

#include <cstdint>
#include <vector>

namespace mmuref::fuzz {

/// One input for each reachable combination, in their order.
std::vector<std::vector<std::uint8_t>> walk_seeds();

}  // namespace mmuref::fuzz
