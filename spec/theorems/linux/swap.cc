// Linux: entries that are swapped out or being migrated.
#include "model/linux/swap.h"

#include "spec/theorem.h"
#include "spec/theorems/inputs.h"
#include "spec/theorems/linux/kernels.h"

namespace mmuref::spec {
namespace {

using namespace lnx;

constexpr std::string_view ref =
    "Linux arch/x86/include/asm/pgtable_64.h, __swp_entry; include/linux/swapops.h";

const auto round_trip = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W type = t.word("type") & W{31}, any = t.word("offset"), flags = t.word("flags");
  t.witness(type == W{31}, "the last type");
  for (const Kernel& k : every_kernel()) {
    const SwapShape s = swap_shape(k.swap);
    const W offset = any & W{bits(s.offset_bits - 1, 0)};
    const W bare = arch_swp_entry(k, type, offset);
    t.prove(arch_swp_type(k, bare) == type, of(k, "the type"));
    t.prove(arch_swp_offset(k, bare) == offset, of(k, "the offset"));
    t.prove(!has(bare, swp::flags(k)), of(k, "its flags have bits of their own"));

    const swp_entry_t<W> entry = swp_entry(k, type, offset);
    const pte_t<W> pte{swp_entry_to_pte(k, entry).value | (flags & swp::flags(k))};
    t.prove((swp_type(k, entry) == type) & (swp_offset(k, entry) == offset),
            of(k, "independent of the architecture"));
    t.prove(pte_to_swp_entry(k, pte).value == entry.value, of(k, "through a PTE with flags"));
    t.prove(!pte_present(k, pte), of(k, "never present"));
    t.prove(pte_same(pte_swp_clear_soft_dirty(k, pte_swp_mksoft_dirty(k, pte)),
                     pte_swp_clear_soft_dirty(k, pte)),
            of(k, "soft-dirty set and cleared"));
    if (swp::SOFT_DIRTY(k) == 0) continue;
    t.prove(pte_swp_soft_dirty(k, pte_swp_mksoft_dirty(k, pte)), of(k, "soft-dirty"));
  }
};

const auto ignores_erratum = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W type = t.word("type") & W{31}, offset = t.word("offset") & W{bits(48, 0)};
  const W stray = t.word("stray") & W{page::ACCESSED | page::DIRTY};
  const W entry = arch_swp_entry(k, type, offset);
  t.witness(stray != W{0}, "a stray bit");
  t.prove(arch_swp_type(k, entry | stray) == type, "the type");
  t.prove(arch_swp_offset(k, entry | stray) == offset, "the offset");
};

const auto pmd_is_not_present = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W type = t.word("type") & W{31}, offset = t.word("offset") & W{bits(48, 0)};
  const pmd_t<W> pmd = pmd_swp_mksoft_dirty(k, swp_entry_to_pmd(k, swp_entry(k, type, offset)));
  t.witness(type == W{31}, "a migration entry");
  t.prove(!pmd_present(k, pmd), "pmd_present");
  t.prove(!pmd_trans_huge(k, pmd), "pmd_trans_huge");
  t.prove(is_swap_pmd(k, pmd), "is_swap_pmd");
};

/// Bit m-1 of the inverted offset is set while the offset stays below 2^(m-1-9).
const auto points_above_memory = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W maxphyaddr = t.word("maxphyaddr"), type = t.word("type") & W{31};
  t.assume((maxphyaddr >= W{32}) & (maxphyaddr <= W{52}));
  const W half = W{1} << (maxphyaddr - W{1});
  const W offset = t.word("offset") & ((half >> 9) - W{1});
  const W entry = swp_entry_to_pte(k, swp_entry(k, type, offset)).value;
  t.witness(offset != W{0}, "a slot");
  t.prove(has(entry & W{bits(51, 12)}, half), "above memory");
};

const auto migration = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W pfn = t.word("frame") & W{bits(39, 0)}, type = t.word("type"), any = t.word("offset");
  const Bool<W> write = t.flag("write");
  t.witness(write, "of a writable page");
  for (const Kernel& k : every_kernel()) {
    const swp_entry_t<W> entry = make_migration_entry(k, pfn, write);
    const pte_t<W> pte = swp_entry_to_pte(k, entry);
    t.prove(is_migration_entry(k, pte_to_swp_entry(k, pte)), of(k, "is_migration_entry"));
    t.prove(swp_offset(k, pte_to_swp_entry(k, pte)) == pfn, of(k, "the frame"));
    t.prove(is_swap_pte(k, pte), of(k, "is_swap_pte"));
    // Files have the types below all special ones.
    const swp_entry_t<W> file = swp_entry(k, type & W{15}, any & W{bits(49, 0)});
    t.prove(!is_migration_entry(k, file), of(k, "a swap file's entry is none"));
    t.prove(Bool<W>(SWP_PTE_MARKER(k) + k.marker_types == 32), of(k, "32 types in all"));
  }
};

const Theorem theorems[] = {
    theorem("linux-swap-round-trip",
            "In every layout a swap entry gives back type, offset and flags, in the page tables "
            "and in its form independent of the architecture, and is never present.",
            ref, [](auto& t) { round_trip(t); }),
    theorem("linux-swap-ignores-erratum",
            "A processor that sets A or D in a swap entry changes neither its type nor its offset.",
            ref,
            [](auto& t) {
              ignores_erratum(t, kernel({4, 8}));
            }),
    theorem("linux-swap-ignores-erratum-inverted", "The same of the inverted layout.", ref,
            [](auto& t) { ignores_erratum(t, kernel(v6_12)); }),
    theorem("linux-swap-pmd-is-not-present",
            "A swap entry of a PMD is not present and no THP, soft-dirty or not.", ref,
            [](auto& t) {
              pmd_is_not_present(t, kernel({4, 14}));
            }),
    theorem("linux-swap-pmd-is-not-present-inverted", "The same of the inverted layout.", ref,
            [](auto& t) { pmd_is_not_present(t, kernel(v6_12)); }),
    theorem("linux-swap-points-above-memory",
            "A swap entry names a frame in the upper half of what the processor addresses, for "
            "offsets below 2^(MAXPHYADDR-10).",
            "Intel, L1 Terminal Fault, CVE-2018-3620",
            [](auto& t) {
              points_above_memory(t, kernel({4, 18, 1}));
            }),
    theorem("linux-migration-entry",
            "A migration entry gives its frame back, is a swap entry, and is told from a swap "
            "file's, in every version.",
            ref, [](auto& t) { migration(t); }),
};

const Defect defects[] = {
    {theorem("linux-defect-swap-erratum",
             "A processor that sets A or D in a swap entry changes neither its type nor its "
             "offset.",
             ref, [](auto& t) { ignores_erratum(t, kernel(v4_6)); }),
     "4.6", "4.8, 00839ee3b299"},
    {theorem("linux-defect-swap-pmd-soft-dirty",
             "A swap entry of a PMD is not present, soft-dirty or not.", ref,
             [](auto& t) {
               pmd_is_not_present(t, kernel({4, 13}));
             }),
     "4.13, were its layout used for a PMD", "4.14, eee4818baac0"},
    {theorem("linux-defect-swap-l1tf", "A swap entry names no frame of memory.",
             "Intel, L1 Terminal Fault, CVE-2018-3620",
             [](auto& t) {
               points_above_memory(t, kernel({4, 18}));
             }),
     "4.18", "4.18.1, CVE-2018-3620"},
};

}  // namespace

std::span<const Theorem> linux_swap_theorems() {
  return theorems;
}
std::span<const Defect> linux_swap_defects() {
  return defects;
}

}  // namespace mmuref::spec
