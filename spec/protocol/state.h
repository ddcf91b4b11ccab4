// The machine that flush protocols run on: a few processors with store buffers, interrupts between
// them, and what each may have cached; and the variables of the kernel that they share.
//
// SDM vol. 3, "Memory Ordering in P6 and More Recent Processor Families" (8.2.2) and "Caching
// Translation Information" (4.10). One state is a flat run of bytes, so that it is copied, compared
// and hashed as such.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace mmuref::spec::protocol {

using Byte = std::uint8_t;

/// Bounds of what can be explored. User address spaces are 0 and 1; `no_mm` is init_mm, whose
/// tables map no user page.
inline constexpr int max_cpus = 3, max_mms = 2, max_pages = 2, no_mm = max_mms;
/// PTE values: nothing, or frame 0 or 1 of the address space, read-only or writable.
inline constexpr Byte none = 0, pte_values = 5;
inline constexpr Byte every_value = 0b11110;  ///< a bit a value, but for nothing
constexpr Byte pte_value(int frame, bool writable) {
  return static_cast<Byte>(1 + 2 * frame + (writable ? 1 : 0));
}
constexpr int frame_of(Byte pte) {
  return (pte - 1) / 2;
}
constexpr bool writable(Byte pte) {
  return pte != none && (pte - 1) % 2 != 0;
}

/// Variables in shared memory. Stores to them go through the store buffer of the processor.
enum class Place : Byte {
  pte,            ///< by mm and page
  pmd,            ///< by mm: 1 where it leads to the mm's table of PTEs
  mask,           ///< by mm: mm_cpumask, a bit a processor
  generation,     ///< by mm: tlb_gen
  flush_pending,  ///< by mm: tlb_flush_pending
  lock,           ///< by mm: 1 while held
  tlb_state,      ///< by processor: cpu_tlbstate.state, or is_lazy
  loaded,         ///< by processor: cpu_tlbstate.active_mm, or loaded_mm
};
inline constexpr int place_count = 8;

constexpr int width(Place place) {
  switch (place) {
    case Place::pte: return max_mms * max_pages;
    case Place::tlb_state:
    case Place::loaded: return max_cpus;
    default: return max_mms;
  }
}
constexpr int offset(Place place) {
  int sum = 0;
  for (int i = 0; i < static_cast<int>(place); ++i) sum += width(static_cast<Place>(i));
  return sum;
}
inline constexpr int memory_size = offset(Place::loaded) + max_cpus;

inline constexpr int register_count = 6, own_count = 8, payload_count = 4, buffer_size = 2,
                     slot_count = 2;

/// What a processor may have cached under one PCID: everything a walk could have found since it
/// had to be dropped, as the TLB of model/x86/tlb.h has it.
struct Slot {
  Byte mm = no_mm;          ///< whose tables were walked
  Byte pages[max_pages]{};  ///< a bit a PTE value
  Byte table = 0;           ///< 1: a paging-structure entry for the table of PTEs
};

struct Cpu {
  Byte pc = 0, resume = 0;  ///< of the program; where it goes on after the interrupt
  Byte irq_off = 0;         ///< interrupts are disabled
  Byte sender = 0;          ///< 1 + the processor whose interrupt is handled, 0 outside
  Byte registers[register_count]{}, saved[register_count]{};
  Byte own[own_count]{};          ///< per-processor variables that no other reads
  Byte payload[payload_count]{};  ///< arguments of the interrupt it sends
  Byte pending = 0;               ///< interrupts not yet taken, a bit a sender
  Byte waiting = 0;               ///< processors that have not acknowledged, a bit each
  Byte buffered = 0;              ///< stores in the buffer, oldest first
  Byte buffer_place[buffer_size]{}, buffer_value[buffer_size]{};
  Byte pcid = 0;  ///< the slot in use
  Slot slots[slot_count];
};

struct State {
  Byte memory[memory_size]{};
  // Ghosts: what the protocol promised. No step of the kernel reads them.
  Byte freed_frames = 0;                  ///< a bit (mm, frame)
  Byte freed_tables = 0;                  ///< a bit an mm
  Byte forbidden[max_mms * max_pages]{};  ///< by (mm, page): PTE values a flush has removed
  Cpu cpus[max_cpus];

  bool operator==(const State& other) const { return std::memcmp(this, &other, sizeof *this) == 0; }
};
static_assert(sizeof(State) == sizeof(Cpu) * max_cpus + memory_size + 2 + max_mms * max_pages);

}  // namespace mmuref::spec::protocol
