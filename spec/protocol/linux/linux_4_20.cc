#include "spec/protocol/linux/linux_4_20.h"

#include <string>

namespace mmuref::spec::protocol {
namespace {

/// cpu_tlbstate.loaded_mm as its processor sees it, who alone writes it. Where others read it too,
/// it is also in Place::loaded.
constexpr Operand loaded = of(Own::loaded_mm), asid = of(Own::asid);
constexpr Operand no_context = constant(switching_mm), is_switching = constant(switching_mm);

class Linux420Code {
 public:
  Linux420Code(Code& code, const Linux420& options)
      : code_(code),
        o_(options),
        operations_(
            code, options.bounds, [this](Flush f) { flush_tlb_mm_range(f); }, options.operations,
            {{Flush::page, Flush::mm, Flush::mm_and_tables}, {Flush::mm, Flush::mm_and_tables}}),
        races_(code, options.bounds, {}, {.shape = Race::Shape::reclaim}) {}

  std::vector<Code::Option> operations() {
    std::vector<Code::Option> all = operations_.all();
    if (o_.batches)
      all = {{"map", [this] { races_.map_free(); }}, {"reclaim", [this] { try_to_unmap(); }}};
    all.insert(all.begin(), {"schedule", [this] { schedule(); }});
    return all;
  }

  void handler() {
    code_.in("flush_tlb_func", [&] {
      const auto ours = [&] { flush_tlb_func(of(Payload::page), of(Payload::generation)); };
      code_.when(equal(of(Payload::mm), nobody), {}, ours, [&] {
        code_.when(equal(of(Payload::mm), loaded), "for the mm that is loaded?", ours, [&] {
          if (o_.keeps_masks)
            code_.add({.op = Op::clear_bit, .at = of_mm(Place::mask, of(Payload::mm))},
                      "clear the CPU in the mask");
        });
      });
    });
  }

 private:
  void schedule() {
    code_.in("context_switch", [&] {
      code_.choose("next", {{"a task",
                             [&] {
                               choose_mm(code_, o_.bounds.mms, "of mm", [&] {
                                 code_.add({.op = Op::disable}, "interrupts off");
                                 switch_mm_irqs_off(r_mm);
                                 code_.add({.op = Op::enable}, "interrupts on");
                               });
                             }},
                            {"a kernel thread", [&] { enter_lazy_tlb(); }}});
    });
  }

  void enter_lazy_tlb() {
    code_.in("enter_lazy_tlb", [&] {
      code_.add({.op = Op::disable}, "interrupts off");
      code_.when(
          equal(loaded, nobody), {}, [] {},
          [&] {
            code_.add({.op = Op::store, .a = yes, .at = of_cpu(Place::lazy)}, "is_lazy = true");
          });
      code_.add({.op = Op::enable}, "interrupts on");
    });
  }

  void publish_loaded(Operand mm, const std::string& text) {
    if (o_.checks_loaded_mm)
      code_.add({.op = Op::store, .a = mm, .at = of_cpu(Place::loaded)}, text);
  }
  void load_generation(Operand to) {
    code_.add({.op = Op::load, .at = of_mm(Place::generation), .to = to}, "read the mm's tlb_gen");
  }
  void note(Operand mm, Operand slot, Operand generation) {
    code_.add({.op = Op::note_slot, .a = mm, .b = generation, .to = slot},
              "ctxs[].tlb_gen = the generation read");
  }
  void reload(Operand mm, Operand slot) {
    code_.add({.op = Op::load_cr3, .a = mm, .b = slot}, "load CR3, dropping the PCID");
  }
  void keep(Operand mm, Operand slot) {
    code_.add({.op = Op::keep_cr3, .a = mm, .b = slot}, "load CR3, keeping the PCID");
  }

  /// To r_mm, or to init_mm.
  void switch_mm_irqs_off(Operand next) {
    code_.in("switch_mm_irqs_off", [&] {
      code_.switching([&] {
        code_.add({.op = Op::load, .at = of_cpu(Place::lazy), .to = r_flag}, "was it lazy?");
        code_.when(equal(r_flag, yes), {}, [&] {
          code_.add({.op = Op::store, .a = no, .at = of_cpu(Place::lazy)}, "is_lazy = false");
        });
        if (next.kind == Operand::Kind::constant) return to_other(next);
        code_.when(
            equal(loaded, next), "loaded already?", [&] { to_same(); }, [&] { to_other(next); });
      });
    });
  }

  void to_same() {
    code_.when(equal(r_flag, yes), {}, [&] {
      if (o_.barrier_after_lazy) code_.add({.op = Op::barrier}, "full barrier");
      load_generation(r_newer);
      code_.when(
          equal(slot_generation, r_newer), "nothing missed?", [] {},
          [&] {
            note(r_mm, asid, r_newer);
            reload(r_mm, asid);
          });
    });
  }

  void to_other(Operand next) {
    const bool to_init = next.kind == Operand::Kind::constant;
    const Operand generation = to_init ? constant(1) : r_newer;
    if (o_.switching_before_masks) publish_loaded(is_switching, "loaded_mm = LOADED_MM_SWITCHING");
    if (!o_.keeps_masks) leave_mask();
    if (!to_init) {
      if (!o_.mask_before_generation) load_generation(r_newer);
      join_mask();
      if (o_.mask_before_generation) load_generation(r_newer);
    }
    code_.in("choose_new_asid", [&] {
      code_.add({.op = Op::choose_slot, .a = next, .b = generation, .to = r_asid},
                "the slot that has the mm, or the next one");
    });
    if (!o_.switching_before_masks) publish_loaded(is_switching, "loaded_mm = LOADED_MM_SWITCHING");
    code_.when(
        equal(r_flag, yes), "must it be flushed?",
        [&] {
          note(next, r_asid, generation);
          if (o_.new_slot_is_flushed) {
            reload(next, r_asid);
          } else {
            keep(next, r_asid);
          }
        },
        [&] { keep(next, r_asid); });
    code_.set(loaded, next);
    publish_loaded(next, "loaded_mm = next");
    code_.add({.op = Op::note_asid, .a = r_asid});
  }

  void leave_mask() {
    code_.when(
        equal(loaded, nobody), {}, [] {},
        [&] {
          code_.add({.op = Op::clear_bit, .at = of_mm(Place::mask, loaded)},
                    "clear the CPU in mm_cpumask(prev)");
        });
  }

  void join_mask() {
    const auto set = [&] {
      code_.add({.op = Op::set_bit, .at = of_mm(Place::mask)}, "set the CPU in mm_cpumask(next)");
    };
    if (o_.mask_always_locked) return set();
    code_.add({.op = Op::load, .at = of_mm(Place::mask), .to = r_cpus}, "is the CPU in the mask?");
    code_.when(
        has_bit(r_cpus, self), {}, [] {}, set);
  }

  /// With interrupts off. Of page `page`, to generation `generation`.
  void flush_tlb_func(Operand page, Operand generation) {
    code_.in("flush_tlb_func", [&] {
      code_.when(
          equal(loaded, nobody), {}, [] {},
          [&] {
            code_.add({.op = Op::load, .at = of_cpu(Place::lazy), .to = r_flag}, "lazy?");
            code_.when(
                equal(r_flag, yes), {},
                [&] {
                  if (o_.lazy_leaves) switch_mm_irqs_off(nobody);
                },
                [&] {
                  code_.set(r_mm, loaded);
                  unless_reached(page, generation);
                });
          });
    });
  }

  void unless_reached(Operand page, Operand generation) {
    if (o_.generation_before_flush) load_generation(r_older);
    const auto flush = [&] {
      const auto skip_old = [&](const Code::Block& then) {
        if (!o_.skips_old_flushes) return then();
        const auto unless_old = [&] {
          code_.when(less(slot_generation, generation), "older than the flush?", then);
        };
        if (!o_.batch_is_never_old) return unless_old();
        code_.when(equal(generation, no), {}, then, unless_old);
      };
      skip_old([&] { flush_now(page, generation); });
    };
    if (!o_.generation_before_flush) return flush();
    code_.when(
        equal(slot_generation, r_older), "is it the newest already?", [] {}, flush);
  }

  void flush_now(Operand page, Operand generation) {
    const auto full = [&] { reload(r_mm, asid); };
    const auto newest = [&] {
      const auto one = [&] { code_.add({.op = Op::invlpg, .a = page}, "INVLPG"); };
      if (!o_.partial_needs_newest || !o_.generation_before_flush) return one();
      code_.when(equal(generation, r_older), {}, one, full);
    };
    if (page.kind == Operand::Kind::constant) {
      full();
    } else {
      code_.when(equal(page, everything), {}, full, [&] {
        if (!o_.partial_needs_next) return newest();
        code_.when(follows(generation, slot_generation), "the next generation?", newest, full);
      });
    }
    if (!o_.generation_before_flush) load_generation(r_older);
    note(r_mm, asid, o_.notes_newest ? r_older : generation);
  }

  void flush_tlb_mm_range(Flush how) {
    const Operand page = how == Flush::page || how == Flush::range ? r_page : everything;
    code_.in("flush_tlb_mm_range", [&] {
      if (o_.flush_increments) {
        code_.add({.op = Op::increment, .at = of_mm(Place::generation), .to = r_newer},
                  "inc_mm_tlb_gen");
      } else {
        code_.add({.op = Op::barrier}, "full barrier");
        load_generation(r_newer);
      }
      const bool freed = how == Flush::mm_and_tables && o_.freed_tables_passed;
      if (o_.flushes_with_others) return flush_with_others(page, freed);
      flush_here(page, true);
      code_.in("native_flush_tlb_others", [&] {
        load_mask();
        choose_whom(freed);
        tell_others(r_mm, page, r_newer);
        code_.add({.op = Op::wait}, "all have acknowledged");
      });
    });
  }

  /// flush_tlb_multi interrupts the others, and then does here what they do.
  void flush_with_others(Operand page, bool freed) {
    load_mask();
    code_.when(
        has_others(r_cpus), "another CPU in it?",
        [&] {
          code_.in("flush_tlb_multi", [&] {
            choose_whom(freed);
            tell_others(r_mm, page, r_newer);
            flush_here(page, freed);
            code_.add({.op = Op::wait}, "all have acknowledged");
          });
        },
        [&] { flush_here(page, true); });
  }

  void load_mask() {
    code_.add({.op = Op::load, .at = of_mm(Place::mask), .to = r_cpus}, "load mm_cpumask(mm)");
  }
  void choose_whom(bool freed) {
    if (freed && o_.tables_tell_lazy) return;
    should_flush([this] { unless_loaded(); });
  }

  /// To the processors of r_cpus.
  void tell_others(Operand mm, Operand page, Operand generation) {
    code_.when(has_others(r_cpus), "another CPU to tell?", [&] {
      code_.add({.op = Op::tell, .a = mm, .to = of(Payload::mm)});
      code_.add({.op = Op::tell, .a = page, .to = of(Payload::page)});
      code_.add({.op = Op::tell, .a = generation, .to = of(Payload::generation)});
      code_.add({.op = Op::send, .a = r_cpus}, "send the interrupts");
    });
  }

  /// Between the test and CLI an interrupt may have switched to init_mm.
  void flush_here(Operand page, bool lazy_too) {
    code_.when(equal(loaded, r_mm), "loaded here?", [&] {
      code_.add({.op = Op::disable}, "interrupts off");
      flush_tlb_func_here(page, lazy_too);
      code_.add({.op = Op::enable}, "interrupts on");
    });
  }

  void flush_tlb_func_here(Operand page, bool lazy_too) {
    code_.in("flush_tlb_func", [&] {
      code_.when(equal(loaded, r_mm), {}, [&] {
        code_.add({.op = Op::load, .at = of_cpu(Place::lazy), .to = r_flag}, "lazy?");
        code_.when(
            equal(r_flag, yes), {},
            [&] {
              if (o_.lazy_leaves && lazy_too) switch_mm_irqs_off(nobody);
            },
            [&] { unless_reached(page, r_newer); });
      });
    });
  }

  /// Leaves in r_cpus the processors that need be told, asked in any order; of those that are not
  /// lazy `ask` decides, and may leave out r_cpu.
  void should_flush(const Code::Block& ask) {
    code_.in(o_.checks_loaded_mm ? "should_flush_tlb" : "tlb_is_not_lazy", [&] {
      code_.set(r_todo, r_cpus);
      code_.add({.op = Op::drop_bit, .b = self, .to = r_todo});
      ask_each(o_.bounds.cpus - 1, ask);
    });
  }
  void ask_each(int left, const Code::Block& ask) {
    if (left == 0) return;
    code_.when(has_others(r_todo), {}, [&] {
      code_.add({.op = Op::pick, .a = r_todo, .to = r_cpu});
      if (o_.checks_loaded_mm)
        code_.add({.op = Op::load, .at = of_cpu(Place::loaded, r_cpu), .to = r_seen},
                  "which mm has it loaded?");
      code_.add({.op = Op::load, .at = of_cpu(Place::lazy, r_cpu), .to = r_flag}, "is it lazy?");
      code_.when(
          equal(r_flag, yes), {}, [this] { leave_out(); }, ask);
      ask_each(left - 1, ask);
    });
  }
  void leave_out() { code_.add({.op = Op::drop_bit, .b = r_cpu, .to = r_cpus}, "not told"); }
  void unless_loaded() {
    if (!o_.checks_loaded_mm) return;
    code_.when(
        equal(r_seen, r_mm), {}, [] {},
        [&] {
          if (!o_.tests_switching) return leave_out();
          code_.when(
              equal(r_seen, is_switching), {}, [] {}, [this] { leave_out(); });
        });
  }

  /// Page 0 of mm 0, flushed with whatever else is in the batch.
  void try_to_unmap() {
    code_.in("try_to_unmap_one", [&] {
      code_.set(r_mm, constant(0));
      code_.set(r_page, constant(0));
      operations_.lock();
      code_.add({.op = Op::exchange, .a = constant(none), .at = pte(), .to = r_pte},
                "take the PTE out");
      code_.add({.op = Op::increment, .at = of_mm(Place::generation), .to = r_newer},
                "inc_mm_tlb_gen");
      code_.add({.op = Op::load, .at = of_mm(Place::mask), .to = r_cpus}, "load mm_cpumask(mm)");
      code_.add({.op = Op::add_bits, .a = r_cpus, .to = of(Own::batch)}, "batch its CPUs");
      operations_.unlock();
    });
    code_.in("arch_tlbbatch_flush", [&] {
      code_.when(has_bit(of(Own::batch), self), "this CPU?", [&] {
        code_.add({.op = Op::disable}, "interrupts off");
        flush_tlb_func(everything, no);
        code_.add({.op = Op::enable}, "interrupts on");
      });
      code_.set(r_cpus, of(Own::batch));
      code_.set(of(Own::batch), no);
      should_flush([] {});
      tell_others(nobody, everything, no);
      code_.add({.op = Op::wait}, "all have acknowledged");
      code_.set(r_mm, constant(0));  // the flush was of whatever mm is loaded
      code_.add({.op = Op::forbid_one, .a = r_pte, .at = pte()}, "the flush is done");
      code_.add({.op = Op::free_frame, .a = r_pte, .b = r_mm}, "free the page");
    });
  }

  Code& code_;
  const Linux420& o_;
  Operations operations_;
  Races races_;
};

}  // namespace

Linux420 options_4_20(const Bounds& bounds) {
  return {.bounds = bounds};
}

Linux420 options_6_12(const Bounds& bounds) {
  return {.bounds = bounds,
          .checks_loaded_mm = true,
          .switching_before_masks = true,
          .flushes_with_others = true,
          .skips_old_flushes = true};
}

System linux_4_20(const Linux420& o) {
  System s;
  s.name = o.checks_loaded_mm ? "linux-6.12" : "linux-4.20";
  s.asids = o.bounds.asids;
  observe(s, o.bounds);
  if (o.batches) s.same_mms = false;
  s.generations = true;
  s.promises.of_users_only = true;
  Code code;
  Linux420Code writer(code, o);
  s.programs.push_back(code.finish(writer.operations(), [&] { writer.handler(); }));
  s.initial = o.batches ? tables_there(o.bounds) : nothing_mapped(o.bounds);
  for (int mm = 0; mm < o.bounds.mms; ++mm) s.initial.memory[at(Place::generation, mm)] = 1;
  for (int c = 0; c < max_cpus; ++c) {
    Cpu& cpu = s.initial.cpus[c];
    for (Slot& slot : cpu.slots) slot.context = no_context.value;
    cpu.slots[0].context = no_mm;
    cpu.slots[0].generation = 1;
    cpu.own[static_cast<int>(Own::next_asid)] = 1;
    if (o.checks_loaded_mm) s.initial.memory[at(Place::loaded, c)] = no_mm;
  }
  return s;
}

}  // namespace mmuref::spec::protocol
