// The roots of all address spaces: one kernel half, kept in step by sync_global_pgds.
#include "model/linux/alloc.h"
#include "model/linux/sync.h"
#include "spec/theorems/linux/space.h"

namespace mmuref::spec {
namespace {

constexpr std::string_view sync_ref = "Linux, arch/x86/mm/init_64.c, sync_global_pgds";
constexpr std::string_view pgd_ref = "Linux, arch/x86/mm/pgtable.c, pgd_alloc";

constexpr lnx::Kernel linux_4_6 = lnx::kernel(lnx::v4_6);
constexpr lnx::Kernel linux_4_20 = lnx::kernel(lnx::v4_20);
constexpr lnx::Kernel linux_4_20_la57 = lnx::kernel(lnx::v4_20, {.levels = 5});

const auto every_slot_once = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  // A range of the kernel half that meets at most three slots, often the last.
  const W kernel_half = W{~std::uint64_t{0}} << (k.virtual_mask_shift);
  const W start = (t.word("start") | kernel_half) | select(t.flag("high"), W{bits(46, 40)}, W{0});
  const W end = start + (t.word("length") & W{2 * lnx::PGDIR_SIZE(k) - 1});
  t.assume(start <= end);
  const W slot = t.word("slot") & W{511};
  W visits{0};
  const lnx::Sync sync = lnx::for_each_pgd_slot(
      k, start, end,
      [&](const W& address) {
        visits = visits + select(lnx::pgd_index(k, address) == slot, W{1}, W{0});
        return lnx::Sync::done;
      },
      4);
  t.prove(sync == lnx::Sync::done, "it ends");
  const Bool<W> met = (slot >= lnx::pgd_index(k, start)) & (slot <= lnx::pgd_index(k, end));
  t.witness(met & (lnx::pgd_index(k, start) != lnx::pgd_index(k, end)), "a range of two slots");
  t.prove(visits == select(met, W{1}, W{0}), "each slot of the range once, and no other");
};

const auto synced = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  Space<W> space(k);
  constexpr std::uint64_t reference = 0x2000;
  // The reference has an entry in one slot; the other root in that or another.
  const W start = t.word("va_start") | (~W{0} << k.virtual_mask_shift);
  const W slot = lnx::pgd_index(k, start);
  const W entry = lnx::populate(W{0x8000}, 4), own = lnx::populate(W{0x9000}, 4);
  const W own_slot = t.word("own_slot") & W{511};
  space.memory.write(W{reference} | (slot << 3), entry);
  space.memory.write(space.mm.pgd | (own_slot << 3), own);
  const lnx::Sync sync =
      lnx::sync_global_pgds(k, space.memory, W{reference}, space.mm.pgd, start, start);
  t.witness(own_slot == slot, "two tables for one slot");
  t.prove(Bool<W>(sync == lnx::Sync::bug) == (own_slot == slot), "BUG for two tables");
  const W any = t.word("slot") & W{511};
  const W after = space.memory.read(space.mm.pgd | (any << 3));
  t.prove(after == select(any == own_slot, own, select(any == slot, entry, W{0})),
          "the reference's entry, where there was none");
};

const auto shared_half = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  constexpr std::uint64_t reference = 0x2000;
  auto memory = t.memory("memory");
  // A fresh page of zeroes at a frame of its own.
  struct Page {
    std::optional<W> allocate() { return W{0x10000}; }
    void free(const W&) {}
  } pages;
  for (std::uint64_t slot = 0; slot < 512; ++slot) memory.write(W{0x10000 + 8 * slot}, W{0});
  const auto before = memory;
  const auto space = lnx::default_address_space<std::uint64_t>(k);
  const std::optional<W> pgd = lnx::pgd_alloc(k, memory, pages, space, W{reference});
  const std::uint64_t boundary = (space.page_offset >> (k.virtual_mask_shift - 8)) & 511;
  for (std::uint64_t slot : {std::uint64_t{0}, std::uint64_t{255}, boundary - 1, boundary,
                             boundary + 1, std::uint64_t{511}}) {
    const W expected = slot < boundary ? W{0} : before.read(W{reference + 8 * slot});
    t.prove(memory.read(*pgd + W{8 * slot}) == expected, "the kernel half is shared");
  }
};

const Theorem theorems[] = {
    theorem("linux-sync-global-pgds-every-slot",
            "sync_global_pgds visits every PGD slot of its range once and ends; 4.20.", sync_ref,
            [](auto& t) { every_slot_once(t, linux_4_20); }),
    theorem("linux-sync-global-pgds-every-slot-5-level",
            "sync_global_pgds visits every PGD slot of its range once and ends, with five levels.",
            sync_ref, [](auto& t) { every_slot_once(t, linux_4_20_la57); }),
    theorem("linux-sync-global-pgds-copies",
            "sync_global_pgds copies the reference's entry where there was none, changes no other, "
            "and is a BUG where two tables claim a slot.",
            sync_ref, [](auto& t) { synced(t, linux_4_20); }),
    theorem(
        "linux-pgd-alloc-shares-the-kernel-half",
        "A new PGD has the reference's entries from the slot of PAGE_OFFSET on, and none below; "
        "4.6.",
        pgd_ref, [](auto& t) { shared_half(t, linux_4_6); }),
    theorem(
        "linux-pgd-alloc-shares-the-kernel-half-5-level",
        "A new PGD has the reference's entries from the slot of PAGE_OFFSET on, and none below, "
        "with five levels.",
        pgd_ref, [](auto& t) { shared_half(t, linux_4_20_la57); }),
};

const Defect defects[] = {
    {theorem("linux-sync-global-pgds-every-slot-4-6",
             "sync_global_pgds visits every PGD slot of its range once and ends.", sync_ref,
             [](auto& t) { every_slot_once(t, linux_4_6); }),
     "4.6", "4.12, fc5f9d5f151c"},
};

}  // namespace

std::span<const Theorem> linux_pgd_theorems() {
  return theorems;
}
std::span<const Defect> linux_pgd_defects() {
  return defects;
}

}  // namespace mmuref::spec
