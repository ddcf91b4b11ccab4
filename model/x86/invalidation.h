// The operations that change what may be cached: what each must drop, and when it faults instead.
//
// SDM vol. 3, "Operations that Invalidate TLBs and Paging-Structure Caches" (4.10.4.1), "Process-
// Context Identifiers (PCIDs)" (4.10.1), "Global Pages" (4.10.2.4); vol. 2, MOV—Move to/from
// Control Registers, INVLPG, INVPCID, WRMSR, WRPKRU. Every operation may drop more than it must.
#pragma once

#include "model/x86/linear_address.h"
#include "model/x86/registers.h"

namespace mmuref::x86 {

/// CR3[11:0] with CR4.PCIDE, else 0. SDM vol. 3, 4.10.1.
template <class W>
constexpr W current_pcid(const Registers<W>& r) {
  return select(has(r.cr4, cr4::PCIDE), r.cr3 & W{bits(11, 0)}, W{0});
}

/// What must be dropped, by what it is filed under. One row of the manual's list.
template <class W>
struct Drop {
  W pcid = 0;                                                ///< "own" below: of this PCID
  W address = 0;                                             ///< for `one_page`
  Bool<W> own = false, others = false;                       ///< translations that are not global
  Bool<W> own_globals = false, other_globals = false;        ///< by the PCID they were made under
  Bool<W> own_structures = false, other_structures = false;  ///< paging-structure caches
  /// Of the translations only those of the page of `address`, whatever its size.
  Bool<W> one_page = false;
  /// Of the paging-structure caches only the entries that a walk for `address` would use.
  Bool<W> one_path = false;

  /// Whether nothing at all may stay.
  constexpr Bool<W> all() const {
    return own & others & own_globals & other_globals & own_structures & other_structures &
           !one_page & !one_path;
  }
};

/// Whether a translation for `va`, made by a leaf of `level` under `pcid`, must go.
template <class W>
constexpr Bool<W> drops_translation(const Drop<W>& d, const W& va, int level, const W& pcid,
                                    const Bool<W>& global) {
  const Bool<W> mine = pcid == d.pcid;
  const Bool<W> local = (mine & d.own) | (d.others & !mine);
  const Bool<W> shared = (mine & d.own_globals) | (d.other_globals & !mine);
  const Bool<W> its_page = (va >> level_shift(level)) == (d.address >> level_shift(level));
  return ((global & shared) | (local & !global)) & (its_page | !d.one_page);
}

/// Whether a paging-structure-cache entry for `va` that leads to a `level` table, made under
/// `pcid`, must go.
template <class W>
constexpr Bool<W> drops_structure(const Drop<W>& d, const W& va, int level, const W& pcid) {
  const Bool<W> mine = pcid == d.pcid;
  const unsigned shift = level_shift(level + 1);
  const Bool<W> its_path = (va >> shift) == (d.address >> shift);
  return ((mine & d.own_structures) | (d.other_structures & !mine)) & (its_path | !d.one_path);
}

enum class OperationKind : unsigned char {
  mov_cr0,
  mov_cr3,
  mov_cr4,
  wrmsr_efer,
  wrpkru,
  wrmsr_pkrs,
  invlpg,
  invpcid,
};

/// An instruction of 64-bit mode at CPL 0.
template <class W>
struct Operation {
  OperationKind kind = OperationKind::invlpg;
  W value = 0;       ///< the new register; of INVPCID the type, of INVLPG unused
  W address = 0;     ///< of INVLPG, and of INVPCID's descriptor
  W descriptor = 0;  ///< the low half of INVPCID's descriptor: bits 11:0 the PCID, the rest 0
};

enum class Exception : unsigned char { none, general_protection, invalid_opcode };

/// What INVLPG must drop: the page of `address` under the current PCID and every global one, and
/// all paging-structure-cache entries of the current PCID, wherever they lead.
template <class W>
constexpr Drop<W> invlpg_drops(const W& pcid, const W& address) {
  Drop<W> d{.pcid = pcid, .address = address};
  d.own = d.own_globals = d.other_globals = d.own_structures = d.one_page = true;
  return d;
}

/// What a page fault must drop, so that it does not recur from what was cached: as INVLPG, but a
/// global translation only if it was made under the current PCID, and of the paging-structure
/// caches only what would be used for `address`.
template <class W>
constexpr Drop<W> page_fault_drops(const W& pcid, const W& address) {
  Drop<W> d{.pcid = pcid, .address = address};
  d.own = d.own_globals = d.own_structures = d.one_page = d.one_path = true;
  return d;
}

/// INVPCID types 0 to 3: an address, a context, all with globals, all without. Of type 0 the manual
/// says "mappings for the linear address", so it drops no paging-structure-cache entries of others.
template <class W>
constexpr Drop<W> invpcid_drops(const W& type, const W& pcid, const W& address) {
  const Bool<W> all = type == W{2}, all_but_global = type == W{3};
  Drop<W> d{.pcid = pcid, .address = address};
  d.own = d.own_structures = true;
  d.others = d.other_structures = all | all_but_global;
  d.own_globals = d.other_globals = all;
  d.one_page = d.one_path = type == W{0};
  return d;
}

/// MOV to CR3: nothing with bit 63 and PCIDE; otherwise what is not global, and the
/// paging-structure caches, of the PCID that is loaded. A task switch that changes CR3 drops the
/// same of PCID 0.
template <class W>
constexpr Drop<W> mov_cr3_drops(const Registers<W>& before, const W& value) {
  const Bool<W> pcide = has(before.cr4, cr4::PCIDE);
  Drop<W> d{.pcid = select(pcide, value & W{bits(11, 0)}, W{0})};
  d.own = d.own_structures = !(pcide & has(value, bit(63)));
  return d;
}

/// MOV to CR4: everything when PGE changes or PCIDE goes from 1 to 0; what the current PCID has,
/// and all global translations, when PAE changes or SMEP goes from 0 to 1.
template <class W>
constexpr Drop<W> mov_cr4_drops(const Registers<W>& before, const W& value) {
  const W changed = before.cr4 ^ value;
  const Bool<W> all = has(changed, cr4::PGE) | has(before.cr4 & ~value, cr4::PCIDE);
  const Bool<W> current = has(changed, cr4::PAE) | has(value & ~before.cr4, cr4::SMEP);
  Drop<W> d{.pcid = current_pcid(before)};
  d.own = d.own_globals = d.other_globals = d.own_structures = all | current;
  d.others = d.other_structures = all;
  return d;
}

/// MOV to CR0: everything when PG goes from 1 to 0. WP needs nothing: it is no part of what is
/// cached.
template <class W>
constexpr Drop<W> mov_cr0_drops(const Registers<W>& before, const W& value) {
  const Bool<W> all = has(before.cr0 & ~value, cr0::PG);
  Drop<W> d{};
  d.own = d.others = d.own_globals = d.other_globals = all;
  d.own_structures = d.other_structures = all;
  return d;
}

/// CR3 takes no bits from MAXPHYADDR up; bit 63 is taken, and not kept, with PCIDE.
template <class W>
constexpr Bool<W> mov_cr3_faults(const Processor<W>& cpu, const Registers<W>& r, const W& value) {
  const W no_flush = select(has(r.cr4, cr4::PCIDE), W{bit(63)}, W{0});
  return ((value & ~no_flush) >> cpu.maxphyaddr) != W{0};
}

/// In 64-bit mode PAE stays set and LA57 as it is; PCIDE is set only under PCID 0, and CET only
/// with CR0.WP. Bits 15 and 63:25 are reserved: the model has none of the features that define
/// some.
template <class W>
constexpr Bool<W> mov_cr4_faults(const Registers<W>& r, const W& value) {
  const W undefined{bits(63, 25) | bit(15)};
  return has(value, undefined) | !has(value, cr4::PAE) | has(r.cr4 ^ value, cr4::LA57) |
         (has(value & ~r.cr4, cr4::PCIDE) & has(r.cr3, bits(11, 0))) |
         (has(value, cr4::CET) & !has(r.cr0, cr0::WP));
}

/// 64-bit mode cannot leave paging or protection; NW without CD is refused, and WP=0 with CR4.CET.
template <class W>
constexpr Bool<W> mov_cr0_faults(const Registers<W>& r, const W& value) {
  constexpr std::uint64_t NW = bit(29), CD = bit(30);
  const Bool<W> bare_nw = has(value, NW) & !has(value, CD);
  const Bool<W> unprotected = has(r.cr4, cr4::CET) & !has(value, cr0::WP);
  return has(value, bits(63, 32)) | !has(value, cr0::PG) | !has(value, cr0::PE) | bare_nw |
         unprotected;
}

/// LME cannot change while paging is on. The list of bits is Intel's: all but SCE, LME, LMA and NXE
/// are reserved; AMD's processors define more.
template <class W>
constexpr Bool<W> wrmsr_efer_faults(const Registers<W>& r, const W& value) {
  const W defined{bit(0) | efer::LME | efer::LMA | efer::NXE};
  return has(value, ~defined) | has(r.efer ^ value, efer::LME);
}

template <class W>
constexpr Bool<W> invpcid_faults(const Registers<W>& r, const Operation<W>& op) {
  const Bool<W> names_pcid = op.value <= W{1};
  return (op.value > W{3}) | has(op.descriptor, bits(63, 12)) |
         (names_pcid & has(op.descriptor, bits(11, 0)) & !has(r.cr4, cr4::PCIDE)) |
         ((op.value == W{0}) & !canonical(op.address, linear_width(paging_levels(r))));
}

/// What an operation does: an exception and nothing else, or new registers and what must go.
template <class W>
struct Effect {
  Exception exception = Exception::none;
  Registers<W> registers;
  Drop<W> drop;
};

/// Executes `op`. Paging is IA-32e paging before, and after.
template <class W>
constexpr Effect<W> execute(const Processor<W>& cpu, const Registers<W>& r,
                            const Operation<W>& op) {
  Effect<W> effect;
  effect.registers = r;
  const auto fault = [&](Exception exception) {
    effect.exception = exception;
    return effect;
  };
  switch (op.kind) {
    case OperationKind::mov_cr0:
      if (mov_cr0_faults(r, op.value)) return fault(Exception::general_protection);
      effect.registers.cr0 = op.value;
      effect.drop = mov_cr0_drops(r, op.value);
      break;
    case OperationKind::mov_cr3:
      if (mov_cr3_faults(cpu, r, op.value)) return fault(Exception::general_protection);
      effect.registers.cr3 = op.value & W{bits(62, 0)};
      effect.drop = mov_cr3_drops(r, op.value);
      break;
    case OperationKind::mov_cr4:
      if (mov_cr4_faults(r, op.value)) return fault(Exception::general_protection);
      effect.registers.cr4 = op.value;
      effect.drop = mov_cr4_drops(r, op.value);
      break;
    case OperationKind::wrmsr_efer:
      if (wrmsr_efer_faults(r, op.value)) return fault(Exception::general_protection);
      // LMA is the processor's.
      effect.registers.efer = (op.value & ~W{efer::LMA}) | (r.efer & W{efer::LMA});
      break;
    case OperationKind::wrpkru:
      if (!has(r.cr4, cr4::PKE)) return fault(Exception::invalid_opcode);
      effect.registers.pkru = op.value & W{bits(31, 0)};
      break;
    case OperationKind::wrmsr_pkrs:
      if (has(op.value, bits(63, 32))) return fault(Exception::general_protection);
      effect.registers.pkrs = op.value;
      break;
    case OperationKind::invlpg:
      // A non-canonical operand makes INVLPG a no-op.
      if (canonical(op.address, linear_width(paging_levels(r)))) {
        effect.drop = invlpg_drops(current_pcid(r), op.address);
      }
      break;
    case OperationKind::invpcid:
      if (invpcid_faults(r, op)) return fault(Exception::general_protection);
      effect.drop = invpcid_drops(op.value, op.descriptor & W{bits(11, 0)}, op.address);
      break;
  }
  return effect;
}

}  // namespace mmuref::x86
