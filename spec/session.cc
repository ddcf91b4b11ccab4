#include "spec/session.h"

namespace mmuref::spec {

SymWord SymbolicSession::word(const std::string& name) {
  return SymWord(context_.word(name));
}
SymBool SymbolicSession::flag(const std::string& name) {
  return SymBool(context_.flag(name));
}
SymMemory SymbolicSession::memory(const std::string& name) {
  return SymMemory(context_.array(name));
}

void SymbolicSession::prove(const Bool& claim, const std::string& name) {
  if (!explorer_.fresh()) return;
  ++obligations_;
  const Term negation = context_.negation(claim.term());
  if (recording_) {
    recorded_ += "(push 1)  ; " + name + "\n";
    for (const Term condition : explorer_.path())
      recorded_ += "(assert " + context_.text(condition) + ")\n";
    recorded_ += "(assert " + context_.text(negation) + ")\n(check-sat)\n(pop 1)\n";
  }
  context_.push();
  context_.add(negation);
  const Satisfiable answer = context_.check();
  context_.pop();
  if (answer == Satisfiable::unknown) throw SolverGaveUp{};
  if (answer == Satisfiable::yes) throw Refuted{name};
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

std::string SymbolicSession::script(const std::string& title) const {
  return "; " + title + "\n; Each check-sat must answer unsat.\n(set-logic QF_ABV)\n" +
         context_.declarations() + recorded_;
}

std::uint64_t ConcreteMemory::read(std::uint64_t address) const {
  if (const auto it = written_.find(address); it != written_.end()) return it->second;
  auto& seen = seen_->memories[name_];
  const auto it = seen.find(address);
  if (it != seen.end()) return it->second;
  return seen[address] = source_->memory(name_, address);
}

}  // namespace mmuref::spec
