// The instructions that a flush's primitives are.
//
// arch/x86/include/asm/tlbflush.h, v4.6 and v4.20. What each must drop is in
// model/x86/invalidation.h.
#pragma once

#include "model/linux/flush_local.h"
#include "model/x86/invalidation.h"

namespace mmuref::lnx {

/// INVLPG number `nth` of `flush`, from 0.
template <class W>
constexpr x86::Operation<W> invlpg_of(const LocalFlush<W>& flush, const W& nth) {
  return {.kind = x86::OperationKind::invlpg,
          .value = W{0},
          .address = flush.start + (nth << flush.shift),
          .descriptor = W{0}};
}

/// INVPCID of type 0 in the user PCID `pcid`, which goes with INVLPG number `nth` under PTI.
template <class W>
constexpr x86::Operation<W> user_invpcid_of(const LocalFlush<W>& flush, const W& nth,
                                            const W& pcid) {
  return {.kind = x86::OperationKind::invpcid,
          .value = W{0},
          .address = flush.start + (nth << flush.shift),
          .descriptor = pcid};
}

/// How many instructions change what may be cached where a primitive drops everything; 0 where it
/// is INVLPGs or nothing.
constexpr int instructions(Primitive what) {
  switch (what) {
    case Primitive::cr3_reload:
    case Primitive::invpcid_all:
    case Primitive::leave_mm: return 1;
    case Primitive::pge_toggle: return 2;
    case Primitive::none:
    case Primitive::invlpg:
    case Primitive::bug: break;
  }
  return 0;
}

/// The `nth` of them, from 0, with `r` as the first finds them. `swapper` is the CR3 of the
/// kernel's own tables, for leave_mm.
template <class W>
constexpr x86::Operation<W> instruction(Primitive what, int nth, const x86::Registers<W>& r,
                                        const W& swapper) {
  x86::Operation<W> op;
  switch (what) {
    case Primitive::pge_toggle:
      op.kind = x86::OperationKind::mov_cr4;
      op.value = nth == 0 ? r.cr4 & ~W{x86::cr4::PGE} : r.cr4;
      break;
    case Primitive::invpcid_all:
      op.kind = x86::OperationKind::invpcid;
      op.value = W{2};
      break;
    case Primitive::cr3_reload:
    case Primitive::leave_mm:
    case Primitive::none:
    case Primitive::invlpg:
    case Primitive::bug:
      op.kind = x86::OperationKind::mov_cr3;
      op.value = what == Primitive::leave_mm ? swapper : r.cr3;
      break;
  }
  return op;
}

}  // namespace mmuref::lnx
