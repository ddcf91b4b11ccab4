// Anything that may be cached, and the walk of memory that it is held to.
#pragma once

#include "model/x86/tlb.h"
#include "spec/theorem.h"
#include "spec/theorems/inputs.h"

namespace mmuref::spec {

template <class S>
struct TlbInputs : WalkInputs<S> {
  using W = WordOf<S>;

  x86::Context<W> context() const { return x86::Context<W>::of(this->cpu, this->registers); }
};

/// Any processor, registers and access, to a canonical address.
template <class S>
TlbInputs<S> tlb_inputs(S& t) {
  TlbInputs<S> in{walk_inputs(t)};
  const unsigned width = has(in.registers.cr4, x86::cr4::LA57) ? 57 : 48;
  t.assume(x86::canonical(in.access.va, width));
  return in;
}

template <class W, class Memory>
void fill_from(const x86::Context<W>& c, const W& va, const Memory& memory,
               x86::Cached<W>& cached) {
  x86::fill(
      c, va, [&](const W& address) { return memory.read(address); }, cached);
}

/// The translation of a level under any tag.
template <class S>
x86::Translation<WordOf<S>> translation_inputs(S& t, int level, const std::string& suffix = "") {
  using W = WordOf<S>;
  x86::Translation<W> item;
  item.level = level;
  item.leaf = x86::cached_leaf(W{t.word("leaf" + suffix)}, level);
  item.rights =
      x86::cached_rights(x86::Rights<W>{t.word("every" + suffix), t.word("any" + suffix)});
  item.pcid = t.word("pcid" + suffix) & W{0xfff};
  item.global = t.flag("global" + suffix);
  return item;
}

template <class S>
x86::PartialWalk<WordOf<S>> structure_inputs(S& t, int level, const std::string& suffix = "") {
  using W = WordOf<S>;
  return {level, t.word("table" + suffix) & W{x86::entry::address_mask},
          x86::cached_rights(
              x86::Rights<W>{t.word("every above" + suffix), t.word("any above" + suffix)}),
          t.word("pcid above" + suffix) & W{0xfff}};
}

/// The walk of memory for any access that rights permit: where it leads, and what its entries grant
/// together. What rights then permit is `judge`, of these alone (cached-bits-decide).
template <class W>
struct Found {
  x86::Context<W> context;
  x86::Access<W> access;  ///< a supervisor's read, which nothing denies
  x86::Walk<W> walk;
  x86::Rights<W> above[x86::max_level + 1];  ///< by the level of the entry: of those above it

  bool valid() const { return walk.outcome == x86::Outcome::translated; }

  template <class Memory>
  static Found of(x86::Context<W> c, const W& va, const Memory& memory) {
    c.paging.smap = c.paging.pks = c.paging.pke = false;
    Found found{c, {}, {}, {}};
    found.access.va = va;
    const auto trace = [&](const x86::Step<W>& step, x86::Decision decision, auto& rights) {
      if (decision == x86::Decision::table) found.above[step.level - 1] = rights;
    };
    found.walk = x86::walk(c.paging, found.access, memory, trace);
    return found;
  }

  /// Whether a walk from `s` is the rest of this one.
  Bool<W> has_table(const x86::PartialWalk<W>& s) const {
    for (int i = 1; i < walk.count; ++i) {
      if (walk.steps[i].level != s.level) continue;
      return ((walk.steps[i].address & ~W{0xfff}) == s.table) &
             same(x86::cached_rights(above[s.level]), s.rights);
    }
    return false;
  }
  /// Whether `t` is the translation it finds.
  Bool<W> has_leaf(const x86::Translation<W>& t) const {
    if (!valid() || walk.level != t.level) return false;
    return (x86::cached_leaf(walk.last().value, t.level) == t.leaf) &
           same(x86::cached_rights(walk.rights), t.rights);
  }
};

/// Nothing that may be used differs from what the walk of memory finds.
template <class S, class W>
void prove_only(S& t, const Found<W>& found, const x86::Cached<W>& cached) {
  const W& pcid = found.context.pcid;
  for (const auto& s : cached.structures)
    t.prove(found.has_table(s) | !(s.pcid == pcid), "only tables that the walk reads");
  for (const auto& item : cached.translations)
    t.prove(found.has_leaf(item) | !((item.pcid == pcid) | item.global),
            "only the translation that the walk finds");
}

}  // namespace mmuref::spec
