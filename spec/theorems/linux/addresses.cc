// Linux's address arithmetic: __pa, __va, struct page, and which addresses they are for.
#include "model/linux/address.h"
#include "model/x86/walk.h"
#include "spec/theorem.h"
#include "spec/theorems/inputs.h"

namespace mmuref::spec {
namespace {

using namespace lnx;

constexpr std::string_view pa_ref = "arch/x86/include/asm/page_64.h, v4.6: __phys_addr_nodebug";
constexpr std::string_view debug_ref = "arch/x86/mm/physaddr.c, v4.6: __phys_addr";
constexpr std::string_view symbol_ref = "arch/x86/mm/physaddr.c, v4.6: __phys_addr_symbol";
constexpr std::string_view valid_ref = "arch/x86/mm/physaddr.c, v4.6: __virt_addr_valid";
constexpr std::string_view page_ref =
    "include/asm-generic/memory_model.h, v4.6; include/linux/mm.h";
constexpr std::string_view pfn_ref = "include/linux/mmzone.h, v4.6 and v6.1: pfn_valid";
constexpr std::string_view walk_ref = "arch/x86/mm/init_64.c, v4.6: kern_addr_valid";

/// The versions a theorem about all of them goes through: what its functions look at differs in
/// nothing more.
constexpr Kernel kernels[] = {kernel(v4_6), kernel(v6_12, {.levels = 5})};

/// Any address space whose direct map begins where kernel `k` can put it; 2 GiB of the top are the
/// image's and modules'.
template <class S>
AddressSpace<WordOf<S>> address_space_inputs(S& t, const Kernel& k) {
  using W = WordOf<S>;
  AddressSpace<W> s;
  s.page_offset = W{k.page_offset_base} + (t.word("page_offset") & W{bits(45, 30)});
  s.vmalloc = W{0};
  s.vmemmap = t.word("vmemmap");
  s.phys_base = t.word("phys_base");
  s.phys_bits = W{32} + (t.word("phys_bits") & W{15});
  return s;
}

/// An address that chance puts in the direct map or the image often enough.
template <class S>
WordOf<S> address_input(S& t) {
  using W = WordOf<S>;
  const W any = t.word("x");
  const auto upper = t.flag("upper"), image = t.flag("image");
  return any | select(upper, W{0xffff'8000'0000'0000}, W{0}) |
         select(image, W{START_KERNEL_map}, W{0});
}

/// Any sections.
template <class S>
struct AnySections {
  using W = WordOf<S>;
  typename S::Memory memory;

  Bool<W> has_mem_map(const W& nr) const { return has(memory.read(nr << W{3}), 1); }
  Bool<W> early(const W& nr) const { return has(memory.read(nr << W{3}), 2); }
  Bool<W> has_subsection(const W& nr, const W& index) const {
    return has(memory.read((nr << W{3}) | W{bit(60)}) >> index, 1);
  }
};

const auto carry_is_comparison = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  AddressSpace<W> s{};
  s.page_offset = t.word("page_offset");
  s.phys_base = t.word("phys_base");
  const W x = address_input(t);
  t.witness(x >= W{START_KERNEL_map}, "an address of the image");
  t.witness(x < s.page_offset, "an address below the direct map");
  t.prove(phys_addr_nodebug(s, x) == phys_addr_compare(s, x), "one value");
};

const auto branches = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  for (const Kernel& k : kernels) {
    const auto s = address_space_inputs(t, k);
    // 2 GiB from the image's start to the top; what is below PAGE_OFFSET wraps.
    const W offset = t.word("offset"), in_image = offset & W{bits(30, 0)};
    t.witness(offset < W{START_KERNEL_map} - s.page_offset, "an offset in the direct map");
    t.prove(pa(s, W{START_KERNEL_map} + in_image) == s.phys_base + in_image, "image");
    t.prove(
        (offset >= W{START_KERNEL_map} - s.page_offset) | (pa(s, s.page_offset + offset) == offset),
        "direct map");
  }
};

const auto inverse_on_direct_map = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto s = address_space_inputs(t, k);
  const W x = address_input(t), image{START_KERNEL_map}, there = pa(s, x), back = va(s, there);
  // The one phys_base for which the image is where the direct map would have it.
  const Bool<W> apart = s.phys_base != image - s.page_offset;
  t.witness(apart & (x >= image), "an address of the image");
  t.witness(apart & (x < image) & (x >= s.page_offset), "an address of the direct map");
  t.prove((!apart) | ((back == x) == (x < image)), "va(pa(x)) is x exactly below the image");
  t.prove((!apart) | ((pa(s, back) == there) == (back < image)),
          "pa(va(p)) is p exactly where va(p) is below the image");
};

const auto image_aliases = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  auto s = address_space_inputs(t, k);
  // The image lies in memory, wherever it was loaded.
  const W offset = t.word("offset") & W{k.kernel_image_size - 1};
  const W physical = t.word("text") & W{bits(k.max_physmem_bits - 2, 0)};
  s.phys_base = physical - offset;
  const W x = W{START_KERNEL_map} + offset, alias = va(s, pa(s, x));
  t.witness(physical < offset, "a phys_base below zero");
  t.establish(pa(s, x) == physical, "pa is the image's");
  t.prove((alias != x) & (alias >= s.page_offset) & (alias < W{START_KERNEL_map}),
          "the alias is another address, of the direct map");
  t.prove(pa(s, alias) == pa(s, x), "it has the same physical address");
};

/// The addresses __phys_addr is for: the direct map as far as the processor's width reaches, and
/// the bytes set aside for the image.
template <class W>
Bool<W> in_direct_map(const AddressSpace<W>& s, const W& x) {
  return (x >= s.page_offset) & (x < W{START_KERNEL_map}) &
         (x - s.page_offset < (W{1} << s.phys_bits));
}
template <class W>
Bool<W> in_image(const Kernel& k, const W& x) {
  const W image{START_KERNEL_map};
  return (x >= image) & (x < image + W{k.kernel_image_size});
}

const auto checked_exactly = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  for (const Kernel& k : kernels) {
    const auto s = address_space_inputs(t, k);
    const W x = address_input(t), image{START_KERNEL_map};
    const CheckedAddress<W> checked = phys_addr(k, s, x);
    t.witness(checked.beyond_image, "an address of modules or the fixmap");
    t.witness(checked.below_page_offset, "an address of a process");
    t.witness(checked.too_wide, "an address past what the processor can address");
    t.witness(!checked.bug(), "a good address");
    t.prove(checked.bug() == !(in_direct_map(s, x) | in_image(k, x)), "BUGs exactly elsewhere");
    t.prove((checked.beyond_image == ((x >= image) & !in_image(k, x))) &
                (checked.below_page_offset == (x < s.page_offset)),
            "each check's own addresses");
    t.prove(checked.value == phys_addr_nodebug(s, x), "the value is that of the unchecked form");
  }
};

const auto symbol_form = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  for (const Kernel& k : kernels) {
    const auto s = address_space_inputs(t, k);
    const W x = address_input(t);
    const CheckedAddress<W> checked = phys_addr_symbol(k, s, x);
    t.witness(!checked.bug(), "a symbol of the image");
    t.prove((x < W{START_KERNEL_map}) | (checked.value == pa(s, x)), "pa from the image on");
    t.prove(checked.bug() == !in_image(k, x), "BUGs exactly outside the image");
  }
};

/// virt_addr_valid answers for every address, and true exactly where __phys_addr would not BUG and
/// the frame exists.
const auto virt_addr_valid_total = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const auto s = address_space_inputs(t, k);
  const AnySections<S> sections{t.memory("sections")};
  const W x = address_input(t);
  const Validity<W> answer = virt_addr_valid(k, s, sections, x);
  const CheckedAddress<W> checked = phys_addr(k, s, x);
  t.witness(answer.valid, "a valid address");
  t.witness(checked.bug(), "an address for which __phys_addr would BUG");
  t.prove(!answer.bug, "it never BUGs");
  t.prove(answer.valid == (pfn_valid(k, sections, checked.value >> W{PAGE_SHIFT}) & !checked.bug()),
          "true exactly where __phys_addr returns and the frame exists");
  // Whatever the processor's width: no section is that far up.
  const Bool<W> within = x - s.page_offset < W{bit(k.max_physmem_bits)};
  t.prove((!answer.valid) | within | (x >= W{START_KERNEL_map}),
          "false past the direct map's greatest size");
};

const auto widths = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  AddressSpace<W> s{};
  s.phys_bits = W{32} + (t.word("phys_bits") & W{15}) + (t.word("more_bits") & W{5});
  const W physical = t.word("physical");
  t.witness(s.phys_bits == W{x86::max_maxphyaddr}, "the architecture's limit");
  t.prove(phys_addr_valid(s, physical) == (physical < (W{1} << s.phys_bits)), "below 2^phys_bits");
};

const auto page_round_trips = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const Kernel k = kernel(v4_6);
  const auto s = address_space_inputs(t, k);
  const W pfn = t.word("pfn") & ~select(t.flag("small"), W{bits(63, 52)}, W{0}),
          page = t.word("page");
  // 2^6 bytes a struct: a difference of pointers holds 58 bits of pfn, the highest its sign.
  const W kept = sar(pfn << W{6}, 6);
  t.witness(pfn >= W{bit(57)}, "a pfn too large for a difference of pointers");
  t.witness(pfn < W{bit(57)}, "a pfn that fits");
  t.prove(page_to_pfn(k, s, pfn_to_page(k, s, pfn)) == kept, "58 bits come back, sign extended");
  t.prove((pfn >= W{bit(57)}) | (kept == pfn), "a pfn below 2^57 comes back");
  t.prove((pfn < W{bit(57)}) | (pfn >= ~W{bit(57) - 1}) | (kept != pfn), "others do not");
  const Bool<W> element = ((page - s.vmemmap) & W{63}) == W{0};
  t.witness(element, "a struct page's address");
  t.witness(!element, "an address inside a struct page");
  t.prove((pfn_to_page(k, s, page_to_pfn(k, s, page)) == page) == element,
          "a page comes back exactly if it is the address of an element");
  t.prove(page_to_phys(k, s, pfn_to_page(k, s, pfn)) == (pfn << W{PAGE_SHIFT}), "page_to_phys");
};

const auto page_address_is_direct_map = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const Kernel k = kernel(v4_6);
  const auto s = address_space_inputs(t, k);
  const W pfn = t.word("pfn"), page = t.word("page");
  t.witness(pfn >= W{bit(57)}, "a pfn that a difference of pointers does not hold");
  t.prove(page_address(k, s, pfn_to_page(k, s, pfn)) == pfn_to_kaddr(s, pfn),
          "the page's address is PAGE_OFFSET + (pfn << 12)");
  t.prove(page_address(k, s, page) == va(s, page_to_phys(k, s, page)),
          "add, sar, shl, add is __va of page_to_phys");
  t.prove((sar(page, 6) << W{12}) == ((page >> W{6}) << W{12}), "sar and shr are one after shl");
};

const auto virt_to_page_of_direct_map = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  auto s = default_address_space<W>(k);
  s.phys_base = t.word("phys_base");
  const W physical = t.word("physical") & W{bits(k.max_physmem_bits - 1, 0)};
  const W x = va(s, physical), page = virt_to_page(k, s, x);
  t.witness(physical != W{0}, "some memory");
  t.establish(virt_to_phys(s, phys_to_virt(s, physical)) == physical, "virt_to_phys inverts");
  const W pfn = physical >> W{PAGE_SHIFT};
  t.establish(page == pfn_to_page(k, s, pfn), "virt_to_page is the frame's");
  t.establish(page_to_pfn(k, s, page) == pfn, "page_to_pfn gives the frame back");
  t.prove(page_address(k, s, page) == (x & W{PAGE_MASK}), "page_address gives the page back");
};

const auto frames = [](auto& t, const Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const AnySections<S> sections{t.memory("sections")};
  const W pfn = t.word("pfn") & ~select(t.flag("small"), W{bits(63, 33)}, W{0});
  const W within = t.word("within") & W{bits(SECTION_SIZE_BITS - PAGE_SHIFT - 1, 0)};
  const W base = pfn & ~W{bits(SECTION_SIZE_BITS - PAGE_SHIFT - 1, 0)};
  const W subsection = pfn & ~W{bits(SUBSECTION_SHIFT - PAGE_SHIFT - 1, 0)};
  const W nr = pfn >> W{SECTION_SIZE_BITS - PAGE_SHIFT};
  t.witness(pfn_valid(k, sections, pfn), "a frame that exists");
  t.witness(!pfn_valid(k, sections, pfn), "a frame that does not");
  t.prove((!pfn_valid(k, sections, pfn)) | (pfn < W{bit(k.max_physmem_bits - PAGE_SHIFT)}),
          "none from MAX_PHYSMEM_BITS on");
  t.prove(pfn_valid(k, sections, pfn) == pfn_valid(k, sections, subsection | (within & W{511})),
          "the frames of 2 MiB exist together");
  const Bool<W> whole = k.pfn_valid_subsections ? sections.early(nr) : Bool<W>(true);
  t.prove((!whole) | (pfn_valid(k, sections, pfn) == pfn_valid(k, sections, base | within)),
          "so do those of a whole section, if it was there at boot");
  Kernel unchecked = k;
  unchecked.pfn_valid_checks_width = !k.pfn_valid_checks_width;
  t.prove(pfn_valid(k, sections, pfn) == pfn_valid(unchecked, sections, pfn),
          "the check of a pfn's width decides nothing that the section's number does not");
};

/// A walk for a read by the kernel, on a processor as wide as 4.6's entries.
template <class W>
x86::Paging<W> kernel_paging(const W& root) {
  const x86::Processor<W> cpu{.maxphyaddr = W{46}, .page1gb = true};
  const x86::Registers<W> registers{.cr0 = W{x86::cr0::PG | x86::cr0::PE},
                                    .cr3 = root,
                                    .cr4 = W{x86::cr4::PAE},
                                    .efer = W{x86::efer::LME | x86::efer::LMA | x86::efer::NXE}};
  return x86::paging(cpu, registers);
}

const auto mapped_is_kern_addr_valid = [](auto& t) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const Kernel k = kernel(v4_6);
  const typename S::Memory memory = t.memory("memory");
  const AnySections<S> sections{t.memory("sections")};
  const W root = t.word("cr3") & W{bits(45, 12)}, x = t.word("va");
  const Bool<W> valid = kern_addr_valid(k, memory, root, sections, x);
  t.prove((!valid) | x86::canonical(x, 48), "no for what is not canonical");
  const auto walk = x86::walk(kernel_paging(root), x86::Access<W>{.va = x}, memory);
  if (walk.outcome != x86::Outcome::translated) return;
  const W first = walk.physical_address - x86::page_offset(x, walk.level);
  t.prove(valid == pfn_valid(k, sections, first >> W{PAGE_SHIFT}), "yes for what is translated");
};

const Theorem theorems[] = {
    theorem("linux-phys-addr-carry",
            "The carry trick of __phys_addr_nodebug and the comparison of 3.2 give one value for "
            "every address, every PAGE_OFFSET and every phys_base.",
            pa_ref, carry_is_comparison),
    theorem("linux-phys-addr-branches",
            "__pa of an offset in the direct map is the offset; of an offset from "
            "__START_KERNEL_map, phys_base plus the offset.",
            pa_ref, branches),
    theorem("linux-va-pa-inverse",
            "__va and __pa are inverse exactly below the kernel image, whatever the bases.", pa_ref,
            [](auto& t) {
              for (const Kernel& k : kernels) inverse_on_direct_map(t, k);
            }),
    theorem(
        "linux-image-aliases",
        "Every address of the kernel image, wherever it was loaded, shares its physical address "
        "with another address, of the direct map.",
        pa_ref,
        [](auto& t) {
          for (const Kernel& k : kernels) image_aliases(t, k);
        }),
    theorem("linux-phys-addr-checked",
            "With CONFIG_DEBUG_VIRTUAL __phys_addr BUGs exactly outside the direct map, as far as "
            "the processor's address width reaches, and the image; elsewhere it is the same value.",
            debug_ref, checked_exactly),
    theorem("linux-phys-addr-symbol",
            "__phys_addr_symbol is __pa from the image on, and its one check BUGs exactly outside "
            "the image.",
            symbol_ref, symbol_form),
    theorem("linux-virt-addr-valid-total",
            "virt_addr_valid answers for all 2^64 addresses, true exactly where __phys_addr does "
            "not BUG and the frame exists, and never past what MAX_PHYSMEM_BITS allow.",
            valid_ref,
            [](auto& t) {
              for (const Kernel& k : kernels) virt_addr_valid_total(t, k);
            }),
    theorem("linux-phys-addr-valid",
            "phys_addr_valid holds exactly below 2^MAXPHYADDR, for each width 32..52.",
            "arch/x86/mm/physaddr.h, v4.6: phys_addr_valid", widths),
    theorem("linux-page-pfn-round-trips",
            "page_to_pfn inverts pfn_to_page exactly for frame numbers that 58 signed bits hold, "
            "those below 2^57 among them; pfn_to_page inverts page_to_pfn exactly on elements.",
            page_ref, page_round_trips),
    theorem("linux-page-address",
            "page_address of a frame's page is its address in the direct map, for every frame "
            "number; an arithmetic and a logical shift give the same.",
            page_ref, page_address_is_direct_map),
    theorem(
        "linux-virt-to-page",
        "virt_to_page and page_address are inverse on pages of the direct map, and virt_to_phys "
        "inverts phys_to_virt.",
        page_ref,
        [](auto& t) {
          for (const Kernel& k : kernels) virt_to_page_of_direct_map(t, k);
        }),
    theorem("linux-pfn-valid",
            "Frames exist by whole subsections, by whole sections if those were there at boot, and "
            "none from MAX_PHYSMEM_BITS on; the later check of a frame number's width is implied.",
            pfn_ref,
            [](auto& t) {
              for (const Kernel& k : kernels) frames(t, k);
            }),
    theorem(
        "linux-kern-addr-valid",
        "kern_addr_valid says of every address that 4-level paging translates whether its frame "
        "exists, and no of every address that is not canonical.",
        walk_ref, mapped_is_kern_addr_valid),
};

const Defect defects[] = {
    {theorem("linux-virt-addr-valid-total-2.6.28",
             "virt_addr_valid answers for all 2^64 addresses.", valid_ref,
             [](auto& t) {
               virt_addr_valid_total(t, kernel({2, 6, 28}));
             }),
     "2.6.28", "2.6.29, af5c2bd16ac2"},
};

}  // namespace

std::span<const Theorem> linux_address_theorems() {
  return theorems;
}

std::span<const Defect> linux_address_defects() {
  return defects;
}

}  // namespace mmuref::spec
