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

/// What chance contributes, any number not above remain/parts: stated without a division.
template <class W>
W bounded(const W& free, const W& remain, std::uint64_t parts) {
  return select((free <= remain) & (free * W{parts} <= remain), free, W{0});
}

template <class S>
struct RandomizedInputs {
  using W = WordOf<S>;
  W max_pfn;
  RandomizedMemory<W> memory;
};

/// Any amount of memory the kernel supports, any padding the configuration admits, any draw.
template <class S>
RandomizedInputs<S> randomized_inputs(S& t, const Kernel& k) {
  using W = WordOf<S>;
  const W max_pfn = W{1} + (t.word("max_pfn") & W{bit(k.max_physmem_bits - PAGE_SHIFT) - 1});
  const W padding = t.word("padding") & W{63};
  const W free[] = {t.word("draw0"), t.word("draw1"), t.word("draw2")};
  const auto draw = [&](int region, const W& remain, std::uint64_t parts) {
    return bounded(free[region] >> W{16}, remain, parts);
  };
  return {max_pfn, place_regions<W>(k, kaslr_region_sizes(k, max_pfn, padding), draw)};
}

const auto randomized_in_order = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = randomized_inputs(t, k);
  const auto& m = in.memory;
  const int last = static_cast<int>(k.kaslr_regions) - 1;
  const W end{kaslr_vaddr_end(k) + kaslr_overrun(k)};
  t.witness(m.base[0] != W{kaslr_vaddr_start(k)}, "a direct map that moved");
  t.prove(m.base[0] >= W{kaslr_vaddr_start(k)}, "the first region begins in the range");
  for (int i = 0; i <= last; ++i) {
    t.prove((m.base[i] & W{kaslr_alignment(k) - 1}) == W{0}, "aligned");
    t.prove((m.base[i] < m.end(i)) & (i == last || true), "no region wraps");
    if (i < last) t.prove(m.end(i) < m.base[i + 1], "in order, one unit apart at least");
  }
  t.prove(m.end(last) <= end, "the last region ends in the range, but for the units between");
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
  const auto in = randomized_inputs(t, k);
  const W physical = t.word("physical") & W{bits(k.max_physmem_bits - 1, 0)};
  const auto s = address_space(in.memory, W{0}, W{k.max_physmem_bits});
  const Bool<W> handed_out = physical <= in.memory.physmem_end;
  t.witness(handed_out, "an address handed out");
  const W x = va(s, physical);
  t.prove((!handed_out) | ((x >= in.memory.base[0]) & (x < in.memory.end(0))),
          "its address in the direct map is the direct map's");
};

/// The layout of a kernel that moved its regions.
const auto randomized_layout = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = randomized_inputs(t, k);
  const auto s = address_space(in.memory, W{0}, W{k.max_physmem_bits});
  const auto rows = layout(k, s);
  const W pfn = t.word("pfn") & W{bit(k.max_physmem_bits - PAGE_SHIFT) - 1};
  const Bool<W> exists = pfn < in.max_pfn;
  t.witness(exists, "a frame of memory");
  t.prove(bases_in_order(k, s), "the bases are in order");
  t.prove(partition(rows), "rows are in order and cover everything");
  t.prove((!exists) | (region_of(rows, pfn_to_kaddr(s, pfn)) == code<W>(Region::direct_map)),
          "memory lies in the direct map's row");
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
    theorem("linux-kaslr-in-order",
            "Whatever is drawn, randomised regions are aligned, apart and in order, from "
            "__PAGE_OFFSET_BASE to at most 2 GiB behind the end they are given.",
            kaslr_ref, [](auto& t) { randomized_in_order(t, kernel(v6_12, randomized4)); }),
    theorem("linux-kaslr-in-order-5-level", "The same holds with 5-level paging.", kaslr_ref,
            [](auto& t) { randomized_in_order(t, kernel(v6_12, randomized5)); }),
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
    theorem("linux-kaslr-layout",
            "A randomised kernel's rows are in order and cover every address, and the frames of "
            "memory lie in the direct map's.",
            kaslr_ref, [](auto& t) { randomized_layout(t, kernel(v6_12, randomized4)); }),
};

const Defect defects[] = {
    {theorem("linux-kaslr-direct-map-size",
             "The randomised direct map holds at most what MAX_PHYSMEM_BITS allow.", kaslr_ref,
             [](auto& t) {
               direct_map_holds_memory(t, kernel({5, 0}, randomized4));
             }),
     "5.0", "5.1, ec3937107ab4"},
    {theorem("linux-kaslr-vmemmap-size",
             "The randomised vmemmap holds a struct page for every frame of memory.", kaslr_ref,
             [](auto& t) {
               vmemmap_holds_pages(t, kernel({5, 1}, randomized5));
             }),
     "5.1", "5.2, 00e5a2bbcc31"},
    {theorem("linux-kaslr-physmem-end", "Memory of devices has its address in the direct map.",
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
