// Proves theorems and tells the verdicts apart.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "spec/second_solver.h"
#include "spec/theorem.h"

namespace mmuref::spec {

/// Only `proved` passes. `vacuous`: no feasible path reaches a claim, or a situation the theorem
/// speaks of does not exist. `unknown`: the solver gave up, a timeout included.
enum class Status : char { proved, refuted, unknown, vacuous };
std::string_view name(Status status);

struct Counterexample {
  std::string claim;      ///< the claim that fails
  Assignment inputs;      ///< minimised: clearing any single bit of it makes the claim hold
  bool replayed = false;  ///< the concrete model fails the claim on these inputs too
};

struct Verdict {
  Theorem theorem;
  Status status = Status::unknown;
  double seconds = 0;
  std::size_t paths = 0;
  std::size_t obligations = 0;
  std::string detail;  ///< why unknown or vacuous
  std::optional<Counterexample> counterexample;
  std::string script;                  ///< the obligations as SMT-LIB, when asked for
  std::optional<SecondAnswer> second;  ///< of `ProveOptions::second_solver`

  /// Whether the second solver answered otherwise; a solver that gave no answer did not.
  bool disputed() const;
  /// Proved, and not disputed.
  bool passes() const { return status == Status::proved && !disputed(); }
  /// Of a defect: refuted by inputs on which the concrete model fails too, and not disputed.
  bool finds() const {
    return status == Status::refuted && counterexample && counterexample->replayed && !disputed();
  }
};

struct ProveOptions {
  unsigned timeout_seconds = 60;  ///< a query
  unsigned threads = 2;
  bool scripts = false;       ///< keep every theorem's SMT-LIB script
  std::string second_solver;  ///< a program that must answer alike, or empty
  /// Called as verdicts come in, from one thread at a time.
  std::function<void(const Verdict&)> done;
};

Verdict prove(const Theorem& theorem, const ProveOptions& options);

/// Verdicts in the order of `theorems`, proved `options.threads` at a time.
std::vector<Verdict> prove(std::span<const Theorem> theorems, const ProveOptions& options);

}  // namespace mmuref::spec
