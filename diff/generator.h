// Address spaces worth testing.
//
// A random page table faults at its root. These are built path by path, so that most accesses get
// far, and then spoiled a little: a flag off, one bit flipped, a table shared between levels or
// with itself. Control registers, keys and addresses lean to the edges where walkers go wrong.
#pragma once

#include <vector>

#include "diff/domain.h"

namespace mmuref::diff {

/// A machine and what is asked of it, in order. The accesses do not depend on their answers.
struct AddressSpace {
  Machine machine;
  std::vector<Access> accesses;
};

/// Pages that hold an address space's entries, at most. Most lie in the lowest 16 MiB, one or two
/// at edges of physical memory.
inline constexpr std::size_t max_tables = 10;

inline constexpr std::size_t accesses_per_space = 48;

/// Address space `index` of the campaign with `seed`: a pure function of domain, seed and index.
/// `domain` has at least one processor. `out` is filled anew; its buffers are reused.
void generate(const Domain& domain, Word seed, Word index, AddressSpace& out);

}  // namespace mmuref::diff
