// RapidCheck's view of a case: random machines whose tables are worth walking.
//
// A failing property prints its case as a request that `mmuref eval` reads, and RapidCheck prints
// the seed and the RC_PARAMS that repeat the run.
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdlib>
#include <ostream>

#include "diff/machine_json.h"

namespace mmuref::test {

/// More cases than RapidCheck's 100, unless the caller says otherwise.
#ifndef MMUREF_PROPERTY_CASES
#define MMUREF_PROPERTY_CASES "3000"
#endif
inline const int more_cases =
    setenv("RC_PARAMS", "max_success=" MMUREF_PROPERTY_CASES, /*overwrite=*/0);

/// A value out of all of `T`, whatever size RapidCheck has grown to.
template <class T>
T any() {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<T>());
}

/// A number of 0..n-1.
inline unsigned below(unsigned n) {
  return *rc::gen::resize(rc::kNominalSize, rc::gen::inRange(0u, n));
}

inline bool one_in(unsigned n) {
  return below(n) == 0;
}

/// A linear address, mostly canonical, whose indices are often 0, 511 or alike, so that walks meet
/// in shared and self-mapping tables.
inline diff::Word arbitrary_address(int levels) {
  diff::Word va = any<diff::Word>();
  for (int level = 1; level <= levels; ++level) {
    const unsigned index = below(6);
    if (index > 2) continue;
    const diff::Word chosen = index == 0 ? 0 : index == 1 ? 511 : 1;
    const unsigned shift = x86::level_shift(level);
    va = (va & ~bits(shift + 8, shift)) | chosen << shift;
  }
  if (one_in(16)) return va;
  const unsigned sign = x86::linear_width(levels) - 1;
  return (va & bit(sign)) != 0 ? va | bits(63, sign) : va & ~bits(63, sign);
}

/// A present entry's flags more often than not, with a stray bit now and then; `gentle` entries
/// mostly translate.
inline diff::Word arbitrary_entry(const diff::Processor& cpu, int level, bool gentle) {
  namespace e = x86::entry;
  diff::Word value = 0;
  const auto maybe = [&](diff::Word flag, unsigned yes_of_16) {
    if (below(16) < yes_of_16) value |= flag;
  };
  maybe(e::P, gentle ? 16 : 14);
  maybe(e::RW, gentle ? 15 : 12);
  maybe(e::US, gentle ? 15 : 12);
  maybe(e::A, 8);
  maybe(e::D, 8);
  maybe(e::XD, gentle ? 0 : 2);
  if (level > 1 && level <= x86::max_leaf_level) maybe(e::PS, 4);
  if (level > x86::max_leaf_level) maybe(e::G, gentle ? 0 : 2);
  if (one_in(2)) value |= any<diff::Word>() & (e::key_mask | bits(58, 52) | bits(11, 9));
  if (!gentle && one_in(12)) value ^= bit(below(64));

  // A few frames only, so that tables are shared and reference themselves.
  diff::Word frame = diff::Word{below(5)} << 12;
  if (one_in(4)) frame = any<diff::Word>() & bits(51, 12);
  if ((value & e::PS) != 0 && level > 1 && (gentle || !one_in(8))) {
    frame &= ~bits(x86::level_shift(level) - 1, 12);
  }
  if (gentle || !one_in(12)) frame &= bit(static_cast<unsigned>(cpu.maxphyaddr)) - 1;
  return value | frame;
}

inline diff::Registers arbitrary_registers(int levels) {
  namespace c0 = x86::cr0;
  namespace c4 = x86::cr4;
  diff::Registers r;
  r.cr0 = c0::PE | c0::PG | (any<diff::Word>() & c0::WP);
  r.cr3 = diff::Word{below(5)} << 12;
  r.cr4 = c4::PAE | (levels == 5 ? c4::LA57 : 0) |
          (any<diff::Word>() & (c4::SMEP | c4::SMAP | c4::PKE | c4::PKS | c4::PGE));
  r.efer = x86::efer::LME | x86::efer::LMA | (one_in(4) ? 0 : x86::efer::NXE);
  r.pkru = any<std::uint32_t>() & any<std::uint32_t>();
  r.pkrs = any<std::uint32_t>() & any<std::uint32_t>();
  return r;
}

inline diff::Case arbitrary_case() {
  diff::Case c;
  const bool gentle = !one_in(3);
  const int levels = one_in(2) ? 4 : 5;
  c.machine.cpu = {
      .maxphyaddr = 32 + diff::Word{below(21)}, .page1gb = !one_in(4), .amd = one_in(4)};
  c.machine.registers = arbitrary_registers(levels);
  const unsigned kind = below(3);
  c.access = {.va = arbitrary_address(levels),
              .write = kind == 1,
              .fetch = kind == 2,
              .cpl3 = one_in(2),
              .ac = one_in(2),
              .implicit = one_in(8),
              .stack = one_in(8)};
  // Along the walk of the access: an entry that is there already is met again.
  const diff::Word frame_mask =
      (bit(static_cast<unsigned>(c.machine.cpu.maxphyaddr)) - 1) & x86::entry::address_mask;
  diff::Word table = c.machine.registers.cr3;
  for (int level = levels; level >= 1; --level) {
    const diff::Word at = table | x86::table_index(c.access.va, level) << 3;
    if (c.machine.memory.read(at) == 0) {
      c.machine.memory.write(at, arbitrary_entry(c.machine.cpu, level, gentle));
    }
    const diff::Word e = c.machine.memory.read(at);
    if ((e & x86::entry::P) == 0 || x86::is_leaf(e, level)) break;
    table = e & frame_mask;
  }
  return c;
}

}  // namespace mmuref::test

namespace rc {

template <>
struct Arbitrary<mmuref::diff::Case> {
  static Gen<mmuref::diff::Case> arbitrary() { return gen::exec(mmuref::test::arbitrary_case); }
};

}  // namespace rc

namespace mmuref::diff {

// Found by argument-dependent lookup.
inline void showValue(const Case& c, std::ostream& os) {
  os << to_json(Request{"case", c}).dump();
}

}  // namespace mmuref::diff
