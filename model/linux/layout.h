// What lies where in a Linux address space.
//
// Documentation/x86/x86_64/mm.txt (mm.rst since 5.2) and the headers it describes, v3.2, v4.6,
// v4.20, v6.1 and v6.12, with 4 and 5 levels. Where the document and the headers disagree the
// headers win, and `document_errors` says so. A layout covers all 2^64 addresses: what no region
// claims is a row too.
//
// Not for 4.12 to 4.19: until 4.14 MODULES_END is where the fixmap begins (f06bdd4001c2), from 4.15
// on the LDT lies elsewhere.
#pragma once

#include <array>
#include <string_view>

#include "model/linux/address.h"
#include "model/linux/kernel.h"
#include "model/word.h"

namespace mmuref::lnx {

enum class Region : unsigned char {
  user,
  non_canonical,
  guard,
  ldt_remap,
  direct_map,
  vmalloc,
  vmemmap,
  kasan,
  cpu_entry_area,
  espfix,
  efi,
  kernel_image,
  modules,
  fixmap,
  vsyscall,
  hole,
};
inline constexpr int region_count = 16;

struct RegionText {
  std::string_view name;
  std::string_view purpose;
};

constexpr RegionText text(Region region) {
  constexpr RegionText texts[region_count] = {
      {"user space", "one for each process"},
      {"non-canonical", "accesses are #GP"},
      {"guard hole", "kept free for a hypervisor"},
      {"LDT remap", "with page-table isolation"},
      {"direct map", "all memory"},
      {"vmalloc", "ioremap too"},
      {"vmemmap", "struct pages"},
      {"KASAN shadow", "1 byte for 8 of the kernel half"},
      {"cpu_entry_area", "in user page tables too"},
      {"espfix", "stacks for espfix64"},
      {"EFI", "the firmware's runtime services"},
      {"kernel image", "linked here; KASLR slides it"},
      {"modules", "behind the image"},
      {"fixmap", "slots known when compiled"},
      {"vsyscall", "legacy system calls"},
      {"hole", "unused"},
  };
  return texts[static_cast<int>(region)];
}

/// The same, as `k` has it: without RANDOMIZE_BASE nothing slides the image.
constexpr RegionText text(Region region, const Kernel& k) {
  RegionText result = text(region);
  if (region == Region::kernel_image && !k.config.randomize_base) result.purpose = "linked here";
  return result;
}

/// The variable that says where a row begins.
enum class Base : unsigned char { none, page_offset, vmalloc, vmemmap };

constexpr std::string_view text(Base base) {
  constexpr std::string_view texts[] = {"", "page_offset_base", "vmalloc_base", "vmemmap_base"};
  return texts[static_cast<int>(base)];
}

/// Whether `k` has that variable.
constexpr bool has_variable(const Kernel& k, Base base) {
  if (base == Base::none || !k.config.randomize_base) return false;
  return k.kaslr_regions >= (base == Base::vmemmap ? 3u : 2u);
}

/// Addresses `start`..`end`, both included. A hole between regions that touch is empty:
/// start == end + 1.
template <class W>
struct Row {
  W start{}, end{};
  Region region = Region::hole;
  Base base = Base::none;

  constexpr Bool<W> empty() const { return start == end + W{1}; }
  constexpr Bool<W> contains(const W& address) const {
    return (start <= address) & (address <= end) & !empty();
  }
};

/// Rows in ascending order; each begins where the one before ends, the first at 0.
template <class W>
struct Layout {
  static constexpr int max_rows = 26;
  std::array<Row<W>, max_rows> rows{};
  int count = 0;

  constexpr W next() const { return count == 0 ? W{0} : rows[count - 1].end + W{1}; }
  /// The next row, up to `end`.
  constexpr void add(Region region, const W& end, Base base = Base::none) {
    const W start = next();
    rows[count++] = {start, end, region, base};
  }
  constexpr void hole_before(const W& start) { add(Region::hole, start - W{1}); }
};

/// Bytes that a layout sets aside for the regions KASLR moves.
struct RegionSpans {
  std::uint64_t direct_map, vmalloc, vmemmap;
};
constexpr RegionSpans region_spans(const Kernel& k) {
  if (k.config.levels == 5) return {bit(55), k.vmalloc_size, bit(49)};
  return {bit(46), k.vmalloc_size, bit(40)};
}

/// CPU_ENTRY_AREA_BASE, the base of the espfix stacks, and what ends at fixed addresses.
inline constexpr std::uint64_t CPU_ENTRY_AREA_BASE = 0xffff'fe00'0000'0000,
                               ESPFIX_BASE_ADDR = 0xffff'ff00'0000'0000,
                               EFI_VA_END = 0xffff'ffef'0000'0000,
                               EFI_VA_START = 0xffff'ffff'0000'0000,
                               MODULES_END = 0xffff'ffff'ff00'0000,
                               VSYSCALL_ADDR = 0xffff'ffff'ff60'0000;
/// MODULES_VADDR: right after the image, whether that is moved or not.
constexpr std::uint64_t MODULES_VADDR(const Kernel& k) {
  return START_KERNEL_map + k.kernel_image_size;
}

/// Where the first row begins that no base moves and that lies above vmemmap.
constexpr std::uint64_t fixed_start(const Kernel& k) {
  if (k.has_kasan) return k.kasan_shadow_start;
  if (k.has_cpu_entry_area) return CPU_ENTRY_AREA_BASE;
  if (k.has_espfix) return ESPFIX_BASE_ADDR;
  return k.has_efi_region ? EFI_VA_END : START_KERNEL_map;
}
/// Where the direct map can begin at the earliest: behind what lies at the kernel half's start.
constexpr std::uint64_t movable_start(const Kernel& k) {
  const bool ldt = k.has_ldt_remap;
  if (k.config.levels == 5) return ldt ? 0xff11'0000'0000'0000 : 0xff10'0000'0000'0000;
  return ldt ? 0xffff'8880'0000'0000 : 0xffff'8800'0000'0000;
}

/// Whether the bases can be a kernel's: regions in their order, between the rows that are fixed.
template <class W>
constexpr Bool<W> bases_in_order(const Kernel& k, const AddressSpace<W>& s) {
  return (s.page_offset >= W{movable_start(k)}) & (s.page_offset < s.vmalloc) &
         (s.vmalloc < s.vmemmap) & (s.vmemmap < W{fixed_start(k)});
}

/// The rows from the bottom up to the direct map.
template <class W>
constexpr void add_lower_rows(const Kernel& k, Layout<W>& layout) {
  const unsigned width = k.virtual_mask_shift;
  layout.add(Region::user, W{bit(width) - 1});
  layout.add(Region::non_canonical, ~W{bit(width)});
  layout.add(Region::guard,
             W{k.config.levels == 5 ? 0xff0f'ffff'ffff'ffff : 0xffff'87ff'ffff'ffff});
  if (k.has_ldt_remap) layout.add(Region::ldt_remap, W{movable_start(k) - 1});
}

/// The rows above vmemmap, which no base moves.
template <class W>
constexpr void add_upper_rows(const Kernel& k, Layout<W>& layout) {
  if (k.has_kasan) {
    layout.hole_before(W{k.kasan_shadow_start});
    layout.add(Region::kasan, W{k.kasan_shadow_end - 1});
  }
  if (k.has_cpu_entry_area) {
    layout.hole_before(W{CPU_ENTRY_AREA_BASE});
    layout.add(Region::cpu_entry_area, W{CPU_ENTRY_AREA_BASE + P4D_SIZE - 1});
  }
  if (k.has_espfix) {
    layout.hole_before(W{ESPFIX_BASE_ADDR});
    layout.add(Region::espfix, W{ESPFIX_BASE_ADDR + P4D_SIZE - 1});
  }
  // EFI's addresses are handed out downwards: "start" is the upper end.
  if (k.has_efi_region) {
    layout.hole_before(W{EFI_VA_END});
    layout.add(Region::efi, W{EFI_VA_START - 1});
  }
  layout.hole_before(W{START_KERNEL_map});
  layout.add(Region::kernel_image, W{MODULES_VADDR(k) - 1});
  layout.add(Region::modules, W{MODULES_END - 1});
  layout.add(Region::fixmap, W{VSYSCALL_ADDR - 1});
  layout.add(Region::vsyscall, W{VSYSCALL_ADDR + k.vsyscall_size - 1});
  layout.add(Region::hole, ~W{0});
}

/// The layout of kernel `k` whose regions begin at the bases in `s`; meant for `bases_in_order`.
/// How far a moved region reaches the bases do not say: its row ends where its usual span does, or
/// where the next region begins.
template <class W>
constexpr Layout<W> layout(const Kernel& k, const AddressSpace<W>& s) {
  const RegionSpans spans = region_spans(k);
  const auto last = [](const W& start, std::uint64_t span, const W& next) {
    return start + select(next - start < W{span}, next - start, W{span}) - W{1};
  };
  Layout<W> result;
  add_lower_rows(k, result);
  result.hole_before(s.page_offset);
  result.add(Region::direct_map, last(s.page_offset, spans.direct_map, s.vmalloc),
             Base::page_offset);
  result.hole_before(s.vmalloc);
  result.add(Region::vmalloc, last(s.vmalloc, spans.vmalloc, s.vmemmap), Base::vmalloc);
  result.hole_before(s.vmemmap);
  result.add(Region::vmemmap, last(s.vmemmap, spans.vmemmap, W{fixed_start(k)}), Base::vmemmap);
  add_upper_rows(k, result);
  return result;
}

/// The index of the row that holds `address`: the last one that begins at or below it.
template <class W>
constexpr W row_of(const Layout<W>& layout, const W& address) {
  W index{0};
  for (int i = 1; i < layout.count; ++i) {
    index = select(address >= layout.rows[i].start, W{static_cast<std::uint64_t>(i)}, index);
  }
  return index;
}

/// The region of `address`, as the number of a `Region`.
template <class W>
constexpr W region_of(const Layout<W>& layout, const W& address) {
  W region{static_cast<std::uint64_t>(layout.rows[0].region)};
  for (int i = 1; i < layout.count; ++i) {
    const Row<W>& row = layout.rows[i];
    region = select(address >= row.start, W{static_cast<std::uint64_t>(row.region)}, region);
  }
  return region;
}

/// A row of the kernel's own document that its headers contradict; the layouts follow the headers.
struct DocumentError {
  Version since, until;  ///< kernels it concerns, `until` excluded
  int levels;
  Region region;
  std::string_view printed, actual;
};
inline constexpr DocumentError document_errors[] = {
    {{3, 2},
     {3, 3},
     4,
     Region::guard,
     "guard hole to ffff80ffffffffff, 40 bits",
     "nothing is mapped up to PAGE_OFFSET: it ends at ffff87ffffffffff"},
    {{3, 2},
     {3, 3},
     4,
     Region::modules,
     "modules to fffffffffff00000, 1536 MB",
     "MODULES_END is ffffffffff000000: 1520 MB"},
    {{4, 6},
     {4, 8},
     4,
     Region::modules,
     "modules to ffffffffff5fffff, 1526 MB",
     "MODULES_END is ffffffffff000000: 1520 MB"},
    {{4, 6},
     {4, 8},
     4,
     Region::kasan,
     "ends of KASAN, EFI and kernel text rows",
     "these three are exclusive where the others are inclusive"},
    {{4, 20},
     {5, 0},
     5,
     Region::non_canonical,
     "non-canonical from 0000800000000000 to "
     "ffff7fffffffffff",
     "with 57 bits it is 0100000000000000 to feffffffffffffff"},
    {{4, 20},
     {5, 0},
     5,
     Region::kasan,
     "KASAN to fffffdffffffffff",
     "overlaps the next row: it ends at fffffbffffffffff"},
};
constexpr bool concerns(const DocumentError& error, const Kernel& k) {
  return error.since <= k.version && k.version < error.until && error.levels == k.config.levels;
}

}  // namespace mmuref::lnx
