// Input that is read line by line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mmuref::fuzz {

/// Calls `line` for each, without its newline; the last may have none.
template <class Line>
void for_each_line(const std::uint8_t* data, std::size_t size, Line line) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    line(rest.substr(0, end));
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  }
}

}  // namespace mmuref::fuzz
