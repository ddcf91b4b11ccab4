// A second solver over the same obligations, through SMT-LIB and the command line.
#pragma once

#include <string>

#include "spec/symbolic/context.h"

namespace mmuref::spec {

/// What another solver says of a script. `unknown`: it is not there, cannot read the script, or ran
/// out of time, `detail` says which; that is neither agreement nor disagreement.
struct SecondAnswer {
  Satisfiable answer = Satisfiable::unknown;
  std::string detail;
};

/// Runs `solver` (a program such as cvc5) on `script` for at most `timeout_seconds`.
SecondAnswer second_opinion(const std::string& solver, const std::string& script,
                            unsigned timeout_seconds);

}  // namespace mmuref::spec
