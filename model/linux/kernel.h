// Which Linux: what differs between the versions, in one place.
//
// Functions of model/linux/ take a `Kernel`, a plain value that says what the version does, and
// name no version themselves. Every field below says since when, by whose change; versions are
// those of mainline, and a stable kernel with a change backported is made by setting its field:
// d52888aa2753, which made room for the LDT in 4.20, is in later 4.14.y and 4.19.y too. Of versions
// after 6.12 only what is dated below is known.
//
// Only x86-64, SPARSEMEM_VMEMMAP; other configuration is in `Config`. Flushes, whose 2.4 of i386 is
// known too, are in flush_code.h.
#pragma once

#include <cstdint>

#include "model/linux/flush_code.h"
#include "model/linux/version.h"
#include "model/word.h"

namespace mmuref::lnx {

/// What whoever built and booted the kernel chose.
struct Config {
  int levels = 4;  ///< of page tables: 4, or 5 since 4.14 (CONFIG_X86_5LEVEL on such a processor)
  bool randomize_base = true;  ///< CONFIG_RANDOMIZE_BASE, since 3.14
  bool randomize_memory =
      false;                  ///< CONFIG_RANDOMIZE_MEMORY moved the regions, since 4.8; no KASAN
  bool pti = true;            ///< CONFIG_PAGE_TABLE_ISOLATION, since 4.15
  bool shadow_stack = false;  ///< the processor has user shadow stacks, since 6.6
  std::uint64_t page_struct = 64;  ///< sizeof(struct page) in bytes
  /// __supported_pte_mask: bits of a page-table entry that the processor and boot options leave
  /// usable. NX and G are what real ones lack.
  std::uint64_t supported_pte_mask = ~std::uint64_t{0};
  bool smp = true;  ///< CONFIG_SMP; only flushes differ without it
};

/// How a swap entry is laid out in a PTE that is not present (model/linux/swap.h).
enum class SwapLayout : unsigned char {
  type_1_offset_9,           ///< type in bits 5:1, offset from bit 9; bit 6 is _PAGE_FILE
  type_1_offset_9_soft,      ///< the same, soft-dirty in bit 7; _PAGE_FILE beside it until 4.0
  type_9_offset_14_soft_7,   ///< type in bits 13:9, offset from bit 14, soft-dirty in bit 7
  type_9_offset_14_soft_1,   ///< the same, soft-dirty in bit 1
  type_59_inverted_offset_9  ///< type in bits 63:59, offset inverted in bits 58:9; soft-dirty bit 1
};

struct Kernel {
  Version version;
  Config config;

  // Widths.
  unsigned pgdir_shift = 39;          ///< PGDIR_SHIFT: 48 with five levels
  unsigned virtual_mask_shift = 47;   ///< __VIRTUAL_MASK_SHIFT: 56 with five levels
  unsigned max_physmem_bits = 46;     ///< MAX_PHYSMEM_BITS: 52 with five levels
  unsigned physical_mask_shift = 46;  ///< __PHYSICAL_MASK_SHIFT

  // Where the kernel image lies.
  std::uint64_t kernel_image_size = 0;  ///< KERNEL_IMAGE_SIZE in bytes

  // Where the regions begin that KASLR moves, when it does not (model/linux/layout.h).
  std::uint64_t page_offset_base = 0;  ///< __PAGE_OFFSET_BASE
  std::uint64_t vmalloc_base = 0;      ///< __VMALLOC_BASE
  std::uint64_t vmemmap_base = 0;      ///< __VMEMMAP_BASE

  std::uint64_t vmalloc_size = 0;  ///< VMALLOC_SIZE in bytes

  // Regions that not every version has.
  bool has_efi_region = false;  ///< 64 GiB for the runtime services of EFI
  bool has_espfix = false;      ///< stacks of the espfix64 workaround
  bool has_kasan = false;       ///< shadow of the address sanitizer …
  std::uint64_t kasan_shadow_start = 0, kasan_shadow_end = 0;  ///< … and where it lies
  bool has_cpu_entry_area = false;  ///< what every address space maps of the kernel
  bool has_ldt_remap = false;       ///< the LDT's slot below the direct map
  std::uint64_t vsyscall_size = 0;  ///< bytes kept at VSYSCALL_ADDR: 8 MiB, then one page

  // Addresses.
  bool virt_addr_valid_total = false;     ///< virt_addr_valid answers where __phys_addr would BUG
  bool pfn_valid_checks_width = false;    ///< pfn_valid refuses a pfn that pfn << 12 does not hold
  bool pfn_valid_subsections = false;     ///< pfn_valid looks at 2-MiB subsections
  unsigned kaslr_regions = 0;             ///< regions CONFIG_RANDOMIZE_MEMORY moves: 0, 2 or 3
  bool kaslr_size_by_mask_shift = false;  ///< direct map sized by __PHYSICAL_MASK_SHIFT
  bool kaslr_vmemmap_1tb = false;         ///< vmemmap sized 1 TiB however much memory there is
  bool kaslr_p4d_aligned = false;         ///< with five levels, regions are moved by 512 GiB
  bool physmem_end_recorded = false;      ///< the end of a shrunken direct map is remembered

  // Entries.
  bool huge_pfn_masks = false;    ///< pmd_pfn, pud_pfn leave the bits below a huge frame out
  bool has_p4d = false;           ///< the code has a P4D; with four levels the PGD folds away
  bool none_ignores_ad = false;   ///< p?d_none, pte_none disregard A and D, below the PGD
  bool present_has_pse = false;   ///< pmd_present counts a THP whose P is being cleared
  bool huge_not_present = false;  ///< pmd_huge holds of hugetlb entries that are not present …
  bool pud_huge_not_present = false;  ///< … and pud_huge
  bool huge_is_leaf = false;          ///< both are p?d_leaf
  bool pud_large_present = true;      ///< pud_large wants P as well as PSE
  bool pmd_bad_ignores_a = false;     ///< pmd_bad disregards A, which a table's entry may lack
  bool pgd_page_masked = false;       ///< pgd_page takes the frame bits alone
  bool constructors_mask = false;     ///< pfn_pte, pfn_pmd cut the frame to its field, pfn_pud too
  bool invert_not_present = false;   ///< the frame of a not-present entry is stored inverted (L1TF)
  bool invert_spares_empty = false;  ///< the empty entry is not inverted
  bool mknotpresent_inverts = false;    ///< p?d_mknotpresent inverts the frame too
  bool change_mask_has_pat = false;     ///< _PAGE_CHG_MASK keeps the PAT bit
  bool change_mask_has_devmap = false;  ///< _PAGE_CHG_MASK keeps DEVMAP
  bool saved_dirty = false;             ///< D of a read-only entry moves to _PAGE_SAVED_DIRTY
  bool pmd_modify_keeps_dirty = true;   ///< pmd_modify keeps D, and not SAVED_DIRTY alone
  unsigned devmap_bit = 58;             ///< _PAGE_BIT_DEVMAP
  bool has_page_file = false;  ///< _PAGE_FILE without P: a file's offset, of a nonlinear mapping
  bool has_soft_dirty = false, has_pud_devmap = false;
  bool has_protnone_names = false;  ///< pte_protnone, pmd_protnone exist
  bool has_leaf_names = false;      ///< pmd_large, pud_large are called pmd_leaf, pud_leaf
  bool has_thp_migration = false;   ///< a PMD may say that its THP is being migrated
  bool has_devmap = false, has_pkeys = false, has_uffd_wp = false;
  bool bad_ignores_nx_for_pti = false;     ///< pgd_bad and p4d_bad disregard NX, set by PTI
  bool not_present_clears_global = false;  ///< change_page_attr leaves no PSE, G without P
  bool kernel_ro_clean = false;            ///< PAGE_KERNEL_RO and the like have no D
  bool invalidate_atomic = false;          ///< pmdp_invalidate exchanges the entry
  bool move_devmap_whole = false;          ///< mremap moves 2 MiB of device memory as one leaf
  /// Splitting a large page of the direct map keeps its PAT bit. No version does; set it to see
  /// what would.
  bool split_keeps_pat = false;

  // Swap entries.
  SwapLayout swap = SwapLayout::type_1_offset_9;
  unsigned swp_type_shift = 57;    ///< SWP_TYPE_SHIFT of the architecture-independent swp_entry_t
  bool has_swp_exclusive = false;  ///< an anonymous page's swap entry says it was exclusive
  /// How many of the 32 types are no swap files, with every option that takes some.
  unsigned migration_types = 2, device_types = 0, marker_types = 0;

  // Tables.
  bool sync_from_slot_start = false;      ///< sync_global_pgds steps from slot start to slot start
  bool untrack_what_was_tracked = false;  ///< a failed remap_pfn_range gives its own pfn back
  bool direct_map_index_by_va = false;  ///< its builder takes the PUD's index from the address …
  bool direct_map_p4d_by_va = false;    ///< … and the P4D's, not from the physical one
  bool ident_gbpage_whole = false;      ///< ident_pud_init maps 1 GiB where all of it was asked for
  bool mmap_checks_width = false;       ///< valid_mmap_phys_addr_range wants phys_addr_valid
  bool phys_range_inclusive = false;    ///< valid_phys_addr_range compares last bytes, not ends
  std::uint64_t fixaddr_top = 0;        ///< FIXADDR_TOP, where fixmap slot 0 starts
  bool virt_to_fix_takes_all = false;   ///< in no version: virt_to_fix undoes all of fix_to_virt

  FlushCode flush = {};  ///< TLB flushes
};

/// The kernel of `version` as `config` has it.
constexpr Kernel kernel(Version version, Config config = {}) {
  const auto since = [version](int major, int minor, int patch = 0) {
    return version >= Version{major, minor, patch};
  };
  Kernel k{.version = version, .config = config};

  // 5-level paging: arch/x86/include/asm/pgtable_64_types.h, sparsemem.h.
  if (!since(4, 14)) k.config.levels = 4;
  if (k.config.levels == 5) {
    k.pgdir_shift = 48;
    k.virtual_mask_shift = 56;
    k.max_physmem_bits = 52;
  }
  // b83ce5ee9147: bits 46..51 of an entry had counted as flags, with four levels.
  k.physical_mask_shift = since(4, 17) || k.config.levels == 5 ? 52 : 46;

  // page_64_types.h: 512 MiB, 1 GiB with room to randomise.
  k.config.randomize_base &= since(3, 14);
  k.kernel_image_size = k.config.randomize_base ? bit(30) : bit(29);

  // page_64_types.h, pgtable_64_types.h; d52888aa2753 made room for the LDT below the direct map.
  k.kasan_shadow_end = 0xffff'fc00'0000'0000;
  if (k.config.levels == 5) {
    k.page_offset_base = since(4, 20) ? 0xff11'0000'0000'0000 : 0xff10'0000'0000'0000;
    // f55f0501cbf6 made room for the cpu_entry_area; 12a8cc7fcf54 moved the shadow out of its way.
    k.vmalloc_base = since(4, 15) ? 0xffa0'0000'0000'0000 : 0xff92'0000'0000'0000;
    k.vmalloc_size = (since(4, 15) ? 12800 : 16384) * bit(40);
    k.vmemmap_base = 0xffd4'0000'0000'0000;
    k.kasan_shadow_start = since(4, 15) ? 0xffdf'0000'0000'0000 : 0xffd8'0000'0000'0000;
    if (!since(4, 15)) k.kasan_shadow_end = k.kasan_shadow_start + bit(53);
  } else {
    k.page_offset_base = since(4, 20) ? 0xffff'8880'0000'0000 : 0xffff'8800'0000'0000;
    k.vmalloc_base = 0xffff'c900'0000'0000;
    k.vmalloc_size = 32 * bit(40);
    k.vmemmap_base = 0xffff'ea00'0000'0000;
    k.kasan_shadow_start = 0xffff'ec00'0000'0000;
  }
  k.has_efi_region = since(3, 14);
  k.has_espfix = since(3, 16);
  k.config.randomize_memory &= since(4, 8);
  k.has_kasan = since(4, 0) && !k.config.randomize_memory;
  k.has_cpu_entry_area = since(4, 15);
  // 5a7ccf4754fb. Until 3.16 the 8 MiB ended at VSYSCALL_END; from then on they were kept in the
  // document alone.
  k.vsyscall_size = since(4, 15) ? bit(12) : bit(23);
  k.has_ldt_remap = since(4, 20);  // elsewhere in 4.15..4.19, which the layouts leave out

  k.virt_addr_valid_total = since(2, 6, 29);  // af5c2bd16ac2
  k.pfn_valid_checks_width = since(5, 14);
  k.pfn_valid_subsections = since(5, 3);
  // arch/x86/mm/kaslr.c.
  k.kaslr_regions = since(4, 10) ? 3 : since(4, 8) ? 2 : 0;
  k.kaslr_size_by_mask_shift = !since(5, 1);  // ec3937107ab4
  k.kaslr_vmemmap_1tb = !since(5, 2);         // 00e5a2bbcc31
  k.kaslr_p4d_aligned = !since(5, 2) && k.config.levels == 5;
  k.physmem_end_recorded = since(6, 11);  // ea72ce5da228

  k.huge_pfn_masks = since(4, 4);  // f70abb0fc3da, 70f152874765
  k.has_p4d = since(4, 12);
  k.none_ignores_ad = since(4, 8);                          // for an erratum of Xeon Phi
  k.present_has_pse = since(3, 7);                          // 027ef6c87853
  k.huge_is_leaf = since(6, 10);                            // and then gone
  k.huge_not_present = since(4, 0) && !k.huge_is_leaf;      // cbef8478bee5
  k.pud_huge_not_present = since(6, 0) && !k.huge_is_leaf;  // 3a194f3f8ad0
  k.pud_large_present = !since(6, 12);      // "mm/x86: Make pud_leaf() only care about PSE bit"
  k.pmd_bad_ignores_a = since(6, 1);        // eed9a328aa1a
  k.pgd_page_masked = since(4, 14);         // fd7e315988b7
  k.constructors_mask = since(4, 18, 1);    // 6b28baca9b1f
  k.invert_not_present = since(4, 18, 1);   // 6b28baca9b1f, CVE-2018-3620
  k.invert_spares_empty = since(4, 18, 3);  // f19f5c49bbc3
  k.mknotpresent_inverts = k.invert_not_present;
  k.change_mask_has_pat = since(6, 6);      // 548cb932051f
  k.change_mask_has_devmap = since(4, 19);  // 4628a64591e6
  k.saved_dirty = since(6, 6);              // shadow stacks: W=0, D=1 is theirs
  // bb3aadf7d446 lost D, f7491d7c81db mends it, after 7.3-rc3.
  k.pmd_modify_keeps_dirty = !since(6, 6) || since(7, 3);
  k.devmap_bit = since(6, 6) ? 57 : 58;
  k.has_devmap = since(4, 5) && !since(6, 17);
  k.has_pud_devmap = since(4, 11) && k.has_devmap;  // a00cc7d9dd93
  k.has_page_file = !since(4, 0);                   // 0a1913620583
  k.has_soft_dirty = since(3, 11);                  // 0f8975ec4db2
  k.has_protnone_names = since(4, 0);               // e7bb4b6d1609; pte_numa since 3.8
  k.has_leaf_names = since(5, 6);
  k.has_thp_migration = since(4, 14);
  k.has_pkeys = since(4, 6);
  k.has_uffd_wp = since(5, 7);
  k.config.pti &= since(4, 15);
  k.config.shadow_stack &= since(6, 6);
  k.bad_ignores_nx_for_pti = k.config.pti;  // 1c4de1ff4fe5
  k.not_present_clears_global = since(3, 9);
  k.kernel_ro_clean = since(6, 6);     // f788b71768ff
  k.invalidate_atomic = since(4, 16);  // d52605d7cb30
  k.move_devmap_whole = since(5, 8);   // 5bfea2d9b17f, CVE-2020-10757

  k.swp_type_shift = since(4, 20) ? 58 : 57;
  k.has_swp_exclusive = since(5, 19);
  k.migration_types = since(5, 19) ? 3 : 2;
  k.device_types = since(5, 14) ? 4 : since(4, 14) ? 2 : 0;
  k.marker_types = since(5, 19) ? 1 : 0;
  if (since(4, 18, 1)) {
    k.swap = SwapLayout::type_59_inverted_offset_9;
  } else if (since(4, 14)) {
    k.swap = SwapLayout::type_9_offset_14_soft_1;  // eee4818baac0
  } else if (since(4, 8)) {
    k.swap = SwapLayout::type_9_offset_14_soft_7;  // 00839ee3b299
  } else if (since(3, 11)) {
    // 179ef71cbc08. With CONFIG_NUMA_BALANCING 3.16 to 3.19 began the offset at bit 10: not here.
    k.swap = SwapLayout::type_1_offset_9_soft;
  }

  k.sync_from_slot_start = since(4, 12);  // fc5f9d5f151c
  k.untrack_what_was_tracked = since(4, 9);
  k.direct_map_index_by_va = since(4, 8);
  k.direct_map_p4d_by_va = since(5, 2);  // 432c833218dd
  k.ident_gbpage_whole = since(6, 12);   // cc31744a2945; d794734c9bbf of 6.9-rc was reverted
  k.mmap_checks_width = since(4, 15);    // be62a3204406
  k.phys_range_inclusive = since(5, 1);  // 92c77f7c4d5d
  // f40c330091c7: the vsyscall page is the last of the fixmap's first 2 MiB; before, it had an end
  // of its own.
  k.fixaddr_top = since(3, 16) ? 0xffff'ffff'ff7f'f000 : 0xffff'ffff'ffdf'f000;
  k.flush = flush_code(version, config.smp);
  return k;
}

}  // namespace mmuref::lnx
