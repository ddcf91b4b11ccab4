// The states a search has seen, a fingerprint each, and how it came there.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
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

/// Room for `n` numbers, in pages of 2 MiB where there are any: what is looked up is everywhere,
/// and every lookup would miss the TLB.
template <class T>
class Room {
 public:
  explicit Room(std::size_t n = 0) {
    if (n == 0) return;
    constexpr std::size_t page = std::size_t{2} << 20;
    const std::size_t bytes = (n * sizeof(T) + page - 1) / page * page;
    auto* at = static_cast<T*>(std::aligned_alloc(page, bytes));
    if (at == nullptr) throw std::bad_alloc();
    madvise(at, bytes, MADV_HUGEPAGE);
    at_.reset(at);
  }
  T& operator[](std::size_t i) { return at_.get()[i]; }
  const T& operator[](std::size_t i) const { return at_.get()[i]; }

 private:
  struct Free {
    void operator()(T* at) const { std::free(at); }
  };
  std::unique_ptr<T, Free> at_;
};

/// A vector that grows without moving, so that it never takes its room twice.
template <class T>
class Blocks {
 public:
  static constexpr std::size_t block_size = std::size_t{1} << 20;

  void push_back(T value) {
    if (size_ % block_size == 0) blocks_.emplace_back(block_size);
    blocks_.back()[size_++ % block_size] = value;
  }
  const T& operator[](std::size_t i) const { return blocks_[i / block_size][i % block_size]; }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return blocks_.size() * block_size * sizeof(T); }

 private:
  std::vector<Room<T>> blocks_;
  std::size_t size_ = 0;
};

/// Fingerprints and parents in the order of finding, and an open-addressed table of their numbers:
/// 12 bytes a state, and 6 to 12 for the table.
class Seen {
 public:
  static constexpr std::uint32_t no_parent = ~std::uint32_t{0};

  Seen() { fill_table(std::size_t{1} << 16); }

  /// Whether it is new.
  bool add(std::uint64_t print, std::uint32_t parent) {
    if (prints_.size() * 10 >= table_size_ * 7) fill_table(table_size_ * 2);
    std::size_t i = place(print);
    for (; table_[i] != 0; i = place(i + 1))
      if (prints_[table_[i] - 1] == print) return false;
    prints_.push_back(print);
    parents_.push_back(parent);
    table_[i] = static_cast<std::uint32_t>(prints_.size());
    return true;
  }
  /// What `add` is going to need soon, in two parts: most of its time is spent on waiting for it.
  void fetch_table(std::uint64_t print) const { __builtin_prefetch(&table_[place(print)]); }
  void fetch_print(std::uint64_t print) const {
    const std::uint32_t n = table_[place(print)];
    if (n != 0) __builtin_prefetch(&prints_[n - 1]);
  }
  std::size_t size() const { return prints_.size(); }
  std::size_t bytes() const { return prints_.bytes() + parents_.bytes() + table_size_ * 4; }
  /// The fingerprints on the way to state `n`, the first state's included.
  std::vector<std::uint64_t> path(std::uint32_t n) const {
    std::vector<std::uint64_t> prints;
    for (; n != no_parent; n = parents_[n]) prints.push_back(prints_[n]);
    std::ranges::reverse(prints);
    return prints;
  }

  const Blocks<std::uint64_t>& prints() const { return prints_; }
  const Blocks<std::uint32_t>& parents() const { return parents_; }
  void restore(Blocks<std::uint64_t> prints, Blocks<std::uint32_t> parents) {
    prints_ = std::move(prints);
    parents_ = std::move(parents);
    std::size_t size = std::size_t{1} << 16;
    while (prints_.size() * 10 >= size * 7) size *= 2;
    fill_table(size);
  }

 private:
  std::size_t place(std::size_t i) const { return i & (table_size_ - 1); }
  void fill_table(std::size_t size) {
    table_ = Room<std::uint32_t>();  // before the new one is there
    table_ = Room<std::uint32_t>(size);
    table_size_ = size;
    for (std::size_t i = 0; i < size; ++i) table_[i] = 0;
    for (std::size_t n = 0; n < prints_.size(); ++n) {
      std::size_t i = place(prints_[n]);
      while (table_[i] != 0) i = place(i + 1);
      table_[i] = static_cast<std::uint32_t>(n + 1);
    }
  }

  Blocks<std::uint64_t> prints_;
  Blocks<std::uint32_t> parents_;
  Room<std::uint32_t> table_;  ///< 1 + number, 0 where free
  std::size_t table_size_ = 0;
};

}  // namespace mmuref::spec::protocol
