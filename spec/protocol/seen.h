// The states a search has seen, a fingerprint each, and how it came there.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
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

/// Room for `n` numbers, all 0; in pages of 2 MiB where there are any, since what is looked up is
/// everywhere, and every lookup would miss the TLB.
template <class T>
class Room {
 public:
  explicit Room(std::size_t n = 0) : bytes_(n * sizeof(T)) {
    if (n == 0) return;
    void* at = nullptr;
    if (small()) {
      at = std::calloc(bytes_, 1);
      if (at == nullptr) throw std::bad_alloc();
    } else {
      at = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (at == MAP_FAILED) throw std::bad_alloc();
      madvise(at, bytes_, MADV_HUGEPAGE);
    }
    at_ = static_cast<T*>(at);
  }
  Room(Room&& other) noexcept { *this = std::move(other); }
  Room& operator=(Room&& other) noexcept {
    std::swap(at_, other.at_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Room() {
    if (at_ == nullptr) return;
    if (small()) {
      std::free(at_);
    } else {
      munmap(at_, bytes_);
    }
  }
  T& operator[](std::size_t i) { return at_[i]; }
  const T& operator[](std::size_t i) const { return at_[i]; }

 private:
  bool small() const { return bytes_ < std::size_t{8} << 20; }

  T* at_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Fingerprints, in open-addressed tables that grow one at a time, so that no two copies of them
/// all are ever held: 10 to 13 bytes each.
class Fingerprints {
 public:
  /// Whether it is new.
  bool add(std::uint64_t print) {
    print = named(print);
    Part& part = parts_[print >> 56];
    if (part.count * 5 >= part.size * 4) grow(part, larger(part.size));
    std::size_t i = part.place(print);
    for (; part.slots[i] != 0; i = part.after(i))
      if (part.slots[i] == print) return false;
    part.slots[i] = print;
    ++part.count;
    ++count_;
    return true;
  }
  /// Before as many are added in the order of `for_each`, which tables that grow meanwhile would
  /// have in one heap.
  void reserve(std::size_t count) {
    for (Part& part : parts_) grow(part, std::max(part.size, count / parts_.size() * 3 / 2 + 64));
  }
  /// What `add` is going to need soon: most of its time is spent on waiting for it.
  void fetch(std::uint64_t print) const {
    const Part& part = parts_[named(print) >> 56];
    if (part.size != 0) __builtin_prefetch(&part.slots[part.place(print)]);
  }
  template <class Use>
  void for_each(Use use) const {
    for (const Part& part : parts_)
      for (std::size_t i = 0; i < part.size; ++i)
        if (part.slots[i] != 0) use(part.slots[i]);
  }
  std::size_t size() const { return count_; }
  std::size_t bytes() const { return slots_ * sizeof(std::uint64_t); }

 private:
  struct Part {
    Room<std::uint64_t> slots;  ///< 0 where free
    std::size_t size = 0, count = 0;

    /// By the 32 bits after those that name the part.
    std::size_t place(std::uint64_t print) const {
      return static_cast<std::size_t>((print >> 24 & 0xffffffff) * size >> 32);
    }
    std::size_t after(std::size_t i) const { return i + 1 == size ? 0 : i + 1; }
  };
  /// Twice while that is little.
  static std::size_t larger(std::size_t size) {
    constexpr std::size_t little = std::size_t{1} << 18;
    return size < little ? 2 * size + 512 : size + size / 3;
  }
  static std::uint64_t named(std::uint64_t print) { return print == 0 ? 1 : print; }

  void grow(Part& part, std::size_t size) {
    Part next;
    next.size = size;
    next.count = part.count;
    next.slots = Room<std::uint64_t>(size);
    for (std::size_t i = 0; i < part.size; ++i) {
      if (part.slots[i] == 0) continue;
      std::size_t to = next.place(part.slots[i]);
      while (next.slots[to] != 0) to = next.after(to);
      next.slots[to] = part.slots[i];
    }
    slots_ += next.size - part.size;
    part = std::move(next);
  }

  std::array<Part, 256> parts_;
  std::size_t count_ = 0, slots_ = 0;
};

/// How each state was found, in the order of finding: 2 to 4 bytes each.
class Ways {
 public:
  /// A state was found, as one of those that follow the oldest not yet `followed`.
  void found(std::uint8_t which) { which_.push_back(which); }
  /// Whatever follows that state was found.
  void followed() {
    following_.push_back(static_cast<std::uint8_t>(which_.size() - told_));
    told_ = which_.size();
  }
  /// Which of those that follow it to take, from the first state to the one found after `n` others.
  std::vector<std::uint8_t> to(std::size_t n) const {
    std::vector<std::uint8_t> way;
    std::size_t from = told_ + 1;  // of what follows state p, the first; the first state is 0
    for (std::size_t p = following_.size(); p-- > 0 && n > 0;) {
      from -= following_[p];
      if (n < from) continue;
      way.push_back(which_[n - 1]);
      n = p;
    }
    std::ranges::reverse(way);
    return way;
  }
  std::size_t bytes() const { return which_.capacity() + following_.capacity(); }

  const std::vector<std::uint8_t>& which() const { return which_; }
  const std::vector<std::uint8_t>& following() const { return following_; }
  void restore(std::vector<std::uint8_t> which, std::vector<std::uint8_t> following) {
    which_ = std::move(which);
    following_ = std::move(following);
    told_ = which_.size();
  }

 private:
  std::vector<std::uint8_t> which_;      ///< of all states but the first
  std::vector<std::uint8_t> following_;  ///< how many new ones each led to
  std::size_t told_ = 0;                 ///< those that `following_` counts
};

}  // namespace mmuref::spec::protocol
