// Identity mappings, as kexec and hibernation make them, at a PUD table: 1 GiB a slot, or 2 MiB.
//
// arch/x86/mm/ident_map.c: ident_pud_init, ident_pmd_init, v4.12; `ident_gbpage_whole` is of v6.12.
#pragma once

#include "model/linux/alloc.h"

namespace mmuref::lnx {

/// struct x86_mapping_info.
template <class W>
struct MappingInfo {
  W offset{};            ///< virtual minus physical address, a multiple of 1 GiB
  W page_flag{};         ///< of leaves, PSE among them
  bool gbpages = false;  ///< direct_gbpages: 1-GiB leaves may be used
};

/// Maps [addr, end) in 2-MiB leaves, leaving what is present.
template <class W, class Mm>
constexpr void ident_pmd_init(const Kernel& k, Mm& mm, const MappingInfo<W>& info, const W& table,
                              W addr, const W& end) {
  for (addr = addr & PMD_MASK; addr < end; addr = addr + W{PMD_SIZE}) {
    const W entry = entry_offset(k, table, addr, 2);
    if (pmd_present(k, pmd_t<W>{mm.memory.read(entry)})) continue;
    mm.memory.write(entry, (addr - info.offset) | info.page_flag);
  }
}

/// Maps virtual [addr, end), which lie in what `table`, a PUD table, spans.
template <class W, class Mm>
constexpr Errno ident_pud_init(const Kernel& k, Mm& mm, const MappingInfo<W>& info, const W& table,
                               W addr, const std::type_identity_t<W>& end) {
  while (addr < end) {
    const W entry = entry_offset(k, table, addr, 3);
    const W slot_end = (addr & PUD_MASK) + W{PUD_SIZE};
    const W next = select(slot_end > end, end, slot_end);
    const pud_t<W> pud{mm.memory.read(entry)};
    const bool present = static_cast<bool>(pud_present(k, pud));

    // A 1-GiB leaf for less than 1 GiB maps what nobody asked for.
    Bool<W> whole = true;
    if (k.ident_gbpage_whole) whole = !has(addr | next, PUD_SIZE - 1);
    if (present && pud_large(k, pud)) {
      // There already.
    } else if (!present && info.gbpages && whole) {
      mm.memory.write(entry, ((addr & PUD_MASK) - info.offset) | info.page_flag);
    } else if (present) {
      ident_pmd_init(k, mm, info, table_of(k, pud.value, 3), addr, next);
    } else {
      const std::optional<W> below = mm.pages.allocate();
      if (!below) return Errno::nomem;
      ident_pmd_init(k, mm, info, *below, addr, next);
      mm.memory.write(entry, *below | page::KERNPG_TABLE);
    }
    addr = next;
  }
  return Errno::ok;
}

}  // namespace mmuref::lnx
