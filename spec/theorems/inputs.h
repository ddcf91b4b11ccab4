// The inputs most theorems share, and memory seen through a change.
#pragma once

#include <string>

#include "model/x86/accessed_dirty.h"
#include "model/x86/walk.h"

namespace mmuref::spec {

template <class S>
using WordOf = typename S::Word;

/// Any processor, any registers.
template <class S>
struct MachineInputs {
  using W = WordOf<S>;
  x86::Processor<W> cpu;
  x86::Registers<W> registers;

  x86::Paging<W> paging() const { return x86::paging(cpu, registers); }
};

template <class S>
MachineInputs<S> machine_inputs(S& t) {
  MachineInputs<S> in;
  in.cpu.maxphyaddr = t.word("maxphyaddr");
  in.cpu.page1gb = t.flag("page1gb");
  in.cpu.amd = t.flag("amd");
  t.assume((in.cpu.maxphyaddr >= WordOf<S>{x86::min_maxphyaddr}) &
           (in.cpu.maxphyaddr <= WordOf<S>{x86::max_maxphyaddr}));
  in.registers.cr0 = t.word("cr0");
  in.registers.cr3 = t.word("cr3");
  in.registers.cr4 = t.word("cr4");
  in.registers.efer = t.word("efer");
  in.registers.pkru = t.word("pkru");
  in.registers.pkrs = t.word("pkrs");
  return in;
}

/// Any access; `suffix` tells several apart.
template <class S>
x86::Access<WordOf<S>> access_inputs(S& t, const std::string& suffix = "") {
  x86::Access<WordOf<S>> a;
  a.va = t.word("va" + suffix);
  a.write = t.flag("write" + suffix);
  a.fetch = t.flag("fetch" + suffix);
  a.cpl3 = t.flag("cpl3" + suffix);
  a.ac = t.flag("ac" + suffix);
  a.implicit = t.flag("implicit" + suffix);
  a.stack = t.flag("stack" + suffix);
  t.assume(!(a.write & a.fetch));
  return a;
}

template <class S>
struct WalkInputs : MachineInputs<S> {
  x86::Access<WordOf<S>> access;
  typename S::Memory memory;

  x86::Walk<WordOf<S>> walk() const { return x86::walk(this->paging(), access, memory); }
};

template <class S>
WalkInputs<S> walk_inputs(S& t) {
  return {machine_inputs(t), access_inputs(t), t.memory("memory")};
}

/// Whether the walk found a valid translation, whatever the rights say.
template <class W>
bool mapped(const x86::Walk<W>& w) {
  return w.outcome == x86::Outcome::translated ||
         (w.outcome == x86::Outcome::page_fault && w.rule >= x86::Rule::user_supervisor);
}

/// The entries an earlier walk read, in its order, each put through `change(step)`. Where that walk
/// read no further entry this answers not-present, so that a walk that reads more shows.
template <class W, class Change>
class Changed {
 public:
  Changed(const x86::Walk<W>& earlier, Change change) : earlier_(earlier), change_(change) {}

  W read(const W&) const {
    if (next_ == earlier_.count) return W{0};
    return change_(earlier_.steps[next_++]);
  }

 private:
  const x86::Walk<W>& earlier_;
  Change change_;
  mutable int next_ = 0;
};

/// The entries an earlier walk read, unchanged. A walk over them that asks for the same addresses
/// (`same_path`) is the walk over the memory they came from; the solver need not find that out.
template <class W>
auto replayed(const x86::Walk<W>& earlier) {
  return Changed(earlier, [](const x86::Step<W>& step) { return step.value; });
}

/// Two walks with one answer: outcome, level, error code and physical address.
template <class W>
Bool<W> same_answer(const x86::Walk<W>& a, const x86::Walk<W>& b) {
  if (a.outcome != b.outcome || a.level != b.level) return false;
  return (a.error_code == b.error_code) & (a.physical_address == b.physical_address);
}

/// The same entry in the same place at every step.
template <class W>
Bool<W> same_path(const x86::Walk<W>& a, const x86::Walk<W>& b) {
  if (a.count != b.count) return false;
  Bool<W> same = true;
  for (int i = 0; i < a.count; ++i) same = same & (a.steps[i].address == b.steps[i].address);
  return same;
}

}  // namespace mmuref::spec
