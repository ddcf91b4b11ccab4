// Operations whose flush comes late, or is another's to do: where page tables were changed under a
// lock, and the lock is gone before the flush.
#pragma once

#include "spec/protocol/linux/code.h"

namespace mmuref::spec::protocol {

/// What runs beside the scheduler. Page tables stay; nothing is observed less than whole.
struct Race {
  enum class Shape : Byte {
    mremap,         ///< move_ptes moves page 0 to page 1; either may be unmapped
    pfn_map,        ///< munmap of pages without a count, while their driver takes them back
    flush_pending,  ///< change_protection flushes late; write_protect_page sees what it changed
    reclaim,        ///< try_to_unmap flushes in batches; munmap sees what it cleared
    gather,         ///< munmap of two pages with one flush
  };
  Shape shape = Shape::mremap;
  bool flush_under_lock = true;    ///< of mremap and pfn_map
  bool pending_is_checked = true;  ///< tlb_flush_pending, or tlb_flush_batched
  bool pending_is_counted = true;  ///< for two that are late at once
  bool range_is_kept = true;       ///< of gather: both pages are flushed
};

class Races {
 public:
  Races(Code& code, const Bounds& bounds, Operations::Flusher flush, const Race& race)
      : code_(code), race_(race), flush_(flush), simple_(code, bounds.whole(), flush, {}, {}) {}

  std::vector<Code::Option> all();
  /// Maps any free page.
  void map_free();

 private:
  void first_page();
  void under_lock(std::string_view function, const Code::Block& block);
  void page(int number) { code_.set(r_page, constant(number)); }
  void take_pte();
  void put_pte(Operand value, const std::string& text);
  void promise();
  void free_page();

  void map_either();
  void move_ptes();
  void driver_maps();
  void munmap_pfn();
  void unmap_mapping_range();
  void change_protection();
  void write_protect_page();
  void make_writable();
  void try_to_unmap();
  void munmap_checked();
  void munmap_both();

  Code& code_;
  Race race_;
  Operations::Flusher flush_;
  Operations simple_;
};

/// The first state of a race: nothing is mapped, but tables are there.
State tables_there(const Bounds& bounds);

/// A kernel page, global, of which flush_tlb_kernel_range tells every processor. `survives`: INVLPG
/// leaves global translations, as on processors with PCIDs before ce0b15d11ad8 (6.4) left those
/// disabled.
System kernel_range(const Bounds& bounds, bool survives);

}  // namespace mmuref::spec::protocol
