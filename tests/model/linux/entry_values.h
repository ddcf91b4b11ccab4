// The values a test of entries goes through: all low flags times the high bits that matter.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>

#include "model/linux/entries.h"

namespace mmuref::lnx::test {

using Word = std::uint64_t;
using Pte = pte_t<Word>;
using Pmd = pmd_t<Word>;
using Pud = pud_t<Word>;
using P4d = p4d_t<Word>;
using Pgd = pgd_t<Word>;
using Pgprot = pgprot_t<Word>;

/// Calls `check(value)` with each of the 2^12 low flags, with and without PAT_LARGE, each of the
/// high flags alone, all of them, and a frame.
template <class Check>
void each_entry(Check check) {
  for (Word low = 0; low < 4096; ++low) {
    for (const Word frame : {Word{0}, Word{0x1000}, Word{0x12'3456'7000}, bit(46) | bit(51)}) {
      check(low | frame);
      for (unsigned high = 52; high < 64; ++high) check(low | frame | bit(high));
      check(low | frame | bits(63, 52));
    }
    if (::testing::Test::HasFailure()) return;
  }
}

/// Whether bit `n` of `value` is set: said without the model's masks.
constexpr bool on(Word value, unsigned n) {
  return (value >> n) % 2 != 0;
}

}  // namespace mmuref::lnx::test
