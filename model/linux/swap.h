// Entries that are not there: swapped out, being migrated.
//
// arch/x86/include/asm/pgtable_64.h, pgtable_types.h, include/linux/swapops.h, v4.6; the layouts of
// later versions are in `SwapLayout`. Offsets count pages.
#pragma once

#include "model/linux/predicates.h"

namespace mmuref::lnx {

/// swp_entry_t: what to swap in, independent of the architecture.
template <class W>
struct swp_entry_t {
  W value{};
};

/// Where a swap entry of the page tables has its parts.
struct SwapShape {
  unsigned type_shift;  ///< of 5 bits
  unsigned offset_shift, offset_bits;
  bool offset_inverted;
  std::uint64_t soft_dirty;  ///< _PAGE_SWP_SOFT_DIRTY; 0 where there is none
};
inline constexpr unsigned SWP_TYPE_BITS = 5;

constexpr SwapShape swap_shape(SwapLayout layout) {
  switch (layout) {
    case SwapLayout::type_1_offset_9: return {1, 9, 55, false, 0};
    case SwapLayout::type_1_offset_9_soft: return {1, 9, 55, false, bit(7)};
    case SwapLayout::type_9_offset_14_soft_7: return {9, 14, 50, false, bit(7)};
    case SwapLayout::type_9_offset_14_soft_1: return {9, 14, 50, false, bit(1)};
    case SwapLayout::type_59_inverted_offset_9: break;
  }
  return {59, 9, 50, true, bit(1)};
}

/// The flags a swap entry may carry.
namespace swp {
constexpr std::uint64_t SOFT_DIRTY(const Kernel& k) {
  return swap_shape(k.swap).soft_dirty;
}
constexpr std::uint64_t UFFD_WP(const Kernel& k) {
  return k.has_uffd_wp ? bit(2) : 0;
}
constexpr std::uint64_t EXCLUSIVE(const Kernel& k) {
  return k.has_swp_exclusive ? bit(3) : 0;
}
constexpr std::uint64_t flags(const Kernel& k) {
  return SOFT_DIRTY(k) | UFFD_WP(k) | EXCLUSIVE(k);
}
}  // namespace swp

// The architecture's form: __swp_entry, __swp_type, __swp_offset.

template <class W>
constexpr W arch_swp_entry(const Kernel& k, const W& type, const W& offset) {
  const SwapShape s = swap_shape(k.swap);
  const W field = s.offset_inverted ? ~offset : offset;
  return ((field << (64 - s.offset_bits)) >> (64 - s.offset_bits - s.offset_shift)) |
         (type << s.type_shift);
}
template <class W>
constexpr W arch_swp_type(const Kernel& k, const W& value) {
  return (value >> swap_shape(k.swap).type_shift) & (bit(SWP_TYPE_BITS) - 1);
}
template <class W>
constexpr W arch_swp_offset(const Kernel& k, const W& value) {
  const SwapShape s = swap_shape(k.swap);
  const W field = s.offset_inverted ? ~value : value;
  return (field << (64 - s.offset_bits - s.offset_shift)) >> (64 - s.offset_bits);
}

// Linux's own form: swp_entry, swp_type, swp_offset.

template <class W>
constexpr swp_entry_t<W> swp_entry(const Kernel& k, const W& type, const W& offset) {
  return {(type << k.swp_type_shift) | (offset & (bit(k.swp_type_shift) - 1))};
}
template <class W>
constexpr W swp_type(const Kernel& k, const swp_entry_t<W>& entry) {
  return entry.value >> k.swp_type_shift;
}
template <class W>
constexpr W swp_offset(const Kernel& k, const swp_entry_t<W>& entry) {
  return entry.value & (bit(k.swp_type_shift) - 1);
}

template <class W>
constexpr pte_t<W> swp_entry_to_pte(const Kernel& k, const swp_entry_t<W>& entry) {
  return {arch_swp_entry(k, swp_type(k, entry), swp_offset(k, entry))};
}
/// pte_to_swp_entry: the flags come off first.
template <class W>
constexpr swp_entry_t<W> pte_to_swp_entry(const Kernel& k, const pte_t<W>& pte) {
  const W bare = pte.value & ~swp::flags(k);
  return swp_entry(k, arch_swp_type(k, bare), arch_swp_offset(k, bare));
}
/// Those of a PMD, for migration (v4.14).
template <class W>
constexpr pmd_t<W> swp_entry_to_pmd(const Kernel& k, const swp_entry_t<W>& entry) {
  return pte_pmd(swp_entry_to_pte(k, entry));
}
template <class W>
constexpr swp_entry_t<W> pmd_to_swp_entry(const Kernel& k, const pmd_t<W>& pmd) {
  return pte_to_swp_entry(k, pmd_pte(pmd));
}

template <class W>
constexpr Bool<W> is_swap_pte(const Kernel& k, const pte_t<W>& pte) {
  return !(pte_none(k, pte) | pte_present(k, pte));
}
/// is_swap_pmd (v4.14).
template <class W>
constexpr Bool<W> is_swap_pmd(const Kernel& k, const pmd_t<W>& pmd) {
  return !(pmd_none(k, pmd) | pmd_present(k, pmd));
}

template <class W>
constexpr pte_t<W> pte_swp_mksoft_dirty(const Kernel& k, const pte_t<W>& pte) {
  return {pte.value | swp::SOFT_DIRTY(k)};
}
template <class W>
constexpr pte_t<W> pte_swp_clear_soft_dirty(const Kernel& k, const pte_t<W>& pte) {
  return {pte.value & ~swp::SOFT_DIRTY(k)};
}
template <class W>
constexpr Bool<W> pte_swp_soft_dirty(const Kernel& k, const pte_t<W>& pte) {
  return has(pte.value, swp::SOFT_DIRTY(k));
}
template <class W>
constexpr pmd_t<W> pmd_swp_mksoft_dirty(const Kernel& k, const pmd_t<W>& pmd) {
  return {pmd.value | swp::SOFT_DIRTY(k)};
}
template <class W>
constexpr Bool<W> pte_swp_uffd_wp(const Kernel& k, const pte_t<W>& pte) {
  return has(pte.value, swp::UFFD_WP(k));
}
template <class W>
constexpr Bool<W> pte_swp_exclusive(const Kernel& k, const pte_t<W>& pte) {
  return has(pte.value, swp::EXCLUSIVE(k));
}

// Types that are no swap file come last: a poisoned page, migration, memory of devices, markers.

constexpr unsigned MAX_SWAPFILES(const Kernel& k) {
  return 32 - 1 - k.migration_types - k.device_types - k.marker_types;
}
constexpr unsigned SWP_HWPOISON(const Kernel& k) {
  return MAX_SWAPFILES(k);
}
constexpr unsigned SWP_MIGRATION_READ(const Kernel& k) {
  return SWP_HWPOISON(k) + 1;
}
/// An anonymous page's, once read-only and exclusive (v5.19) lies between the two.
constexpr unsigned SWP_MIGRATION_WRITE(const Kernel& k) {
  return SWP_HWPOISON(k) + k.migration_types;
}
constexpr unsigned SWP_DEVICE(const Kernel& k) {
  return SWP_MIGRATION_WRITE(k) + 1;
}
constexpr unsigned SWP_PTE_MARKER(const Kernel& k) {
  return SWP_DEVICE(k) + k.device_types;
}

/// make_migration_entry: the frame in place of the offset.
template <class W>
constexpr swp_entry_t<W> make_migration_entry(const Kernel& k, const W& pfn, const Bool<W>& write) {
  return swp_entry(k, select(write, W{SWP_MIGRATION_WRITE(k)}, W{SWP_MIGRATION_READ(k)}), pfn);
}
template <class W>
constexpr Bool<W> is_migration_entry(const Kernel& k, const swp_entry_t<W>& entry) {
  const W type = swp_type(k, entry);
  return (type >= W{SWP_MIGRATION_READ(k)}) & (type <= W{SWP_MIGRATION_WRITE(k)});
}

}  // namespace mmuref::lnx
