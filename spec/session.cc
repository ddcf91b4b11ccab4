#include "spec/session.h"

#include <stdexcept>

namespace mmuref::spec {

SymWord SymbolicSession::word(const std::string& name) {
  return SymWord(context_.word(name));
}
SymBool SymbolicSession::flag(const std::string& name) {
  return SymBool(context_.flag(name));
}
SymMemory SymbolicSession::memory(const std::string& name) {
  return SymMemory(context_.function(name));
}

void SymbolicSession::prove(const Bool& claim, const std::string& name) {
  if (!explorer_.fresh()) return;
  std::vector<Term> failure = explorer_.path();
  failure.push_back(context_.negation(claim.term()));
  obligations_.push_back({context_.all(failure), name});
}

void SymbolicSession::witness(const Bool& situation, const std::string& name) {
  bool& seen = witnesses_[name];
  if (seen || !explorer_.fresh()) return;
  if (context_.literal(situation.term()) == Context::Literal::no) return;
  context_.push();
  context_.add(situation.term());
  const Satisfiable answer = context_.check();
  context_.pop();
  if (answer == Satisfiable::unknown) throw SolverGaveUp{};
  seen = answer == Satisfiable::yes;
}

std::vector<std::string> SymbolicSession::missing_witnesses() const {
  std::vector<std::string> missing;
  for (const auto& [name, seen] : witnesses_)
    if (!seen) missing.push_back(name);
  return missing;
}

Term SymbolicSession::some_failure() const {
  std::vector<Term> failures;
  for (const Obligation& o : obligations_) failures.push_back(o.failure);
  return context_.some(failures);
}

std::optional<std::string> SymbolicSession::refute() {
  switch (context_.solve(some_failure())) {
    case Satisfiable::no: return std::nullopt;
    case Satisfiable::unknown: throw SolverGaveUp{};
    case Satisfiable::yes: break;
  }
  for (const Obligation& o : obligations_)
    if (context_.value(o.failure) != 0) return o.name;
  throw std::logic_error("the solver's model fails no obligation");
}

std::string SymbolicSession::script(const std::string& title) const {
  return "; " + title + "\n; Can any of " + std::to_string(obligations_.size()) +
         " obligations fail? Must answer unsat.\n(set-logic QF_UFBV)\n" + context_.declarations() +
         "(assert " + context_.text(some_failure()) + ")\n(check-sat)\n";
}

std::uint64_t ConcreteMemory::read(std::uint64_t address) const {
  if (const auto it = written_.find(address); it != written_.end()) return it->second;
  auto& seen = seen_->memories[name_];
  const auto it = seen.find(address);
  if (it != seen.end()) return it->second;
  return seen[address] = source_->memory(name_, address);
}

}  // namespace mmuref::spec
