// An oracle that runs programs: what it has cached stays between steps, and only what the program
// does drops it.
#pragma once

#include <memory>
#include <string>

#include "diff/oracle.h"
#include "diff/program.h"

namespace mmuref::diff {

class ProgramOracle : public AnyOracle {
 public:
  using AnyOracle::unsupported;
  /// Why this oracle cannot run the program, as one short phrase; empty when it can.
  virtual std::string unsupported(const Program& program) const = 0;

  /// Maps the oracle's own code in the root table at `root`, for a machine with as many levels as
  /// `registers` select. Every root that a program loads must have been given here, and what this
  /// writes must stay: it is memory like any other, and the model sees it too.
  virtual void map_monitor(Memory& memory, const Registers& registers, Word root) const = 0;
  /// Which entry of the root tables that is; no address tested goes through it.
  virtual std::size_t monitor_index(const Registers& registers) const = 0;

  /// Takes over the program's machine, with nothing cached.
  virtual void start(const Program& program) = 0;

  virtual void write(const TableWrite& write) = 0;
  virtual x86::Exception execute(const Operation& op) = 0;
  virtual Observation access(const Access& access) = 0;
};

}  // namespace mmuref::diff
