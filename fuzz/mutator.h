// A mutator that knows the form of an input, beside libFuzzer's own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "diff/random.h"

#ifdef MMUREF_FUZZING_ENGINE
// Engines other than libFuzzer may not have it.
extern "C" __attribute__((weak)) std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size,
                                                              std::size_t max_size);

namespace mmuref::fuzz {

/// One to four changes by `mutate(data, size, max_size, random)`, or one of libFuzzer's in eight.
template <class Mutate>
std::size_t mutated(std::uint8_t* data, std::size_t size, std::size_t max_size, unsigned seed,
                    const Mutate& mutate) {
  diff::Random random(seed, 0);
  if (LLVMFuzzerMutate != nullptr && random.chance(1, 8))
    return LLVMFuzzerMutate(data, size, max_size);
  for (std::uint32_t n = 1 + random.below(4); n > 0; --n)
    size = mutate(data, size, max_size, random);
  return size;
}

}  // namespace mmuref::fuzz

/// Makes `mutate` the target's mutator; in a stand-alone replayer it is nothing.
#define MMUREF_MUTATOR(mutate)                                                          \
  extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,  \
                                                 std::size_t max_size, unsigned seed) { \
    return mmuref::fuzz::mutated(data, size, max_size, seed, mutate);                   \
  }                                                                                     \
  static_assert(true)
#else
#define MMUREF_MUTATOR(mutate) static_assert(true)
#endif
