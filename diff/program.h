// A program: a machine, and steps that change its tables, its registers and what it has cached.
#pragma once

#include <cstddef>
#include <span>
#include <variant>
#include <vector>

#include "diff/machine.h"
#include "model/x86/caching_machine.h"

namespace mmuref::diff {

using Operation = x86::Operation<Word>;
using Possibility = x86::Possibility<Word>;
using Tlb = x86::Tlb<Word>;
using CachingMachine = x86::CachingMachine<Word, Memory>;

/// Software stores an 8-byte entry.
struct TableWrite {
  Word address = 0;
  Word value = 0;
};

/// One step of one processor: a table write, an instruction or an access.
struct ProgramStep {
  std::size_t cpu = 0;
  std::variant<TableWrite, Operation, Access> action;
};

/// `machine.registers` are those of every processor at the start, with nothing cached.
struct Program {
  Machine machine;
  std::size_t cpus = 1;
  std::vector<ProgramStep> steps;
};

/// The machine of `program` before its first step.
inline CachingMachine start(const Program& program) {
  const std::vector<Tlb> cpus(program.cpus, Tlb(program.machine.cpu, program.machine.registers));
  return {program.machine.memory, cpus};
}

}  // namespace mmuref::diff
