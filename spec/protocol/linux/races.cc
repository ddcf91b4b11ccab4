#include "spec/protocol/linux/races.h"

#include <algorithm>

namespace mmuref::spec::protocol {
namespace {

constexpr Operand writable = constant(pte_value(0, true)),
                  read_only = constant(pte_value(0, false));

}  // namespace

void Races::first_page() {
  code_.set(r_mm, constant(0));
  page(0);
}

/// `block`, with the PTE of page 0 in r_pte.
void Races::under_lock(std::string_view function, const Code::Block& block) {
  code_.in(function, [&] {
    first_page();
    simple_.lock();
    simple_.read_pte();
    block();
    simple_.unlock();
  });
}

void Races::take_pte() {
  code_.add({.op = Op::exchange, .a = constant(none), .at = pte(), .to = r_pte},
            "take the PTE out");
}

void Races::put_pte(Operand value, const std::string& text) {
  code_.add({.op = Op::permit, .a = value, .at = pte()});
  code_.add({.op = Op::store, .a = value, .at = pte()}, text);
}

void Races::promise() {
  code_.add({.op = Op::forbid, .at = pte()}, "the flush is done");
}

void Races::free_page() {
  code_.add({.op = Op::free_frame, .a = r_pte, .b = r_mm}, "free the page");
}

/// At page 0, unless page 1 has it.
void Races::map_either() {
  code_.in("do_anonymous_page", [&] {
    first_page();
    simple_.lock(true);
    page(1);
    simple_.lock(true);
    simple_.read_pte();
    code_.when(equal(r_pte, constant(none)), {}, [&] {
      page(0);
      simple_.read_pte();
      code_.when(equal(r_pte, constant(none)), {}, [&] {
        code_.add({.op = Op::own_frame, .a = writable, .b = r_mm}, "allocate the page");
        put_pte(writable, "set the PTE");
      });
    });
    page(1);
    simple_.unlock();
    page(0);
    simple_.unlock();
  });
}

void Races::move_ptes() {
  code_.in("move_ptes", [&] {
    first_page();
    simple_.lock(true);
    page(1);
    simple_.lock(true);
    page(0);
    take_pte();
    page(1);
    code_.when(
        equal(r_pte, constant(none)), {}, [] {}, [&] { put_pte(r_pte, "set the new PTE"); });
    page(0);
    if (race_.flush_under_lock) {
      flush_(Flush::range);
      promise();
    }
    page(1);
    simple_.unlock();
    page(0);
    simple_.unlock();
    if (!race_.flush_under_lock) flush_(Flush::range);
  });
}

void Races::driver_maps() {
  under_lock("vm_insert_pfn", [&] {
    code_.when(equal(r_pte, constant(none)), {}, [&] {
      code_.add({.op = Op::own_frame, .a = writable, .b = r_mm}, "the driver has the page");
      put_pte(writable, "set the PTE");
    });
  });
}

void Races::munmap_pfn() {
  code_.in("zap_pte_range", [&] {
    first_page();
    simple_.lock();
    take_pte();
    if (!race_.flush_under_lock) simple_.unlock();
    flush_(Flush::range);
    if (race_.flush_under_lock) {
      promise();
      simple_.unlock();
    }
  });
}

void Races::unmap_mapping_range() {
  under_lock("unmap_mapping_range", [&] {
    code_.when(
        equal(r_pte, constant(none)), "nothing mapped?", [] {},
        [&] {
          take_pte();
          flush_(Flush::range);
          promise();
        });
    code_.add({.op = Op::free_frame, .a = writable, .b = r_mm}, "the driver frees the page");
  });
}

void Races::change_protection() {
  code_.in("change_protection", [&] {
    first_page();
    const At pending = of_mm(Place::pending);
    if (race_.pending_is_counted) {
      code_.add({.op = Op::increment, .at = pending, .to = r_flag}, "one more flush is pending");
    } else {
      code_.add({.op = Op::store, .a = yes, .at = pending}, "a flush is pending");
    }
    const auto done = [&] {
      if (race_.pending_is_counted) {
        code_.add({.op = Op::decrement, .at = pending}, "one less is pending");
      } else {
        code_.add({.op = Op::store, .a = no, .at = pending}, "no flush is pending");
      }
    };
    simple_.lock();
    simple_.read_pte();
    code_.when(
        equal(r_pte, writable), "writable?",
        [&] {
          put_pte(read_only, "write-protect the PTE");
          simple_.unlock();
          flush_(Flush::range);
          done();
        },
        [&] {
          simple_.unlock();
          done();
        });
  });
}

void Races::write_protect_page() {
  under_lock("write_protect_page", [&] {
    code_.when(
        equal(r_pte, writable), "writable?",
        [&] {
          put_pte(read_only, "write-protect the PTE");
          flush_(Flush::page);
          promise();
        },
        [&] {
          code_.when(equal(r_pte, read_only), {}, [&] {
            if (race_.pending_is_checked) {
              code_.add({.op = Op::load, .at = of_mm(Place::pending), .to = r_flag});
              code_.when(
                  equal(r_flag, no), "no flush is pending?", [] {}, [&] { flush_(Flush::page); });
            }
            code_.add({.op = Op::forbid, .at = pte()}, "nobody can write any more");
          });
        });
  });
}

void Races::make_writable() {
  under_lock("do_wp_page", [&] {
    code_.when(equal(r_pte, read_only), {}, [&] { put_pte(writable, "make the PTE writable"); });
  });
}

void Races::map_free() {
  under_lock("do_anonymous_page", [&] {
    code_.when(equal(r_pte, constant(none)), {}, [&] {
      code_.add({.op = Op::allocate, .b = r_mm, .to = r_pte}, "allocate a page");
      code_.when(
          equal(r_pte, constant(none)), {}, [] {}, [&] { put_pte(r_pte, "set the PTE"); });
    });
  });
}

void Races::try_to_unmap() {
  code_.in("try_to_unmap_one", [&] {
    first_page();
    simple_.lock();
    take_pte();
    code_.when(
        equal(r_pte, constant(none)), "nothing mapped?", [&] { simple_.unlock(); },
        [&] {
          code_.add({.op = Op::store, .a = yes, .at = of_mm(Place::pending)},
                    "tlb_flush_batched = true");
          simple_.unlock();
          flush_(Flush::range);
          free_page();
        });
  });
}

void Races::munmap_checked() {
  under_lock("zap_pte_range", [&] {
    code_.when(
        equal(r_pte, constant(none)), "nothing mapped?",
        [&] {
          if (!race_.pending_is_checked) return;
          code_.add({.op = Op::load, .at = of_mm(Place::pending), .to = r_flag});
          code_.when(equal(r_flag, yes), "tlb_flush_batched?", [&] {
            flush_(Flush::mm);
            code_.add({.op = Op::store, .a = no, .at = of_mm(Place::pending)},
                      "tlb_flush_batched = false");
          });
        },
        [&] {
          take_pte();
          flush_(Flush::range);
          free_page();
        });
    code_.add({.op = Op::forbid, .at = pte()}, "the range is unmapped");
  });
}

void Races::munmap_both() {
  code_.in("unmap_vmas", [&] {
    first_page();
    simple_.lock(true);
    take_pte();
    page(1);
    simple_.lock(true);
    take_pte();
    page(0);
    flush_(race_.range_is_kept ? Flush::mm : Flush::range);
    for (const int p : {1, 0}) {
      page(p);
      promise();
      code_.add({.op = Op::free_frame, .a = constant(pte_value(p, true)), .b = r_mm},
                "free the page");
      simple_.unlock();
    }
  });
}

std::vector<Code::Option> Races::all() {
  switch (race_.shape) {
    case Race::Shape::mremap:
      return {{"map", [this] { map_either(); }},
              {"mremap", [this] { move_ptes(); }},
              {"unmap", [this] { simple_.unmap(); }}};
    case Race::Shape::pfn_map:
      return {{"map", [this] { driver_maps(); }},
              {"munmap", [this] { munmap_pfn(); }},
              {"the driver takes it back", [this] { unmap_mapping_range(); }}};
    case Race::Shape::flush_pending:
      return {{"map", [this] { driver_maps(); }},
              {"mprotect", [this] { change_protection(); }},
              {"merge", [this] { write_protect_page(); }},
              {"write fault", [this] { make_writable(); }}};
    case Race::Shape::reclaim:
      return {{"map", [this] { map_free(); }},
              {"reclaim", [this] { try_to_unmap(); }},
              {"munmap", [this] { munmap_checked(); }}};
    case Race::Shape::gather:
      return {{"map", [this] { simple_.map(); }}, {"munmap", [this] { munmap_both(); }}};
  }
  return {};
}

State tables_there(const Bounds& bounds) {
  State s = nothing_mapped(bounds.whole());
  s.freed_frames = static_cast<Byte>((1 << 2 * std::min(bounds.mms, max_mms)) - 1);
  s.freed_tables = 0;
  for (int mm = 0; mm < std::min(bounds.mms, max_mms); ++mm) s.memory[at(Place::pmd, mm)] = 1;
  return s;
}

System kernel_range(const Bounds& bounds, bool survives) {
  System s;
  s.name = "flush_tlb_kernel_range";
  observe(s, bounds);
  s.same_mms = false;
  s.mms = 1;
  const Operand keeps = survives ? yes : no;
  Code code;
  const auto flush = [&](Flush) {
    code.in("flush_tlb_kernel_range", [&] {
      code.add({.op = Op::invlpg, .a = r_page, .b = keeps}, "INVLPG");
      code.add({.op = Op::tell, .a = r_mm, .to = of(Payload::mm)});
      code.add({.op = Op::tell, .a = r_page, .to = of(Payload::page)});
      code.add({.op = Op::send, .a = constant(bit_of(bounds.cpus) - 1)}, "send the interrupts");
      code.add({.op = Op::wait}, "all have acknowledged");
    });
  };
  Operations operations(code, bounds, flush, {}, {});
  s.programs.push_back(code.finish(
      {{"map", [&] { operations.map(); }}, {"unmap", [&] { operations.unmap(); }}}, [&] {
        code.in("do_kernel_range_flush", [&] {
          code.add({.op = Op::invlpg, .a = of(Payload::page), .b = keeps}, "INVLPG");
        });
      }));
  s.initial = nothing_mapped(bounds);
  s.initial.memory[at(Place::mask, 0)] = static_cast<Byte>(bit_of(bounds.cpus) - 1);
  for (int c = 0; c < std::min(s.observed_cpus, max_cpus); ++c) {
    s.initial.cpus[c].cr3 = 0;
    s.initial.cpus[c].slots[0].mm = 0;
  }
  return s;
}

}  // namespace mmuref::spec::protocol
