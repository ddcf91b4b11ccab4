// What of physical memory /dev/mem may read, write and map.
//
// arch/x86/mm/mmap.c and drivers/char/mem.c, v4.6: before 4.15 and 5.1 the generic definitions.
#pragma once

#include "model/linux/address.h"

namespace mmuref::lnx {

template <class W>
struct PhysRange {
  Bool<W> valid = false;
  Bool<W> bug = false;  ///< __pa with CONFIG_DEBUG_VIRTUAL would BUG
};

/// valid_phys_addr_range: `count` bytes from `addr` lie below `high_memory`, the virtual end of the
/// direct map. The sum may wrap.
template <class W>
constexpr PhysRange<W> valid_phys_addr_range(const Kernel& k, const AddressSpace<W>& space,
                                             const W& high_memory, const W& addr, const W& count) {
  if (k.phys_range_inclusive) {
    const CheckedAddress<W> last = phys_addr(k, space, high_memory - W{1});
    return {addr + count - W{1} <= last.value, last.bug()};
  }
  const CheckedAddress<W> end = phys_addr(k, space, high_memory);
  return {addr + count <= end.value, end.bug()};
}

/// valid_mmap_phys_addr_range: `count` bytes from frame `pfn` can be addressed.
template <class W>
constexpr Bool<W> valid_mmap_phys_addr_range(const Kernel& k, const AddressSpace<W>& space,
                                             const W& pfn, const W& count) {
  if (!k.mmap_checks_width) return true;
  return phys_addr_valid(space, (pfn << PAGE_SHIFT) + count - W{1});
}

}  // namespace mmuref::lnx
