// An oracle already answers what an access does. It can be wrong.
#pragma once

#include <memory>
#include <string>

#include "diff/machine.h"

namespace mmuref::diff {

/// What an oracle did for one access. The entries afterwards are read through `AnyOracle::read`.
struct Observation {
  x86::Outcome outcome = x86::Outcome::translated;
  Word error_code = 0;        ///< of an exception
  Word cr2 = 0;               ///< of a page fault
  Word physical_address = 0;  ///< when translated and `located`
  bool located = false;       ///< whether the oracle could tell the physical address
};

/// What all oracles have, whatever they are asked.
class AnyOracle {
 public:
  virtual ~AnyOracle() = default;

  virtual std::string name() const = 0;
  virtual std::string version() const = 0;

  /// Why this oracle cannot run the case, as one short phrase; empty when it can. What it does not
  /// have is skipped and counted, never reported as agreement.
  virtual std::string unsupported(const Processor& cpu, const Registers& registers,
                                  const Access& access) const = 0;

  /// Forgets all that was done: what comes is answered as by a new oracle.
  virtual void restart() {}

  /// The 8 bytes at an 8-byte aligned physical address, now.
  virtual Word read(Word address) const = 0;

  /// Seconds spent inside the oracle's engine so far.
  virtual double seconds() const = 0;
};

/// Answers single accesses, from memory alone.
class Oracle : public AnyOracle {
 public:
  /// Takes over processor, registers and memory, and forgets every cached translation.
  virtual void load(const Machine& machine) = 0;

  /// Runs one access with no translation cached before it. What it wrote stays.
  virtual Observation access(const Access& access) = 0;
};

}  // namespace mmuref::diff
