// What differs between versions in Linux's TLB flushes: `Kernel::flush`.
//
// Read were the flushes of 2.4.0, 2.4.19 (both i386), 3.2, 4.4, 4.6, 4.20, 6.1 and 6.12.117. What
// was rewritten between two of them and not read has no form here (`known`): 3.6 to 3.15 weighed
// ranges by the size of the TLB, 4.13 was between two schemes. A change dated "by" a version is in
// it and not in the one read before.
#pragma once

#include "model/linux/version.h"

namespace mmuref::lnx {

/// Where a range whose end is 0, which says "one page", gets its end.
enum class PageEnd : unsigned char {
  func,    ///< on the CPU that is told, in flush_tlb_func
  others,  ///< in native_flush_tlb_others, below the paravirtual hook
  caller   ///< nobody passes 0: flush_tlb_page says where its page ends
};

struct FlushCode {
  bool known = true;  ///< this version's flushes were read, or differ from those as dated below
  bool i386 = false;  ///< 2.4's, of i386
  bool smp = true;    ///< CONFIG_SMP; without, and before 4.13, flushes are of this CPU alone

  // What the caller decides.
  bool ranges = false;               ///< flush_tlb_mm_range exists; ranges may be flushed by page
  bool barrier_before_mask = false;  ///< … and has a barrier where nothing else is one
  bool page_by_range = false;        ///< flush_tlb_page is flush_tlb_mm_range of a page
  bool has_current_task = false;     ///< flush_tlb, flush_tlb_current_task exist
  bool has_pgtables = false;         ///< flush_tlb_pgtables exists …
  bool pgtables_flushes = false;     ///< … and flushes
  bool batched_by_others = false;    ///< try_to_unmap_flush calls flush_tlb_others without an mm
  PageEnd page_end = PageEnd::func;

  // Generations: each mm counts its flushes, each CPU how far it has followed.
  bool generations = false;
  bool strides = false;  ///< a stride in place of VM_HUGETLB; freed_tables is an argument
  bool range_frees_tables = false;  ///< flush_tlb_range says that tables may have been freed
  bool told_together = false;       ///< the caller is one of those told where there are others

  // What a CPU decides that is told.
  bool func_takes_any_mm = false;  ///< flush_tlb_func without an mm flushes whatever is loaded
  bool should_flush = false;       ///< should_flush_tlb picks who is told, not is_lazy alone …
  bool should_flush_switching = false;  ///< … and picks CPUs that are switching to some mm
  bool skips_old_generations = false;   ///< a CPU past the flush it is told of does nothing …
  bool no_generation_is_old = false;    ///< … nor where no generation was sent (no release does)
  bool received_before_filter = false;  ///< a CPU with another mm counts what it was told
  bool all_leaves_lazy = false;         ///< after flush_tlb_all a lazy CPU leaves its mm

  // Lazy CPUs, and switches.
  bool leave_mm_asks_mask = false;  ///< leave_mm does nothing where this CPU is not in the mask
  bool leave_mm_loads_cr3 = true;   ///< leave_mm changes to swapper_pg_dir
  bool switching_first = false;     ///< loaded_mm says SWITCHING before the masks change
  bool set_bit_is_barrier = true;   ///< switch_mm sets its bit, or has a barrier where it is set

  // Primitives.
  bool invpcid_global = false;  ///< INVPCID type 2 in place of clearing CR4.PGE
  bool pcids = false;           ///< ASIDs; with PTI each has a PCID for user mode
  bool counters = false;        ///< with CONFIG_DEBUG_TLBFLUSH

  // mmu_gather.
  bool gather_sizes = false;         ///< a large page widens the range by its size, not by 4 KiB
  bool unshare_recorded = false;     ///< huge_pmd_unshare widens it by the GiB whose table went
  bool pae_pmd_flushes_all = false;  ///< a freed PMD of PAE is followed by a full flush
};

/// The flushes of `version`; of those before 3.2 only 2.4's are known.
constexpr FlushCode flush_code(Version version, bool smp) {
  const auto since = [version](int major, int minor, int patch = 0) {
    return version >= Version{major, minor, patch};
  };
  // 6.12.y of the stable series had what 6.15 changed by 6.12.117.
  const bool stable_6_12 = since(6, 12, 117) && !since(6, 13);
  FlushCode f;
  f.i386 = !since(2, 5) && since(2, 4);
  f.known =
      f.i386 || (since(3, 2) && !since(3, 6)) || (since(3, 16) && !since(4, 13)) || since(4, 14);
  f.smp = smp || since(4, 13);  // one code for both

  f.ranges = since(3, 6);               // by a fixed ceiling since 3.16
  f.barrier_before_mask = since(4, 5);  // 71b3c126e611, CVE-2016-2069
  f.page_by_range = since(4, 13);       // ca6c99c07948
  f.has_current_task = !since(4, 12);
  f.has_pgtables = f.i386;
  f.pgtables_flushes = since(2, 4, 19);
  f.batched_by_others = since(4, 6);
  // By 4.6; "Fix flush_tlb_page() on Xen", 4.11.
  f.page_end = since(4, 11) ? PageEnd::caller : since(4, 6) ? PageEnd::others : PageEnd::func;

  f.generations = since(4, 14);
  f.strides = since(4, 20);
  f.range_frees_tables = since(6, 15) || stable_6_12;  // 3ef938c35035, CVE-2025-22045
  f.told_together = since(5, 13);

  f.func_takes_any_mm = f.batched_by_others;
  f.should_flush = since(6, 15) || stable_6_12;
  f.should_flush_switching = f.should_flush;  // fea4e317f9e7, CVE-2025-37964
  f.skips_old_generations = since(6, 0);      // 8f1d56f64f8d in the same release
  f.received_before_filter = since(6, 12);    // by 6.12.117
  f.all_leaves_lazy = !f.generations;

  f.leave_mm_asks_mask = since(3, 16);  // by 4.4; not yet in 3.2
  f.leave_mm_loads_cr3 = since(2, 4, 19);
  f.switching_first = since(6, 12);  // by 6.12.117

  f.invpcid_global = since(4, 6);
  f.pcids = f.generations;
  f.counters = since(3, 12);

  f.gather_sizes = f.strides;
  f.unshare_recorded = since(5, 16);    // a4a118f2eead, CVE-2021-4002
  f.pae_pmd_flushes_all = since(3, 9);  // 1de14c3c5cbc
  return f;
}

}  // namespace mmuref::lnx
