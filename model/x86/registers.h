// The processor and the registers that paging depends on.
//
// SDM vol. 3, "Control Registers" (2.5), "Paging Modes and Control Bits" (4.1), "Enumeration of
// Paging Features by CPUID" (4.1.4), "Protection Keys" (4.6.2). Chapter 4 of editions before 2023
// is chapter 5 of later ones.
#pragma once

#include "model/word.h"

namespace mmuref::x86 {

namespace cr0 {
inline constexpr std::uint64_t PE = bit(0), WP = bit(16), PG = bit(31);
}
namespace cr4 {
inline constexpr std::uint64_t PSE = bit(4), PAE = bit(5), PGE = bit(7), LA57 = bit(12),
                               PCIDE = bit(17), SMEP = bit(20), SMAP = bit(21), PKE = bit(22),
                               CET = bit(23), PKS = bit(24);
}
namespace efer {
inline constexpr std::uint64_t LME = bit(8), LMA = bit(10), NXE = bit(11);
}
namespace rflags {
inline constexpr std::uint64_t AC = bit(18);
}

/// The range MAXPHYADDR is modelled for, in bits. SDM vol. 3, 4.1.4: at most 52; 32 without PAE.
inline constexpr std::uint64_t min_maxphyaddr = 32, max_maxphyaddr = 52;

/// What CPUID enumerates; fixed for the life of a processor.
template <class W>
struct Processor {
  W maxphyaddr = 52;       ///< width of physical addresses, 32..52 bits
  Bool<W> page1gb = true;  ///< CPUID.80000001H:EDX.Page1GB
  Bool<W> amd = false;     ///< AMD's reserved bits instead of Intel's (APM vol. 2, 5.3 and 5.4)
};

/// The registers of one logical processor, as software reads them.
template <class W>
struct Registers {
  W cr0 = 0;
  W cr3 = 0;
  W cr4 = 0;
  W efer = 0;
  W pkru = 0;  ///< 32 bits, two a key: AD at 2i, WD at 2i+1
  W pkrs = 0;  ///< IA32_PKRS, the same form
};

/// Whether the registers select IA-32e paging (4- or 5-level): the only modes `walk` answers for.
/// SDM vol. 3, "Four Paging Modes" (4.1.1).
template <class W>
constexpr Bool<W> ia32e_paging(const Registers<W>& r) {
  return has(r.cr0, cr0::PG) & has(r.cr0, cr0::PE) & has(r.cr4, cr4::PAE) & has(r.efer, efer::LME);
}

/// Levels of paging structures: 5 with CR4.LA57.
template <class W>
constexpr int paging_levels(const Registers<W>& r) {
  return has(r.cr4, cr4::LA57) ? 5 : 4;
}

}  // namespace mmuref::x86
