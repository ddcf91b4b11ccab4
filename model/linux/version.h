// The version of a Linux.
#pragma once

#include <compare>

namespace mmuref::lnx {

struct Version {
  int major = 0, minor = 0, patch = 0;
  friend constexpr auto operator<=>(const Version&, const Version&) = default;
};

/// The versions the facts were read from; anything between them is made from the dates in kernel.h.
inline constexpr Version v3_2{3, 2}, v4_4{4, 4}, v4_6{4, 6}, v4_20{4, 20}, v6_1{6, 1}, v6_12{6, 12};

}  // namespace mmuref::lnx
