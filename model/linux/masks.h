// Shifts, sizes and masks of each level, and which bits of an entry are frame and which flags.
//
// arch/x86/include/asm/page_types.h, page_64_types.h, pgtable_64_types.h and pgtable_types.h, v4.6.
// All in bytes or bits of a 64-bit word.
#pragma once

#include "model/linux/kernel.h"
#include "model/linux/types.h"
#include "model/word.h"

namespace mmuref::lnx {

inline constexpr unsigned PAGE_SHIFT = 12, PMD_SHIFT = 21, PUD_SHIFT = 30, P4D_SHIFT = 39;
inline constexpr std::uint64_t PAGE_SIZE = bit(PAGE_SHIFT), PMD_SIZE = bit(PMD_SHIFT),
                               PUD_SIZE = bit(PUD_SHIFT), P4D_SIZE = bit(P4D_SHIFT);
inline constexpr std::uint64_t PAGE_MASK = ~(PAGE_SIZE - 1), PMD_MASK = ~(PMD_SIZE - 1),
                               PUD_MASK = ~(PUD_SIZE - 1), P4D_MASK = ~(P4D_SIZE - 1);
inline constexpr std::uint64_t PTRS_PER_PTE = 512, PTRS_PER_PMD = 512, PTRS_PER_PUD = 512,
                               PTRS_PER_PGD = 512;

constexpr std::uint64_t PGDIR_SIZE(const Kernel& k) {
  return bit(k.pgdir_shift);
}
constexpr std::uint64_t PGDIR_MASK(const Kernel& k) {
  return ~(PGDIR_SIZE(k) - 1);
}
/// 1 where the P4D is folded into the PGD.
constexpr std::uint64_t PTRS_PER_P4D(const Kernel& k) {
  return k.config.levels == 5 ? 512 : 1;
}

/// __PHYSICAL_MASK and __VIRTUAL_MASK.
constexpr std::uint64_t physical_mask(const Kernel& k) {
  return bit(k.physical_mask_shift) - 1;
}
constexpr std::uint64_t virtual_mask(const Kernel& k) {
  return bit(k.virtual_mask_shift) - 1;
}

/// The frame bits of an entry that maps 4 KiB or references a table; the others are flags.
constexpr std::uint64_t PTE_PFN_MASK(const Kernel& k) {
  return PAGE_MASK & physical_mask(k);
}
constexpr std::uint64_t PTE_FLAGS_MASK(const Kernel& k) {
  return ~PTE_PFN_MASK(k);
}
/// The frame bits of a 2-MiB and a 1-GiB leaf.
constexpr std::uint64_t PHYSICAL_PMD_PAGE_MASK(const Kernel& k) {
  return PMD_MASK & physical_mask(k);
}
constexpr std::uint64_t PHYSICAL_PUD_PAGE_MASK(const Kernel& k) {
  return PUD_MASK & physical_mask(k);
}

}  // namespace mmuref::lnx
