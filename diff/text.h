// Values as the contracts write them.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "diff/machine.h"

namespace mmuref::diff {

inline std::string hex(Word value) {
  return fmt::format("{:#x}", value);
}

/// The page that a leaf of `level` (1..3) maps.
inline std::string_view page_size(int level) {
  constexpr std::string_view names[] = {"", "4K", "2M", "1G"};
  return names[level];
}

}  // namespace mmuref::diff
