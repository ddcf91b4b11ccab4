// Operators that can be told to compute something else while the program runs. `./run sweep` writes
// them into a copy of the model (rewrite.py); nothing that is built from the tree includes this.
//
//   a & b        becomes  a & mut::Op<17, mut::And, mut::Left, …>{} & b
//
// which has the precedence of what it replaces, so that nobody need find the operands. It gives
// `a & b`, or, while mutant 17 is active, what `Left` makes of the operands; 18 is the next
// variant, and so on. What the compiler evaluates is never changed.
//
// MMUREF_MUTANT=N makes mutant N active. MMUREF_REACHED=FILE writes, at exit, a byte for each
// mutant: 1 where its value would have differed from the right one at least once. Only then can a
// check notice it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <type_traits>

namespace mut {

inline constexpr unsigned most = 1u << 15;  ///< mutants; rewrite.py makes no more
inline constexpr unsigned none = ~0u;

inline unsigned active = none;
inline const char* record = nullptr;
inline unsigned char reached[most];

inline void save() {
  std::FILE* file = std::fopen(record, "wb");
  if (file == nullptr || std::fwrite(reached, 1, most, file) != most || std::fclose(file) != 0) {
    std::perror(record);
  }
}

/// Before any initialiser that may run model code; every object file brings the same one.
[[gnu::weak, gnu::constructor(101)]] void start() {
  static bool started = false;
  if (started) return;
  started = true;
  if (const char* number = std::getenv("MMUREF_MUTANT")) {
    active = static_cast<unsigned>(std::strtoul(number, nullptr, 10));
  }
  record = std::getenv("MMUREF_REACHED");
  if (record != nullptr) std::atexit(save);
}

/// Whether two values of one type are known to be equal; a symbolic one is if it is the same term.
template <class R>
bool equal(const R& a, const R& b) {
  if constexpr (requires { a.term(); }) {
    return a.term() == b.term();
  } else {
    return a == b;
  }
}

// What operators compute, right and wrong ones alike.

template <class T>
constexpr bool is_truth = !requires(T t) {
  t + t;
}
|| std::is_same_v<T, bool>;

/// The result of an operator on bits; of two `bool` it stays one.
template <class A, class B>
constexpr auto bitwise(const A&, const B&, const auto& result) {
  if constexpr (std::is_same_v<A, bool> && std::is_same_v<B, bool>) {
    return static_cast<bool>(result);
  } else {
    return result;
  }
}

#define MUT_OPERATOR(Name, result)                                                       \
  struct Name {                                                                          \
    static constexpr auto of(const auto& a, const auto& b) requires requires { result; } \
    { return result; }                                                                   \
  };
MUT_OPERATOR(And, bitwise(a, b, a& b))
MUT_OPERATOR(Or, bitwise(a, b, a | b))
MUT_OPERATOR(Xor, bitwise(a, b, a ^ b))
MUT_OPERATOR(Plus, a + b)
MUT_OPERATOR(Minus, a - b)
MUT_OPERATOR(Times, a* b)
MUT_OPERATOR(Over, a / b)
MUT_OPERATOR(Modulo, a % b)
MUT_OPERATOR(ShiftLeft, a << b)
MUT_OPERATOR(ShiftRight, a >> b)
MUT_OPERATOR(Equal, a == b)
MUT_OPERATOR(NotEqual, a != b)
MUT_OPERATOR(Less, a < b)
MUT_OPERATOR(LessEqual, a <= b)
MUT_OPERATOR(Greater, a > b)
MUT_OPERATOR(GreaterEqual, a >= b)
#undef MUT_OPERATOR
struct Negation {
  static constexpr auto of(const auto& a) { return !a; }
};
struct Complement {
  static constexpr auto of(const auto& a) { return ~a; }
};
struct Same {
  static constexpr auto of(const auto& a) { return a; }
};

struct Left {
  static constexpr auto of(const auto& a, const auto&...) { return a; }
};
struct Right {
  static constexpr auto of(const auto&, const auto& b) { return b; }
};
struct False {
  static constexpr bool of(const auto&...) { return false; }
};
struct True {
  static constexpr bool of(const auto&...) { return true; }
};

/// No bit, and all bits, of a word or truth value.
struct Zero {
  template <class A>
  static constexpr A of(const A&, const auto&...) {
    return A{};
  }
};
struct Ones {
  template <class A>
  static constexpr A of(const A& a, const auto&...) {
    if constexpr (is_truth<A>) {
      return A(true);
    } else {
      return static_cast<A>(a | ~a);
    }
  }
};
/// The opposite of every bit, or of a truth value.
constexpr auto opposite(const auto& a) {
  if constexpr (is_truth<std::decay_t<decltype(a)>>) {
    return !a;
  } else {
    return ~a;
  }
}
/// Bits that agree, and that differ.
struct Agree {
  static constexpr auto of(const auto& a, const auto& b) {
    if constexpr (is_truth<std::decay_t<decltype(a)>>) {
      return a == b;
    } else {
      return ~(a ^ b);
    }
  }
};
struct Differ {
  static constexpr auto of(const auto& a, const auto& b) { return opposite(Agree::of(a, b)); }
};
struct Nand {
  static constexpr auto of(const auto& a, const auto& b) { return opposite(And::of(a, b)); }
};
struct AndNot {
  static constexpr auto of(const auto& a, const auto& b) { return And::of(a, opposite(b)); }
};
struct NotAnd {
  static constexpr auto of(const auto& a, const auto& b) { return And::of(opposite(a), b); }
};

/// The result of an operator, off by one.
template <class Operator>
struct More {
  static constexpr auto of(const auto& a, const auto& b) { return Operator::of(a, b) + 1; }
};
template <class Operator>
struct Fewer {
  static constexpr auto of(const auto& a, const auto& b) { return Operator::of(a, b) - 1; }
};
/// A shift by one more, or one less; by no more than is defined.
template <class Operator, int by>
struct ShiftOff {
  static constexpr auto of(const auto& a, const auto& b) {
    using B = std::decay_t<decltype(b)>;
    if constexpr (std::is_integral_v<B>) {
      return Operator::of(a, static_cast<B>(static_cast<unsigned>(b) + by) & 63);
    } else {
      return Operator::of(a, b + B{static_cast<std::uint64_t>(by)});
    }
  }
};

/// What is wrong with a mask: its lowest or highest bit missing, one more at either end.
constexpr std::uint64_t lowest(std::uint64_t m) {
  return m & (~m + 1);
}
constexpr std::uint64_t highest(std::uint64_t m) {
  while ((m & (m - 1)) != 0) m &= m - 1;
  return m;
}
struct WithoutLowest {
  static constexpr auto of(std::uint64_t m) { return m & ~lowest(m); }
};
struct WithoutHighest {
  static constexpr auto of(std::uint64_t m) { return m & ~highest(m); }
};
struct OneLower {
  static constexpr auto of(std::uint64_t m) { return m | lowest(m) >> 1; }
};
struct OneHigher {
  static constexpr auto of(std::uint64_t m) { return m | highest(m) << 1; }
};

/// An operator and its variants. One that has no meaning for the types is the right one.
template <unsigned first, class Operator, class... Variants>
struct Op {
  static constexpr auto of(const auto&... operands) {
    const auto right = Operator::of(operands...);
    if (std::is_constant_evaluated()) return right;
    unsigned id = first;
    if (record != nullptr) (note<Variants>(id++, right, operands...), ...);
    if (active - first >= sizeof...(Variants)) return right;
    auto result = right;
    id = first;
    ((id++ == active ? void(result = wrong<Variants>(right, operands...)) : void()), ...);
    return result;
  }

 private:
  template <class V, class R>
  static R wrong(const R& right, const auto&... operands) {
    if constexpr (requires { static_cast<R>(V::of(operands...)); }) {
      return static_cast<R>(V::of(operands...));
    } else {
      return right;
    }
  }
  template <class V, class R>
  static void note(unsigned id, const R& right, const auto&... operands) {
    if (!reached[id]) reached[id] = !equal(right, wrong<V>(right, operands...));
  }
};

/// An operator that has its left operand, or of an assignment its right one.
template <class A, class O>
struct Held {
  const A& operand;
};

#define MUT_CARRY(op)                                                                 \
  template <class A, unsigned first, class O, class... V>                             \
  constexpr Held<A, Op<first, O, V...>> operator op(const A& a, Op<first, O, V...>) { \
    return {a};                                                                       \
  }                                                                                   \
  template <class A, class O, class B>                                                \
  constexpr auto operator op(const Held<A, O>& held, const B& b) {                    \
    return O::of(held.operand, b);                                                    \
  }
MUT_CARRY(*)
MUT_CARRY(+)
MUT_CARRY(<<)
MUT_CARRY(<)
MUT_CARRY(!=)
MUT_CARRY(&)
MUT_CARRY(^)
MUT_CARRY(|)
#undef MUT_CARRY

/// `!a` and `~a`: ->* binds more tightly than any operator with two operands that is rewritten.
template <unsigned first, class O, class... V, class A>
constexpr auto operator->*(Op<first, O, V...>, const A& a) {
  return Op<first, O, V...>::of(a);
}

/// `a += b` and its like become `a |= Op{} |= b`.
template <unsigned first, class O, class... V, class B>
constexpr Held<B, Op<first, O, V...>> operator|=(Op<first, O, V...>, const B& b) {
  return {b};
}
template <class A, class B, class O>
constexpr A& operator|=(A& a, const Held<B, O>& held) {
  return a = static_cast<A>(O::of(a, held.operand));
}

/// `condition`, of if, ?: and select.
template <unsigned first, class C>
constexpr auto condition(const C& c) {
  if constexpr (is_truth<C> && !std::is_pointer_v<C>) {
    return Op<first, Same, False, True>::of(c);
  } else {
    return Op<first, Same, False, True>::of(static_cast<bool>(c));
  }
}

template <unsigned first, class... V>
constexpr std::uint64_t mask(std::uint64_t m) {
  return Op<first, Same, V...>::of(m);
}

/// `a && b` and `a || b`: what the right one costs or breaks is kept from where it is not
/// evaluated, so whether dropping the left one would differ there is not known.
template <unsigned first>
constexpr bool both(bool a, const auto& b) {
  if (std::is_constant_evaluated()) return a && b();
  if (record != nullptr && !a) reached[first + 1] = 1;
  if (!a) return active == first + 1 ? b() : false;
  const bool right = static_cast<bool>(b());
  return Op<first, Same, True, Same, False>::of(right);
}
template <unsigned first>
constexpr bool either(bool a, const auto& b) {
  if (std::is_constant_evaluated()) return a || b();
  if (record != nullptr && a) reached[first + 1] = 1;
  if (a) return active == first + 1 ? b() : true;
  const bool right = static_cast<bool>(b());
  return Op<first, Same, False, Same, True>::of(right);
}

}  // namespace mut
