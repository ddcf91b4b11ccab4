// The page walk: one linear address, one access, one answer.
//
// SDM vol. 3, "Linear-Address Translation with 4-Level Paging and 5-Level Paging" (4.5.4), "Access
// Rights" (4.6), "Page-Fault Exceptions" (4.7). No TLB takes part: every entry is read from memory.
#pragma once

#include <concepts>
#include <type_traits>

#include "model/x86/fault.h"
#include "model/x86/linear_address.h"
#include "model/x86/rights.h"
#include "model/x86/rule.h"

namespace mmuref::x86 {

/// Physical memory as a walk sees it: `read` gives the 8 bytes at an 8-byte aligned address.
template <class M, class W>
concept PhysicalMemory = requires(const M& memory, const W& address) {
  { memory.read(address) } -> std::convertible_to<W>;
};

/// An entry the walk read, in the order of reading.
template <class W>
struct Step {
  int level;
  W address;  ///< physical address of the entry
  W value;    ///< what it held
};

/// What a step decided, for those who watch.
enum class Decision : unsigned char {
  table,        ///< references the next table
  leaf,         ///< maps the page
  not_present,  ///< P=0
  reserved,     ///< a reserved bit is set
};

/// The answer of a walk.
template <class W>
struct Walk {
  Outcome outcome = Outcome::translated;
  Rule rule = Rule::translated;
  int level = 0;             ///< of the leaf, or of the entry that faulted; 0 if none was read
  int count = 0;             ///< entries read; `steps[0]` is the root's
  Step<W> steps[max_level];  ///< the first `count` are set
  W physical_address{};      ///< when translated
  W error_code{};            ///< when an exception
  Rights<W> rights{};        ///< what all entries read grant together
  Denials<W> denials{};      ///< when rights deny a valid translation: every cause
  Bool<W> write = false;     ///< the access was a write

  constexpr const Step<W>& last() const { return steps[count - 1]; }

  constexpr void page_fault(const Paging<W>& p, const Access<W>& a, Rule why,
                            const FaultCause<W>& cause) {
    outcome = Outcome::page_fault;
    rule = why;
    error_code = x86::error_code(p, a, cause);
  }
};

/// Watches nothing.
struct NoTrace {
  template <class W>
  constexpr void operator()(const Step<W>&, Decision, const Rights<W>&) const {}
};

/// Which reserved bit of `set` (not empty) is named as the cause: the lowest rule that applies.
template <class W>
constexpr Rule reserved_rule(const W& set, int level, bool leaf) {
  if (leaf && level > 1 && has(set, bits(level_shift(level) - 1, page_shift + 1))) {
    return Rule::reserved_large_frame;
  }
  if (has(set, entry::address_mask)) return Rule::reserved_address;
  if (has(set, entry::PS)) return Rule::reserved_page_size;
  if (has(set, entry::G)) return Rule::reserved_global;
  return Rule::reserved_execute_disable;
}

/// Judges the rights of a valid translation: a page fault, or the physical address. `leaf` maps the
/// page of `result.level`, `result.rights` is what all entries grant together.
template <class W>
constexpr void judge(const Paging<W>& p, const Access<W>& a, const W& leaf, Walk<W>& result) {
  const Denials<W> denied = denials(p, a, result.rights, leaf);
  if (denied.any()) {
    result.denials = denied;
    return result.page_fault(p, a, first_denial(denied), {.present = true, .key = denied.key()});
  }

  // Bits 12 and up to the page size hold PAT and reserved zeros in a large leaf, not address.
  const W offset_mask{bit(level_shift(result.level)) - 1};
  result.physical_address = (leaf & p.frame_mask & ~offset_mask) | (a.va & offset_mask);
}

/// Walks from the `level` table at `table` down; `result.rights` is what the entries above grant.
template <class W, PhysicalMemory<W> Memory, class Trace>
constexpr void descend(const Paging<W>& p, const Access<W>& a, const Memory& memory, Trace& trace,
                       int level, W table, Walk<W>& result) {
  for (;; --level) {
    Step<W>& step = result.steps[result.count++];
    step.level = level;
    step.address = table | (table_index(a.va, level) << 3);
    step.value = memory.read(step.address);
    const W e = step.value;
    result.level = level;

    // P=0 ends the walk and nothing else in the entry matters.
    if (!has(e, entry::P)) {
      trace(step, Decision::not_present, result.rights);
      return result.page_fault(p, a, Rule::not_present, {});
    }

    const bool leaf = static_cast<bool>(is_leaf(e, level));
    const W reserved = e & (leaf ? p.reserved.leaf[level] : p.reserved.table[level]);
    if (reserved != W{0}) {
      trace(step, Decision::reserved, result.rights);
      return result.page_fault(p, a, reserved_rule(reserved, level, leaf),
                               {.present = true, .reserved = true});
    }

    result.rights.add(e);
    trace(step, leaf ? Decision::leaf : Decision::table, result.rights);
    if (leaf) break;
    table = e & p.frame_mask;
  }

  // Rights are judged only once the whole walk is valid.
  judge(p, a, result.last().value, result);
}

/// A non-canonical address reaches no paging structure.
template <class W>
constexpr bool refuse_non_canonical(const Access<W>& a, int levels, Walk<W>& result) {
  if (canonical(a.va, linear_width(levels))) return false;
  result.outcome = a.stack ? Outcome::stack_fault : Outcome::general_protection;
  result.rule = Rule::non_canonical;
  result.error_code = W{0};
  return true;
}

/// `walk` for a number of levels known where it is compiled, so that shifts and masks are
/// constants.
template <int levels, class W, PhysicalMemory<W> Memory, class Trace>
constexpr void walk_levels(const Paging<W>& p, const Access<W>& a, const Memory& memory,
                           Trace& trace, Walk<W>& result) {
  if (refuse_non_canonical(a, levels, result)) return;
  descend(p, a, memory, trace, levels, p.table_base, result);
}

/// Translates `a.va`. `trace(step, decision, rights)` is called for each entry read.
template <class W, PhysicalMemory<W> Memory, class Trace = NoTrace>
constexpr Walk<W> walk(const Paging<W>& p, const Access<W>& a, const Memory& memory,
                       Trace&& trace = {}) {
  Walk<W> result;
  result.write = a.write;
  // Clearing the steps costs as much as walking; only a constant may hold nothing unset.
  if (std::is_constant_evaluated()) {
    for (Step<W>& step : result.steps) step = Step<W>{};
  }
  if (p.la57) {
    walk_levels<5>(p, a, memory, trace, result);
  } else {
    walk_levels<4>(p, a, memory, trace, result);
  }
  return result;
}

}  // namespace mmuref::x86
