// What combinations are made of, for those who number, exclude and exercise them.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "diff/rule_coverage.h"

namespace mmuref::diff::rules {

using Dims = std::span<const Dim>;
std::string_view family_name(Family family);
Dims family_dims(Family family);

inline constexpr unsigned read = 0, write = 1, fetch = 2;
inline constexpr unsigned page_role = 1;
inline constexpr unsigned right_us = 0, right_rw = 1, right_xd = 2;
inline constexpr unsigned bits_lowest = 0, bits_highest = 1, bits_inside = 2, bits_some = 3;
/// Of an entry that references a table, the bits that translation does not look at.
inline constexpr std::array<unsigned, 16> idle_bits{6,  8,  9,  10, 11, 52, 53, 54,
                                                    55, 56, 57, 58, 59, 60, 61, 62};
/// The control and entry bits that rights may depend on.
inline constexpr std::array right_bits{Dim::wp,  Dim::smap, Dim::ac, Dim::smep,
                                       Dim::nxe, Dim::rw,   Dim::xd};

inline bool user_mode(const Combination& c) {
  return c[Dim::privilege] == 1;
}
inline bool implicit(const Combination& c) {
  return c[Dim::privilege] >= 2;
}

/// By dimension: whether it matters to the rights of an access of the mode, kind and address.
using Matters = std::array<bool, dimensions>;
const Matters& matters_to(const Combination& c);
void clear_what_does_not_matter(Combination& c);

}  // namespace mmuref::diff::rules
