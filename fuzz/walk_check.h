// One access on one address space, asked of the model and of another who knows.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mmuref::fuzz {

/// Holds the model to the declarative specification: outcome, named rule, entries used, and what
/// they hold afterwards. Bytes as fuzz/space_input.h reads them.
void walk_vs_spec(const std::uint8_t* data, std::size_t size);

/// Holds the model to Unicorn; a known difference (diff/ledger.h) is none. The process ends with
/// exit code 1 when the engine cannot be used.
void walk_vs_unicorn(const std::uint8_t* data, std::size_t size);

}  // namespace mmuref::fuzz
