#include "diff/program_model.h"

#include <algorithm>

namespace mmuref::diff {
namespace {

using x86::Outcome;
using x86::Source;

CachingMachine machine_of(const Program& program, Departures departures) {
  Program start_of = {program.machine, 1, {}};
  if ((departures & departure::page1gb_always) != 0) start_of.machine.cpu.page1gb = true;
  return start(start_of);
}

/// What of `old` QEMU's MOV to CR4 compares: only a change there drops what is cached.
constexpr Word flushing_cr4 = x86::cr4::PGE | x86::cr4::PAE | x86::cr4::PSE | x86::cr4::SMEP |
                              x86::cr4::SMAP | x86::cr4::LA57;
constexpr Word flushing_cr0 = x86::cr0::PG | x86::cr0::WP | x86::cr0::PE;

bool same_code(const Access& a, const Access& b) {
  return a.va == b.va && a.cpl3 == b.cpl3 && a.ac == b.ac;
}

}  // namespace

std::vector<Possibility> model_outcomes(const CachingMachine& machine, const Access& access) {
  return machine.outcomes(0, access);
}

ProgramModel::ProgramModel(const Program& program, Departures departures, Outcomes outcomes)
    : departures_(departures),
      outcomes_(std::move(outcomes)),
      machine_(machine_of(program, departures)),
      entries_(program.machine.memory) {}

Judged ProgramModel::step(const ProgramStep& step, const StepEffect& seen) {
  return std::visit([&](const auto& action) { return judge(action, seen); }, step.action);
}

Judged ProgramModel::judge(const TableWrite& write, const StepEffect&) {
  machine_.write(write.address, write.value);
  entries_.write(write.address, write.value);
  return {};
}

Judged ProgramModel::judge(const Operation& op, const StepEffect& seen) {
  const Registers before = registers();
  Operation done = op;
  if (departs(departure::pcide_clear_keeps) && op.kind == x86::OperationKind::mov_cr4) {
    // PCIDs mean nothing to it: as if PCIDE stayed set, which drops nothing.
    done.value |= before.cr4 & x86::cr4::PCIDE;
  }
  Judged judged;
  if (machine_.execute(0, done).exception != seen.exception) {
    judged.parts = static_cast<Parts>(Part::outcome);
  }
  const Registers& after = registers();
  const Word cr4 = before.cr4 ^ after.cr4;
  const bool flushes =
      seen.exception == x86::Exception::none &&
      (has(cr4, flushing_cr4) || has(before.cr0 ^ after.cr0, flushing_cr0) ||
       op.kind == x86::OperationKind::mov_cr3 || op.kind == x86::OperationKind::wrpkru);
  if (has(after.cr4 & cr4, x86::cr4::PKE)) keys_unseen_ = true;
  if (flushes) keys_unseen_ = false;
  if (flushes) code_.clear();
  if (op.kind == x86::OperationKind::invlpg) drop_code(op);
  return judged;
}

/// INVLPG drops code of the 4-KByte page it names and of the one below, whatever the page's size.
void ProgramModel::drop_code(const Operation& op) {
  const Word page = op.address >> x86::page_shift;
  std::erase_if(code_, [page](const Code& code) {
    const Word its = code.access.va >> x86::page_shift;
    return its == page || its + 1 == page;
  });
}

void ProgramModel::keep_code(const Access& access, const Effect& effect) {
  if (!access.fetch || effect.observed.outcome != Outcome::translated) return;
  std::erase_if(code_, [&](const Code& code) { return same_code(code.access, access); });
  code_.push_back({access, effect.observed});
}

/// Code that is kept is run without a look at any translation.
void ProgramModel::add_kept_code(const Access& access, std::vector<Possibility>& all) const {
  if (!access.fetch) return;
  for (const Code& code : code_) {
    if (!same_code(code.access, access)) continue;
    Possibility p;
    p.source = Source::tlb;
    p.walk.physical_address = code.observed.physical_address;
    all.push_back(p);
  }
}

/// By translations that were cached before CR4.PKE was set: their keys are not looked at.
void ProgramModel::add_without_keys(const Access& access, std::vector<Possibility>& all) const {
  if (!keys_unseen_) return;
  auto context = machine_.cpu(0).context();
  context.paging.pke = false;
  for (const auto& translation : machine_.cached(0, access.va).translations) {
    Possibility p{.source = Source::tlb, .accessed = translation.accessed};
    if (x86::use_translation(context, access, translation, p.walk) &&
        p.walk.outcome == Outcome::translated) {
      all.push_back(p);
    }
  }
}

std::vector<Possibility> ProgramModel::possibilities(Access access) const {
  if (departures_ == 0) return outcomes_(machine_, access);
  // At CPL<3 implicit accesses are not told from explicit ones.
  if (departs(departure::smap_implicit_ac) && !access.cpl3) access.implicit = false;
  if (departs(departure::stack_non_canonical)) access.stack = false;
  std::vector<Possibility> all = outcomes_(machine_, access);
  if (departs(departure::invlpg_keeps_code)) add_kept_code(access, all);
  if (departs(departure::pke_set_keeps)) add_without_keys(access, all);
  return all;
}

/// No entry loses a flag or gains one besides what the walk sets, and A where it may be used; and
/// what must hold A does.
bool ProgramModel::entries_match(const Possibility& p, const Effect& effect) const {
  const Walk& walk = p.walk;
  // An entry that is not valid is never used.
  Word unused = ~Word{0};
  if (walk.outcome == Outcome::page_fault && !walk.denials.any()) unused = walk.last().address;
  const bool early = departs(departure::accessed_1g_early) && walk.level == 3 &&
                     walk.rule == x86::Rule::reserved_large_frame;
  Memory after = entries_;
  for (const auto& [address, value] : effect.changes) {
    const Word before = entries_.read(address);
    Word may = p.flags_at(address);
    if (has(before, x86::entry::P) && (address != unused || early)) may |= x86::entry::A;
    if ((before & ~value) != 0 || (value & ~before & ~may) != 0) return false;
    after.write(address, value);
  }
  const auto holds = [&](Word address) {
    return (p.flags_at(address) & ~after.read(address)) == 0;
  };
  return std::all_of(walk.steps, walk.steps + walk.count,
                     [&](const auto& step) { return holds(step.address); }) &&
         std::all_of(p.accessed.begin(), p.accessed.end(), holds);
}

bool ProgramModel::matches(const Possibility& p, const Access& access, const Effect& effect) const {
  const Walk& walk = p.walk;
  const Observation& o = effect.observed;
  if (o.outcome != walk.outcome) return false;
  if (walk.outcome == Outcome::translated) {
    if (o.located && o.physical_address != walk.physical_address) return false;
  } else {
    if (o.error_code != walk.error_code) return false;
    if (walk.outcome == Outcome::page_fault && o.cr2 != access.va) return false;
  }
  return entries_match(p, effect);
}

Judged ProgramModel::judge(const Access& access, const StepEffect& seen) {
  const Effect& effect = seen.effect;
  const std::vector<Possibility> all = possibilities(access);
  Judged judged{.access = true, .stale = true, .fresh = all.front().walk, .outcomes = all.size()};
  std::vector<Possibility> matching;
  for (const Possibility& p : all) {
    if (!matches(p, access, effect)) continue;
    matching.push_back(p);
    if (p.source == Source::memory) judged.stale = false;
  }
  if (matching.empty()) {
    judged.stale = false;
    const Walk& fresh = judged.fresh;
    const Observation& o = effect.observed;
    const auto differs = [&](bool is, Part part) {
      if (is) judged.parts |= static_cast<Parts>(part);
    };
    differs(o.outcome != fresh.outcome, Part::outcome);
    if (judged.parts == 0 && o.outcome == Outcome::translated) {
      differs(o.located && o.physical_address != fresh.physical_address, Part::physical_address);
    } else if (judged.parts == 0) {
      differs(o.error_code != fresh.error_code, Part::error_code);
      differs(o.outcome == Outcome::page_fault && o.cr2 != access.va, Part::cr2);
    }
    differs(judged.parts == 0 || !entries_match(all.front(), effect), Part::entries);
    // It is so now, whoever did it.
    for (const auto& [address, value] : effect.changes) machine_.write(address, value);
  } else if (!departs(departure::page_fault_keeps) ||
             matching.front().walk.outcome != Outcome::page_fault) {
    machine_.settle(0, access, matching);
  }
  for (const auto& [address, value] : effect.changes) entries_.write(address, value);
  keep_code(access, effect);
  return judged;
}

}  // namespace mmuref::diff
