#include "diff/minimize.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

#include "diff/ledger.h"

namespace mmuref::diff {
namespace {

constexpr Word page_mask = bits(11, 0);

using Shows = std::function<bool(const Case&)>;

/// Makes `change` stick when what is left still shows. True when it did.
template <class Change>
bool attempt(Case& current, const Shows& shows, const Change& change) {
  Case candidate = current;
  change(candidate);
  if (!shows(candidate)) return false;
  current = std::move(candidate);
  return true;
}

Memory without(const Memory& memory, Word address) {
  Memory result;
  for (const auto& [a, value] : memory) {
    if (a != address) result.write(a, value);
  }
  return result;
}

bool drop_entries(Case& c, const Shows& shows) {
  bool changed = false;
  const Memory before = c.machine.memory;
  for (const auto& [address, value] : before) {
    changed |= attempt(c, shows, [a = address](Case& candidate) {
      candidate.machine.memory = without(candidate.machine.memory, a);
    });
  }
  return changed;
}

/// Clears the bits of the word that `word(case)` refers to, from the top.
template <class Access>
bool clear_bits(Case& c, const Shows& shows, const Access& word) {
  bool changed = false;
  for (Word left = word(c); left != 0;) {
    const Word top = std::bit_floor(left);
    left &= ~top;
    changed |= attempt(c, shows, [&](Case& candidate) { word(candidate) &= ~top; });
  }
  return changed;
}

bool clear_entry_bits(Case& c, const Shows& shows) {
  bool changed = false;
  const Memory before = c.machine.memory;
  for (const auto& [address, value] : before) {
    for (Word left = value; left != 0;) {
      const Word top = std::bit_floor(left);
      left &= ~top;
      changed |= attempt(c, shows, [a = address, top](Case& candidate) {
        Memory& memory = candidate.machine.memory;
        memory.write(a, memory.read(a) & ~top);
      });
    }
  }
  return changed;
}

bool clear_registers(Case& c, const Shows& shows) {
  bool changed = false;
  for (const auto r : {&Registers::cr0, &Registers::cr3, &Registers::cr4, &Registers::efer,
                       &Registers::pkru, &Registers::pkrs}) {
    changed |= clear_bits(c, shows, [r](Case& x) -> Word& { return x.machine.registers.*r; });
  }
  return changed;
}

bool simplify_access(Case& c, const Shows& shows) {
  bool changed = false;
  for (const auto flag : {&Access::write, &Access::fetch, &Access::cpl3, &Access::ac,
                          &Access::implicit, &Access::stack}) {
    if (!(c.access.*flag)) continue;
    changed |= attempt(c, shows, [flag](Case& x) { x.access.*flag = false; });
  }
  changed |= clear_bits(c, shows, [](Case& x) -> Word& { return x.access.va; });
  // A canonical address of the upper half loses its extension only as a whole.
  for (const unsigned width : {57U, 48U}) {
    if ((c.access.va & ~bits(width - 2, 0)) == 0) continue;
    changed |= attempt(c, shows, [width](Case& x) { x.access.va &= bits(width - 2, 0); });
  }
  return changed;
}

/// Puts `to` wherever the page `from` is a table or is referenced.
void move_page(Case& c, Word from, Word to) {
  const auto moved = [&](Word word) {
    const bool here = (word & x86::entry::address_mask) == from;
    return here ? (word & ~x86::entry::address_mask) | to : word;
  };
  Memory memory;
  for (const auto& [address, value] : c.machine.memory) {
    memory.write(moved(address), moved(value));
  }
  c.machine.memory = memory;
  c.machine.registers.cr3 = moved(c.machine.registers.cr3);
}

/// Tables at 0x1000, 0x2000, … in the order the entries have them.
bool move_tables(Case& c, const Shows& shows) {
  bool changed = false;
  std::vector<Word> pages;
  for (const auto& [address, value] : c.machine.memory) {
    const Word page = address & ~page_mask;
    if (pages.empty() || pages.back() != page) pages.push_back(page);
  }
  Word next = page_mask + 1;
  for (const Word page : pages) {
    if (std::find(pages.begin(), pages.end(), next) == pages.end() && next < page) {
      changed |= attempt(c, shows, [&](Case& x) { move_page(x, page, next); });
    }
    next += page_mask + 1;
  }
  return changed;
}

}  // namespace

Case minimize(Case start, const Shows& shows) {
  const Shows valid = [&](const Case& c) {
    return x86::ia32e_paging(c.machine.registers) && shows(c);
  };
  // Each step that sticks makes the case smaller, so this ends.
  for (bool changed = true; changed;) {
    changed = drop_entries(start, valid);
    changed |= clear_registers(start, valid);
    changed |= simplify_access(start, valid);
    changed |= clear_entry_bits(start, valid);
    changed |= move_tables(start, valid);
  }
  return start;
}

std::string DifferenceClass::text() const {
  return fmt::format("{}-{}{}{}", parts_text(parts), x86::text(rule).name, known.empty() ? "" : "-",
                     known);
}

DifferenceClass classify(Oracle& oracle, const Case& c) {
  if (!oracle.unsupported(c.machine.cpu, c.machine.registers, c.access).empty()) return {};
  const Answer model = answer(c);
  Effect effect;
  oracle.load(c.machine);
  run_access(oracle, c, model, effect);

  DifferenceClass result;
  result.parts = compare(c, model, effect);
  if (result.parts == 0) return {};
  result.rule = model.walk.rule;
  result.observed = effect.observed.outcome;
  const KnownDifference* known = explain(oracle.name(), {c, model, effect});
  if (known != nullptr) result.known = known->name;
  return result;
}

Case minimize_difference(Oracle& oracle, const Case& start) {
  const DifferenceClass wanted = classify(oracle, start);
  if (wanted.parts == 0) return start;
  return minimize(start, [&](const Case& c) { return classify(oracle, c) == wanted; });
}

}  // namespace mmuref::diff
