// The bits of an entry as Linux names them: `page::RW` is its `_PAGE_RW`.
//
// arch/x86/include/asm/pgtable_types.h, v4.6; later ones are dated.
#pragma once

#include "model/linux/kernel.h"
#include "model/linux/masks.h"

namespace mmuref::lnx {

namespace page {
inline constexpr std::uint64_t PRESENT = bit(0), RW = bit(1), USER = bit(2), PWT = bit(3),
                               PCD = bit(4), ACCESSED = bit(5), DIRTY = bit(6), PSE = bit(7),
                               PAT = bit(7), GLOBAL = bit(8), SOFTW1 = bit(9), SOFTW2 = bit(10),
                               SOFTW3 = bit(11), PAT_LARGE = bit(12), NX = bit(63);
inline constexpr std::uint64_t SPECIAL = SOFTW1, CPA_TEST = SOFTW1, SOFT_DIRTY = SOFTW3,
                               HIDDEN = SOFTW3;
/// A page that is there but may not be touched; has its meaning only where PRESENT is 0.
inline constexpr std::uint64_t PROTNONE = GLOBAL;
/// The protection key, bits 62:59 (v4.6).
inline constexpr std::uint64_t PKEY = bits(62, 59);
/// The D of a read-only entry where W=0, D=1 means a shadow stack (v6.6).
inline constexpr std::uint64_t SAVED_DIRTY = bit(58);

/// Entries that reference tables: of users, of the kernel.
inline constexpr std::uint64_t TABLE = PRESENT | RW | USER | ACCESSED | DIRTY;
inline constexpr std::uint64_t KERNPG_TABLE = PRESENT | RW | ACCESSED | DIRTY;

/// _PAGE_DEVMAP: a page of device memory that has a struct page (v4.5; bit 57 since v6.6).
constexpr std::uint64_t DEVMAP(const Kernel& k) {
  return k.has_devmap ? bit(k.devmap_bit) : 0;
}
/// _PAGE_UFFD_WP: userfaultfd wants to hear of writes (v5.7).
constexpr std::uint64_t UFFD_WP(const Kernel& k) {
  return k.has_uffd_wp ? SOFTW2 : 0;
}
/// _PAGE_DIRTY_BITS: what says that an entry is dirty.
constexpr std::uint64_t DIRTY_BITS(const Kernel& k) {
  return k.saved_dirty ? DIRTY | SAVED_DIRTY : DIRTY;
}

/// _PAGE_CHG_MASK and _HPAGE_CHG_MASK: what a change of protection keeps of an entry.
constexpr std::uint64_t common_chg_mask(const Kernel& k) {
  return PTE_PFN_MASK(k) | PCD | PWT | SPECIAL | ACCESSED | DIRTY_BITS(k) | SOFT_DIRTY |
         (k.change_mask_has_devmap ? DEVMAP(k) : 0) | UFFD_WP(k);
}
constexpr std::uint64_t CHG_MASK(const Kernel& k) {
  return common_chg_mask(k) | (k.change_mask_has_pat ? PAT : 0);
}
constexpr std::uint64_t HPAGE_CHG_MASK(const Kernel& k) {
  return common_chg_mask(k) | PSE | (k.change_mask_has_pat ? PAT_LARGE : 0);
}
}  // namespace page

}  // namespace mmuref::lnx
