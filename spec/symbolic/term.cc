#include "spec/symbolic/term.h"

#include <z3.h>

#include "spec/symbolic/context.h"
#include "spec/symbolic/explorer.h"

namespace mmuref::spec {
namespace {

Z3_context z3() {
  return Context::current().raw();
}

using Binary = Z3_ast (*)(Z3_context, Z3_ast, Z3_ast);
SymWord word(Binary make, const SymWord& a, const SymWord& b) {
  return SymWord(make(z3(), a.term(), b.term()));
}
SymBool relation(Binary make, const SymWord& a, const SymWord& b) {
  return SymBool(make(z3(), a.term(), b.term()));
}

}  // namespace

SymBool::SymBool(bool value) : term_(value ? Z3_mk_true(z3()) : nullptr) {}
SymBool::operator bool() const {
  return Explorer::current().decide(term());
}
Term SymBool::term() const {
  return term_ ? term_ : Z3_mk_false(z3());
}

SymBool operator&(const SymBool& a, const SymBool& b) {
  const Term terms[] = {a.term(), b.term()};
  return SymBool(Z3_mk_and(z3(), 2, terms));
}
SymBool operator|(const SymBool& a, const SymBool& b) {
  const Term terms[] = {a.term(), b.term()};
  return SymBool(Z3_mk_or(z3(), 2, terms));
}
SymBool operator==(const SymBool& a, const SymBool& b) {
  return SymBool(Z3_mk_iff(z3(), a.term(), b.term()));
}
SymBool operator!(const SymBool& a) {
  return SymBool(Z3_mk_not(z3(), a.term()));
}

SymWord SymWord::constant(std::uint64_t value) {
  return SymWord(Z3_mk_unsigned_int64(z3(), value, Z3_mk_bv_sort(z3(), 64)));
}
Term SymWord::term() const {
  return term_ ? term_ : constant(0).term_;
}

SymWord operator&(const SymWord& a, const SymWord& b) {
  return word(Z3_mk_bvand, a, b);
}
SymWord operator|(const SymWord& a, const SymWord& b) {
  return word(Z3_mk_bvor, a, b);
}
SymWord operator^(const SymWord& a, const SymWord& b) {
  return word(Z3_mk_bvxor, a, b);
}
SymWord operator+(const SymWord& a, const SymWord& b) {
  return word(Z3_mk_bvadd, a, b);
}
SymWord operator-(const SymWord& a, const SymWord& b) {
  return word(Z3_mk_bvsub, a, b);
}
SymWord operator*(const SymWord& a, const SymWord& b) {
  return word(Z3_mk_bvmul, a, b);
}
SymWord operator/(const SymWord& a, const SymWord& b) {
  return word(Z3_mk_bvudiv, a, b);
}
SymWord operator%(const SymWord& a, const SymWord& b) {
  return word(Z3_mk_bvurem, a, b);
}
SymWord operator<<(const SymWord& a, const SymWord& b) {
  return word(Z3_mk_bvshl, a, b);
}
SymWord operator>>(const SymWord& a, const SymWord& b) {
  return word(Z3_mk_bvlshr, a, b);
}
SymWord operator~(const SymWord& a) {
  return SymWord(Z3_mk_bvnot(z3(), a.term()));
}

SymBool operator==(const SymWord& a, const SymWord& b) {
  return relation(Z3_mk_eq, a, b);
}
SymBool operator!=(const SymWord& a, const SymWord& b) {
  return !(a == b);
}
SymBool operator<(const SymWord& a, const SymWord& b) {
  return relation(Z3_mk_bvult, a, b);
}
SymBool operator<=(const SymWord& a, const SymWord& b) {
  return relation(Z3_mk_bvule, a, b);
}
SymBool operator>(const SymWord& a, const SymWord& b) {
  return relation(Z3_mk_bvugt, a, b);
}
SymBool operator>=(const SymWord& a, const SymWord& b) {
  return relation(Z3_mk_bvuge, a, b);
}

SymWord select(const SymBool& condition, const SymWord& yes, const SymWord& no) {
  return SymWord(Z3_mk_ite(z3(), condition.term(), yes.term(), no.term()));
}

SymWord SymMemory::read(const SymWord& address) const {
  const Term argument = address.term();
  SymWord value(Z3_mk_app(z3(), function_, 1, &argument));
  for (const auto& [where, what] : written_) value = select(where == address, what, value);
  return value;
}

}  // namespace mmuref::spec
