// free_pgd_range: which tables go, and that no others do.
#include "model/linux/free.h"

#include "model/linux/remap.h"
#include "spec/theorems/linux/space.h"

namespace mmuref::spec {
namespace {

constexpr std::string_view free_ref = "Linux, mm/memory.c, free_pgd_range";

constexpr lnx::Kernel linux_4_6 = lnx::kernel(lnx::v4_6);

/// A mapping [addr, end) between its neighbours' [floor, ceiling); a ceiling of 0 is none.
template <class S>
struct Between {
  using W = WordOf<S>;
  W floor, addr, end, ceiling;

  explicit Between(S& t)
      : floor(page(t, "floor")),
        addr(page(t, "addr")),
        end(page(t, "end")),
        ceiling(select(t.flag("topmost"), W{0}, page(t, "ceiling"))) {
    t.assume((floor <= addr) & (addr < end) & ((ceiling == W{0}) | (end <= ceiling)));
  }
  static W page(S& t, const std::string& name) { return t.word(name) & W{bits(55, 12)}; }
  /// No neighbour has a byte of [first, last].
  Bool<W> ours(const W& first, const W& last) const {
    return (first >= floor) & ((ceiling == W{0}) | (last < ceiling));
  }
};

const auto slots_walked = [](auto& t) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const Between<S> b(t);
  const lnx::FreeRange<W> range = lnx::free_range_of(b.addr, b.end, b.floor, b.ceiling);

  // Any 2-MiB slot.
  const W slot = select(t.flag("near"), b.addr, t.word("slot")) & W{bits(55, 21)};
  const W last = slot + W{lnx::PMD_SIZE - 1};
  const Bool<W> walked = (!range.nothing) & (slot >= range.addr) & (slot <= range.end - W{1});
  const Bool<W> met = (last >= b.addr) & (slot < b.end);
  t.witness(met & b.ours(slot, last), "a table that is nobody else's");
  t.witness(met & !b.ours(slot, last), "a table that a neighbour needs");
  t.prove(walked == (met & b.ours(slot, last)), "freed if met and needed by no neighbour");
};

const auto upper_tables = [](auto& t, int level) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const Between<S> b(t);
  // The part of the mapping in one entry of this level.
  const W first = b.addr & W{lnx::mask_of(level)};
  const W end = lnx::addr_end(b.addr, b.end, lnx::size_of(level));
  const W last = first + W{lnx::size_of(level) - 1};
  const Bool<W> freed = lnx::table_unneeded(b.addr, end, b.floor, b.ceiling, level);
  t.witness(freed, "a table that is freed");
  t.witness(!freed, "a table that stays");
  t.prove(freed == b.ours(first, last), "freed if nothing it spans is a neighbour's");
};

const auto one_page = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  Space<W> space(k);
  const W addr = user_pages(t, "va_mapped", k, 1);
  const W end = addr + W{lnx::PAGE_SIZE};
  const W floor = addr - (t.word("below") & W{bits(46, 12)});
  const W ceiling = end + (t.word("above") & W{bits(46, 12)});
  t.assume((floor <= addr) & (ceiling <= W{bit(k.virtual_mask_shift)}));
  lnx::vm_area_struct<W> vma;
  (void)lnx::remap_pfn_range(k, space.mm, vma, addr, W{1}, W{lnx::PAGE_SIZE},
                             lnx::pgprot_t<W>{W{lnx::page::PRESENT}});
  lnx::free_pgd_range(k, space.mm, addr, end, floor, ceiling);

  // From the PTE table up, each goes whose span no neighbour shares; those above stay.
  W expected{0};
  for (int level = 2; level <= k.config.levels; ++level) {
    const W first = addr & W{lnx::mask_of(level)};
    const Bool<W> ours = (first >= floor) & (first + W{lnx::size_of(level)} <= ceiling);
    expected = expected + select(ours, W{1}, W{0});
  }
  const std::vector<W>& freed = space.pages.freed();
  t.witness(expected == W{3}, "all tables go");
  t.witness(expected == W{0}, "all stay");
  t.prove(W{std::uint64_t{freed.size()}} == expected, "as many as no neighbour needs");
  for (std::size_t i = 0; i < freed.size(); ++i) {
    // Frames were taken from the top down.
    t.prove(freed[i] == W{0x10000 + ((space.pages.count() - 1 - i) << 12)}, "lowest first");
  }
  const x86::Walk<W> w = space.walk(addr);
  t.prove(Bool<W>(w.rule == x86::Rule::not_present) == (expected != W{0}), "and is not reached");
  t.prove(legal(w), "every entry is legal");
};

const Theorem theorems[] = {
    theorem(
        "linux-free-pgd-range-slots",
        "free_pgd_range walks exactly the 2-MiB slots that the mapping touches and no neighbour "
        "shares.",
        free_ref, [](auto& t) { slots_walked(t); }),
    theorem("linux-free-pmd-range",
            "A PMD table is freed exactly when no neighbour has an address it translates.",
            free_ref, [](auto& t) { upper_tables(t, 3); }),
    theorem("linux-free-pud-range",
            "A PUD table is freed exactly when no neighbour has an address it translates.",
            free_ref, [](auto& t) { upper_tables(t, 4); }),
    theorem("linux-free-p4d-range",
            "A P4D table is freed exactly when no neighbour has an address it translates.",
            free_ref, [](auto& t) { upper_tables(t, 5); }),
    theorem("linux-free-tables-of-a-page",
            "free_pgd_range of a page's tables frees each that no neighbour needs once, from the "
            "lowest up, and no other.",
            free_ref, [](auto& t) { one_page(t, linux_4_6); }),
};

}  // namespace

std::span<const Theorem> linux_free_theorems() {
  return theorems;
}

}  // namespace mmuref::spec
