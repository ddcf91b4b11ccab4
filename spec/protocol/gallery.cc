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
      {"flush-increments", "a flush does not increment tlb_gen", "", "T1", one_page,
       in_4_20([](Linux420& o) { o.flush_increments = false; }), fixed},
      {"new-slot-is-flushed", "a PCID goes from one mm to another without a flush", "", "T7",
       two_mms, in_4_20([](Linux420& o) { o.new_slot_is_flushed = false; }), fixed},
  };
}

}  // namespace

const std::vector<Exhibit>& gallery() {
  static const std::vector<Exhibit> all = [] {
    std::vector<Exhibit> exhibits = of_4_6();
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
