#include "spec/protocol/linux46.h"

#include <algorithm>
#include <string>
#include <utility>

namespace mmuref::spec::protocol {
namespace {

constexpr Operand r_mm = of(Register::mm), r_page = of(Register::page), r_pte = of(Register::pte),
                  r_cpus = of(Register::cpus), r_next = of(Register::next_mm);
constexpr Operand current_mm = of(Own::current_mm), active_mm = of(Own::active_mm),
                  loaded = of(Own::loaded_mm), tlb_state = of(Own::tlb_state);
constexpr Operand nobody = constant(no_mm), everything = constant(all_pages);
constexpr Operand TLBSTATE_OK = constant(1), TLBSTATE_LAZY = constant(2);

At pte() {
  return {Place::pte, r_mm, r_page};
}
At of_mm(Place place, Operand mm = r_mm) {
  return {place, mm, {}};
}

class Builder {
 public:
  explicit Builder(const Linux46& o) : o_(o) {}

  bool broken(Break what) const { return o_.broken == what; }

  Program build() {
    source_ = "";
    label("loop");
    emit({.op = Op::choose,
          .labels = {"unmap", "map", "protect", "free_table"},
          .text = "schedule, or an operation"});
    schedule();
    unmap();
    protect();
    map();
    free_table();
    handler();
    p_.finish("interrupt");
    return std::move(p_);
  }

 private:
  void label(const std::string& name) { p_.label(name); }
  void emit(Step s) {
    s.source = source_;
    p_.add(std::move(s));
  }
  void set(Operand to, Operand a) { emit({.op = Op::set, .a = a, .to = to, .text = "set"}); }
  void jump(const std::string& to) { emit({.op = Op::jump, .labels = {to}, .text = "go on"}); }
  void if_equal(Operand a, Operand b, const std::string& to, std::string text) {
    emit({.op = Op::jump_equal, .a = a, .b = b, .labels = {to}, .text = std::move(text)});
  }
  std::string fresh(const std::string& name) { return name + "#" + std::to_string(count_++); }

  /// Any mm, any page.
  void choose_target() {
    const std::string other = fresh("other_mm"), page = fresh("page"), second = fresh("second"),
                      done = fresh("done");
    if (o_.mms > 1) emit({.op = Op::choose, .labels = {other}, .text = "of mm 0, or of mm 1"});
    set(r_mm, constant(0));
    jump(page);
    label(other);
    set(r_mm, constant(1));
    label(page);
    if (o_.pages > 1) emit({.op = Op::choose, .labels = {second}, .text = "page 0, or page 1"});
    set(r_page, constant(0));
    jump(done);
    label(second);
    set(r_page, constant(1));
    label(done);
  }

  void finish_operation() {
    set(r_pte, constant(none));
    set(r_cpus, constant(0));
    set(r_mm, constant(0));
    set(r_page, constant(0));
    set(r_next, constant(0));
    jump("loop");
  }

  void schedule() {
    const std::string lazy = fresh("lazy"), user1 = fresh("user1"), go = fresh("go");
    source_ = "context_switch";
    if (o_.mms > 1) {
      emit({.op = Op::choose,
            .labels = {lazy, user1},
            .text = "next: a task of mm 0, a kernel thread, a task of mm 1"});
    } else {
      emit(
          {.op = Op::choose, .labels = {lazy}, .text = "next: a task of mm 0, or a kernel thread"});
    }
    set(r_next, constant(0));
    jump(go);
    label(user1);
    set(r_next, constant(1));
    label(go);
    emit({.op = Op::disable, .text = "interrupts off"});
    const std::string same = fresh("same"), out = fresh("out"), bit_there = fresh("bit_there");
    source_ = "switch_mm";
    if_equal(active_mm, r_next, same, "prev == next?");
    set(tlb_state, TLBSTATE_OK);
    set(loaded, r_next);
    const auto mark = [&](bool late) {
      emit({.op = Op::set_bit,
            .at = of_mm(Place::mask, r_next),
            .text = "set the CPU in mm_cpumask(next)",
            .switching = late});
    };
    const auto unmark = [&] {
      const std::string no_prev = fresh("no_prev");
      if_equal(active_mm, nobody, no_prev, "prev is init_mm?");
      emit({.op = Op::clear_bit,
            .at = of_mm(Place::mask, active_mm),
            .text = "clear the CPU in mm_cpumask(prev)"});
      label(no_prev);
    };
    if (!broken(Break::mask_before_cr3)) mark(false);
    emit(
        {.op = Op::load_cr3, .a = r_next, .b = constant(0), .text = "load CR3 with next's tables"});
    if (broken(Break::mask_before_cr3)) mark(true);
    unmark();
    jump(out);
    label(same);
    set(tlb_state, TLBSTATE_OK);
    emit({.op = Op::load,
          .at = of_mm(Place::mask, r_next),
          .to = r_cpus,
          .text = "is the CPU in mm_cpumask(next)?"});
    emit({.op = Op::jump_bit,
          .a = r_cpus,
          .b = self,
          .labels = {out},
          .text = "it is: was lazy and nothing happened"});
    emit({.op = Op::set_bit,
          .at = of_mm(Place::mask, r_next),
          .text = "set the CPU in mm_cpumask(next)"});
    emit(
        {.op = Op::load_cr3, .a = r_next, .b = constant(0), .text = "load CR3 with next's tables"});
    label(out);
    set(current_mm, r_next);
    set(active_mm, r_next);
    emit({.op = Op::enable, .text = "interrupts on"});
    finish_operation();

    source_ = "enter_lazy_tlb";
    label(lazy);
    emit({.op = Op::disable, .text = "interrupts off"});
    const std::string not_ok = fresh("not_ok");
    if_equal(tlb_state, TLBSTATE_LAZY, not_ok, "already lazy?");
    set(tlb_state, TLBSTATE_LAZY);
    label(not_ok);
    set(current_mm, nobody);
    emit({.op = Op::enable, .text = "interrupts on"});
    finish_operation();
  }

  void leave_mm() {
    const std::string out = fresh("left");
    const std::string_view outer = std::exchange(source_, "leave_mm");
    emit({.op = Op::load,
          .at = of_mm(Place::mask, loaded),
          .to = r_cpus,
          .text = "is the CPU in the mask?"});
    const std::string in = fresh("in_mask");
    emit({.op = Op::jump_bit, .a = r_cpus, .b = self, .labels = {in}, .text = "yes"});
    jump(out);
    label(in);
    emit({.op = Op::clear_bit,
          .at = of_mm(Place::mask, loaded),
          .text = "clear the CPU in the mask"});
    // Broken, the window between mask and CR3 stays open.
    if (!broken(Break::leave_loads_cr3))
      emit({.op = Op::load_cr3,
            .a = nobody,
            .b = constant(0),
            .text = "load CR3 with swapper's tables",
            .switching = true});
    label(out);
    source_ = outer;
  }

  /// flush_tlb_others: to the processors of r_mm's mask.
  void others(Operand page) {
    const std::string some = fresh("some"), none_left = fresh("none_left");
    const std::string_view outer = std::exchange(source_, "flush_tlb_others");
    emit({.op = Op::load, .at = of_mm(Place::mask), .to = r_cpus, .text = "load mm_cpumask(mm)"});
    emit({.op = Op::jump_other, .a = r_cpus, .labels = {some}, .text = "another CPU in it?"});
    jump(none_left);
    label(some);
    emit({.op = Op::tell, .a = r_mm, .to = of(Payload::mm), .text = "info.mm"});
    emit({.op = Op::tell, .a = page, .to = of(Payload::page), .text = "info.start"});
    emit({.op = Op::send, .a = r_cpus, .text = "send the interrupts"});
    if (!broken(Break::wait_for_all))
      emit({.op = Op::wait, .text = "wait for the acknowledgements"});
    label(none_left);
    source_ = outer;
  }

  /// flush_tlb_page or flush_tlb_mm_range of r_mm: one page, or all.
  void flush(bool page_form, bool all) {
    const std::string away = fresh("away"), kthread = fresh("kthread"), remote = fresh("remote"),
                      remote_all = fresh("remote_all"), out = fresh("flushed");
    const std::string_view outer =
        std::exchange(source_, page_form ? "flush_tlb_page" : "flush_tlb_mm_range");
    if_equal(active_mm, r_mm, remote + "local", "is mm the active one?");
    if (!broken(page_form ? Break::barrier_in_page : Break::barrier_in_mm_range))
      emit({.op = Op::barrier, .text = "full barrier"});
    jump(remote_all);
    label(remote + "local");
    if_equal(current_mm, nobody, kthread, "a kernel thread that borrows it?");
    if (all) {
      emit({.op = Op::load_cr3, .a = r_mm, .b = constant(0), .text = "reload CR3"});
      jump(remote_all);
    } else {
      emit({.op = Op::invlpg, .a = r_page, .text = "INVLPG"});
      others(r_page);
      jump(out);
    }
    label(kthread);
    leave_mm();
    emit({.op = Op::barrier, .text = "full barrier"});
    label(remote_all);
    others(page_form ? r_page : everything);
    label(out);
    source_ = outer;
  }

  void unmap() {
    label("unmap");
    source_ = "zap_pte_range";
    choose_target();
    emit({.op = Op::acquire, .at = of_mm(Place::lock), .text = "lock the mm"});
    emit({.op = Op::load, .at = pte(), .to = r_pte, .text = "read the PTE", .locked = true});
    // A plain store, as where a whole mm is torn down; elsewhere the PTE is exchanged, which is a
    // barrier of its own.
    emit({.op = Op::store, .a = constant(none), .at = pte(), .text = "clear the PTE"});
    const Step free{.op = Op::free_frame, .a = r_pte, .b = r_mm, .text = "free the page"};
    if (broken(Break::flush_before_free)) emit(free);
    flush(false, false);
    emit({.op = Op::forbid, .at = pte(), .text = "the flush is done"});
    if (!broken(Break::flush_before_free)) emit(free);
    emit({.op = Op::release, .at = of_mm(Place::lock), .text = "unlock the mm"});
    finish_operation();
  }

  void protect() {
    label("protect");
    source_ = "ptep_clear_flush";
    choose_target();
    emit({.op = Op::acquire, .at = of_mm(Place::lock), .text = "lock the mm"});
    emit({.op = Op::load, .at = pte(), .to = r_pte, .text = "read the PTE", .locked = true});
    const std::string skip = fresh("skip"), w0 = fresh("w0"), w1 = fresh("w1"), go = fresh("go");
    if_equal(r_pte, constant(pte_value(0, true)), w0, "writable?");
    if_equal(r_pte, constant(pte_value(1, true)), w1, "writable?");
    jump(skip);
    label(w0);
    emit({.op = Op::permit,
          .a = constant(pte_value(0, false)),
          .at = pte(),
          .text = "allowed from now on"});
    emit({.op = Op::store,
          .a = constant(pte_value(0, false)),
          .at = pte(),
          .text = "write-protect the PTE"});
    jump(go);
    label(w1);
    emit({.op = Op::permit,
          .a = constant(pte_value(1, false)),
          .at = pte(),
          .text = "allowed from now on"});
    emit({.op = Op::store,
          .a = constant(pte_value(1, false)),
          .at = pte(),
          .text = "write-protect the PTE"});
    label(go);
    flush(true, false);
    emit({.op = Op::forbid, .at = pte(), .text = "the flush is done"});
    label(skip);
    emit({.op = Op::release, .at = of_mm(Place::lock), .text = "unlock the mm"});
    finish_operation();
  }

  void map() {
    label("map");
    source_ = "do_anonymous_page";
    choose_target();
    emit({.op = Op::acquire, .at = of_mm(Place::lock), .text = "lock the mm"});
    emit({.op = Op::load, .at = pte(), .to = r_pte, .text = "read the PTE", .locked = true});
    const std::string skip = fresh("skip"), f1 = fresh("f1"), put = fresh("put"),
                      there = fresh("there");
    if_equal(r_pte, constant(none), there, "nothing there?");
    jump(skip);
    label(there);
    emit({.op = Op::load,
          .at = of_mm(Place::pmd),
          .to = r_cpus,
          .text = "is there a table?",
          .locked = true});
    if_equal(r_cpus, constant(1), put + "t", "yes");
    emit({.op = Op::own_table, .a = r_mm, .text = "allocate a table"});
    emit({.op = Op::store, .a = constant(1), .at = of_mm(Place::pmd), .text = "hang it in"});
    label(put + "t");
    set(r_pte, constant(pte_value(0, true)));
    if_equal(r_page, constant(0), put, "page 0 has frame 0");
    set(r_pte, constant(pte_value(1, true)));
    label(put);
    emit({.op = Op::own_frame, .a = r_pte, .b = r_mm, .text = "allocate the page"});
    emit({.op = Op::permit, .a = r_pte, .at = pte(), .text = "allowed from now on"});
    emit({.op = Op::store, .a = r_pte, .at = pte(), .text = "set the PTE"});
    label(skip);
    emit({.op = Op::release, .at = of_mm(Place::lock), .text = "unlock the mm"});
    finish_operation();
  }

  void free_table() {
    label("free_table");
    source_ = "free_pgtables";
    const std::string one = fresh("mm1"), go = fresh("go"), skip = fresh("skip");
    if (o_.mms > 1) emit({.op = Op::choose, .labels = {one}, .text = "of mm 0, or of mm 1"});
    set(r_mm, constant(0));
    jump(go);
    label(one);
    set(r_mm, constant(1));
    label(go);
    emit({.op = Op::acquire, .at = of_mm(Place::lock), .text = "lock the mm"});
    for (int page = 0; page < o_.pages; ++page) {
      set(r_page, constant(page));
      const std::string next = fresh("next");
      emit({.op = Op::load,
            .at = pte(),
            .to = r_pte,
            .text = "is the page unmapped?",
            .locked = true});
      if_equal(r_pte, constant(none), next, "yes");
      jump(skip);
      label(next);
    }
    emit({.op = Op::store,
          .a = constant(0),
          .at = of_mm(Place::pmd),
          .text = "clear the PMD entry"});
    if (!broken(Break::flush_of_tables)) flush(false, true);
    emit({.op = Op::free_table, .a = r_mm, .text = "free the table"});
    label(skip);
    emit({.op = Op::release, .at = of_mm(Place::lock), .text = "unlock the mm"});
    finish_operation();
  }

  void handler() {
    source_ = "flush_tlb_func";
    label("interrupt");
    const std::string ours = fresh("ours"), ok = fresh("ok"), all = fresh("all"),
                      out = fresh("out");
    if_equal(of(Payload::mm), loaded, ours, "for the mm that is loaded?");
    jump(out);
    label(ours);
    if_equal(tlb_state, TLBSTATE_OK, ok, "TLBSTATE_OK?");
    if (!broken(Break::lazy_is_told)) leave_mm();
    jump(out);
    label(ok);
    if_equal(of(Payload::page), everything, all, "everything?");
    emit({.op = Op::invlpg, .a = of(Payload::page), .text = "INVLPG"});
    jump(out);
    label(all);
    emit({.op = Op::load_cr3, .a = loaded, .b = constant(0), .text = "reload CR3"});
    label(out);
    set(r_cpus, constant(0));
    emit({.op = Op::iret, .text = "acknowledge, and return"});
  }

  const Linux46 o_;
  Program p_;
  std::string_view source_;
  int count_ = 0;
};

constexpr BreakText breaks[] = {
    {Break::barrier_in_mm_range, "barrier-in-mm-range",
     "flush_tlb_mm_range loads the mask without a barrier where nothing is flushed here",
     "CVE-2016-2069, fixed in 4.5 (71b3c126e611)"},
    {Break::barrier_in_page, "barrier-in-page", "the same in flush_tlb_page",
     "4.5 to 4.12, 4.6 among them (ca6c99c07948)"},
    {Break::mask_before_cr3, "mask-before-cr3",
     "switch_mm loads CR3 before it sets the CPU in the mask", "CVE-2016-2069, the other half"},
    {Break::leave_loads_cr3, "leave-loads-cr3",
     "leave_mm clears the CPU in the mask and goes on with the mm's tables",
     "2.4 before 2.4.19, seen on the Pentium 4 in May 2002"},
    {Break::lazy_is_told, "lazy-is-told", "an interrupt does nothing where the CPU is lazy", ""},
    {Break::wait_for_all, "wait-for-all", "the flush does not wait for the other CPUs", ""},
    {Break::flush_before_free, "flush-before-free", "the page is freed before the flush",
     "the order of CVE-2018-18281 and CVE-2022-39188"},
    {Break::flush_of_tables, "flush-of-tables", "a page table is freed without a flush",
     "flush_tlb_pgtables of 2.4.0, a no-op"},
};

}  // namespace

std::span<const BreakText> linux46_breaks() {
  return breaks;
}

System linux46(const Linux46& o) {
  System s;
  s.name = "linux-4.6";
  s.cpus = o.cpus;
  s.mms = o.mms;
  s.pages = o.pages;
  s.programs.push_back(Builder(o).build());
  // Nothing is mapped, and nothing may be cached.
  s.initial.freed_frames = static_cast<Byte>((1 << (o.mms * 2)) - 1);
  s.initial.freed_tables = static_cast<Byte>((1 << o.mms) - 1);
  for (int m = 0; m < std::min(o.mms, max_mms); ++m)
    for (int page = 0; page < std::min(o.pages, max_pages); ++page)
      s.initial.forbidden[m * max_pages + page] = every_value;
  for (int c = 0; c < std::min(o.cpus, max_cpus); ++c) {
    Cpu& cpu = s.initial.cpus[c];
    for (const Own own : {Own::current_mm, Own::active_mm, Own::loaded_mm})
      cpu.own[static_cast<int>(own)] = no_mm;
    cpu.own[static_cast<int>(Own::tlb_state)] = 2;
  }
  return s;
}

}  // namespace mmuref::spec::protocol
