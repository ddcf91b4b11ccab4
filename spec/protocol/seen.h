// The states a search has seen, a fingerprint each, and how it came there.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "spec/protocol/state.h"

namespace mmuref::spec::protocol {

/// A hash of `h` and `v`, for what is no whole state.
constexpr std::uint64_t stir(std::uint64_t h, std::uint64_t v) {
  h = (h ^ v) * 0x9e3779b97f4a7c15;
  return h ^ (h >> 29);
}

/// 64 bits that tell states apart. Four products of 64 by 64 bits, folded, go on side by side: one
/// after another they would take longer than all else that is done with a state.
inline std::uint64_t fingerprint(const State& state) {
  constexpr std::array<std::uint64_t, 8> odd{
      0x9e3779b97f4a7c15, 0xd6e8feb86659fd93, 0xa0761d6478bd642f, 0xe7037ed1a0b428db,
      0x8ebc6af09c88c6e3, 0x589965cc75374cc3, 0x1d8e4e27c47d124f, 0xeb44accab455d165};
  __extension__ using Wide = unsigned __int128;
  const auto fold = [](std::uint64_t x, std::uint64_t y) {
    const Wide product = static_cast<Wide>(x) * y;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  constexpr std::size_t lanes = 4, stride = 16 * lanes;
  constexpr std::size_t size = (sizeof state + stride - 1) / stride * stride;
  std::array<unsigned char, size> bytes{};
  std::memcpy(bytes.data(), &state, sizeof state);
  std::array<std::uint64_t, lanes> h{odd[0], odd[1], odd[2], odd[3]};
  for (std::size_t i = 0; i < size; i += stride)
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      std::array<std::uint64_t, 2> word;
      std::memcpy(word.data(), &bytes[i + 16 * lane], sizeof word);
      h[lane] = fold(word[0] ^ h[lane], word[1] ^ odd[lane + lanes]) + h[lane] * odd[lane];
    }
  return fold(fold(h[0] ^ odd[4], h[1] ^ odd[5]) ^ odd[6],
              fold(h[2] ^ odd[7], h[3] ^ odd[4]) ^ odd[5]);
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
  /// What `add` is going to need soon, in two parts: most of its time is spent on waiting for it.
  void fetch_table(std::uint64_t print) const {
    __builtin_prefetch(&table_[print & (table_.size() - 1)]);
  }
  void fetch_print(std::uint64_t print) const {
    const std::uint32_t n = table_[print & (table_.size() - 1)];
    if (n != 0) __builtin_prefetch(&prints_[n - 1]);
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
