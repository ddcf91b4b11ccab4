// Concrete and symbolic runs of one function are equal: concrete(x) = eval(symbolic, x).
#include <gtest/gtest.h>

#include "spec/statement/statement.h"
#include "spec/symbolic/context.h"
#include "spec/symbolic/explorer.h"
#include "tests/arbitrary_case.h"

namespace mmuref::spec {
namespace {

using diff::Word;

Word value(const SymWord& w) {
  const auto constant = Context::current().constant(w.term());
  RC_ASSERT(constant.has_value());
  return *constant;
}
bool value(const SymBool& b) {
  return value(select(b, SymWord(1), SymWord(0))) == 1;
}

/// Concrete memory for a symbolic run whose addresses are constants.
struct Constants {
  const diff::Memory& memory;
  SymWord read(const SymWord& address) const { return memory.read(value(address)); }
};

x86::Processor<SymWord> symbolic(const diff::Processor& cpu) {
  return {cpu.maxphyaddr, cpu.page1gb, cpu.amd};
}
x86::Registers<SymWord> symbolic(const diff::Registers& r) {
  return {r.cr0, r.cr3, r.cr4, r.efer, r.pkru, r.pkrs};
}
x86::Access<SymWord> symbolic(const diff::Access& a) {
  return {a.va, a.write, a.fetch, a.cpl3, a.ac, a.implicit, a.stack};
}

/// Runs `check` once, where every decision must be a constant.
template <class Check>
void as_one_path(Check check) {
  Context context(10);
  Explorer explorer(context);
  explorer.explore(check);
  RC_ASSERT(explorer.paths() == 1u);
}

/// Memory that remembers what it was given last, to compare write-backs.
template <class W>
struct Written {
  std::vector<std::pair<W, W>> entries;
  W read(const W& address) const {
    W result{0};
    for (const auto& [a, v] : entries) result = select(a == address, v, result);
    return result;
  }
  void write(const W& a, const W& v) { entries.emplace_back(a, v); }
};

RC_GTEST_PROP(SymbolicWord, EveryOperatorIsTheConcreteOne, (Word a, Word b, bool flip)) {
  const Word small = b % 64;
  if (flip) b = a;
  as_one_path([&] {
    const SymWord x(a), y(b), s(small);
    RC_ASSERT(value(x & y) == (a & b));
    RC_ASSERT(value(x | y) == (a | b));
    RC_ASSERT(value(x ^ y) == (a ^ b));
    RC_ASSERT(value(x + y) == a + b);
    RC_ASSERT(value(x - y) == a - b);
    RC_ASSERT(value(x * y) == a * b);
    RC_ASSERT(value(x << s) == a << small);
    RC_ASSERT(value(x >> s) == a >> small);
    RC_ASSERT(value(~x) == ~a);
    if (b != 0) {
      RC_ASSERT(value(x / y) == a / b);
      RC_ASSERT(value(x % y) == a % b);
    }
    RC_ASSERT(value(x == y) == (a == b));
    RC_ASSERT(value(x != y) == (a != b));
    RC_ASSERT(value(x < y) == (a < b));
    RC_ASSERT(value(x <= y) == (a <= b));
    RC_ASSERT(value(x > y) == (a > b));
    RC_ASSERT(value(x >= y) == (a >= b));
    RC_ASSERT(value(has(x, b)) == has(a, b));
    RC_ASSERT(value(select(SymBool(flip), x, y)) == select(flip, a, b));
  });
}

RC_GTEST_PROP(SymbolicWord, BooleansToo, (bool a, bool b)) {
  as_one_path([&] {
    const SymBool x(a), y(b);
    RC_ASSERT(value(x & y) == (a && b));
    RC_ASSERT(value(x | y) == (a || b));
    RC_ASSERT(value(x == y) == (a == b));
    RC_ASSERT(value(!x) == !a);
  });
}

RC_GTEST_PROP(SymbolicMemory, WritesAreReadBackAndCopiesAreSnapshots, (Word a, Word b, Word v)) {
  as_one_path([&] {
    SymMemory memory(Context::current().function("memory"));
    memory.write(a, v);
    const SymMemory before = memory;
    memory.write(b, v + 1);
    RC_ASSERT(value(memory.read(b)) == v + 1);
    RC_ASSERT(value(before.read(a)) == v);
    if (a != b) RC_ASSERT(value(memory.read(a)) == v);
  });
}

RC_GTEST_PROP(OneSource, TheWalkIsTheSameOnBothWords, (const diff::Case& c)) {
  const auto& m = c.machine;
  const auto concrete = x86::walk(x86::paging(m.cpu, m.registers), c.access, m.memory);
  as_one_path([&] {
    const auto w = x86::walk(x86::paging(symbolic(m.cpu), symbolic(m.registers)),
                             symbolic(c.access), Constants{m.memory});
    RC_ASSERT(w.outcome == concrete.outcome);
    RC_ASSERT(w.rule == concrete.rule);
    RC_ASSERT(w.level == concrete.level);
    RC_ASSERT(w.count == concrete.count);
    RC_ASSERT(value(w.physical_address) == concrete.physical_address);
    RC_ASSERT(value(w.error_code) == concrete.error_code);
    RC_ASSERT(value(w.denials.any()) == concrete.denials.any());
    RC_ASSERT(x86::accessed_limit(w) == x86::accessed_limit(concrete));
    Written<SymWord> symbolic_memory;
    Written<Word> concrete_memory;
    for (int i = 0; i < w.count; ++i) {
      RC_ASSERT(value(w.steps[i].address) == concrete.steps[i].address);
      RC_ASSERT(value(w.steps[i].value) == concrete.steps[i].value);
    }
    x86::write_back(w, symbolic_memory);
    x86::write_back(concrete, concrete_memory);
    x86::write_back_prefix(w, x86::accessed_limit(w), symbolic_memory);
    x86::write_back_prefix(concrete, x86::accessed_limit(concrete), concrete_memory);
    RC_ASSERT(symbolic_memory.entries.size() == concrete_memory.entries.size());
    for (std::size_t i = 0; i < concrete_memory.entries.size(); ++i) {
      RC_ASSERT(value(symbolic_memory.entries[i].first) == concrete_memory.entries[i].first);
      RC_ASSERT(value(symbolic_memory.entries[i].second) == concrete_memory.entries[i].second);
    }
  });
}

RC_GTEST_PROP(OneSource, TheStatementIsTheSameOnBothWords, (const diff::Case& c, Word address)) {
  const auto& m = c.machine;
  const auto concrete = state(m.cpu, m.registers, c.access, m.memory);
  as_one_path([&] {
    const auto s =
        state(symbolic(m.cpu), symbolic(m.registers), symbolic(c.access), Constants{m.memory});
    RC_ASSERT(value(s.vector) == concrete.vector);
    RC_ASSERT(value(s.level) == concrete.level);
    RC_ASSERT(value(s.error_code) == concrete.error_code);
    RC_ASSERT(value(s.physical_address) == concrete.physical_address);
    RC_ASSERT(value(s.after(address, 0)) == concrete.after(address, 0));
  });
}

}  // namespace
}  // namespace mmuref::spec
