// Runs a function once along every feasible path.
//
// A symbolic Boolean that is used as a `bool` is a decision. The explorer keeps the trail of
// decisions, asks the solver which sides are feasible, and runs the function again from its start
// for every side not yet taken. The solver's assertion stack follows the trail, so that each query
// only adds to what the path has asserted already.
#pragma once

#include <functional>
#include <vector>

#include "spec/symbolic/context.h"

namespace mmuref::spec {

/// The solver gave up on a question the exploration depends on.
struct SolverGaveUp {};

class Explorer {
 public:
  explicit Explorer(Context& context);
  ~Explorer();
  Explorer(const Explorer&) = delete;
  Explorer& operator=(const Explorer&) = delete;

  static Explorer& current();

  /// Calls `run` along each feasible path. An exception of `run` other than the explorer's own
  /// ends the exploration. Throws SolverGaveUp.
  void explore(const std::function<void()>& run);

  /// The side of `condition` that this run takes; both will be taken if both are feasible.
  bool decide(Term condition);

  /// Goes on only where `condition` holds; the run ends here if it never does.
  void assume(Term condition);

  /// Whether this point lies beyond what earlier runs have passed. Before it, all that was asked
  /// under a part of this path's conditions need not be asked again.
  bool fresh() const { return position_ == trail_.size(); }

  /// The conditions of the path so far, in order.
  std::vector<Term> path() const;

  std::size_t paths() const { return paths_; }

 private:
  struct Decision {
    Term asserted;  ///< what the path took: the condition or its negation
    Term condition;
    bool taken;
    bool other_side_open;
  };
  struct Infeasible {};

  bool feasible(Term condition);
  void take(const Decision& decision);
  bool backtrack();

  Context& context_;
  std::vector<Decision> trail_;
  std::size_t position_ = 0;
  std::size_t paths_ = 0;
};

}  // namespace mmuref::spec
