#include "spec/protocol/linux/code.h"

#include <algorithm>
#include <array>

namespace mmuref::spec::protocol {

void choose_mm(Code& code, int mms, const std::string& what, const std::function<void()>& then) {
  std::vector<Code::Option> options;
  for (int mm = 0; mm < mms; ++mm)
    options.push_back(
        {what + " " + std::to_string(mm), [&code, mm] { code.set(r_mm, constant(mm)); }});
  code.choose("which mm", options);
  then();
}

void Operations::target() {
  const int mms = bounds_.observe_one ? 1 : bounds_.mms;
  const int pages = bounds_.observe_one ? 1 : bounds_.pages;
  choose_mm(code_, mms, "mm", [&] {
    std::vector<Code::Option> options;
    for (int page = 0; page < pages; ++page)
      options.push_back(
          {"page " + std::to_string(page), [this, page] { code_.set(r_page, constant(page)); }});
    code_.choose("which page", options);
  });
}

void Operations::lock(bool one_of_two) {
  code_.add({.op = Op::acquire, .at = {Place::lock, r_mm, r_page}, .locked = one_of_two}, "lock");
}

void Operations::unlock() {
  code_.add({.op = Op::release, .at = {Place::lock, r_mm, r_page}}, "unlock");
}

void Operations::read_pte() {
  code_.add({.op = Op::load, .at = pte(), .to = r_pte, .locked = true}, "read the PTE");
}

void Operations::unmap() {
  code_.in("zap_pte_range", [&] {
    target();
    lock();
    read_pte();
    // A plain store, as where a whole mm is torn down; elsewhere the PTE is exchanged, which is a
    // barrier of its own.
    code_.add({.op = Op::store, .a = constant(none), .at = pte()}, "clear the PTE");
    const auto free = [&] {
      code_.add({.op = Op::free_frame, .a = r_pte, .b = r_mm}, "free the page");
    };
    if (broken_.flush_before_free) free();
    flush_(Flush::range);
    code_.add({.op = Op::forbid, .at = pte()}, "the flush is done");
    if (!broken_.flush_before_free) free();
    unlock();
  });
}

void Operations::protect() {
  code_.in("ptep_clear_flush", [&] {
    target();
    lock();
    read_pte();
    for (const int frame : {0, 1}) {
      const Operand writable = constant(pte_value(frame, true));
      const Operand read_only = constant(pte_value(frame, false));
      code_.when(equal(r_pte, writable), {}, [&] {
        code_.add({.op = Op::permit, .a = read_only, .at = pte()});
        code_.add({.op = Op::store, .a = read_only, .at = pte()}, "write-protect the PTE");
        flush_(Flush::page);
        code_.add({.op = Op::forbid, .at = pte()}, "the flush is done");
      });
      if (bounds_.observe_one || bounds_.pages == 1) break;
    }
    unlock();
  });
}

void Operations::map() {
  code_.in("do_anonymous_page", [&] {
    target();
    lock();
    read_pte();
    code_.when(equal(r_pte, constant(none)), {}, [&] {
      code_.add({.op = Op::load, .at = of_mm(Place::pmd), .to = r_flag, .locked = true});
      code_.when(equal(r_flag, no), "no table yet?", [&] {
        code_.add({.op = Op::own_table, .a = r_mm}, "allocate a table");
        code_.add({.op = Op::store, .a = yes, .at = of_mm(Place::pmd)}, "hang it in");
      });
      code_.set(r_pte, constant(pte_value(0, true)));
      if (bounds_.pages > 1 && !bounds_.observe_one)
        code_.when(equal(r_page, constant(1)), {},
                   [&] { code_.set(r_pte, constant(pte_value(1, true))); });
      code_.add({.op = Op::own_frame, .a = r_pte, .b = r_mm}, "allocate the page");
      code_.add({.op = Op::permit, .a = r_pte, .at = pte()});
      code_.add({.op = Op::store, .a = r_pte, .at = pte()}, "set the PTE");
    });
    unlock();
  });
}

/// Tables are freed where nothing is mapped any more; all pages are locked.
void Operations::free_table() {
  const int pages = bounds_.observe_one ? 1 : bounds_.pages;
  code_.in("free_pgtables", [&] {
    choose_mm(code_, bounds_.observe_one ? 1 : bounds_.mms, "mm", [] {});
    const std::function<void(int)> page = [&](int p) {
      code_.set(r_page, constant(p));
      lock(pages > 1);
      read_pte();
      code_.when(equal(r_pte, constant(none)), {}, [&] {
        if (p + 1 < pages) {
          page(p + 1);
        } else {
          code_.add({.op = Op::store, .a = no, .at = of_mm(Place::pmd)}, "clear the PMD entry");
          if (!broken_.flush_of_tables) flush_(Flush::mm_and_tables);
          code_.add({.op = Op::free_table, .a = r_mm}, "free the table");
        }
      });
      code_.set(r_page, constant(p));
      unlock();
    };
    page(0);
  });
}

void Operations::elsewhere() {
  constexpr std::array words{"flush a page", "flush a range", "flush an mm",
                             "flush an mm and its tables"};
  std::vector<Code::Option> where;
  const auto add = [&](int mm, int page, const std::vector<Flush>& forms) {
    where.push_back(
        {"page " + std::to_string(page) + " of mm " + std::to_string(mm), [=, this] {
           code_.set(r_mm, constant(mm));
           code_.set(r_page, constant(page));
           lock();
           std::vector<Code::Option> how;
           for (const Flush form : forms)
             how.push_back({words[static_cast<std::size_t>(form)], [form, this] { flush_(form); }});
           code_.choose("how", how);
           unlock();
         }});
  };
  if (bounds_.pages > 1) add(0, 1, forms_.watched);
  if (bounds_.mms > 1)
    for (int page = 0; page < bounds_.pages; ++page) add(1, page, forms_.unwatched);
  code_.choose("where", where);
}

std::vector<Code::Option> Operations::all() {
  std::vector<Code::Option> options{{"map", [this] { map(); }},
                                    {"unmap", [this] { unmap(); }},
                                    {"write-protect", [this] { protect(); }},
                                    {"free the table", [this] { free_table(); }}};
  if (bounds_.observe_one && (bounds_.mms > 1 || bounds_.pages > 1))
    options.push_back({"elsewhere", [this] { elsewhere(); }});
  return options;
}

void observe(System& system, const Bounds& bounds) {
  system.cpus = bounds.cpus;
  system.mms = bounds.mms;
  system.pages = bounds.pages;
  system.same_mms = !bounds.observe_one;
  system.observed_mms = bounds.observe_one ? 1 : bounds.mms;
  system.observed_cpus = bounds.observe_one ? 1 : bounds.cpus;
}

State nothing_mapped(const Bounds& bounds) {
  State s;
  const int mms = bounds.observe_one ? 1 : std::min(bounds.mms, max_mms);
  const int pages = bounds.observe_one ? 1 : std::min(bounds.pages, max_pages);
  for (int m = 0; m < mms; ++m) {
    s.freed_frames |= static_cast<Byte>((pages == 1 ? 1 : 3) << 2 * m);
    s.freed_tables |= bit_of(m);
    for (int page = 0; page < pages; ++page) s.forbidden[m * max_pages + page] = every_value;
  }
  for (Cpu& cpu : s.cpus)
    for (const Own own : {Own::current_mm, Own::active_mm, Own::loaded_mm})
      cpu.own[static_cast<int>(own)] = no_mm;
  return s;
}

}  // namespace mmuref::spec::protocol
