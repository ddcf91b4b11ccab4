// The TLB flushes of Linux 4.20 and 6.12 as a protocol: PCIDs, generations, lazy processors that
// are not told; and ways to break it.
//
// arch/x86/mm/tlb.c, v4.20 and v6.12 (with fea4e317f9e7, the test for LOADED_MM_SWITCHING).
#pragma once

#include "spec/protocol/linux/races.h"

namespace mmuref::spec::protocol {

struct Linux420 {
  Bounds bounds;

  // What 6.12 does otherwise.
  bool checks_loaded_mm = false;  ///< should_flush_tlb: only processors with the mm loaded are told
  bool switching_before_masks = false;  ///< loaded_mm = LOADED_MM_SWITCHING comes first
  /// A processor stays in the mask of an mm it leaves, until a flush finds it elsewhere (6.14).
  bool keeps_masks = false;
  bool flushes_with_others = false;  ///< after the interrupts are sent, before they are waited for
  bool skips_old_flushes = false;    ///< a flush to a generation that was reached already is none

  // What is there, and may be left out.
  bool barrier_after_lazy = true;       ///< smp_mb between is_lazy = false and the mm's generation
  bool mask_before_generation = true;   ///< switch_mm sets the mask, then reads the generation
  bool mask_always_locked = true;       ///< the bit is set by a locked operation even if it is set
  bool tables_tell_lazy = true;         ///< all are told when tables are freed
  bool freed_tables_passed = true;      ///< the caller says so
  bool lazy_leaves = true;              ///< told, a lazy processor goes to init_mm's tables
  bool tests_switching = true;          ///< LOADED_MM_SWITCHING might be any mm
  bool generation_before_flush = true;  ///< flush_tlb_func reads the mm's generation first
  bool partial_needs_next = true;       ///< one page suffices only if nothing else was missed
  bool partial_needs_newest = true;     ///< and only if nothing came after
  bool notes_newest = true;             ///< what is noted is the mm's generation, not the flush's
  bool flush_increments = true;         ///< inc_mm_tlb_gen
  bool batch_is_never_old = true;       ///< new_tlb_gen = 0 is a batch, and is flushed
  bool new_slot_is_flushed = true;      ///< a slot taken from another mm is flushed
  Operations::Broken operations;
  /// Pages are unmapped in batches of several mms, and nothing else.
  bool batches = false;
};

Linux420 options_4_20(const Bounds& bounds);
Linux420 options_6_12(const Bounds& bounds);

System linux_4_20(const Linux420& options);

}  // namespace mmuref::spec::protocol
