// The random numbers a campaign is made of.
//
// The standard library's distributions differ between implementations, so they would make a
// campaign depend on more than binary, seed and shard. This is SplitMix64 (Steele, Lea, Flood,
// "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014): one addition and one mixing
// function a number, and streams that are told apart by where they start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

namespace mmuref::diff {

class Random {
 public:
  /// Stream `stream` of `seed`: all streams lie on one cycle of 2^64 states and start at unrelated
  /// points of it, far apart for all practical purposes.
  constexpr Random(std::uint64_t seed, std::uint64_t stream)
      : state_(mix(seed ^ mix(stream + increment))) {}

  /// 64 random bits.
  constexpr std::uint64_t next() { return mix(state_ += increment); }

  /// 0..n-1, for n ≥ 1. The bias of the multiplication, below n/2^32, does not matter here.
  constexpr std::uint32_t below(std::uint32_t n) {
    return static_cast<std::uint32_t>(((next() >> 32) * n) >> 32);
  }

  /// True `of` times in `from`.
  constexpr bool chance(std::uint32_t of, std::uint32_t from) { return below(from) < of; }

  /// One element of an array or vector that is not empty.
  template <class Range>
  constexpr auto pick(const Range& range) {
    return range[below(static_cast<std::uint32_t>(std::size(range)))];
  }

 private:
  static constexpr std::uint64_t increment = 0x9e3779b97f4a7c15;

  static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

}  // namespace mmuref::diff
