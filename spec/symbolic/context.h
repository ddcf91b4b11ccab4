// The solver behind the terms: one per thread and theorem. Z3 appears here and nowhere above.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "spec/symbolic/term.h"

struct _Z3_context;
struct _Z3_solver;
struct _Z3_model;
struct _Z3_sort;

namespace mmuref::spec {

enum class Satisfiable : char { no, yes, unknown };

/// The solver's name and version.
std::string solver_version();

/// Owns every term made on this thread while it is alive; at most one a thread at a time.
class Context {
 public:
  /// Each query may take `timeout_seconds`; then its answer is unknown.
  explicit Context(unsigned timeout_seconds);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  static Context& current();

  Term word(const std::string& name);
  Term flag(const std::string& name);
  /// From words to words.
  Function function(const std::string& name);

  /// A stack of assertions. `check` asks whether all of them can hold together.
  void push();
  void pop();
  void add(Term condition);
  Satisfiable check();

  /// Whether `condition` alone can hold: one large question, answered by turning it into clauses
  /// as a whole, where `check` answers many small ones that share assertions.
  Satisfiable solve(Term condition);

  /// After a `check` or `solve` that answered yes: the value of a word or (0, 1) of a flag.
  std::uint64_t value(Term term);

  /// `true`, `false`, or neither known without asking the solver.
  enum class Literal : char { no, yes, open };
  Literal literal(Term condition);

  /// The value of a word that simplifies to a constant.
  std::optional<std::uint64_t> constant(Term word);

  Term negation(Term condition);
  Term all(const std::vector<Term>& conditions);
  Term some(const std::vector<Term>& conditions);

  /// The term as an SMT-LIB expression, and the declarations of all inputs made so far.
  std::string text(Term term);
  std::string declarations() const;

  _Z3_context* raw() const { return context_; }

 private:
  _Z3_solver* configured(_Z3_solver* solver);
  Satisfiable ask(_Z3_solver* solver);
  Term symbol(const std::string& name, _Z3_sort* sort, const char* type);
  void declare(const std::string& declaration);

  _Z3_context* context_ = nullptr;
  _Z3_solver* solver_ = nullptr;
  unsigned timeout_seconds_;
  _Z3_model* model_ = nullptr;
  std::string declarations_;
};

}  // namespace mmuref::spec
