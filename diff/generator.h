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

/// Tables lie below this physical address, so that an oracle can back them all.
inline constexpr Word table_limit = Word{16} << 20;

inline constexpr std::size_t accesses_per_space = 48;

/// Address space `index` of the campaign with `seed`: a pure function of domain, seed and index.
/// `domain` has at least one processor. `out` is filled anew; its buffers are reused.
void generate(const Domain& domain, Word seed, Word index, AddressSpace& out);

}  // namespace mmuref::diff
