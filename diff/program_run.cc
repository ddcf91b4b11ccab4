#include "diff/program_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "diff/shrink.h"

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

using Shows = shrink::Shows<Program>;

/// Halves first, so that most of a long program goes at once. The last step stays.
bool drop_steps(Program& p, const Shows& shows) {
  bool changed = false;
  for (std::size_t length = std::bit_floor(p.steps.size()); length > 0; length /= 2) {
    for (std::size_t at = p.steps.size(); at-- > 0;) {
      if (at + length >= p.steps.size()) continue;
      const auto first = static_cast<std::ptrdiff_t>(at);
      const auto last = first + static_cast<std::ptrdiff_t>(length);
      changed |= shrink::attempt(p, shows, [&](Program& x) {
        x.steps.erase(x.steps.begin() + first, x.steps.begin() + last);
      });
    }
  }
  return changed;
}

bool clear_step(Program& p, const Shows& shows, std::size_t i) {
  if (std::holds_alternative<TableWrite>(p.steps[i].action)) {
    return shrink::clear_bits(p, shows, [i](Program& x) -> Word& {
      return std::get<TableWrite>(x.steps[i].action).value;
    });
  }
  if (std::holds_alternative<Access>(p.steps[i].action)) {
    return shrink::clear_access(
        p, shows, [i](Program& x) -> Access& { return std::get<Access>(x.steps[i].action); });
  }
  bool changed = false;
  for (const auto field : {&Operation::value, &Operation::address, &Operation::descriptor}) {
    changed |= shrink::clear_bits(p, shows, [i, field](Program& x) -> Word& {
      return std::get<Operation>(x.steps[i].action).*field;
    });
  }
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
    changed |= shrink::drop_entries(current, shows);
    changed |= shrink::clear_registers(current, shows);
    for (std::size_t i = 0; i < current.steps.size(); ++i) changed |= clear_step(current, shows, i);
    changed |= shrink::clear_entry_bits(current, shows);
  }
  return current;
}

}  // namespace mmuref::diff
