#include "diff/minimize.h"

#include <fmt/format.h>

#include <algorithm>

#include "diff/ledger.h"
#include "diff/shrink.h"

namespace mmuref::diff {
namespace {

constexpr Word page_mask = bits(11, 0);

using Shows = shrink::Shows<Case>;

bool simplify_access(Case& c, const Shows& shows) {
  bool changed = shrink::clear_access(
      c, shows, [](auto& x) -> auto& { return x.access; });
  // A canonical address of the upper half loses its extension only as a whole.
  for (const unsigned width : {57U, 48U}) {
    if ((c.access.va & ~bits(width - 2, 0)) == 0) continue;
    changed |= shrink::attempt(c, shows, [width](Case& x) { x.access.va &= bits(width - 2, 0); });
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
      changed |= shrink::attempt(c, shows, [&](Case& x) { move_page(x, page, next); });
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
    changed = shrink::drop_entries(start, valid);
    changed |= shrink::clear_registers(start, valid);
    changed |= simplify_access(start, valid);
    changed |= shrink::clear_entry_bits(start, valid);
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
