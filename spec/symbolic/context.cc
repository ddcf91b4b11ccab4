#include "spec/symbolic/context.h"

#include <z3.h>

#include <stdexcept>

namespace mmuref::spec {
namespace {

thread_local Context* current_context = nullptr;

void on_error(Z3_context context, Z3_error_code code) {
  throw std::runtime_error(std::string("solver: ") + Z3_get_error_msg(context, code));
}

}  // namespace

std::string solver_version() {
  return Z3_get_full_version();
}

Context::Context(unsigned timeout_seconds) : timeout_seconds_(timeout_seconds) {
  if (current_context) throw std::logic_error("a thread has one solver context at a time");
  Z3_config config = Z3_mk_config();
  context_ = Z3_mk_context(config);
  Z3_del_config(config);
  Z3_set_error_handler(context_, on_error);
  Z3_set_ast_print_mode(context_, Z3_PRINT_SMTLIB2_COMPLIANT);
  solver_ = configured(Z3_mk_solver_for_logic(context_, Z3_mk_string_symbol(context_, "QF_UFBV")));
  current_context = this;
}

/// Takes a reference to `solver` and sets the time a query may take.
Z3_solver Context::configured(Z3_solver solver) {
  Z3_solver_inc_ref(context_, solver);
  Z3_params params = Z3_mk_params(context_);
  Z3_params_inc_ref(context_, params);
  Z3_params_set_uint(context_, params, Z3_mk_string_symbol(context_, "timeout"),
                     timeout_seconds_ * 1000);
  Z3_solver_set_params(context_, solver, params);
  Z3_params_dec_ref(context_, params);
  return solver;
}

Context::~Context() {
  current_context = nullptr;
  if (model_) Z3_model_dec_ref(context_, model_);
  Z3_solver_dec_ref(context_, solver_);
  Z3_del_context(context_);
}

Context& Context::current() {
  if (!current_context) throw std::logic_error("symbolic value outside of a proof");
  return *current_context;
}

void Context::declare(const std::string& declaration) {
  if (declarations_.find(declaration) == std::string::npos) declarations_ += declaration;
}
Term Context::symbol(const std::string& name, Z3_sort sort, const char* type) {
  declare("(declare-const |" + name + "| " + type + ")\n");
  return Z3_mk_const(context_, Z3_mk_string_symbol(context_, name.c_str()), sort);
}
Term Context::word(const std::string& name) {
  return symbol(name, Z3_mk_bv_sort(context_, 64), "(_ BitVec 64)");
}
Term Context::flag(const std::string& name) {
  return symbol(name, Z3_mk_bool_sort(context_), "Bool");
}
Function Context::function(const std::string& name) {
  declare("(declare-fun |" + name + "| ((_ BitVec 64)) (_ BitVec 64))\n");
  Z3_sort word = Z3_mk_bv_sort(context_, 64);
  return Z3_mk_func_decl(context_, Z3_mk_string_symbol(context_, name.c_str()), 1, &word, word);
}

void Context::push() {
  Z3_solver_push(context_, solver_);
}
void Context::pop() {
  Z3_solver_pop(context_, solver_, 1);
}
void Context::add(Term condition) {
  Z3_solver_assert(context_, solver_, condition);
}

Satisfiable Context::check() {
  return ask(solver_);
}

Satisfiable Context::solve(Term condition) {
  // Memory reads become words with a constraint for each pair of addresses (Ackermann).
  Z3_tactic tactic = nullptr;
  for (const char* step : {"simplify", "propagate-values", "solve-eqs", "ackermannize_bv",
                           "simplify", "bit-blast", "sat"}) {
    Z3_tactic next = Z3_mk_tactic(context_, step);
    Z3_tactic_inc_ref(context_, next);
    if (tactic) {
      Z3_tactic both = Z3_tactic_and_then(context_, tactic, next);
      Z3_tactic_inc_ref(context_, both);
      Z3_tactic_dec_ref(context_, tactic);
      Z3_tactic_dec_ref(context_, next);
      next = both;
    }
    tactic = next;
  }
  Z3_solver solver = configured(Z3_mk_solver_from_tactic(context_, tactic));
  Z3_tactic_dec_ref(context_, tactic);
  Z3_solver_assert(context_, solver, condition);
  const Satisfiable answer = ask(solver);
  Z3_solver_dec_ref(context_, solver);
  return answer;
}

Satisfiable Context::ask(Z3_solver solver) {
  const Z3_lbool answer = Z3_solver_check(context_, solver);
  if (answer == Z3_L_FALSE) return Satisfiable::no;
  if (answer == Z3_L_UNDEF) return Satisfiable::unknown;
  if (model_) Z3_model_dec_ref(context_, model_);
  model_ = Z3_solver_get_model(context_, solver);
  Z3_model_inc_ref(context_, model_);
  return Satisfiable::yes;
}

std::uint64_t Context::value(Term term) {
  Z3_ast result = nullptr;
  if (!model_ || !Z3_model_eval(context_, model_, term, true, &result))
    throw std::logic_error("no model to read a value from");
  if (Z3_get_bool_value(context_, result) != Z3_L_UNDEF)
    return Z3_get_bool_value(context_, result) == Z3_L_TRUE;
  std::uint64_t number = 0;
  if (!Z3_get_numeral_uint64(context_, result, &number))
    throw std::logic_error("the model leaves a term without a value");
  return number;
}

Context::Literal Context::literal(Term condition) {
  switch (Z3_get_bool_value(context_, Z3_simplify(context_, condition))) {
    case Z3_L_TRUE: return Literal::yes;
    case Z3_L_FALSE: return Literal::no;
    default: return Literal::open;
  }
}

std::optional<std::uint64_t> Context::constant(Term word) {
  std::uint64_t number = 0;
  const Term simple = Z3_simplify(context_, word);
  if (!Z3_is_numeral_ast(context_, simple)) return std::nullopt;
  if (!Z3_get_numeral_uint64(context_, simple, &number)) return std::nullopt;
  return number;
}

Term Context::negation(Term condition) {
  return Z3_mk_not(context_, condition);
}

Term Context::all(const std::vector<Term>& conditions) {
  return Z3_mk_and(context_, static_cast<unsigned>(conditions.size()), conditions.data());
}
Term Context::some(const std::vector<Term>& conditions) {
  return Z3_mk_or(context_, static_cast<unsigned>(conditions.size()), conditions.data());
}

std::string Context::text(Term term) {
  return Z3_ast_to_string(context_, term);
}
std::string Context::declarations() const {
  return declarations_;
}

}  // namespace mmuref::spec
