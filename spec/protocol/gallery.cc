#include "spec/protocol/gallery.h"

#include <algorithm>
#include <utility>

#include "spec/protocol/linux/linux_4_20.h"
#include "spec/protocol/linux/linux_4_6.h"

namespace mmuref::spec::protocol {
namespace {

using Maker = std::function<System(const Bounds&)>;

Maker in_4_6(std::function<void(Linux46&)> change) {
  return [change = std::move(change)](const Bounds& bounds) {
    Linux46 o{.bounds = bounds};
    change(o);
    return linux_4_6(o);
  };
}
Maker in_4_20(std::function<void(Linux420&)> change) {
  return [change = std::move(change)](const Bounds& bounds) {
    Linux420 o = options_4_20(bounds);
    change(o);
    return linux_4_20(o);
  };
}
Maker in_6_12(std::function<void(Linux420&)> change) {
  return [change = std::move(change)](const Bounds& bounds) {
    Linux420 o = options_6_12(bounds);
    change(o);
    return linux_4_20(o);
  };
}
void nothing(Linux46&) {}
void none_of(Linux420&) {}

constexpr Bounds one_page{.cpus = 2, .mms = 1, .pages = 1};
constexpr Bounds two_pages{.cpus = 2, .mms = 1, .pages = 2};
constexpr Bounds two_mms{.cpus = 2, .mms = 2, .pages = 1};

std::vector<Exhibit> of_4_6() {
  const Maker fixed = in_4_6(nothing);
  return {
      {"barrier-in-mm-range",
       "flush_tlb_mm_range loads the mask without a barrier where nothing is flushed here",
       "CVE-2016-2069, fixed in 4.5 (71b3c126e611)", "T1", one_page,
       in_4_6([](Linux46& o) { o.barrier_in_mm_range = false; }), fixed},
      {"barrier-in-page", "the same in flush_tlb_page",
       "4.5 to 4.12, 4.6 among them (ca6c99c07948)", "T1", one_page,
       in_4_6([](Linux46& o) { o.barrier_in_page = false; }), fixed},
      {"mask-before-cr3", "switch_mm loads CR3 before it sets the CPU in the mask",
       "CVE-2016-2069, the other half", "T1", one_page,
       in_4_6([](Linux46& o) { std::swap(o.switch_order[2], o.switch_order[3]); }), fixed},
      {"leave-loads-cr3", "leave_mm clears the CPU in the mask and goes on with the mm's tables",
       "2.4 before 2.4.19, seen on the Pentium 4 in May 2002", "T4", one_page,
       in_4_6([](Linux46& o) { o.leave_loads_cr3 = false; }), fixed},
      {"clears-new-mask", "switch_mm clears the CPU in the mask of the mm it goes to", "", "T2",
       two_mms, in_4_6([](Linux46& o) { o.clears_prev = false; }), fixed},
      {"lazy-is-told", "an interrupt does nothing where the CPU is lazy", "", "T1", one_page,
       in_4_6([](Linux46& o) { o.lazy_is_told = false; }), fixed},
      {"wait-for-all", "the flush does not wait for the other CPUs", "", "T1", one_page,
       in_4_6([](Linux46& o) { o.wait_for_all = false; }), fixed},
      {"wait-irqs-off", "the flush waits with interrupts disabled",
       "what smp_call_function_many warns of", "progress", two_pages,
       in_4_6([](Linux46& o) { o.wait_irqs_on = false; }), fixed},
      {"flush-before-free", "the page is freed before the flush", "", "T3", one_page,
       in_4_6([](Linux46& o) { o.operations.flush_before_free = true; }), fixed},
      {"flush-of-tables", "a page table is freed without a flush",
       "flush_tlb_pgtables of 2.4.0, a no-op until 2.4.19", "T3", one_page,
       in_4_6([](Linux46& o) { o.operations.flush_of_tables = true; }), fixed},
  };
}

/// A race in 4.6, repaired and not.
Maker race(Race::Shape shape, std::function<void(Race&)> change) {
  return in_4_6([shape, change = std::move(change)](Linux46& o) {
    o.race.emplace();
    o.race->shape = shape;
    change(*o.race);
  });
}
void no_change(Race&) {}

std::vector<Exhibit> of_races() {
  using enum Race::Shape;
  const Bounds page = one_page.whole(), pages = two_pages.whole();
  return {
      {"mremap-unlocks-first", "move_ptes unlocks the page tables, and then flushes",
       "CVE-2018-18281, fixed in 4.19 (eb66ae030829); migrate_vma until 6.0 (60bae7370896)", "T3",
       pages, race(mremap, [](Race& r) { r.flush_under_lock = false; }), race(mremap, no_change)},
      {"pfnmap-unlocks-first",
       "munmap of a VM_PFNMAP range unlocks, and then flushes; its driver finds nothing mapped",
       "CVE-2022-39188, fixed in 5.19 (b67fbebd4cf9)", "T3", page,
       race(pfn_map, [](Race& r) { r.flush_under_lock = false; }), race(pfn_map, no_change)},
      {"pending-unchecked",
       "a PTE that is read-only already is taken for flushed: tlb_flush_pending is not looked at",
       "before 3.13 (20841405940e)", "T1", page,
       race(flush_pending, [](Race& r) { r.pending_is_checked = false; }),
       race(flush_pending, no_change)},
      {"pending-is-bool", "of two late flushes the first to end clears tlb_flush_pending",
       "before 4.13 (16af97dc5a89)", "T1", page,
       race(flush_pending, [](Race& r) { r.pending_is_counted = false; }),
       race(flush_pending, no_change)},
      {"batch-unchecked", "munmap finds a PTE gone whose batched flush is still to come",
       "before 4.13 (3ea277194daa)", "T1", page,
       race(reclaim, [](Race& r) { r.pending_is_checked = false; }), race(reclaim, no_change)},
      {"gather-loses-range", "the gathered range leaves out a page that was unmapped",
       "CVE-2021-4002, fixed in 5.16 (a4a118f2eead); tlb_gather_mmu before 3.11 (2b047252d087)",
       "T1", pages, race(gather, [](Race& r) { r.range_is_kept = false; }),
       race(gather, no_change)},
      {"invlpg-keeps-global", "INVLPG leaves a global translation while CR4.PCIDE = 1",
       "an erratum; since 6.4 (ce0b15d11ad8) PCIDs stay off on such processors", "T1", one_page,
       [](const Bounds& b) { return kernel_range(b, true); },
       [](const Bounds& b) { return kernel_range(b, false); }},
  };
}

std::vector<Exhibit> of_4_20() {
  const Maker fixed = in_4_20(none_of), fixed_6_12 = in_6_12(none_of);
  return {
      {"barrier-after-lazy",
       "switch_mm_irqs_off reads tlb_gen before its is_lazy = false is visible", "", "T1", one_page,
       in_4_20([](Linux420& o) { o.barrier_after_lazy = false; }), fixed},
      {"mask-before-generation",
       "switch_mm_irqs_off reads tlb_gen before it sets the CPU in the mask", "", "T3", one_page,
       in_4_20([](Linux420& o) { o.mask_before_generation = false; }), fixed},
      {"tables-tell-lazy", "lazy CPUs are not told when page tables are freed",
       "4.19 before d86564a2f085", "T3", one_page,
       in_4_20([](Linux420& o) { o.tables_tell_lazy = false; }), fixed},
      {"freed-tables-passed", "flush_tlb_range says freed_tables = false of a zapped PMD",
       "CVE-2025-22045, fixed in 6.15 (3ef938c35035)", "T3", one_page,
       in_6_12([](Linux420& o) { o.freed_tables_passed = false; }), fixed_6_12},
      {"lazy-leaves", "told of a flush, a lazy CPU stays on the mm's tables",
       "before 4.14 (b956575bed91)", "T3", one_page,
       in_4_20([](Linux420& o) { o.lazy_leaves = false; }), fixed},
      {"tests-switching", "should_flush_tlb takes LOADED_MM_SWITCHING for another mm",
       "CVE-2025-37964, fixed in 6.15 (fea4e317f9e7)", "T1", one_page,
       in_6_12([](Linux420& o) { o.tests_switching = false; }), fixed_6_12},
      {"generation-before-flush", "flush_tlb_func reads tlb_gen after it has flushed", "", "T5",
       two_pages, in_4_20([](Linux420& o) { o.generation_before_flush = false; }), fixed},
      {"partial-needs-next", "one page is flushed though an earlier flush was missed", "", "T1",
       two_pages, in_4_20([](Linux420& o) { o.partial_needs_next = false; }), fixed},
      {"partial-needs-newest", "one page is flushed though a later flush is noted as done", "",
       "T1", two_pages, in_4_20([](Linux420& o) { o.partial_needs_newest = false; }), fixed},
      {"notes-old-generation", "flush_tlb_func notes the flush's generation, not the mm's", "",
       "T6", two_pages, in_4_20([](Linux420& o) { o.notes_newest = false; }), fixed},
      {"flush-increments", "a flush does not increment tlb_gen", "", "T1", one_page,
       in_4_20([](Linux420& o) { o.flush_increments = false; }), fixed},
      {"mask-unlocked",
       "a CPU that is in the mask already reads tlb_gen with no locked operation before",
       "before 6.18 (83b0177a6c48), where CPUs stay in masks", "T1", two_mms,
       in_6_12([](Linux420& o) {
         o.keeps_masks = true;
         o.mask_always_locked = false;
       }),
       in_6_12([](Linux420& o) { o.keeps_masks = true; })},
      {"batch-is-old", "a batch, which has no generation, is taken for a flush long done",
       "fixed in 6.0 (8f1d56f64f8d)", "T1", one_page, in_6_12([](Linux420& o) {
         o.batches = true;
         o.batch_is_never_old = false;
       }),
       in_6_12([](Linux420& o) { o.batches = true; })},
      {"new-slot-is-flushed", "a PCID goes from one mm to another without a flush", "", "T7",
       two_mms, in_4_20([](Linux420& o) { o.new_slot_is_flushed = false; }), fixed},
  };
}

}  // namespace

const std::vector<Exhibit>& gallery() {
  static const std::vector<Exhibit> all = [] {
    std::vector<Exhibit> exhibits = of_4_6();
    std::ranges::move(of_races(), std::back_inserter(exhibits));
    std::ranges::move(of_4_20(), std::back_inserter(exhibits));
    return exhibits;
  }();
  return all;
}

const Exhibit* exhibit(std::string_view name) {
  const auto it = std::ranges::find(gallery(), name, &Exhibit::name);
  return it == gallery().end() ? nullptr : &*it;
}

const std::vector<Protocol>& protocols() {
  static const std::vector<Protocol> all{{"linux-4.6", in_4_6(nothing)},
                                         {"linux-4.20", in_4_20(none_of)},
                                         {"linux-6.12", in_6_12(none_of)}};
  return all;
}

}  // namespace mmuref::spec::protocol
