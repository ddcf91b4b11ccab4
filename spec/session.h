// What a theorem is written against: named inputs, assumptions, claims.
//
// A theorem is one generic function of a session. With SymbolicSession its inputs are symbolic and
// its claims are obligations for the solver; with ConcreteSession the same function replays a
// counterexample, or tries random inputs as a property test.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "spec/assignment.h"
#include "spec/symbolic/context.h"
#include "spec/symbolic/explorer.h"
#include "spec/symbolic/term.h"

namespace mmuref::spec {

class SymbolicSession {
 public:
  using Word = SymWord;
  using Bool = SymBool;
  using Memory = SymMemory;

  SymbolicSession(Context& context, Explorer& explorer) : context_(context), explorer_(explorer) {}

  Word word(const std::string& name);
  Bool flag(const std::string& name);
  Memory memory(const std::string& name);

  void assume(const Bool& condition) { explorer_.assume(condition.term()); }

  /// Must hold on every path that reaches it.
  void prove(const Bool& claim, const std::string& name);

  /// Proves a claim and goes on with it as known: a stepping stone for what follows.
  void establish(const Bool& claim, const std::string& name) {
    prove(claim, name);
    assume(claim);
  }

  /// Must be possible on some path: the situation a theorem speaks of exists. Call it where every
  /// path comes by.
  void witness(const Bool& situation, const std::string& name);

  /// Claims reached on feasible paths.
  std::size_t obligations() const { return obligations_.size(); }
  /// Situations that no path made possible.
  std::vector<std::string> missing_witnesses() const;

  /// Asks whether any obligation can fail: its claim's name, with the inputs in the solver's
  /// model, or nothing. Throws SolverGaveUp.
  std::optional<std::string> refute();

  /// The same question as an SMT-LIB query: its `check-sat` must answer unsat.
  std::string script(const std::string& title) const;

 private:
  struct Obligation {
    Term failure;  ///< the path is taken and the claim does not hold
    std::string name;
  };
  Term some_failure() const;

  Context& context_;
  Explorer& explorer_;
  std::vector<Obligation> obligations_;
  std::map<std::string, bool> witnesses_;
};

/// Physical memory of a concrete run. Reads go to the valuation and are remembered.
class ConcreteMemory {
 public:
  ConcreteMemory(std::string name, Valuation& source, Assignment& seen)
      : name_(std::move(name)), source_(&source), seen_(&seen) {}

  std::uint64_t read(std::uint64_t address) const;
  void write(std::uint64_t address, std::uint64_t value) { written_[address] = value; }

 private:
  std::string name_;
  Valuation* source_;
  Assignment* seen_;
  std::map<std::uint64_t, std::uint64_t> written_;
};

class ConcreteSession {
 public:
  using Word = std::uint64_t;
  using Bool = bool;
  using Memory = ConcreteMemory;

  /// The inputs do not meet an assumption of the theorem.
  struct Excluded {};

  explicit ConcreteSession(Valuation& source) : source_(source) {}

  Word word(const std::string& name) { return seen_.words[name] = source_.word(name); }
  Bool flag(const std::string& name) { return seen_.flags[name] = source_.flag(name); }
  Memory memory(const std::string& name) { return {name, source_, seen_}; }

  void assume(bool condition) {
    if (!condition) throw Excluded{};
  }
  void prove(bool claim, const std::string& name) {
    ++claims_;
    if (!claim && failed_.empty()) failed_ = name;
  }
  void establish(bool claim, const std::string& name) { prove(claim, name); }
  void witness(bool, const std::string&) {}

  /// The first claim that failed; empty when all hold.
  const std::string& failed() const { return failed_; }
  std::size_t claims() const { return claims_; }
  /// Every input the run looked at.
  const Assignment& seen() const { return seen_; }

 private:
  Valuation& source_;
  Assignment seen_;
  std::string failed_;
  std::size_t claims_ = 0;
};

}  // namespace mmuref::spec
