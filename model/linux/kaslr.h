// The randomiser of CONFIG_RANDOMIZE_MEMORY: where the direct map, vmalloc and vmemmap begin.
//
// arch/x86/mm/kaslr.c, kernel_randomize_memory, since v4.8.
#pragma once

#include "model/linux/address.h"
#include "model/linux/kernel.h"
#include "model/linux/layout.h"
#include "model/word.h"

namespace mmuref::lnx {

inline constexpr unsigned TB_SHIFT = 40;
inline constexpr int kaslr_max_regions = 3;

/// Sizes of the three regions, in bytes, a multiple of 1 TiB each.
template <class W>
struct RegionSizes {
  W size[kaslr_max_regions];  ///< direct map, vmalloc, vmemmap
};

/// `max_pfn`: the number of page frames. `padding`: CONFIG_RANDOMIZE_MEMORY_PHYSICAL_PADDING in
/// TiB, room for memory plugged in later: 10 where that can be, else 0.
template <class W>
constexpr RegionSizes<W> kaslr_region_sizes(const Kernel& k, const W& max_pfn, const W& padding) {
  const auto in_tib = [](const W& bytes) { return (bytes + W{bit(TB_SHIFT) - 1}) >> W{TB_SHIFT}; };
  const unsigned width = k.kaslr_size_by_mask_shift ? k.physical_mask_shift : k.max_physmem_bits;
  const W most{bit(width - TB_SHIFT)};
  const W memory = in_tib(max_pfn << W{PAGE_SHIFT}) + padding;
  const W direct = select(memory < most, memory, most);
  const W vmemmap = k.kaslr_vmemmap_1tb
                        ? W{1}
                        : in_tib(direct << W{TB_SHIFT - PAGE_SHIFT + page_struct_shift(k)});
  return {{direct << W{TB_SHIFT}, W{region_spans(k).vmalloc}, vmemmap << W{TB_SHIFT}}};
}

/// The addresses the regions are moved between.
constexpr std::uint64_t kaslr_vaddr_start(const Kernel& k) {
  return k.page_offset_base;
}
constexpr std::uint64_t kaslr_vaddr_end(const Kernel& k) {
  if (k.kaslr_regions < kaslr_max_regions) return k.vmemmap_base;
  return k.has_cpu_entry_area ? CPU_ENTRY_AREA_BASE : ESPFIX_BASE_ADDR;
}
/// Bases are multiples of this.
constexpr std::uint64_t kaslr_alignment(const Kernel& k) {
  return k.kaslr_p4d_aligned ? P4D_SIZE : PUD_SIZE;
}
/// Bytes by which regions can end behind kaslr_vaddr_end: after each region but the last the next
/// one is held one unit off, and the space to distribute does not count these units.
constexpr std::uint64_t kaslr_overrun(const Kernel& k) {
  return (k.kaslr_regions - 1) * kaslr_alignment(k);
}

template <class W>
struct RandomizedMemory {
  W base[kaslr_max_regions];
  RegionSizes<W> sizes;
  /// The last physical address that is handed out to devices as memory (physmem_end, 6.11; before,
  /// the last that MAX_PHYSMEM_BITS allow).
  W physmem_end;

  constexpr W end(int region) const { return base[region] + sizes.size[region]; }
};

/// Where the next region may begin, and how many bytes are left to be spread before regions.
template <class W>
struct Placing {
  W vaddr, remain;
};

/// Places a region of `size` bytes `drawn` bytes further than it could be; its base.
template <class W>
constexpr W place_region(const Kernel& k, Placing<W>& placing, const W& size, const W& drawn) {
  const W aligned{~(kaslr_alignment(k) - 1)};
  const W entropy = drawn & aligned, base = placing.vaddr + entropy;
  // At least one byte off, so a whole unit where the region ends on one.
  placing.vaddr = (base + size + W{kaslr_alignment(k)}) & aligned;
  placing.remain = placing.remain - entropy;
  return base;
}

/// Places the regions. `draw(region, remain, parts)` gives what chance contributes: any number not
/// above remain/parts. The kernel's own is `drawn_by_modulo`.
template <class W, class Draw>
constexpr RandomizedMemory<W> place_regions(const Kernel& k, const RegionSizes<W>& sizes,
                                            Draw&& draw) {
  RandomizedMemory<W> result{{W{k.page_offset_base}, W{k.vmalloc_base}, W{k.vmemmap_base}},
                             sizes,
                             W{bit(k.max_physmem_bits) - 1}};
  Placing<W> placing{W{kaslr_vaddr_start(k)}, W{kaslr_vaddr_end(k) - kaslr_vaddr_start(k)}};
  for (unsigned i = 0; i < k.kaslr_regions; ++i) placing.remain = placing.remain - sizes.size[i];
  for (unsigned i = 0; i < k.kaslr_regions; ++i) {
    const W drawn = draw(i, placing.remain, std::uint64_t{k.kaslr_regions - i});
    result.base[i] = place_region(k, placing, sizes.size[i], drawn);
  }
  if (k.physmem_end_recorded) result.physmem_end = sizes.size[0] - W{1};
  return result;
}

/// The kernel's draw.
template <class W>
constexpr W drawn_by_modulo(const W& random, const W& remain, std::uint64_t parts) {
  return random % (remain / W{parts} + W{1});
}

/// kernel_randomize_memory, given the generator's words.
template <class W>
constexpr RandomizedMemory<W> kernel_randomize_memory(const Kernel& k, const W& max_pfn,
                                                      const W& padding,
                                                      const W (&random)[kaslr_max_regions]) {
  return place_regions<W>(k, kaslr_region_sizes(k, max_pfn, padding),
                          [&](unsigned region, const W& remain, std::uint64_t parts) {
                            return drawn_by_modulo(random[region], remain, parts);
                          });
}

/// The address space of a kernel whose regions lie there.
template <class W>
constexpr AddressSpace<W> address_space(const RandomizedMemory<W>& memory, const W& phys_base,
                                        const W& phys_bits) {
  return {memory.base[0], memory.base[1], memory.base[2], phys_base, phys_bits};
}

}  // namespace mmuref::lnx
