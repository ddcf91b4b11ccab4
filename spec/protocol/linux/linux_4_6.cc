#include "spec/protocol/linux/linux_4_6.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace mmuref::spec::protocol {
namespace {

constexpr Operand current_mm = of(Own::current_mm), active_mm = of(Own::active_mm),
                  loaded = of(Own::loaded_mm), tlb_state = of(Own::tlb_state);
constexpr Operand TLBSTATE_OK = constant(1), TLBSTATE_LAZY = constant(2);

class Linux46Code {
 public:
  Linux46Code(Code& code, const Linux46& options)
      : code_(code),
        o_(options),
        operations_(code, options.bounds, [this](Flush f) { flush(f); }, options.operations,
                    {{Flush::page, Flush::range, Flush::mm}, {Flush::page, Flush::mm}}) {
    if (o_.race)
      races_.emplace(
          code, o_.bounds, [this](Flush f) { flush(f); }, *o_.race);
  }

  std::vector<Code::Option> operations() {
    std::vector<Code::Option> all = races_ ? races_->all() : operations_.all();
    all.insert(all.begin(), {"schedule", [this] { schedule(); }});
    return all;
  }

  /// flush_tlb_func.
  void handler() {
    code_.in("flush_tlb_func", [&] {
      code_.when(equal(of(Payload::mm), loaded), "for the mm that is loaded?", [&] {
        code_.when(
            equal(tlb_state, TLBSTATE_OK), "TLBSTATE_OK?",
            [&] {
              code_.when(
                  equal(of(Payload::page), everything), {}, [&] { reload(loaded); },
                  [&] { invlpg(of(Payload::page)); });
            },
            [&] {
              if (o_.lazy_is_told) leave_mm();
            });
      });
    });
  }

 private:
  void schedule() {
    code_.in("context_switch", [&] {
      code_.choose(
          "next",
          {{"a task", [&] { choose_mm(code_, o_.bounds.mms, "of mm", [&] { switch_mm(); }); }},
           {"a kernel thread", [&] { enter_lazy_tlb(); }}});
    });
  }

  void enter_lazy_tlb() {
    code_.in("enter_lazy_tlb", [&] {
      code_.add({.op = Op::disable}, "interrupts off");
      code_.when(equal(tlb_state, TLBSTATE_OK), {},
                 [&] { code_.set(tlb_state, TLBSTATE_LAZY, "TLBSTATE_LAZY"); });
      code_.set(current_mm, nobody);
      code_.add({.op = Op::enable}, "interrupts on");
    });
  }

  void load_cr3(Operand mm, const std::string& text) {
    code_.add({.op = Op::load_cr3, .a = mm, .b = no}, text);
  }
  void reload(Operand mm) { load_cr3(mm, "reload CR3"); }
  void invlpg(Operand page) { code_.add({.op = Op::invlpg, .a = page}, "INVLPG"); }
  void set_mask() {
    code_.add({.op = Op::set_bit, .at = of_mm(Place::mask)}, "set the CPU in mm_cpumask(next)");
  }

  void switch_mm() {
    code_.in("switch_mm", [&] {
      if (o_.switch_irqs_off) code_.add({.op = Op::disable}, "interrupts off");
      code_.switching([&] {
        code_.when(
            equal(active_mm, r_mm), "prev == next?",
            [&] {
              bool tested = false;
              for (const SameStep s : o_.same_order) same(s, tested);
            },
            [&] {
              for (const SwitchStep s : o_.switch_order) other(s);
            });
        code_.set(current_mm, r_mm);
        code_.set(active_mm, r_mm);
      });
      if (o_.switch_irqs_off) code_.add({.op = Op::enable}, "interrupts on");
    });
  }

  void other(SwitchStep step) {
    switch (step) {
      case SwitchStep::state_ok: code_.set(tlb_state, TLBSTATE_OK, "TLBSTATE_OK"); break;
      case SwitchStep::active_mm: code_.set(loaded, r_mm, "active_mm = next"); break;
      case SwitchStep::set_mask: set_mask(); break;
      case SwitchStep::load_cr3: load_cr3(r_mm, "load CR3 with next's tables"); break;
      case SwitchStep::clear_mask:
        code_.when(
            equal(active_mm, nobody), "prev is init_mm?", [] {},
            [&] {
              code_.add({.op = Op::clear_bit,
                         .at = of_mm(Place::mask, o_.clears_prev ? active_mm : loaded)},
                        "clear the CPU in mm_cpumask(prev)");
            });
        break;
    }
  }

  /// Whichever of the two later steps comes first finds out whether the bit was set.
  void same(SameStep step, bool& tested) {
    if (step == SameStep::state_ok) return code_.set(tlb_state, TLBSTATE_OK, "TLBSTATE_OK");
    if (!tested) {
      code_.add({.op = Op::load, .at = of_mm(Place::mask), .to = r_cpus},
                "is the CPU in mm_cpumask(next)?");
    }
    tested = true;
    code_.when(
        has_bit(r_cpus, self), {}, [] {},
        [&] {
          if (step == SameStep::test_set) return set_mask();
          load_cr3(r_mm, "load CR3 with next's tables");
        });
  }

  void leave_mm() {
    code_.in("leave_mm", [&] {
      code_.add({.op = Op::load, .at = of_mm(Place::mask, loaded), .to = r_cpus},
                "is the CPU in the mask?");
      code_.when(has_bit(r_cpus, self), {}, [&] {
        code_.add({.op = Op::clear_bit, .at = of_mm(Place::mask, loaded)},
                  "clear the CPU in the mask");
        // Without it, the window between mask and CR3 stays open.
        if (o_.leave_loads_cr3)
          code_.switching([&] { load_cr3(nobody, "load CR3 with swapper's tables"); });
      });
    });
  }

  /// To the processors of r_mm's mask.
  void flush_tlb_others(Operand page) {
    code_.in("flush_tlb_others", [&] {
      code_.add({.op = Op::load, .at = of_mm(Place::mask), .to = r_cpus}, "load mm_cpumask(mm)");
      code_.when(has_others(r_cpus), "another CPU in it?", [&] {
        code_.add({.op = Op::tell, .a = r_mm, .to = of(Payload::mm)});
        code_.add({.op = Op::tell, .a = page, .to = of(Payload::page)});
        if (!o_.wait_irqs_on) code_.add({.op = Op::disable}, "interrupts off");
        code_.add({.op = Op::send, .a = r_cpus}, "send the interrupts");
        if (o_.wait_for_all) code_.add({.op = Op::wait}, "all have acknowledged");
        if (!o_.wait_irqs_on) code_.add({.op = Op::enable}, "interrupts on");
      });
    });
  }

  void flush(Flush how) {
    const bool page_form = how == Flush::page, one = page_form || how == Flush::range;
    code_.in(page_form ? "flush_tlb_page" : "flush_tlb_mm_range", [&] {
      const bool barrier = page_form ? o_.barrier_in_page : o_.barrier_in_mm_range;
      code_.when(
          equal(active_mm, r_mm), "is mm the active one?",
          [&] {
            code_.when(
                equal(current_mm, nobody), "a kernel thread that borrows it?",
                [&] {
                  leave_mm();
                  code_.add({.op = Op::barrier}, "full barrier");
                  // Nothing was flushed here page by page: others flush everything.
                  flush_tlb_others(page_form ? r_page : everything);
                },
                [&] {
                  if (one) {
                    invlpg(r_page);
                  } else {
                    reload(r_mm);
                  }
                  flush_tlb_others(one ? r_page : everything);
                });
          },
          [&] {
            if (barrier) code_.add({.op = Op::barrier}, "full barrier");
            flush_tlb_others(page_form ? r_page : everything);
          });
    });
  }

  Code& code_;
  const Linux46& o_;
  Operations operations_;
  std::optional<Races> races_;
};

}  // namespace

std::string order_text(const Linux46& o) {
  std::string text;
  for (const SwitchStep s : o.switch_order)
    text += "1a" + std::to_string(static_cast<int>(s) + 1) + ' ';
  for (const SameStep s : o.same_order)
    text += "1b" + std::to_string(static_cast<int>(s) + 1) + ' ';
  text.pop_back();
  return text;
}

namespace {

/// Calls `visit` with every order of `steps`, the first one first.
template <class Steps, class Visit>
void each_order(Steps steps, Visit visit) {
  std::ranges::sort(steps);
  do visit(steps);
  while (std::ranges::next_permutation(steps).found);
}

}  // namespace

std::vector<std::string> every_order() {
  std::vector<std::string> all;
  Linux46 o;
  each_order(o.switch_order, [&](const auto& order) {
    Linux46 other = o;
    other.switch_order = order;
    all.push_back(order_text(other));
  });
  each_order(o.same_order, [&](const auto& order) {
    Linux46 other = o;
    other.same_order = order;
    if (order != o.same_order) all.push_back(order_text(other));
  });
  return all;
}

bool masks_enclose_cr3(std::string_view order) {
  const auto place = [&](const char* step) { return order.find(step); };
  return place("1a3") < place("1a4") && place("1a4") < place("1a5") && place("1b2") < place("1b3");
}

void set_order(Linux46& options, std::string_view text) {
  bool found = false;
  each_order(options.switch_order, [&](const auto& order) {
    each_order(options.same_order, [&](const auto& same) {
      Linux46 other = options;
      other.switch_order = order;
      other.same_order = same;
      if (found || order_text(other) != text) return;
      found = true;
      options = other;
    });
  });
  if (!found)
    throw std::invalid_argument("expected 1a1 to 1a5 in some order, and 1b1 to 1b3 after them");
}

System linux_4_6(const Linux46& o) {
  System s;
  s.name = "linux-4.6";
  observe(s, o.race ? o.bounds.whole() : o.bounds);
  Code code;
  Linux46Code writer(code, o);
  s.programs.push_back(code.finish(writer.operations(), [&] { writer.handler(); }));
  if (o.race) s.same_mms = false;
  s.initial = o.race ? tables_there(o.bounds) : nothing_mapped(o.bounds);
  for (Cpu& cpu : s.initial.cpus) cpu.own[static_cast<int>(Own::tlb_state)] = TLBSTATE_LAZY.value;
  return s;
}

}  // namespace mmuref::spec::protocol
