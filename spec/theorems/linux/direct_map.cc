// The direct map, identity maps, and what /dev/mem may reach, against the walk of the processor.
#include "model/linux/direct_map.h"

#include "model/linux/ident_map.h"
#include "model/linux/phys_range.h"
#include "spec/theorems/linux/space.h"

namespace mmuref::spec {
namespace {

using lnx::Errno;

constexpr std::string_view build_ref = "Linux, arch/x86/mm/init_64.c, kernel_physical_mapping_init";
constexpr std::string_view ident_ref = "Linux, arch/x86/mm/ident_map.c, ident_pud_init";
constexpr std::string_view range_ref = "Linux, arch/x86/mm/mmap.c, valid_phys_addr_range";

constexpr lnx::Kernel linux_4_6 = lnx::kernel(lnx::v4_6);
constexpr lnx::Kernel linux_4_20_la57 = lnx::kernel(lnx::v4_20, {.levels = 5});
constexpr lnx::Kernel linux_6_12 = lnx::kernel(lnx::v6_12);
constexpr lnx::Kernel linux_6_12_la57 = lnx::kernel(lnx::v6_12, {.levels = 5});

constexpr lnx::Kernel mended() {
  lnx::Kernel k = linux_4_6;
  k.split_keeps_pat = true;
  return k;
}

/// All memory is RAM: nothing beyond the range is cleared.
struct AllRam {
  template <class W>
  bool operator()(const W&, const W&) const {
    return true;
  }
};
lnx::DirectMapping<AllRam> pages_up_to(int level) {
  return {.allow_2m = level >= 2, .allow_1g = level >= 3};
}

/// A direct map where it is by default, or where KASLR put it, by whole GiB; and a physical address
/// in it.
template <class S>
struct Place {
  using W = WordOf<S>;
  lnx::AddressSpace<W> layout;
  W virt, start;

  Place(S& t, const lnx::Kernel& k, int level) : layout(lnx::default_address_space<W>(k)) {
    std::uint64_t base = k.page_offset_base;
    if (k.direct_map_index_by_va) {
      if (t.flag("moved")) base += lnx::P4D_SIZE * 5 + lnx::PUD_SIZE * 511;
    }
    layout.page_offset = W{base};
    start = t.word("start") & W{bits(42, lnx::shift_of(level))};
    virt = lnx::va(layout, start);
  }
};

const auto build = [](auto& t, const lnx::Kernel& k, int level, std::uint64_t slots) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  Space<W> space(k);
  const Place<S> place(t, k, level);
  const auto& [layout, virt, start] = place;
  const W size{slots << lnx::shift_of(level)};
  const auto built = lnx::kernel_physical_mapping_init(k, space.mm, layout, pages_up_to(level),
                                                       start, start + size);
  t.prove(built.error == Errno::ok, "there is room");
  t.prove(built.pgd_changed, "other roots are to be synced");

  const W at = probe(t, virt, 4 * lnx::size_of(level));
  const x86::Walk<W> w = space.walk(at);
  const Bool<W> inside = at - virt < size;
  t.witness(inside, "an address of the range");
  t.prove(legal(w), "every entry is legal");
  t.prove(Bool<W>(mapped(w)) == inside, "mapped is the range");
  if (mapped(w)) {
    t.prove(w.level == level, "by pages of the size allowed");
    t.prove(w.physical_address == lnx::pa(layout, at), "where __pa says");
    t.prove(lnx::va(layout, w.physical_address) == at, "and __va back");
    // Tables above grant user mode; the leaf does not.
    t.prove(grants(w, lnx::pgprot_t<W>{W{lnx::PAGE_KERNEL}}), "the kernel's writable data");
  }
};

const auto reuse = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  Space<W> space(k);
  const auto layout = lnx::default_address_space<W>(k);
  const W a = t.word("start_a") & W{bits(29, 12)}, b = t.word("start_b") & W{bits(29, 12)};
  for (const W& start : {a, b}) {
    const auto built = lnx::kernel_physical_mapping_init(k, space.mm, layout, pages_up_to(1), start,
                                                         start + W{lnx::PAGE_SIZE});
    t.prove(built.error == Errno::ok, "there is room");
  }
  const W at = probe(t, lnx::va(layout, a), 0x4000);
  const x86::Walk<W> w = space.walk(at);
  const auto in = [&](const W& start) { return at - lnx::va(layout, start) < W{lnx::PAGE_SIZE}; };
  t.prove(legal(w), "every entry is legal");
  t.prove(Bool<W>(mapped(w)) == (in(a) | in(b)), "mapped are the two pages");
  if (mapped(w)) t.prove(w.physical_address == lnx::pa(layout, at), "where __pa says");
};

const auto split = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  Space<W> space(k);
  const Place<S> place(t, k, 2);
  const auto& [layout, virt, start] = place;
  (void)lnx::kernel_physical_mapping_init(k, space.mm, layout, pages_up_to(2), start,
                                          start + W{lnx::PMD_SIZE});
  // The large page has meanwhile got any protection.
  const W prot = (t.word("prot") & W{lnx::page::RW | lnx::page::NX | lnx::page::PAT_LARGE}) |
                 W{lnx::page::PRESENT | lnx::page::PSE};
  const W large = space.walk(virt).last().address;
  space.memory.write(large, start | prot);

  const W page = start + W{5 * lnx::PAGE_SIZE};
  (void)lnx::kernel_physical_mapping_init(k, space.mm, layout, pages_up_to(1), page,
                                          page + W{lnx::PAGE_SIZE});
  const x86::Walk<W> w = space.walk(virt + W{5 * lnx::PAGE_SIZE});
  t.prove(w.rule == x86::Rule::translated, "the page is mapped");
  if (!mapped(w)) return;
  t.prove(w.level == 1, "by a PTE");
  t.prove(w.physical_address == page, "where it was");
  t.prove((w.rights.writable() == has(prot, lnx::page::RW)) &
              (w.rights.execute_disable() == has(prot, lnx::page::NX)),
          "with the large page's rights");
  t.prove(has(w.last().value, lnx::page::PAT) == has(prot, lnx::page::PAT_LARGE),
          "and its memory type");
};

const auto ident = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  Space<W> space(k);
  constexpr std::uint64_t table = 0x8000;
  space.memory.write(space.mm.pgd, lnx::populate(W{table}, 3));
  // A whole GiB, or up to 4 MiB somewhere, perhaps across a boundary.
  const Bool<W> whole = t.flag("whole");
  const W any = t.word("start") & W{bits(37, 21)};
  const W start = select(whole, any & W{lnx::PUD_MASK}, any);
  const W size = select(whole, W{lnx::PUD_SIZE}, W{2 * lnx::PMD_SIZE});
  const lnx::MappingInfo<W> info{.page_flag = W{lnx::PAGE_KERNEL | lnx::page::PSE},
                                 .gbpages = true};
  const Errno error = lnx::ident_pud_init(k, space.mm, info, W{table}, start, start + size);
  t.prove(error == Errno::ok, "there is room");
  const W at = probe(t, start, bit(31));
  const x86::Walk<W> w = space.walk(at);
  t.witness(whole, "a whole GiB");
  t.prove(legal(w), "every entry is legal");
  t.prove(Bool<W>(mapped(w)) == (at - start < size), "mapped is what was asked for");
  if (mapped(w)) t.prove(w.physical_address == at, "to itself");
};

/// A range that does not wrap, of at least a byte.
template <class S>
struct Bytes {
  using W = WordOf<S>;
  W addr, count;
  explicit Bytes(S& t)
      : addr(t.word("addr") & W{bits(59, 0)}), count((t.word("count") & W{bits(59, 0)}) + W{1}) {}
};

const auto mmap_range = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  auto layout = lnx::default_address_space<W>(k);
  layout.phys_bits = W{32} + (t.word("phys_bits") & W{15});
  const W pfn = t.word("pfn") & W{bits(47, 0)};
  const W pages = (t.word("pages") & W{bits(47, 0)}) + W{1};
  const Bool<W> valid = lnx::valid_mmap_phys_addr_range(k, layout, pfn, pages << 12);
  const W page = pfn + (t.word("page") & W{bits(47, 0)});
  t.witness(valid, "a valid range");
  t.prove((!(valid & (page < pfn + pages))) | lnx::phys_addr_valid(layout, page << 12),
          "no page of a valid range has a reserved address bit");
};

const auto read_range = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const auto layout = lnx::default_address_space<W>(k);
  // Memory may end anywhere, at the highest physical address too.
  const W below = (t.word("memory") & W{bits(k.max_physmem_bits - 1, 0)}) + W{1};
  const W memory = select(t.flag("full"), W{bit(k.max_physmem_bits)}, below);
  const Bytes<S> b(t);
  const lnx::PhysRange<W> range =
      lnx::valid_phys_addr_range(k, layout, lnx::va(layout, memory), b.addr, b.count);
  t.prove(!range.bug, "no BUG");
  t.witness(range.valid, "a valid range");
  t.prove(range.valid == (b.addr + b.count <= memory), "valid is what memory has");
};

const Theorem theorems[] = {
    theorem("linux-direct-map-4k-4-6",
            "The direct map of two pages of 4 KiB translates each address to what __pa says, and "
            "no other; 4.6.",
            build_ref, [](auto& t) { build(t, linux_4_6, 1, 2); }),
    theorem("linux-direct-map-2m",
            "The direct map of two pages of 2 MiB translates each address to what __pa says, by "
            "default and moved by KASLR.",
            build_ref, [](auto& t) { build(t, linux_6_12, 2, 2); }),
    theorem("linux-direct-map-1g",
            "The direct map of two pages of 1 GiB translates each address to what __pa says, by "
            "default and moved by KASLR.",
            build_ref, [](auto& t) { build(t, linux_6_12, 3, 2); }),
    theorem("linux-direct-map-5-level",
            "The direct map of two pages of 1 GiB with five levels translates each address to what "
            "__pa says, by default and moved by KASLR; 6.12.",
            build_ref, [](auto& t) { build(t, linux_6_12_la57, 3, 2); }),
    theorem("linux-direct-map-reuses-tables",
            "Building the direct map of a second page of the same GiB leaves that of the first.",
            build_ref, [](auto& t) { reuse(t, linux_4_6); }),
    theorem("linux-direct-map-split",
            "A page that was part of a 2-MiB page keeps its place, rights and memory type, if PAT "
            "is moved where a PTE has it.",
            build_ref, [](auto& t) { split(t, mended()); }),
    theorem("linux-ident-map-maps-what-was-asked",
            "ident_pud_init maps the range asked for and nothing else; 6.12.", ident_ref,
            [](auto& t) { ident(t, linux_6_12); }),
    theorem("linux-valid-mmap-phys-addr-range",
            "What valid_mmap_phys_addr_range lets through has no reserved address bit; 6.12.",
            range_ref, [](auto& t) { mmap_range(t, linux_6_12); }),
    theorem(
        "linux-valid-phys-addr-range",
        "valid_phys_addr_range takes the ranges inside memory, however much there is, and never "
        "asks __pa for an address it would BUG on; 6.12.",
        range_ref, [](auto& t) { read_range(t, linux_6_12); }),
};

const Defect defects[] = {
    {theorem("linux-direct-map-5-level-4-20",
             "The direct map of two pages of 1 GiB with five levels translates each address to "
             "what __pa says, by default and moved by KASLR.",
             build_ref, [](auto& t) { build(t, linux_4_20_la57, 3, 2); }),
     "4.20", "5.2, 432c833218dd"},
    {theorem("linux-direct-map-split-4-6",
             "A page that was part of a 2-MiB page keeps its place, rights and memory type.",
             build_ref, [](auto& t) { split(t, linux_4_6); }),
     "4.6", "not as of 6.12"},
    {theorem("linux-ident-map-maps-what-was-asked-4-20",
             "ident_pud_init maps the range asked for and nothing else.", ident_ref,
             [](auto& t) { ident(t, lnx::kernel(lnx::v4_20)); }),
     "4.20", "6.12, cc31744a2945"},
    {theorem("linux-valid-mmap-phys-addr-range-4-6",
             "What valid_mmap_phys_addr_range lets through has no reserved address bit.", range_ref,
             [](auto& t) { mmap_range(t, linux_4_6); }),
     "4.6", "4.15, be62a3204406"},
    {theorem("linux-valid-phys-addr-range-4-6",
             "valid_phys_addr_range takes the ranges inside memory and never asks __pa for an "
             "address it would BUG on.",
             range_ref, [](auto& t) { read_range(t, linux_4_6); }),
     "4.6", "5.1, 92c77f7c4d5d"},
};

}  // namespace

std::span<const Theorem> linux_direct_map_theorems() {
  return theorems;
}
std::span<const Defect> linux_direct_map_defects() {
  return defects;
}

}  // namespace mmuref::spec
