// A mapping of an address space, as far as page tables care.
//
// include/linux/mm_types.h and mm.h, v4.6.
#pragma once

#include "model/linux/types.h"

namespace mmuref::lnx {

/// The bits of vm_flags.
namespace vm {
inline constexpr std::uint64_t READ = bit(0), WRITE = bit(1), EXEC = bit(2), SHARED = bit(3),
                               MAYWRITE = bit(5), PFNMAP = bit(10), IO = bit(14),
                               DONTEXPAND = bit(18), HUGETLB = bit(22), DONTDUMP = bit(26),
                               MIXEDMAP = bit(28);
}  // namespace vm

template <class W>
struct vm_area_struct {
  W vm_start{}, vm_end{};  ///< [vm_start, vm_end), multiples of PAGE_SIZE
  W vm_pgoff{};            ///< in pages
  W vm_flags{};
};

/// A private mapping that may be written: pages are copied on the first write.
template <class W>
constexpr Bool<W> is_cow_mapping(const W& vm_flags) {
  return (vm_flags & (vm::SHARED | vm::MAYWRITE)) == W{vm::MAYWRITE};
}

}  // namespace mmuref::lnx
