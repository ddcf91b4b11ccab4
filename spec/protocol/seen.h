// The states a search has seen, a fingerprint each, and how it came there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "spec/protocol/state.h"

namespace mmuref::spec::protocol {

/// 64 bits that tell states apart.
inline std::uint64_t fingerprint(const State& state) {
  const auto mix = [](std::uint64_t x) {
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93;
    x ^= x >> 32;
    x *= 0xd6e8feb86659fd93;
    return x ^ (x >> 32);
  };
  const auto* bytes = reinterpret_cast<const char*>(&state);
  std::uint64_t h = 0x9e3779b97f4a7c15;
  std::size_t i = 0;
  for (; i + 8 <= sizeof state; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i, 8);
    h = mix(h ^ word) + 0x9e3779b97f4a7c15 * (i + 1);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, bytes + i, sizeof state - i);
  return mix(h ^ rest);
}

/// Fingerprints and parents in the order of finding, and an open-addressed table of their numbers:
/// 12 bytes a state, and 6 to 12 for the table.
class Seen {
 public:
  static constexpr std::uint32_t no_parent = ~std::uint32_t{0};

  Seen() : table_(std::size_t{1} << 16, 0) {}

  /// Whether it is new.
  bool add(std::uint64_t print, std::uint32_t parent) {
    if (prints_.size() * 10 >= table_.size() * 7) fill_table(table_.size() * 2);
    std::size_t i = print & (table_.size() - 1);
    for (; table_[i] != 0; i = (i + 1) & (table_.size() - 1))
      if (prints_[table_[i] - 1] == print) return false;
    prints_.push_back(print);
    parents_.push_back(parent);
    table_[i] = static_cast<std::uint32_t>(prints_.size());
    return true;
  }
  std::size_t size() const { return prints_.size(); }
  std::size_t bytes() const {
    return prints_.capacity() * 8 + parents_.capacity() * 4 + table_.capacity() * 4;
  }
  /// The fingerprints on the way to state `n`, the first state's included.
  std::vector<std::uint64_t> path(std::uint32_t n) const {
    std::vector<std::uint64_t> prints;
    for (; n != no_parent; n = parents_[n]) prints.push_back(prints_[n]);
    std::ranges::reverse(prints);
    return prints;
  }

  const std::vector<std::uint64_t>& prints() const { return prints_; }
  const std::vector<std::uint32_t>& parents() const { return parents_; }
  void restore(std::vector<std::uint64_t> prints, std::vector<std::uint32_t> parents) {
    prints_ = std::move(prints);
    parents_ = std::move(parents);
    std::size_t size = std::size_t{1} << 16;
    while (prints_.size() * 10 >= size * 7) size *= 2;
    fill_table(size);
  }

 private:
  void fill_table(std::size_t size) {
    table_.assign(size, 0);
    for (std::size_t n = 0; n < prints_.size(); ++n) {
      std::size_t i = prints_[n] & (size - 1);
      while (table_[i] != 0) i = (i + 1) & (size - 1);
      table_[i] = static_cast<std::uint32_t>(n + 1);
    }
  }

  std::vector<std::uint64_t> prints_;
  std::vector<std::uint32_t> parents_;
  std::vector<std::uint32_t> table_;  ///< 1 + number, 0 where free
};

}  // namespace mmuref::spec::protocol
