// The direct map, where all of physical memory appears at PAGE_OFFSET, built with pages of 4 KiB,
// 2 MiB and 1 GiB.
//
// arch/x86/mm/init_64.c: phys_pte_init, phys_pmd_init, phys_pud_init, phys_p4d_init (v4.12),
// kernel_physical_mapping_init; v4.6. Physical addresses in bytes. What these return to count
// pages is left out.
#pragma once

#include "model/linux/alloc.h"
#include "model/linux/pgprot.h"
#include "model/linux/sync.h"

namespace mmuref::lnx {

/// __PAGE_KERNEL: of data, with NX where the processor has it.
inline constexpr std::uint64_t PAGE_KERNEL =
    page::PRESENT | page::RW | page::ACCESSED | page::DIRTY | page::GLOBAL | page::NX;

/// What the builder is told. `ram(start, end)` answers whether the firmware's map has memory in
/// [start, end), a Bool<W>.
template <class Ram>
struct DirectMapping {
  bool allow_2m = false, allow_1g = false;  ///< page_size_mask
  bool after_bootmem = true;                ///< later than early boot: slots beyond are left alone
  Ram ram;

  constexpr bool allows(int level) const {
    return level == 3 ? allow_1g : level == 2 ? allow_2m : false;
  }
};

/// pmd_large, pud_large: whether an entry that is not empty maps a page; levels 2 to 5.
template <class W>
constexpr Bool<W> entry_large(const Kernel& k, const W& value, int level) {
  if (level == 2) return pmd_large(k, pmd_t<W>{value});
  if (level == 3) return pud_large(k, pud_t<W>{value});
  return false;
}

/// pmd_populate_kernel for PTE tables, populate above.
template <class W>
constexpr W populate_kernel(const W& page, int level) {
  return level == 1 ? pmd_populate_kernel(page).value : populate(page, level);
}

/// phys_pte_init … phys_p4d_init, by level: fills the slots of `table` for [addr, end), from the
/// slot of `addr` to the table's last. A slot is found by the virtual address in versions that
/// may move the direct map; those that do not take the physical one.
template <class W, class Mm, class Ram>
constexpr Errno phys_init(const Kernel& k, Mm& mm, const AddressSpace<W>& space,
                          const DirectMapping<Ram>& how, const W& table, int level, W addr,
                          const W& end, const pgprot_t<W>& table_prot) {
  const bool by_va = level == 4 ? k.direct_map_p4d_by_va : level == 3 && k.direct_map_index_by_va;
  // Since it goes by virtual addresses, 5.2's phys_p4d_init ends with the range.
  const bool clears_beyond = !how.after_bootmem && !(level == 4 && k.direct_map_p4d_by_va);
  for (W slot = index_of(k, by_va ? va(space, addr) : addr, level); slot < W{512};
       slot = slot + W{1}) {
    const W entry = table | (slot << 3);
    const W at = by_va ? va(space, addr) : addr;
    const W next = addr + (W{size_of(level)} - (at & ~mask_of(level)));
    if (addr >= end) {
      if (!clears_beyond) return Errno::ok;  // and so for every slot that is left
      if (!how.ram(addr & mask_of(level), next)) mm.memory.write(entry, W{0});
      addr = next;
      continue;
    }

    const W value = mm.memory.read(entry);
    const bool empty = static_cast<bool>(value == W{0});
    pgprot_t<W> prot = table_prot;
    if (level == 1) {
      if (empty) mm.memory.write(entry, pfn_pte(k, addr >> PAGE_SHIFT, prot).value);
    } else if (!empty && !entry_large(k, value, level)) {
      const Errno error =
          phys_init(k, mm, space, how, table_of(k, value, level), level - 1, addr, end, prot);
      if (error != Errno::ok) return error;
    } else if (how.allows(level)) {
      const pgprot_t<W> large{prot.value | page::PSE};
      const W frame = (addr & mask_of(level)) >> PAGE_SHIFT;
      if (empty) mm.memory.write(entry, pfn_pte(k, frame, large).value);
    } else {
      if (!empty) prot = split_pgprot(k, value);
      const std::optional<W> below = mm.pages.allocate();
      if (!below) return Errno::nomem;
      const Errno error = phys_init(k, mm, space, how, *below, level - 1, addr, end, prot);
      mm.memory.write(entry, populate_kernel(*below, level - 1));
      if (error != Errno::ok) return error;
    }
    addr = next;
  }
  return Errno::ok;
}

template <class W>
struct DirectMapped {
  Errno error = Errno::ok;   ///< nomem where alloc_low_page panics
  bool pgd_changed = false;  ///< sync_global_pgds is due for the range
};

/// kernel_physical_mapping_init: maps [start, end) of physical memory. `mm` is init_mm. It ends
/// with __flush_tlb_all.
template <class W, class Mm, class Ram>
constexpr DirectMapped<W> kernel_physical_mapping_init(const Kernel& k, Mm& mm,
                                                       const AddressSpace<W>& space,
                                                       const DirectMapping<Ram>& how,
                                                       const std::type_identity_t<W>& start,
                                                       const std::type_identity_t<W>& end) {
  const int root = k.config.levels;
  const pgprot_t<W> prot{PAGE_KERNEL};
  DirectMapped<W> result;
  for (W at = va(space, start); at < va(space, end); at = (at & mask_of(root)) + W{size_of(root)}) {
    const W entry = pgd_offset(k, mm, at);
    const W value = mm.memory.read(entry);
    if (value != W{0}) {
      result.error = phys_init(k, mm, space, how, table_of(k, value, root), root - 1, pa(space, at),
                               end, prot);
    } else {
      const std::optional<W> below = mm.pages.allocate();
      if (!below) return {Errno::nomem, result.pgd_changed};
      result.error = phys_init(k, mm, space, how, *below, root - 1, pa(space, at), end, prot);
      mm.memory.write(entry, populate(*below, root - 1));
      result.pgd_changed = true;
    }
    if (result.error != Errno::ok) return result;
  }
  return result;
}

}  // namespace mmuref::lnx
