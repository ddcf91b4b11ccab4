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

/// `text` without what would end a line of output or steer a terminal, whatever it quotes.
inline std::string printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return text;
}

/// The page that a leaf of `level` (1..3) maps.
inline std::string_view page_size(int level) {
  constexpr std::string_view names[] = {"", "4K", "2M", "1G"};
  return names[level];
}

}  // namespace mmuref::diff
