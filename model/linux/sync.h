// Kernel mappings of one address space made known to all: the PGD entries of a range, copied.
//
// arch/x86/mm/init_64.c: sync_global_pgds, v4.6 and, with `sync_from_slot_start`, v4.12.
#pragma once

#include "model/linux/level.h"

namespace mmuref::lnx {

/// How the loop over the PGD slots of a range went.
enum class Sync : unsigned char {
  done,
  endless,  ///< goes on after `at_most` steps, which is more than there are slots
  bug       ///< the reference and a PGD reference different tables
};

/// One more than there are slots: a loop that takes as many steps meets one again.
inline constexpr int sync_at_most = 513;

/// The addresses that sync_global_pgds looks at, one a slot: calls `visit(address)` for each, until
/// it answers other than done. `end` is inclusive.
template <class W, class Visit>
constexpr Sync for_each_pgd_slot(const Kernel& k, const W& start, const W& end, Visit&& visit,
                                 int at_most = sync_at_most) {
  W address = start;
  for (int steps = 0; address <= end; ++steps) {
    if (steps == at_most) return Sync::endless;
    if (const Sync answer = visit(address); answer != Sync::done) return answer;
    if (k.sync_from_slot_start) {
      address = (address & W{PGDIR_MASK(k)}) + W{PGDIR_SIZE(k)};
      if (address < start) break;  // beyond the last slot
    } else {
      address = address + W{PGDIR_SIZE(k)};
    }
  }
  return Sync::done;
}

/// Copies the entries for start..end (inclusive) of the `reference` PGD to the PGD at `pgd` where
/// it has none. Physical addresses both; Linux does it for every PGD of pgd_list.
template <class W, class Memory>
constexpr Sync sync_global_pgds(const Kernel& k, Memory& memory, const W& reference, const W& pgd,
                                const W& start, const W& end, int at_most = sync_at_most) {
  const int root = k.config.levels;
  return for_each_pgd_slot(
      k, start, end,
      [&](const W& address) {
        const W from = memory.read(entry_offset(k, reference, address, root));
        if (entry_none(k, from, root)) return Sync::done;
        const W slot = entry_offset(k, pgd, address, root);
        const W to = memory.read(slot);
        if (entry_none(k, to, root)) {
          memory.write(slot, from);
        } else if (table_of(k, from, root) != table_of(k, to, root)) {
          return Sync::bug;
        }
        return Sync::done;
      },
      at_most);
}

}  // namespace mmuref::lnx
