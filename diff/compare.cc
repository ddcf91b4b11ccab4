#include "diff/compare.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace mmuref::diff {
namespace {

using Changes = std::vector<Memory::Entry>;

bool same_entries(const Memory& memory, const Changes& changes) {
  return std::equal(memory.begin(), memory.end(), changes.begin(), changes.end());
}

/// Whether `changes` is what some prefix of a faulting walk may leave. `may_write` is what the
/// longest prefix leaves; a shorter one leaves the same values in the entries it reaches.
bool prefix_of(const Answer& model, const Changes& changes) {
  const auto holds = [](const auto& entries, Word address) {
    return std::any_of(entries.begin(), entries.end(),
                       [=](const Memory::Entry& e) { return e.first == address; });
  };
  for (const Memory::Entry& change : changes) {
    const bool permitted =
        std::find(model.may_write.begin(), model.may_write.end(), change) != model.may_write.end();
    if (!permitted) return false;
  }
  // No entry may be left out above one that was written. A walk can use an entry twice.
  std::size_t written = 0;
  for (int i = 0; i < x86::accessed_limit(model.walk) && written < changes.size(); ++i) {
    const auto& steps = model.walk.steps;
    const Word address = steps[i].address;
    const bool again =
        std::any_of(steps, steps + i, [=](const auto& step) { return step.address == address; });
    if (again || !holds(model.may_write, address)) continue;
    if (!holds(changes, address)) return false;
    ++written;
  }
  return true;
}

bool permitted(const Answer& model, const Changes& changes) {
  return model.walk.outcome == x86::Outcome::translated ? same_entries(model.writes, changes)
                                                        : prefix_of(model, changes);
}

}  // namespace

std::string parts_text(Parts parts) {
  constexpr std::array<std::pair<Part, std::string_view>, 5> names{{
      {Part::outcome, "outcome"},
      {Part::error_code, "error-code"},
      {Part::cr2, "cr2"},
      {Part::physical_address, "physical-address"},
      {Part::entries, "entries"},
  }};
  std::string text;
  for (const auto& [part, name] : names) {
    if ((parts & static_cast<Parts>(part)) == 0) continue;
    if (!text.empty()) text += '+';
    text += name;
  }
  return text;
}

void run_access(Oracle& oracle, const Case& question, const Answer& model, Effect& out) {
  const Memory& memory = question.machine.memory;
  out.observed = oracle.access(question.access);
  out.changes.clear();
  for (const auto& [address, before] : memory) {
    const Word after = oracle.read(address);
    if (after != before) out.changes.emplace_back(address, after);
  }
  // A walk can end at an entry that the machine does not hold: it reads 0 and must stay so.
  if (model.walk.count == 0 || model.walk.last().value != 0) return;
  const Memory::Entry last{model.walk.last().address, oracle.read(model.walk.last().address)};
  if (last.second == 0) return;
  const auto at = std::lower_bound(out.changes.begin(), out.changes.end(), last);
  if (at == out.changes.end() || *at != last) out.changes.insert(at, last);
}

Parts compare(const Case& question, const Answer& model, const Effect& effect) {
  const Walk& walk = model.walk;
  const Observation& o = effect.observed;
  Parts parts = 0;
  const auto require = [&](bool equal, Part part) {
    if (!equal) parts |= static_cast<Parts>(part);
  };

  require(permitted(model, effect.changes), Part::entries);
  require(o.outcome == walk.outcome, Part::outcome);
  if (o.outcome != walk.outcome) return parts;

  if (walk.outcome == x86::Outcome::translated) {
    require(!o.located || o.physical_address == walk.physical_address, Part::physical_address);
  } else {
    require(o.error_code == walk.error_code, Part::error_code);
    // Other exceptions leave CR2 alone.
    require(walk.outcome != x86::Outcome::page_fault || o.cr2 == question.access.va, Part::cr2);
  }
  return parts;
}

bool same_effect(const Effect& predicted, const Effect& observed) {
  const Observation& p = predicted.observed;
  const Observation& o = observed.observed;
  if (p.outcome != o.outcome || predicted.changes != observed.changes) return false;
  if (p.outcome == x86::Outcome::translated) {
    return !o.located || p.physical_address == o.physical_address;
  }
  return p.error_code == o.error_code && (p.outcome != x86::Outcome::page_fault || p.cr2 == o.cr2);
}

Effect effect_of(const Case& question, const Answer& model) {
  const Walk& walk = model.walk;
  Effect effect;
  effect.observed.outcome = walk.outcome;
  effect.changes.assign(model.writes.begin(), model.writes.end());
  if (walk.outcome == x86::Outcome::translated) {
    effect.observed.physical_address = walk.physical_address;
    effect.observed.located = true;
  } else {
    effect.observed.error_code = walk.error_code;
    if (walk.outcome == x86::Outcome::page_fault) effect.observed.cr2 = question.access.va;
  }
  return effect;
}

}  // namespace mmuref::diff
