// Linux 4.6's TLB flushes as a protocol, and ways to break it.
//
// arch/x86/mm/tlb.c, arch/x86/include/asm/mmu_context.h, v4.6 with flush_tlb_page's barrier
// (ca6c99c07948), without which it does not hold.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spec/protocol/linux/code.h"
#include "spec/protocol/linux/races.h"

namespace mmuref::spec::protocol {

/// The steps of switch_mm to another mm, by the numbers of the comment on flushes in tlb.c.
enum class SwitchStep : Byte {
  state_ok,    ///< 1a1: cpu_tlbstate.state = TLBSTATE_OK
  active_mm,   ///< 1a2: cpu_tlbstate.active_mm = next
  set_mask,    ///< 1a3: the CPU's bit in mm_cpumask(next)
  load_cr3,    ///< 1a4
  clear_mask,  ///< 1a5: the bit in mm_cpumask(prev)
};
/// And of a switch to the mm whose tables are loaded already.
enum class SameStep : Byte {
  state_ok,  ///< 1b1
  test_set,  ///< 1b2: test and set the bit
  load_cr3,  ///< 1b3: where it was not set
};

struct Linux46 {
  Bounds bounds;
  std::array<SwitchStep, 5> switch_order{SwitchStep::state_ok, SwitchStep::active_mm,
                                         SwitchStep::set_mask, SwitchStep::load_cr3,
                                         SwitchStep::clear_mask};
  std::array<SameStep, 3> same_order{SameStep::state_ok, SameStep::test_set, SameStep::load_cr3};
  /// switch_mm is entered with interrupts disabled, as since 4.6; they were enabled before.
  bool switch_irqs_off = true;
  // What is there, and may be left out.
  bool barrier_in_mm_range = true, barrier_in_page = true;
  bool clears_prev = true;  ///< switch_mm clears the CPU in the old mm's mask, not in the new one's
  bool leave_loads_cr3 = true, lazy_is_told = true, wait_for_all = true;
  /// Interrupts are enabled while a flush waits.
  bool wait_irqs_on = true;
  Operations::Broken operations;
  /// These, and no others.
  std::optional<Race> race;
};

/// Orders are written by the comment's numbers, "1a1 1a2 1a3 1a4 1a5 1b1 1b2 1b3".
std::string order_text(const Linux46& options);
/// Throws std::invalid_argument unless each number is there once, those of 1a before those of 1b.
void set_order(Linux46& options, std::string_view text);
/// The order of the comment, and every other of the steps of 1a, or of those of 1b.
std::vector<std::string> every_order();
/// Whether, in one of them, the new mask is set before CR3 is loaded and the old one cleared
/// behind: with interrupts off that is all the order there is.
bool masks_enclose_cr3(std::string_view order);

/// Every processor runs for ever, in any order: tasks of each mm and kernel threads are scheduled,
/// pages are mapped, unmapped and write-protected, page tables come and go.
System linux_4_6(const Linux46& options);

}  // namespace mmuref::spec::protocol
