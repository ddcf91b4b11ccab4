// A paging-structure entry: where its bits are.
//
// SDM vol. 3, "Linear-Address Translation with 4-Level Paging and 5-Level Paging" (4.5.4), the
// tables "Format of a Page-Map Level-5 Entry" to "Format of a Page-Table Entry".
#pragma once

#include "model/word.h"

namespace mmuref::x86 {

/// Levels count from the leaf up, as software does: 1 is a PTE, 2 a PDE, 3 a PDPTE, 4 a PML4E,
/// 5 a PML5E.
inline constexpr int max_level = 5;

/// The largest level whose entry can map a page: a PDPTE maps 1 GiB.
inline constexpr int max_leaf_level = 3;

namespace entry {
inline constexpr std::uint64_t P = bit(0), RW = bit(1), US = bit(2), PWT = bit(3), PCD = bit(4),
                               A = bit(5), D = bit(6), PS = bit(7), G = bit(8), XD = bit(63);
/// PAT is bit 7 of a PTE, where larger pages have PS, and bit 12 of a larger leaf.
inline constexpr std::uint64_t PAT_4K = bit(7), PAT_large = bit(12);
inline constexpr unsigned key_shift = 59;
inline constexpr std::uint64_t key_mask = bits(62, 59);
/// The widest physical address an entry can hold; bits MAXPHYADDR..51 are reserved.
inline constexpr std::uint64_t address_mask = bits(51, 12);
}  // namespace entry

/// Whether the entry ends the walk: every PTE, and a PDE or PDPTE with PS=1. Bit 7 of a PML4E or
/// PML5E is reserved, so it never does.
template <class W>
constexpr Bool<W> is_leaf(const W& e, int level) {
  if (level == 1) return true;
  if (level > max_leaf_level) return false;
  return has(e, entry::PS);
}

/// The protection key of a leaf, 0..15.
template <class W>
constexpr W protection_key(const W& leaf) {
  return (leaf >> entry::key_shift) & W{0xf};
}

}  // namespace mmuref::x86
