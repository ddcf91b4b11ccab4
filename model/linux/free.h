// Tables given back where a mapping was, as far as no neighbour needs them.
//
// mm/memory.c: free_pgd_range and what it calls, v4.6. `floor` is where the mapping below ends and
// `ceiling` where the one above starts; an `end` or `ceiling` of 0 is the top of the address space,
// which comparisons of the last byte take care of. Addresses in bytes.
#pragma once

#include "model/linux/level.h"

namespace mmuref::lnx {

/// What free_pgd_range makes of its range before it walks: the 2-MiB slots whose PTE tables it may
/// free. `nothing` where none is left.
template <class W>
struct FreeRange {
  Bool<W> nothing = false;
  W addr{}, end{};
};

template <class W>
constexpr FreeRange<W> free_range_of(W addr, W end, const W& floor, W ceiling) {
  const FreeRange<W> nothing{true, W{0}, W{0}};
  addr = addr & PMD_MASK;
  if (addr < floor) {
    addr = addr + W{PMD_SIZE};
    if (addr == W{0}) return nothing;
  }
  if (ceiling != W{0}) {
    ceiling = ceiling & PMD_MASK;
    if (ceiling == W{0}) return nothing;
  }
  if (end - W{1} > ceiling - W{1}) end = end - W{PMD_SIZE};
  if (addr > end - W{1}) return nothing;
  return {false, addr, end};
}

/// Whether the table behind one entry of `level`, having been emptied from `start` to `end`, is
/// nobody else's: all that the entry spans lies in [floor, ceiling).
template <class W>
constexpr Bool<W> table_unneeded(W start, const W& end, const W& floor, W ceiling, int level) {
  const W mask{mask_of(level)};
  start = start & mask;
  if (start < floor) return false;
  if (ceiling != W{0}) {
    ceiling = ceiling & mask;
    if (ceiling == W{0}) return false;
  }
  return end - W{1} <= ceiling - W{1};
}

/// free_pmd_range … free_p4d_range: the tables below the entry of `level` at `entry`, and the one
/// it references itself. At level 2, free_pte_range: the PTE table without a question.
template <class W, class Mm>
constexpr void free_table_range(const Kernel& k, Mm& mm, const W& entry, int level, W addr,
                                const W& end, const W& floor, const W& ceiling) {
  const W table = table_of(k, W{mm.memory.read(entry)}, level);
  if (level > 2) {
    const W start = addr;
    do {
      const W next = addr_end(addr, end, size_of(level - 1));
      const W below = entry_offset(k, table, addr, level - 1);
      if (!none_or_clear_bad(k, mm.memory, below, level - 1)) {
        free_table_range(k, mm, below, level - 1, addr, next, floor, ceiling);
      }
      addr = next;
    } while (addr != end);
    if (!table_unneeded(start, end, floor, ceiling, level)) return;
  }
  mm.memory.write(entry, W{0});
  mm.pages.free(table);
}

/// Frees the tables of [addr, end), a mapping that was unmapped; the root stays.
template <class W, class Mm>
constexpr void free_pgd_range(const Kernel& k, Mm& mm, const W& addr,
                              const std::type_identity_t<W>& end,
                              const std::type_identity_t<W>& floor,
                              const std::type_identity_t<W>& ceiling) {
  const FreeRange<W> range = free_range_of(addr, end, floor, ceiling);
  if (range.nothing) return;
  const int root = k.config.levels;
  W at = range.addr;
  do {
    const W next = addr_end(at, range.end, size_of(root));
    const W entry = entry_offset(k, mm.pgd, at, root);
    if (!none_or_clear_bad(k, mm.memory, entry, root)) {
      free_table_range(k, mm, entry, root, at, next, floor, ceiling);
    }
    at = next;
  } while (at != range.end);
}

}  // namespace mmuref::lnx
