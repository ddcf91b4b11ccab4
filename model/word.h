// The word type every model function is written over.
//
// With `std::uint64_t` a function is the reference that runs; with a symbolic word it is the very
// same source that the solver sees. A word type brings its Boolean along: `bool` for
// `std::uint64_t`, a nested `Bool` otherwise, whose conversion to `bool` forks the execution.
//
// Model code therefore writes `if`, early returns and loops over levels where a decision is worth
// a path of its own, and the non-short-circuit `&`, `|`, `!` and `select` where it is not.
#pragma once

#include <cstdint>
#include <type_traits>

namespace mmuref {

template <class W>
struct WordTraits {
  using Bool = typename W::Bool;
};
template <>
struct WordTraits<std::uint64_t> {
  using Bool = bool;
};

/// The truth value that comparisons of `W` give.
template <class W>
using Bool = typename WordTraits<W>::Bool;

/// The word with only bit `n` set; `n` in 0..63.
constexpr std::uint64_t bit(unsigned n) {
  return std::uint64_t{1} << n;
}

/// The word with bits `high`..`low` set, as the manuals write "bits high:low"; 63 ≥ high ≥ low.
constexpr std::uint64_t bits(unsigned high, unsigned low) {
  return (~std::uint64_t{0} >> (63 - high)) & (~std::uint64_t{0} << low);
}

/// `condition ? yes : no` without a fork.
constexpr std::uint64_t select(bool condition, std::uint64_t yes, std::uint64_t no) {
  return condition ? yes : no;
}

/// Whether `value` has any bit of `mask` set.
template <class W>
constexpr Bool<W> has(const W& value, std::type_identity_t<W> mask) {
  return (value & mask) != W{0};
}

}  // namespace mmuref
