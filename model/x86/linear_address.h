// A linear address: its width, its index at each level, its offset in a page.
//
// SDM vol. 1, "Canonical Addressing" (3.3.7.1); vol. 3, "Linear-Address Translation with 4-Level
// Paging and 5-Level Paging" (4.5.4).
#pragma once

#include "model/word.h"

namespace mmuref::x86 {

inline constexpr unsigned page_shift = 12;
inline constexpr unsigned index_bits = 9;

/// The lowest linear-address bit that an entry of `level` (1..5) does not translate: 12 for a PTE,
/// 21 for a PDE, 30 for a PDPTE, 39 and 48 above. A leaf there maps 2^shift bytes.
constexpr unsigned level_shift(int level) {
  return page_shift + index_bits * static_cast<unsigned>(level - 1);
}

/// Significant bits of a linear address: 48, or 57 with CR4.LA57.
constexpr unsigned linear_width(int levels) {
  return level_shift(levels) + index_bits;
}

/// Which of the 512 entries of a `level` table translates `va`.
template <class W>
constexpr W table_index(const W& va, int level) {
  return (va >> level_shift(level)) & W{bits(index_bits - 1, 0)};
}

/// The bytes of `va` below the page that a leaf of `level` maps.
template <class W>
constexpr W page_offset(const W& va, int level) {
  return va & W{bit(level_shift(level)) - 1};
}

/// Whether bits 63:width-1 of `va` are all equal. Adding half the range moves the two canonical
/// halves side by side, so that one shift sees what is left over.
template <class W>
constexpr Bool<W> canonical(const W& va, unsigned width) {
  return ((va + W{bit(width - 1)}) >> width) == W{0};
}

}  // namespace mmuref::x86
