#include "spec/symbolic/explorer.h"

#include <stdexcept>

namespace mmuref::spec {
namespace {

thread_local Explorer* current_explorer = nullptr;

}  // namespace

Explorer::Explorer(Context& context) : context_(context) {
  current_explorer = this;
}
Explorer::~Explorer() {
  current_explorer = nullptr;
}

Explorer& Explorer::current() {
  if (!current_explorer) throw std::logic_error("a symbolic decision outside of an exploration");
  return *current_explorer;
}

void Explorer::explore(const std::function<void()>& run) {
  do {
    position_ = 0;
    try {
      run();
      ++paths_;
    } catch (const Infeasible&) {
    }
  } while (backtrack());
}

bool Explorer::decide(Term condition) {
  if (position_ < trail_.size()) return trail_[position_++].taken;

  const Term negation = context_.negation(condition);
  // What simplifies to a constant needs no query, but stands on the trail so that replays align.
  const Context::Literal literal = context_.literal(condition);
  const bool open = literal == Context::Literal::open;
  const bool can_hold = open ? feasible(condition) : literal == Context::Literal::yes;
  const bool can_fail = !can_hold || (open && feasible(negation));
  take({can_hold ? condition : negation, condition, can_hold, can_hold && can_fail});
  return can_hold;
}

void Explorer::assume(Term condition) {
  if (position_ < trail_.size()) {
    ++position_;
    return;
  }
  if (!feasible(condition)) throw Infeasible{};
  take({condition, condition, true, false});
}

bool Explorer::feasible(Term condition) {
  context_.push();
  context_.add(condition);
  const Satisfiable answer = context_.check();
  context_.pop();
  if (answer == Satisfiable::unknown) throw SolverGaveUp{};
  return answer == Satisfiable::yes;
}

void Explorer::take(const Decision& decision) {
  context_.push();
  context_.add(decision.asserted);
  trail_.push_back(decision);
  position_ = trail_.size();
}

/// Leaves the trail at the last decision with an open side, turned to it; false when none is left.
bool Explorer::backtrack() {
  while (!trail_.empty()) {
    const Decision last = trail_.back();
    trail_.pop_back();
    context_.pop();
    if (!last.other_side_open) continue;
    take({context_.negation(last.condition), last.condition, false, false});
    return true;
  }
  return false;
}

std::vector<Term> Explorer::path() const {
  std::vector<Term> conditions;
  for (const Decision& d : trail_) conditions.push_back(d.asserted);
  return conditions;
}

}  // namespace mmuref::spec
