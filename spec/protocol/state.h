// The machine that flush protocols run on: a few processors with store buffers, interrupts between
// them, and what each may have cached; and the variables of the kernel that they share.
//
// SDM vol. 3, "Memory Ordering in P6 and More Recent Processor Families" (8.2.2) and "Caching
// Translation Information" (4.10). One state is a flat run of bytes, so that it is copied, compared
// and hashed as such.
#pragma once

#include <cstdint>
#include <cstring>
#include <iterator>

namespace mmuref::spec::protocol {

using Byte = std::uint8_t;
using Pc = std::uint16_t;  ///< a step of a program

constexpr Byte bit_of(int n) {
  return static_cast<Byte>(1u << n);
}

/// Bounds of what can be explored. User address spaces are 0 and 1; `no_mm` is init_mm, whose
/// tables map no user page; `switching_mm` is LOADED_MM_SWITCHING, no mm at all.
inline constexpr int max_cpus = 3, max_mms = 2, max_pages = 2, max_asids = 3;
inline constexpr Byte no_mm = max_mms, switching_mm = max_mms + 1;
/// PTE values: nothing, or frame 0 or 1 of the address space, read-only or writable.
inline constexpr Byte none = 0, pte_values = 5;
inline constexpr Byte every_value = 0b11110;  ///< a bit a value, but for nothing
constexpr Byte pte_value(int frame, bool writable) {
  return static_cast<Byte>(1 + 2 * frame + (writable ? 1 : 0));
}
constexpr int frame_of(Byte pte) {
  return (pte - 1) / 2;
}

/// Variables in shared memory. Stores to them go through the store buffer of the processor.
enum class Place : Byte {
  pte,         ///< by mm and page
  lock,        ///< by mm and page: 1 while held
  pmd,         ///< by mm: 1 where it leads to the mm's table of PTEs
  mask,        ///< by mm: mm_cpumask, a bit a processor
  generation,  ///< by mm: context.tlb_gen
  pending,     ///< by mm: tlb_flush_pending, or tlb_flush_batched
  lazy,        ///< by processor: cpu_tlbstate.is_lazy
  loaded,      ///< by processor: cpu_tlbstate.loaded_mm
};
inline constexpr int place_count = 8;

constexpr int width(Place place) {
  switch (place) {
    case Place::pte:
    case Place::lock: return max_mms * max_pages;
    case Place::lazy:
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

/// The place of a variable: `index` an mm or a processor, `page` counts for PTEs and locks alone.
constexpr Byte at(Place place, int index, int page = 0) {
  if (place == Place::pte || place == Place::lock) index = index * max_pages + page;
  return static_cast<Byte>(offset(place) + index);
}

/// Whether a place in memory is one of `which`.
constexpr bool within(Byte place, Place which) {
  return place >= offset(which) && place < offset(which) + width(which);
}

inline constexpr int register_count = 11, own_count = 7, payload_count = 4, buffer_size = 2;

/// One PCID of a processor: what may be cached under it, everything a walk could have found since
/// it had to be dropped, as the TLB of model/x86/tlb.h has it; and what the kernel notes of it.
struct Slot {
  Byte mm = no_mm;          ///< whose tables were walked
  Byte pages[max_pages]{};  ///< a bit a PTE value
  Byte table = 0;           ///< 1: a paging-structure entry for the table of PTEs
  Byte context = no_mm;     ///< ctxs[].ctx_id: an mm
  Byte generation = 0;      ///< ctxs[].tlb_gen
};

struct Cpu {
  Pc pc = 0, resume = 0;  ///< of the program; where it goes on after the interrupt
  Byte irq_off = 0;       ///< interrupts are disabled
  Byte sender = 0;        ///< 1 + the processor whose interrupt is handled, 0 outside
  Byte registers[register_count]{}, saved[register_count]{};
  Byte own[own_count]{};               ///< per-processor variables that no other reads
  Byte payload[payload_count]{no_mm};  ///< arguments of the interrupt it sends, its mm first
  Byte pending = 0;                    ///< interrupts not yet taken, a bit a sender
  Byte waiting = 0;                    ///< processors that have not acknowledged, a bit each
  Byte buffered = 0;                   ///< stores in the buffer, oldest first
  Byte buffer_place[buffer_size]{}, buffer_value[buffer_size]{};
  Byte cr3 = no_mm;  ///< whose tables are in use
  Byte pcid = 0;     ///< and under which slot
  Slot slots[max_asids];

  /// Nothing can interrupt it: it has disabled interrupts, or handles one.
  bool uninterrupted() const { return irq_off != 0 || sender != 0; }
  void forget_payload() {
    payload[0] = no_mm;
    for (int i = 1; i < payload_count; ++i) payload[i] = 0;
  }
};

/// Promises that only a step can break are noted in the state.
enum class Broken : Byte { nothing, generation_went_back, slot_of_another };

struct State {
  Byte memory[memory_size]{};
  Broken broken = Broken::nothing;
  // Ghosts: what the protocol promised. No step of the kernel reads them.
  Byte freed_frames = 0;                  ///< a bit (mm, frame)
  Byte freed_tables = 0;                  ///< a bit an mm
  Byte forbidden[max_mms * max_pages]{};  ///< by (mm, page): PTE values a flush has removed
  Byte unused = 0;                        ///< keeps what follows aligned
  Cpu cpus[max_cpus];

  /// What processor `c` loads from a place: its own latest store, visible or not, or memory.
  Byte seen_by(int c, Byte place) const {
    const Cpu& cpu = cpus[c];
    for (int i = cpu.buffered; i-- > 0;)
      if (cpu.buffer_place[i] == place) return cpu.buffer_value[i];
    return memory[place];
  }

  bool operator==(const State& other) const { return std::memcmp(this, &other, sizeof *this) == 0; }
};
static_assert(sizeof(State) == sizeof(Cpu) * max_cpus + memory_size + 4 + max_mms * max_pages &&
                  sizeof(Cpu) == 2 * sizeof(Pc) + 7 + 2 * register_count + own_count +
                                     payload_count + 2 * buffer_size + max_asids * sizeof(Slot),
              "states are compared and hashed byte by byte: there is no padding");

}  // namespace mmuref::spec::protocol
