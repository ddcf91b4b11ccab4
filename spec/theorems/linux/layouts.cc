// Linux's layouts: every address has one row, and randomised regions stay in order.
#include "model/linux/kaslr.h"
#include "model/linux/layout.h"
#include "spec/theorem.h"
#include "spec/theorems/inputs.h"

namespace mmuref::spec {
namespace {

using namespace lnx;

constexpr std::string_view layout_ref =
    "Documentation/x86/x86_64/mm.rst, v6.1; mm.txt, v3.2, v4.6, v4.20";
constexpr std::string_view kaslr_ref = "arch/x86/mm/kaslr.c, v6.1: kernel_randomize_memory";

template <class W>
W code(Region region) {
  return W{static_cast<std::uint64_t>(region)};
}

/// Rows in order and without gaps from 0 to 2^64-1: start and end of each ascend, or the row is
/// empty.
template <class W>
Bool<W> partition(const Layout<W>& layout) {
  Bool<W> holds = (layout.rows[0].start == W{0}) & (layout.rows[layout.count - 1].end == ~W{0});
  for (int i = 0; i < layout.count; ++i) {
    const Row<W>& row = layout.rows[i];
    holds = holds & ((row.start <= row.end) | row.empty());
    if (i > 0) holds = holds & (row.start == layout.rows[i - 1].end + W{1});
  }
  return holds;
}

/// `address` lies in exactly one row, the one the lookups name.
template <class W>
Bool<W> one_row(const Layout<W>& layout, const W& address) {
  const W index = row_of(layout, address), region = region_of(layout, address);
  Bool<W> holds = index < W{static_cast<std::uint64_t>(layout.count)};
  for (int i = 0; i < layout.count; ++i) {
    const Row<W>& row = layout.rows[i];
    const Bool<W> named = index == W{static_cast<std::uint64_t>(i)};
    holds = holds & (row.contains(address) == named) & ((!named) | (region == code<W>(row.region)));
  }
  return holds;
}

const auto total = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto s = default_address_space<W>(k);
  const auto rows = layout(k, s);
  const W address = t.word("address");
  t.prove(partition(rows), "rows are in order and cover everything");
  t.prove(one_row(rows, address), "the row named is the only one");
  const Bool<W> gap = region_of(rows, address) == code<W>(Region::non_canonical);
  t.witness(gap, "an address that is not canonical");
  t.prove(gap == !x86::canonical(address, x86::linear_width(k.config.levels)),
          "the non-canonical row holds exactly what the processor refuses");
};

/// The rows and the arithmetic speak of the same regions.
const auto agrees_with_phys_addr = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto s = default_address_space<W>(k);
  const W address = t.word("address") | select(t.flag("upper"), W{0xffff'8000'0000'0000}, W{0}) |
                    select(t.flag("image"), W{START_KERNEL_map}, W{0});
  const W region = region_of(layout(k, s), address);
  const auto checked = phys_addr(k, s, address);
  const Bool<W> image = region == code<W>(Region::kernel_image);
  const Bool<W> direct = region == code<W>(Region::direct_map);
  t.witness(image, "an address of the image");
  t.witness(direct, "an address of the direct map");
  t.prove(image == ((address >= W{START_KERNEL_map}) & !checked.beyond_image), "the image's row");
  const Bool<W> answers = (!checked.bug()) & !image;
  if (k.config.levels == 4) t.prove(direct == answers, "the direct map's row");
  // The row of 32 PiB is more than MAX_PHYSMEM_BITS can fill.
  if (k.config.levels == 5) t.prove(direct | !answers, "the direct map's row");
};

/// The randomiser's loop by its invariant, that what is to come fits: from where the next region
/// may begin, the regions to come and the bytes left to draw add up to the end. From any state that
/// has it one more region is placed in order, and the state after has it of an end one unit on,
/// whatever is drawn of what remains. So divisions play no part.
const auto randomized_in_order = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W start{kaslr_vaddr_start(k)}, unit{kaslr_alignment(k)};
  const W span{bits(k.virtual_mask_shift - 1, 0) & ~(kaslr_alignment(k) - 1)};
  const W tib{bits(k.virtual_mask_shift - 1, TB_SHIFT)};
  // Of this region and of those behind it.
  const W size = W{bit(TB_SHIFT)} + (t.word("size") & tib), later = t.word("later") & tib;
  const W gap = t.word("vaddr") & span, remain = t.word("remain") & span;
  const W free = t.word("draw") & (span | (unit >> W{1})),
          drawn = select(free <= remain, free, W{0});
  // Offsets from the start: with parts below 2^57 their sums do not wrap.
  const W limit = gap + size + later + remain;

  Placing<W> after{start + gap, remain};
  const W base = place_region(k, after, size, drawn), offset = base - start;
  t.witness(offset != gap, "a region that moved");
  t.witness(after.remain == W{0}, "nothing left to draw");
  t.prove((offset >= gap) & ((base & (unit - W{1})) == W{0}), "aligned, not before its turn");
  t.prove(offset < offset + size, "the region does not wrap");
  t.prove(after.vaddr == base + size + unit, "the next is one unit off at least");
  t.prove(after.remain <= remain, "nothing is drawn that is not left");
  t.prove(offset + size + later + after.remain == limit, "what is to come fits, to the byte");
};

/// The invariant holds where the loop begins, whatever the sizes.
const auto randomized_start = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W max_pfn = W{1} + (t.word("max_pfn") & W{bit(k.max_physmem_bits - PAGE_SHIFT) - 1});
  const auto sizes = kaslr_region_sizes(k, max_pfn, t.word("padding") & W{63});
  const W room{kaslr_vaddr_end(k) - kaslr_vaddr_start(k)};
  t.witness(max_pfn == W{bit(k.max_physmem_bits - PAGE_SHIFT)}, "all the memory there can be");
  t.prove((sizes.size[0] <= room) & (sizes.size[1] <= room - sizes.size[0]) &
              (sizes.size[2] <= room - sizes.size[0] - sizes.size[1]),
          "the regions fit");
};

const auto direct_map_holds_memory = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W max_pfn = W{1} + (t.word("max_pfn") & W{bit(k.max_physmem_bits - PAGE_SHIFT) - 1});
  const auto sizes = kaslr_region_sizes(k, max_pfn, t.word("padding") & W{63});
  t.witness(max_pfn == W{bit(k.max_physmem_bits - PAGE_SHIFT)}, "all the memory there can be");
  t.prove(sizes.size[0] >= max_pfn << W{PAGE_SHIFT}, "the direct map holds all memory");
  t.prove(sizes.size[0] <= W{bit(k.max_physmem_bits)}, "and no more than there can be");
};

const auto vmemmap_holds_pages = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W max_pfn = W{1} + (t.word("max_pfn") & W{bit(k.max_physmem_bits - PAGE_SHIFT) - 1});
  const auto sizes = kaslr_region_sizes(k, max_pfn, t.word("padding") & W{63});
  t.witness(sizes.size[2] > W{bit(TB_SHIFT)}, "more than 1 TiB of struct page");
  t.prove(sizes.size[2] >= (max_pfn << W{page_struct_shift(k)}),
          "vmemmap holds the struct page of every frame");
};

/// Memory that devices bring is looked for up to physmem_end.
const auto device_memory_in_direct_map = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W direct = W{1} + (t.word("direct") & W{bit(k.max_physmem_bits - TB_SHIFT) - 1});
  const RegionSizes<W> sizes{{direct << W{TB_SHIFT}, W{region_spans(k).vmalloc}, W{bit(TB_SHIFT)}}};
  const W moved = t.word("draw0") & W{bits(43, 30)};
  const auto m = place_regions<W>(k, sizes, [&](unsigned region, const W&, std::uint64_t) {
    return region == 0 ? moved : W{0};
  });
  const W physical = t.word("physical") & W{bits(k.max_physmem_bits - 1, 0)};
  const auto s = address_space(m, W{0}, W{k.max_physmem_bits});
  const Bool<W> handed_out = physical <= m.physmem_end;
  t.witness(handed_out, "an address handed out");
  const W x = va(s, physical);
  t.prove((!handed_out) | ((x >= m.base[0]) & (x < m.end(0))),
          "its address in the direct map is the direct map's");
};

/// The layout of a kernel that moved its regions, in order.
const auto moved_layout = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W span{bits(k.virtual_mask_shift - 1, 30)}, start{kaslr_vaddr_start(k)};
  const AddressSpace<W> s{start + (t.word("page_offset") & span),
                          start + (t.word("vmalloc") & span), start + (t.word("vmemmap") & span),
                          W{0}, W{k.max_physmem_bits}};
  t.assume(bases_in_order(k, s));
  const auto rows = layout(k, s);
  t.establish(partition(rows), "rows are in order and cover everything");
  for (int i = 0; i < rows.count; ++i) {
    const Row<W>& row = rows.rows[i];
    if (row.base == Base::none) continue;
    const bool direct = row.base == Base::page_offset, vmalloc = row.base == Base::vmalloc;
    t.prove(row.start == (direct    ? s.page_offset
                          : vmalloc ? s.vmalloc
                                    : s.vmemmap),
            "a moved row begins at its base");
    if (!direct) continue;
    const W gap = s.vmalloc - s.page_offset, whole{region_spans(k).direct_map};
    t.witness(gap > whole, "a direct map with its whole span");
    t.prove(row.end - row.start + W{1} == select(gap < whole, gap, whole),
            "the direct map has its span, as far as vmalloc");
  }
};

constexpr Config randomized4{.randomize_memory = true},
    randomized5{.levels = 5, .randomize_memory = true};

const Theorem theorems[] = {
    theorem("linux-layout-total",
            "Each of the 2^64 addresses lies in exactly one row of the layouts of 3.2, 4.6, 4.20 "
            "and 6.12, the one the lookup names, and in the non-canonical one exactly if it is not "
            "canonical.",
            layout_ref,
            [](auto& t) {
              for (const Version v : {v3_2, v4_6, v4_20, v6_12}) total(t, kernel(v));
            }),
    theorem("linux-layout-total-5-level", "The same holds of the layouts for 5-level paging.",
            layout_ref,
            [](auto& t) {
              for (const Version v : {v4_20, v6_12}) total(t, kernel(v, {.levels = 5}));
            }),
    theorem("linux-layout-phys-addr",
            "The row of the image, and that of the direct map with 4 levels, hold exactly the "
            "addresses __phys_addr accepts on a processor as wide as MAX_PHYSMEM_BITS.",
            layout_ref,
            [](auto& t) {
              for (const Version v : {v3_2, v4_6, v4_20, v6_12})
                agrees_with_phys_addr(t, kernel(v));
              agrees_with_phys_addr(t, kernel(v6_12, {.levels = 5}));
            }),
    theorem("linux-layout-moved",
            "Wherever KASLR moves the regions, in their order, the rows are in order, cover every "
            "address and begin at their bases; the direct map has its span as far as vmalloc.",
            layout_ref, [](auto& t) { moved_layout(t, kernel(v6_12, randomized4)); }),
    theorem("linux-layout-moved-5-level", "The same holds with 5-level paging.", layout_ref,
            [](auto& t) { moved_layout(t, kernel(v6_12, randomized5)); }),
    theorem("linux-kaslr-in-order",
            "Whatever is drawn, each region is placed aligned and behind the one before, and what "
            "is left fits, to the byte, before an end that each region moves by one unit.",
            kaslr_ref, [](auto& t) { randomized_in_order(t, kernel(v6_12, randomized4)); }),
    theorem("linux-kaslr-in-order-5-level",
            "The same holds with 5-level paging, in units of 1 GiB and, before 5.2, of 512 GiB.",
            kaslr_ref,
            [](auto& t) {
              randomized_in_order(t, kernel(v6_12, randomized5));
              randomized_in_order(t, kernel(v4_20, randomized5));
            }),
    theorem("linux-kaslr-fits",
            "The regions fit between __PAGE_OFFSET_BASE and the end they are given, whatever the "
            "memory and the padding.",
            kaslr_ref,
            [](auto& t) {
              randomized_start(t, kernel(v6_12, randomized4));
              randomized_start(t, kernel(v6_12, randomized5));
            }),
    theorem("linux-kaslr-direct-map-size",
            "The randomised direct map holds all memory, and at most what MAX_PHYSMEM_BITS allow.",
            kaslr_ref,
            [](auto& t) {
              direct_map_holds_memory(t, kernel(v6_12, randomized4));
              direct_map_holds_memory(t, kernel(v6_12, randomized5));
            }),
    theorem("linux-kaslr-vmemmap-size",
            "The randomised vmemmap holds a struct page for every frame of memory, with 5-level "
            "paging too.",
            kaslr_ref, [](auto& t) { vmemmap_holds_pages(t, kernel(v6_12, randomized5)); }),
    theorem("linux-kaslr-physmem-end",
            "Memory of devices, up to physmem_end, has its address in the direct map.", kaslr_ref,
            [](auto& t) { device_memory_in_direct_map(t, kernel(v6_12, randomized4)); }),
};

const Defect defects[] = {
    {theorem("linux-kaslr-direct-map-size-5.0",
             "The randomised direct map holds at most what MAX_PHYSMEM_BITS allow.", kaslr_ref,
             [](auto& t) {
               direct_map_holds_memory(t, kernel({5, 0}, randomized4));
             }),
     "5.0", "5.1, ec3937107ab4"},
    {theorem("linux-kaslr-vmemmap-size-5.1",
             "The randomised vmemmap holds a struct page for every frame of memory.", kaslr_ref,
             [](auto& t) {
               vmemmap_holds_pages(t, kernel({5, 1}, randomized5));
             }),
     "5.1", "5.2, 00e5a2bbcc31"},
    {theorem("linux-kaslr-physmem-end-6.10", "Memory of devices has its address in the direct map.",
             kaslr_ref,
             [](auto& t) {
               device_memory_in_direct_map(t, kernel({6, 10}, randomized4));
             }),
     "6.10", "6.11, ea72ce5da228"},
};

}  // namespace

std::span<const Theorem> linux_layout_theorems() {
  return theorems;
}

std::span<const Defect> linux_layout_defects() {
  return defects;
}

}  // namespace mmuref::spec
