#include "diff/ledger.h"

#include <algorithm>
#include <array>

namespace mmuref::diff {
namespace {

/// Where Unicorn 2.1, which has QEMU 5.0.1's walker, departs from the manual: docs/unicorn.md.
enum class Departure : unsigned char {
  none,
  page1gb_always,
  accessed_1g_early,
  smap_implicit_ac,
  stack_non_canonical,
};

/// For a 1-GByte page the walker sets A in the PDPTE before it judges the frame and the rights;
/// only P and the bits reserved at any page size come first.
bool sets_accessed_early(const Case& question, const Walk& walk) {
  if (walk.outcome != x86::Outcome::page_fault || walk.level != 3) return false;
  const Word pdpte = walk.last().value;
  const Word reserved =
      x86::paging(question.machine.cpu, question.machine.registers).reserved.leaf[3];
  const Word judged_late = bits(29, 13);
  return has(pdpte, x86::entry::P) && has(pdpte, x86::entry::PS) &&
         !has(pdpte, reserved & ~judged_late);
}

void add_change(Effect& effect, const Memory::Entry& change) {
  const auto at = std::lower_bound(effect.changes.begin(), effect.changes.end(), change);
  if (at == effect.changes.end() || *at != change) effect.changes.insert(at, change);
}

/// What Unicorn does: the manual's answer with every departure but `without`.
Effect unicorn_effect(Case question, Departure without) {
  Access& access = question.access;
  if (without != Departure::page1gb_always) question.machine.cpu.page1gb = true;
  if (without != Departure::stack_non_canonical) access.stack = false;
  // At CPL<3 implicit accesses are not told from explicit ones.
  if (without != Departure::smap_implicit_ac && !access.cpl3) access.implicit = false;

  const Answer model = answer(question);
  Effect effect = effect_of(question, model);
  // It sets A as it goes: of what a fault may leave, all.
  for (const Memory::Entry& change : model.may_write) add_change(effect, change);
  if (without != Departure::accessed_1g_early && sets_accessed_early(question, model.walk)) {
    const Memory::Entry leaf{model.walk.last().address, model.walk.last().value | x86::entry::A};
    if (leaf.second != model.walk.last().value) add_change(effect, leaf);
  }
  return effect;
}

/// The effect is exactly Unicorn's, and would be another without this departure.
template <Departure departure>
bool explains(const Difference& d) {
  const Effect predicted = unicorn_effect(d.question, Departure::none);
  return same_effect(predicted, d.effect) &&
         !same_effect(unicorn_effect(d.question, departure), predicted);
}

constexpr std::array known_differences{
    KnownDifference{"page1gb-always", "unicorn",
                    "1-GByte pages are mapped although CPUID does not enumerate them",
                    "SDM vol. 3, 4.1.4 Enumeration of Paging Features by CPUID",
                    departure::page1gb_always, explains<Departure::page1gb_always>},
    KnownDifference{"accessed-1g-early", "unicorn",
                    "A is set in a PDPTE that maps a page before its frame and rights are judged",
                    "SDM vol. 3, 4.8 Accessed and Dirty Flags", departure::accessed_1g_early,
                    explains<Departure::accessed_1g_early>},
    KnownDifference{"smap-implicit-ac", "unicorn",
                    "at CPL<3 EFLAGS.AC=1 lets an implicit access through SMAP",
                    "SDM vol. 3, 4.6.1 Determination of Access Rights", departure::smap_implicit_ac,
                    explains<Departure::smap_implicit_ac>},
    KnownDifference{"stack-non-canonical", "unicorn",
                    "a non-canonical stack access raises #GP(0) instead of #SS(0)",
                    "SDM vol. 1, 3.3.7.1 Canonical Addressing", departure::stack_non_canonical,
                    explains<Departure::stack_non_canonical>},
    KnownDifference{"page-fault-keeps", "unicorn",
                    "a page fault leaves what is cached for its address cached",
                    "SDM vol. 3, 4.10.4.1 Operations that Invalidate TLBs and Paging-Structure "
                    "Caches",
                    departure::page_fault_keeps, nullptr},
    KnownDifference{"pke-set-keeps", "unicorn",
                    "setting CR4.PKE leaves translations cached whose keys are not looked at",
                    "SDM vol. 3, 4.6.2 Protection Keys", departure::pke_set_keeps, nullptr},
    KnownDifference{"pcide-clear-keeps", "unicorn", "clearing CR4.PCIDE leaves translations cached",
                    "SDM vol. 3, 4.10.4.1 Operations that Invalidate TLBs and Paging-Structure "
                    "Caches",
                    departure::pcide_clear_keeps, nullptr},
    KnownDifference{"invlpg-keeps-code", "unicorn",
                    "INVLPG elsewhere in a large page leaves code that was fetched there reachable",
                    "SDM vol. 3, 4.10.4.1 Operations that Invalidate TLBs and Paging-Structure "
                    "Caches",
                    departure::invlpg_keeps_code, nullptr},
};

}  // namespace

std::span<const KnownDifference> ledger() {
  return known_differences;
}

const KnownDifference* explain(std::string_view oracle, const Difference& difference) {
  for (const KnownDifference& known : known_differences) {
    if (known.oracle == oracle && known.explains != nullptr && known.explains(difference))
      return &known;
  }
  return nullptr;
}

bool ProgramLedger::permitted(Departures departures, std::span<const StepEffect> effects) {
  auto found = followers_.find(departures);
  if (found == followers_.end()) {
    found = followers_.emplace(departures, Follower{ProgramModel(program_, departures, outcomes_)})
                .first;
  }
  Follower& f = found->second;
  for (; f.steps < effects.size(); ++f.steps) {
    f.permitted = f.model.step(program_.steps[f.steps], effects[f.steps]).parts == 0;
  }
  return f.permitted;
}

const KnownDifference* ProgramLedger::explain(std::span<const StepEffect> effects) {
  for (const KnownDifference& known : known_differences) {
    if (known.oracle == oracle_ && permitted(known.departure, effects)) return &known;
  }
  Departures all = 0;
  for (const KnownDifference& known : known_differences) {
    if (known.oracle == oracle_) all |= known.departure;
  }
  if (all == 0 || !permitted(all, effects)) return nullptr;
  for (const KnownDifference& known : known_differences) {
    if (known.oracle == oracle_ && !permitted(all & ~known.departure, effects)) return &known;
  }
  return nullptr;
}

const KnownDifference* find_known(std::string_view name) {
  const auto found = std::find_if(known_differences.begin(), known_differences.end(),
                                  [&](const KnownDifference& known) { return known.name == name; });
  return found == known_differences.end() ? nullptr : &*found;
}

}  // namespace mmuref::diff
