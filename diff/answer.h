// What the model says of a case: the walk, and what the entries may hold afterwards.
#pragma once

#include "diff/machine.h"
#include "model/x86/cached.h"

namespace mmuref::diff {

struct Answer {
  Walk walk;

  /// Entries whose value the access must change, with their new value. An entry reached twice
  /// holds the flags of both. For an access that faults only those that what is cached implies.
  Memory writes;

  /// Entries a faulting access may leave changed, with the changed value. The manual leaves open
  /// which prefix of the entries used has A set (SDM vol. 3, 4.8), and A is the only flag left
  /// open, so each entry has one alternative to what it held. Empty for an access that translates.
  Memory may_write;
};

/// Runs the model. The case's memory is only read.
Answer answer(const Case& question);

/// The same of a walk that has been made, by whatever way, over `memory`, where the entries
/// `accessed` hold A besides.
Answer effects(const Walk& walk, const Memory& memory,
               const x86::AccessedEntries<Word>& accessed = {});

}  // namespace mmuref::diff
