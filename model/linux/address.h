// Linux's address arithmetic: between addresses of the direct map and of the kernel image, physical
// addresses, page frame numbers and `struct page`s.
//
// arch/x86/include/asm/page.h, page_64.h, arch/x86/mm/physaddr.c, init_64.c,
// include/asm-generic/memory_model.h, include/linux/mm.h, mmzone.h, v4.6; what differs is a field
// of `Kernel`. All arithmetic is modulo 2^64, as the kernel's is: garbage in, garbage out.
#pragma once

#include <bit>
#include <concepts>

#include "model/linux/flags.h"
#include "model/linux/kernel.h"
#include "model/linux/masks.h"
#include "model/word.h"
#include "model/x86/entry.h"
#include "model/x86/linear_address.h"

namespace mmuref::lnx {

/// __START_KERNEL_map: where the kernel image is mapped. KASLR moves the image inside the
/// KERNEL_IMAGE_SIZE bytes from here, never this.
inline constexpr std::uint64_t START_KERNEL_map = 0xffff'ffff'8000'0000;

/// SECTION_SIZE_BITS: memory is described in sections of 128 MiB, and of 2-MiB subsections.
inline constexpr unsigned SECTION_SIZE_BITS = 27, SUBSECTION_SHIFT = 21;

/// What a booted kernel holds in variables: virtual addresses where the regions begin, and what is
/// to be added to an offset in the image to get its physical address.
template <class W>
struct AddressSpace {
  W page_offset;  ///< page_offset_base: the direct map
  W vmalloc;      ///< vmalloc_base
  W vmemmap;      ///< vmemmap_base: the array of struct page
  W phys_base;    ///< physical minus linked address of the image; negative is modulo 2^64
  W phys_bits;    ///< boot_cpu_data.x86_phys_bits: MAXPHYADDR, 32..52
};

/// The address space of a kernel that moved nothing.
template <class W>
constexpr AddressSpace<W> default_address_space(const Kernel& k) {
  return {W{k.page_offset_base}, W{k.vmalloc_base}, W{k.vmemmap_base}, W{0}, W{k.max_physmem_bits}};
}

// Physical and virtual addresses.

/// __va.
template <class W>
constexpr W va(const AddressSpace<W>& s, const W& physical) {
  return physical + s.page_offset;
}

/// __phys_addr_nodebug: one subtraction serves both branches, and its carry tells them apart. An
/// address at or above START_KERNEL_map stays above its offset; one below wraps past it.
template <class W>
constexpr W phys_addr_nodebug(const AddressSpace<W>& s, const W& x) {
  const W y = x - W{START_KERNEL_map};
  return y + select(x > y, s.phys_base, W{START_KERNEL_map} - s.page_offset);
}

/// __phys_addr of 3.2, which compares.
template <class W>
constexpr W phys_addr_compare(const AddressSpace<W>& s, const W& x) {
  return select(x >= W{START_KERNEL_map}, x - W{START_KERNEL_map} + s.phys_base, x - s.page_offset);
}

/// phys_addr_valid: no bit above the processor's.
template <class W>
constexpr Bool<W> phys_addr_valid(const AddressSpace<W>& s, const W& physical) {
  return (physical >> s.phys_bits) == W{0};
}

/// The answer of a form that CONFIG_DEBUG_VIRTUAL checks, and which VIRTUAL_BUG_ON stops it. At
/// most one of the checks of a branch is reached; the value is what is returned if none stops.
template <class W>
struct CheckedAddress {
  W value{};
  Bool<W> beyond_image = false;       ///< at or above START_KERNEL_map + KERNEL_IMAGE_SIZE
  Bool<W> below_page_offset = false;  ///< below the direct map
  Bool<W> too_wide = false;           ///< in or past the direct map, but !phys_addr_valid

  constexpr Bool<W> bug() const { return beyond_image | below_page_offset | too_wide; }
};

/// __phys_addr with CONFIG_DEBUG_VIRTUAL.
template <class W>
constexpr CheckedAddress<W> phys_addr(const Kernel& k, const AddressSpace<W>& s, const W& x) {
  const W y = x - W{START_KERNEL_map};
  const Bool<W> image = x > y;
  const W direct = y + (W{START_KERNEL_map} - s.page_offset);
  // The sum carries exactly from PAGE_OFFSET up.
  const Bool<W> below = direct > y;
  CheckedAddress<W> result;
  result.value = select(image, y + s.phys_base, direct);
  result.beyond_image = image & (y >= W{k.kernel_image_size});
  result.below_page_offset = below & !image;
  result.too_wide = (!image) & (!below) & (!phys_addr_valid(s, direct));
  return result;
}

/// __phys_addr_symbol without CONFIG_DEBUG_VIRTUAL: for addresses known to be the image's.
template <class W>
constexpr W phys_addr_symbol_nodebug(const AddressSpace<W>& s, const W& x) {
  return x - W{START_KERNEL_map} + s.phys_base;
}

/// __phys_addr_symbol with CONFIG_DEBUG_VIRTUAL: one check, since below the image the offset wraps.
template <class W>
constexpr CheckedAddress<W> phys_addr_symbol(const Kernel& k, const AddressSpace<W>& s,
                                             const W& x) {
  CheckedAddress<W> result;
  result.value = phys_addr_symbol_nodebug(s, x);
  result.beyond_image = x - W{START_KERNEL_map} >= W{k.kernel_image_size};
  return result;
}

/// __pa, and what drivers call it.
template <class W>
constexpr W pa(const AddressSpace<W>& s, const W& x) {
  return phys_addr_nodebug(s, x);
}
template <class W>
constexpr W virt_to_phys(const AddressSpace<W>& s, const W& x) {
  return pa(s, x);
}
template <class W>
constexpr W phys_to_virt(const AddressSpace<W>& s, const W& physical) {
  return va(s, physical);
}

// Page frames and their struct page. sizeof(struct page) is taken to be a power of two.

constexpr unsigned page_struct_shift(const Kernel& k) {
  return static_cast<unsigned>(std::countr_zero(k.config.page_struct));
}

/// The arithmetic shift right, `sar`; `n` in 1..63. What processors have an instruction for is
/// said so that compilers find it.
template <class W>
constexpr W sar(const W& value, unsigned n) {
  return (value >> W{n}) | select(has(value, bit(63)), W{bits(63, 64 - n)}, W{0});
}
constexpr std::uint64_t sar(std::uint64_t value, unsigned n) {
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(value) >> n);
}

template <class W>
constexpr W pfn_to_page(const Kernel& k, const AddressSpace<W>& s, const W& pfn) {
  return s.vmemmap + (pfn << W{page_struct_shift(k)});
}
/// A difference of pointers is signed.
template <class W>
constexpr W page_to_pfn(const Kernel& k, const AddressSpace<W>& s, const W& page) {
  return sar(page - s.vmemmap, page_struct_shift(k));
}
template <class W>
constexpr W page_to_phys(const Kernel& k, const AddressSpace<W>& s, const W& page) {
  return page_to_pfn(k, s, page) << W{PAGE_SHIFT};
}
template <class W>
constexpr W virt_to_page(const Kernel& k, const AddressSpace<W>& s, const W& x) {
  return pfn_to_page(k, s, pa(s, x) >> W{PAGE_SHIFT});
}
template <class W>
constexpr W pfn_to_kaddr(const AddressSpace<W>& s, const W& pfn) {
  return va(s, pfn << W{PAGE_SHIFT});
}

/// page_address of a page that is always mapped (lowmem_page_address), as it is compiled: add, sar,
/// shl, add.
template <class W>
constexpr W page_address(const Kernel& k, const AddressSpace<W>& s, const W& page) {
  const W offset = page - s.vmemmap;
  return (sar(offset, page_struct_shift(k)) << W{PAGE_SHIFT}) + s.page_offset;
}

// Which frames and addresses there are.

/// The sections of physical memory: whether section `nr` has a struct page for each of its frames
/// (SECTION_HAS_MEM_MAP, in a root that exists), whether it was there at boot (early_section), and
/// whether subsection `index` (0..63) of it is in use. Any nr may be asked for; answers from
/// NR_MEM_SECTIONS on do not count.
template <class M, class W>
concept SectionMap = requires(const M& sections, const W& nr, const W& index) {
  { sections.has_mem_map(nr) } -> std::convertible_to<Bool<W>>;
  { sections.early(nr) } -> std::convertible_to<Bool<W>>;
  { sections.has_subsection(nr, index) } -> std::convertible_to<Bool<W>>;
};

constexpr std::uint64_t NR_MEM_SECTIONS(const Kernel& k) {
  return bit(k.max_physmem_bits - SECTION_SIZE_BITS);
}

/// pfn_valid with SPARSEMEM: whole sections of 128 MiB, then subsections of 2 MiB.
template <class W, SectionMap<W> Sections>
constexpr Bool<W> pfn_valid(const Kernel& k, const Sections& sections, const W& pfn) {
  Bool<W> valid = true;
  if (k.pfn_valid_checks_width) valid = ((pfn << W{PAGE_SHIFT}) >> W{PAGE_SHIFT}) == pfn;
  const W nr = pfn >> W{SECTION_SIZE_BITS - PAGE_SHIFT};
  valid = valid & (nr < W{NR_MEM_SECTIONS(k)}) & sections.has_mem_map(nr);
  if (k.pfn_valid_subsections) {
    const W index = (pfn >> W{SUBSECTION_SHIFT - PAGE_SHIFT}) & W{63};
    valid = valid & (sections.early(nr) | sections.has_subsection(nr, index));
  }
  return valid;
}

/// What virt_addr_valid answers, or that it does not answer.
template <class W>
struct Validity {
  Bool<W> valid = false;
  Bool<W> bug = false;  ///< VIRTUAL_BUG_ON stops it
};

/// virt_addr_valid: whether `x` is of the direct map or of the image and its frame exists. With
/// CONFIG_DEBUG_VIRTUAL; before 2.6.29 it asked the form that checks.
template <class W, SectionMap<W> Sections>
constexpr Validity<W> virt_addr_valid(const Kernel& k, const AddressSpace<W>& s,
                                      const Sections& sections, const W& x) {
  const CheckedAddress<W> physical = phys_addr(k, s, x);
  if (physical.bug()) return {.valid = false, .bug = !k.virt_addr_valid_total};
  return {.valid = pfn_valid(k, sections, physical.value >> W{PAGE_SHIFT}), .bug = false};
}

/// kern_addr_valid, 4.6: whether `x` is mapped, to a frame that exists. `root` is the physical
/// address of init_mm's PGD; entries are looked at for being none and for being huge, never for
/// being present.
template <class W, class Memory, SectionMap<W> Sections>
constexpr Bool<W> kern_addr_valid(const Kernel& k, const Memory& memory, const W& root,
                                  const Sections& sections, const W& x) {
  const W above = sar(x, k.virtual_mask_shift);
  if (!((above == W{0}) | (above == ~W{0}))) return false;

  const W unused{k.none_ignores_ad ? page::ACCESSED | page::DIRTY : 0};
  W table = root;
  for (int level = k.config.levels;; --level) {
    const unsigned shift = x86::level_shift(level);
    const W entry = memory.read(table | (x86::table_index(x, level) << W{3}));
    // pgd_none looks at every bit.
    if (level == k.config.levels ? entry == W{0} : (entry & ~unused) == W{0}) return false;
    if (level == 1) return pfn_valid(k, sections, (entry & W{PTE_PFN_MASK(k)}) >> W{PAGE_SHIFT});
    // pud_large wants P too, pmd_large does not; above, nothing is large.
    const W large{level == 3 ? page::PSE | page::PRESENT : page::PSE};
    if (level <= x86::max_leaf_level && (entry & large) == large) {
      const W frame = entry & W{PTE_PFN_MASK(k) & ~(bit(shift) - 1)};
      return pfn_valid(k, sections, frame >> W{PAGE_SHIFT});
    }
    table = entry & W{PTE_PFN_MASK(k)};
  }
}

}  // namespace mmuref::lnx
