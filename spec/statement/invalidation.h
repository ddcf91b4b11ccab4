// What an operation invalidates and when it faults, looked up in the rows of invalidation_rows.h.
//
// No function of model/x86/invalidation.h is used; only its types carry inputs.
#pragma once

#include "spec/statement/invalidation_rows.h"
#include "spec/statement/statement.h"

namespace mmuref::spec {

/// An operation where it meets a processor.
template <class W>
struct Stated {
  const x86::Processor<W>& cpu;
  const x86::Registers<W>& before;
  const x86::Operation<W>& op;

  Bool<W> canonical_address() const {
    const W top48 = op.address >> 47u, top57 = op.address >> 56u;
    const Bool<W> la57 = flag(before.cr4, 12);
    return (la57 & ((top57 == W{0}) | (top57 == W{0xff}))) |
           ((!la57) & ((top48 == W{0}) | (top48 == W{0x1ffff})));
  }

  W looked_at(Of of) const {
    switch (of) {
      case Of::cr0: return before.cr0;
      case Of::cr3: return before.cr3;
      case Of::cr4: return before.cr4;
      case Of::efer: return before.efer;
      case Of::descriptor: return op.descriptor;
      case Of::address: return op.address;
      case Of::nothing:
      case Of::operand: break;
    }
    return op.value;
  }

  Bool<W> holds(const Condition& c) const {
    if (c.of == Of::nothing) return true;
    const W word = looked_at(c.of);
    switch (c.holds) {
      case Holds::equal: return word == W{c.high};
      case Holds::above: return word > W{c.high};
      case Holds::canonical: return canonical_address();
      case Holds::crooked: return !canonical_address();
      case Holds::none: return !some_bit(c, [&](unsigned b) { return flag(word, b); });
      case Holds::some: break;
      case Holds::gained:
        return some_bit(c, [&](unsigned b) { return flag(op.value, b) & !flag(word, b); });
      case Holds::lost:
        return some_bit(c, [&](unsigned b) { return flag(word, b) & !flag(op.value, b); });
      case Holds::changed:
        return some_bit(c, [&](unsigned b) { return !(flag(op.value, b) == flag(word, b)); });
    }
    return some_bit(c, [&](unsigned b) { return flag(word, b); });
  }

  template <class Test>
  Bool<W> some_bit(const Condition& c, const Test& test) const {
    Bool<W> any = false;
    const bool by_width = c.low == from_maxphyaddr;
    for (unsigned b = by_width ? 32 : c.low; b <= c.high; ++b) {
      const Bool<W> counts = by_width ? W{b} >= cpu.maxphyaddr : Bool<W>(true);
      any = any | (counts & test(b));
    }
    return any;
  }

  template <class Row>
  Bool<W> applies(const Row& row) const {
    if (row.operation != op.kind) return false;
    Bool<W> all = true;
    for (const Condition& c : row.when) all = all & holds(c);
    return all;
  }

  W pcid(Pcid which) const {
    switch (which) {
      case Pcid::zero: break;
      case Pcid::current: return select(flag(before.cr4, 17), before.cr3 & W{0xfff}, W{0});
      case Pcid::loaded: return op.value & W{0xfff};
      case Pcid::described: return op.descriptor & W{0xfff};
    }
    return W{0};
  }

  /// Whether the operation raises `exception`.
  Bool<W> raises(x86::Exception exception) const {
    Bool<W> any = false;
    for (const FaultRow& row : fault_rows)
      if (row.exception == exception) any = any | applies(row);
    return any;
  }
};

/// Something cached for the linear address `va`.
template <class W>
struct Item {
  W va = 0;
  W pcid = 0;               ///< the one it was made under
  Bool<W> global = false;   ///< of a translation
  bool structure = false;   ///< of a paging-structure cache, else a translation
  unsigned untranslated{};  ///< the address bits it says nothing about: 12 of a 4-KByte page
};

template <class W>
Bool<W> goes(Goes how, const Item<W>& item, const W& address) {
  if (how == Goes::no) return false;
  if (how == Goes::all) return true;
  return (item.va >> item.untranslated) == (address >> item.untranslated);
}

/// Whether `row` names the item, where it speaks of `pcid` and `address`.
template <class W>
Bool<W> names(const InvalidationRow& row, const W& pcid, const W& address, const Item<W>& item) {
  const Bool<W> own = item.pcid == pcid;
  const auto column = [&](Goes mine, Goes theirs) {
    return (own & goes(mine, item, address)) | (goes(theirs, item, address) & !own);
  };
  if (item.structure) return column(row.own_structures, row.others_structures);
  return (item.global & column(row.own_global, row.others_global)) |
         (column(row.own, row.others) & !item.global);
}

/// Whether the operation must invalidate the item: some row that applies names it.
template <class W>
Bool<W> invalidates(const Stated<W>& stated, const Item<W>& item) {
  Bool<W> any = false;
  for (const InvalidationRow& row : invalidation_rows)
    any = any | (stated.applies(row) & names(row, stated.pcid(row.pcid), stated.op.address, item));
  return any;
}

}  // namespace mmuref::spec
