// Unicorn 2.1 as an oracle: QEMU 5.0.1's x86 walker behind a library call.
//
// Each access is a real one: a guest instruction loads, stores or is fetched at the linear address,
// at CPL 0 or 3, through Unicorn's own walk of tables that lie in its physical memory, and the
// physical address is told by data placed there. docs/unicorn.md says how, and lists what the
// engine does otherwise than the manual.
//
// Contract
// - Physical memory is backed from 0 to 2^40, the engine's fixed MAXPHYADDR, and reads 0 where the
//   machine says nothing, so every translated access is `located`. Above it, where only a CR3 with
//   reserved bits can reach, tables read as 0.
// - The page at `unicorn_reserved_page` belongs to the oracle: a machine that has entries there is
//   refused (std::invalid_argument).
// - An access touches 8 bytes at an 8-byte aligned address and one byte elsewhere, so it never
//   leaves its page. An implicit access reads 8 bytes.
// - What the access stores or executes is taken away again: afterwards memory holds the machine's
//   entries, with what the walk wrote to them.
#pragma once

#include <memory>

#include "diff/oracle.h"

namespace mmuref::diff {

inline constexpr unsigned unicorn_maxphyaddr = 40;
inline constexpr Word unicorn_reserved_page = 0xa5'5a5a'5000;

/// Throws std::runtime_error with the reason when the engine cannot be used: an older version, or
/// one in which the page-fault error code is not found in exactly one place.
std::unique_ptr<Oracle> make_unicorn_oracle();

}  // namespace mmuref::diff
