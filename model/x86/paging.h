// What a walk needs of the processor and its registers, derived once.
//
// Software changes registers rarely and translates often; a processor keeps such derived state
// too. Everything here is a pure function of Processor and Registers.
#pragma once

#include "model/x86/entry.h"
#include "model/x86/registers.h"

namespace mmuref::x86 {

/// The reserved bits of present entries, by the role an entry plays at its level (1..5; [0] and
/// impossible roles are unused). A set one is a page fault with RSVD=1.
template <class W>
struct ReservedBits {
  W table[max_level + 1];      ///< of an entry that references a table; levels 2..5
  W leaf[max_leaf_level + 1];  ///< of an entry that maps a page; levels 1..3
};

template <class W>
struct Paging {
  W table_base;  ///< physical address of the root table: CR3[MAXPHYADDR-1:12]
  W frame_mask;  ///< bits MAXPHYADDR-1:12
  ReservedBits<W> reserved;
  Bool<W> la57, nxe, wp, smep, smap, pke, pks;
  W pkru, pkrs;

  constexpr int levels() const { return la57 ? 5 : 4; }
};

/// SDM vol. 3, 4.5.4: which bits are reserved in which entry. AMD adds bit 8 of the two highest
/// levels (APM vol. 2, "4-Kbyte Page Translation—Long Mode" and "5-Level Paging", 5.3.3).
template <class W>
constexpr ReservedBits<W> reserved_bits(const Processor<W>& cpu, const Bool<W>& nxe) {
  const W everywhere = (W{entry::address_mask} & ~((W{1} << cpu.maxphyaddr) - W{1})) |
                       select(nxe, W{0}, W{entry::XD});
  const W top = everywhere | W{entry::PS} | select(cpu.amd, W{entry::G}, W{0});

  ReservedBits<W> r{};
  r.table[5] = top;
  r.table[4] = top;
  r.table[3] = everywhere;
  r.table[2] = everywhere;
  r.leaf[3] = everywhere | W{bits(29, 13)} | select(cpu.page1gb, W{0}, W{entry::PS});
  r.leaf[2] = everywhere | W{bits(20, 13)};
  r.leaf[1] = everywhere;
  return r;
}

/// SDM vol. 3, "Use of CR3 with Ordinary 4-Level Paging and 5-Level Paging" (4.5.2): CR3[11:0] is
/// the PCID or PWT/PCD and never part of the address.
template <class W>
constexpr Paging<W> paging(const Processor<W>& cpu, const Registers<W>& r) {
  Paging<W> p;
  p.frame_mask = ((W{1} << cpu.maxphyaddr) - W{1}) & W{entry::address_mask};
  p.table_base = r.cr3 & p.frame_mask;
  p.nxe = has(r.efer, efer::NXE);
  p.reserved = reserved_bits(cpu, p.nxe);
  p.la57 = has(r.cr4, cr4::LA57);
  p.wp = has(r.cr0, cr0::WP);
  p.smep = has(r.cr4, cr4::SMEP);
  p.smap = has(r.cr4, cr4::SMAP);
  p.pke = has(r.cr4, cr4::PKE);
  p.pks = has(r.cr4, cr4::PKS);
  p.pkru = r.pkru;
  p.pkrs = r.pkrs;
  return p;
}

}  // namespace mmuref::x86
