#include "diff/program_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

namespace mmuref::diff {
namespace {

/// Runs one step and reads back every entry.
StepEffect run_step(ProgramOracle& oracle, const ProgramStep& step, const Memory& entries) {
  StepEffect seen;
  if (const auto* write = std::get_if<TableWrite>(&step.action)) {
    oracle.write(*write);
  } else if (const auto* op = std::get_if<Operation>(&step.action)) {
    seen.exception = oracle.execute(*op);
  } else {
    seen.effect.observed = oracle.access(std::get<Access>(step.action));
    for (const auto& [address, before] : entries) {
      const Word after = oracle.read(address);
      if (after != before) seen.effect.changes.emplace_back(address, after);
    }
  }
  return seen;
}

using Shows = std::function<bool(const Program&)>;

template <class Change>
bool attempt(Program& current, const Shows& shows, const Change& change) {
  Program candidate = current;
  change(candidate);
  if (!shows(candidate)) return false;
  current = std::move(candidate);
  return true;
}

/// Halves first, so that most of a long program goes at once. The last step stays.
bool drop_steps(Program& p, const Shows& shows) {
  bool changed = false;
  for (std::size_t length = std::bit_floor(p.steps.size()); length > 0; length /= 2) {
    for (std::size_t at = p.steps.size(); at-- > 0;) {
      if (at + length >= p.steps.size()) continue;
      const auto first = static_cast<std::ptrdiff_t>(at);
      const auto last = first + static_cast<std::ptrdiff_t>(length);
      changed |= attempt(p, shows, [&](Program& x) {
        x.steps.erase(x.steps.begin() + first, x.steps.begin() + last);
      });
    }
  }
  return changed;
}

bool drop_entries(Program& p, const Shows& shows) {
  bool changed = false;
  const Memory before = p.machine.memory;
  for (const auto& [dropped, unused] : before) {
    changed |= attempt(p, shows, [&, address = dropped](Program& x) {
      x.machine.memory.clear();
      for (const auto& [a, value] : p.machine.memory) {
        if (a != address) x.machine.memory.write(a, value);
      }
    });
  }
  return changed;
}

/// Clears the bits of the word that `word(program)` refers to, from the top.
template <class Refer>
bool clear_bits(Program& p, const Shows& shows, const Refer& word) {
  bool changed = false;
  for (Word left = word(p); left != 0;) {
    const Word top = std::bit_floor(left);
    left &= ~top;
    changed |= attempt(p, shows, [&](Program& x) { word(x) &= ~top; });
  }
  return changed;
}

bool clear_entries(Program& p, const Shows& shows) {
  bool changed = false;
  const Memory before = p.machine.memory;
  for (const auto& [where, value] : before) {
    for (Word left = value; left != 0;) {
      const Word top = std::bit_floor(left);
      left &= ~top;
      changed |= attempt(p, shows, [address = where, top](Program& x) {
        Memory& memory = x.machine.memory;
        memory.write(address, memory.read(address) & ~top);
      });
    }
  }
  return changed;
}

bool clear_registers(Program& p, const Shows& shows) {
  bool changed = false;
  for (const auto r : {&Registers::cr0, &Registers::cr3, &Registers::cr4, &Registers::efer,
                       &Registers::pkru, &Registers::pkrs}) {
    changed |= clear_bits(p, shows, [r](Program& x) -> Word& { return x.machine.registers.*r; });
  }
  return changed;
}

bool clear_step(Program& p, const Shows& shows, std::size_t i) {
  bool changed = false;
  if (std::holds_alternative<TableWrite>(p.steps[i].action)) {
    return clear_bits(p, shows, [i](Program& x) -> Word& {
      return std::get<TableWrite>(x.steps[i].action).value;
    });
  }
  if (std::holds_alternative<Operation>(p.steps[i].action)) {
    for (const auto field : {&Operation::value, &Operation::address, &Operation::descriptor}) {
      changed |= clear_bits(p, shows, [i, field](Program& x) -> Word& {
        return std::get<Operation>(x.steps[i].action).*field;
      });
    }
    return changed;
  }
  for (const auto flag : {&Access::write, &Access::fetch, &Access::cpl3, &Access::ac,
                          &Access::implicit, &Access::stack}) {
    if (!(std::get<Access>(p.steps[i].action).*flag)) continue;
    changed |= attempt(
        p, shows, [i, flag](Program& x) { std::get<Access>(x.steps[i].action).*flag = false; });
  }
  changed |= clear_bits(
      p, shows, [i](Program& x) -> Word& { return std::get<Access>(x.steps[i].action).va; });
  return changed;
}

}  // namespace

DifferenceClass ProgramRun::last() const {
  DifferenceClass result;
  if (judged.empty() || judged.back().parts == 0) return result;
  result.parts = judged.back().parts;
  result.rule = judged.back().fresh.rule;
  result.observed = effects.back().effect.observed.outcome;
  if (known.back() != nullptr) result.known = known.back()->name;
  return result;
}

ProgramRun run_program(ProgramOracle& oracle, const Program& program, const Outcomes& outcomes) {
  ProgramRun run;
  ProgramModel model(program, 0, outcomes);
  ProgramLedger ledger(program, oracle.name(), outcomes);
  oracle.start(program);
  for (const ProgramStep& step : program.steps) {
    run.effects.push_back(run_step(oracle, step, model.entries()));
    run.judged.push_back(model.step(step, run.effects.back()));
    run.known.push_back(nullptr);
    if (run.judged.back().parts == 0) continue;
    run.known.back() = ledger.explain(run.effects);
    run.unexplained = run.known.back() == nullptr;
    if (run.unexplained) break;
  }
  return run;
}

ProgramCase describe(ProgramOracle& oracle, const Program& program, std::string name,
                     std::string origin) {
  const ProgramRun run = run_program(oracle, program);
  ProgramCase file;
  file.name = std::move(name);
  file.origin = std::move(origin);
  file.program = program;
  file.expect = last_outcomes(program);
  file.oracle = oracle.name();
  file.version = oracle.version();
  if (run.judged.back().access) file.observed = to_json(run.effects.back().effect);
  const DifferenceClass last = run.last();
  const KnownDifference* known = run.known.back();
  if (last.parts == 0) {
    file.shows = run.judged.back().stale ? "an access by what was cached" : "agreement";
  } else if (known != nullptr) {
    file.ledger = known->name;
    file.shows = known->cause;
  } else {
    file.shows = fmt::format("{} differs; a walk of memory answers by {}", parts_text(last.parts),
                             x86::text(last.rule).name);
  }
  return file;
}

Program minimize_program(ProgramOracle& oracle, const Program& start, const Outcomes& outcomes) {
  const auto difference = [&](const Program& p) -> DifferenceClass {
    if (!oracle.unsupported(p).empty()) return {};
    const ProgramRun run = run_program(oracle, p, outcomes);
    return run.effects.size() == p.steps.size() ? run.last() : DifferenceClass{};
  };
  const DifferenceClass wanted = difference(start);
  if (wanted.parts == 0) return start;
  const Shows shows = [&](const Program& p) { return difference(p) == wanted; };
  Program current = start;
  // Each step that sticks makes the program smaller, so this ends.
  for (bool changed = true; changed;) {
    changed = drop_steps(current, shows);
    changed |= drop_entries(current, shows);
    changed |= clear_registers(current, shows);
    for (std::size_t i = 0; i < current.steps.size(); ++i) changed |= clear_step(current, shows, i);
    changed |= clear_entries(current, shows);
  }
  return current;
}

}  // namespace mmuref::diff
