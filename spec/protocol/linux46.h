// Linux 4.6's TLB flushes as a protocol, and ways to break it.
//
// arch/x86/mm/tlb.c, arch/x86/include/asm/mmu_context.h, v4.6 with flush_tlb_page's barrier
// (ca6c99c07948), without which it does not hold.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "spec/protocol/machine.h"

namespace mmuref::spec::protocol {

/// What may be broken, one thing at a time.
enum class Break : Byte {
  barrier_in_mm_range,
  barrier_in_page,
  mask_before_cr3,
  leave_loads_cr3,
  lazy_is_told,
  wait_for_all,
  flush_before_free,
  flush_of_tables,
};

struct BreakText {
  Break what;
  std::string_view name;  ///< of the command line
  std::string_view says;  ///< what is left out
  std::string_view from;  ///< where that was so; empty if nowhere that is known
};
std::span<const BreakText> linux46_breaks();

struct Linux46 {
  int cpus = 2, mms = 1, pages = 1;
  std::optional<Break> broken;
};

/// Every processor runs for ever, in any order: tasks of each mm and kernel threads are scheduled,
/// pages are mapped, unmapped and write-protected, page tables come and go.
System linux46(const Linux46& options);

}  // namespace mmuref::spec::protocol
