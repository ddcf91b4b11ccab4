// Linux 4.6's TLB flushes as a protocol.
#pragma once

#include "spec/protocol/machine.h"

namespace mmuref::spec::protocol {

/// What may be broken on purpose, and what 4.6 shipped broken.
struct Linux46 {
  int cpus = 2, mms = 2, pages = 1;
  /// The barriers that order the PTE's store before the mask's load where nothing is flushed here.
  bool barrier_in_mm_range = true;
  /// The same in flush_tlb_page, which 4.6 lacks (ca6c99c07948).
  bool barrier_in_page = true;
  /// The mask's bit is set before CR3 is loaded.
  bool mask_before_cr3 = true;
  /// flush_tlb_func disregards interrupts for an mm that is not loaded.
  bool handler_filters = true;
  bool table_operations = true;  ///< page tables are freed too
};

System linux46(const Linux46& options);

}  // namespace mmuref::spec::protocol
