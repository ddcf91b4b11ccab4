// Linux's TLB flushes: what each function decides. And those that are nothing on x86.
#pragma once

#include "model/linux/flush_instructions.h"
#include "model/linux/flush_local.h"
#include "model/linux/flush_plan.h"
#include "model/linux/flush_target.h"
#include "model/linux/mmu_gather.h"
#include "model/linux/switch_mm.h"

namespace mmuref::lnx {

/// Functions of Documentation/cachetlb.txt that do nothing on x86, and why.
struct NoOp {
  const char* name;
  const char* why;
};

inline constexpr const char* caches_by_physical_address =
    "caches are physically tagged and coherent: no alias and no other CPU sees stale data";
inline constexpr NoOp flush_no_ops[] = {
    {"flush_cache_all", caches_by_physical_address},
    {"flush_cache_mm", caches_by_physical_address},
    {"flush_cache_range", caches_by_physical_address},
    {"flush_cache_page", caches_by_physical_address},
    {"flush_dcache_page", caches_by_physical_address},
    {"flush_icache_page", "instruction fetches see stores: the caches are coherent"},
    {"flush_icache_range", "instruction fetches see stores: the caches are coherent"},
    {"update_mmu_cache",
     "the processor walks the tables itself; a translation that was not there "
     "was not cached"},
};

}  // namespace mmuref::lnx
