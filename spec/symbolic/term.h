// The symbolic word and its Boolean: what the solver sees of a model function.
//
// Values are handles to terms of the calling thread's current `Context` (context.h) and live as
// long as it does. Only spec/symbolic/ includes the solver's headers.
#pragma once

#include <concepts>
#include <cstdint>
#include <utility>
#include <vector>

#include "model/word.h"

struct _Z3_ast;
struct _Z3_func_decl;

namespace mmuref::spec {

using Term = _Z3_ast*;
using Function = _Z3_func_decl*;

/// A symbolic truth value. Converting it to `bool` forks the execution (explorer.h); `&`, `|`, `!`
/// and `select` do not.
class SymBool {
 public:
  SymBool() = default;
  SymBool(bool value);  // NOLINT(google-explicit-constructor): model code mixes constants in
  explicit SymBool(Term term) : term_(term) {}

  explicit operator bool() const;
  Term term() const;

  friend SymBool operator&(const SymBool& a, const SymBool& b);
  friend SymBool operator|(const SymBool& a, const SymBool& b);
  friend SymBool operator==(const SymBool& a, const SymBool& b);
  friend SymBool operator!(const SymBool& a);

 private:
  Term term_ = nullptr;  ///< null: false
};

/// A symbolic 64-bit word with the arithmetic of `std::uint64_t`.
class SymWord {
 public:
  using Bool = SymBool;

  SymWord() = default;
  template <std::unsigned_integral T>
  SymWord(T value) : SymWord(constant(value)) {}
  SymWord(int value) : SymWord(constant(static_cast<std::uint64_t>(value))) {}
  explicit SymWord(Term term) : term_(term) {}

  Term term() const;

  friend SymWord operator&(const SymWord& a, const SymWord& b);
  friend SymWord operator|(const SymWord& a, const SymWord& b);
  friend SymWord operator^(const SymWord& a, const SymWord& b);
  friend SymWord operator+(const SymWord& a, const SymWord& b);
  friend SymWord operator-(const SymWord& a, const SymWord& b);
  friend SymWord operator*(const SymWord& a, const SymWord& b);
  friend SymWord operator/(const SymWord& a, const SymWord& b);
  friend SymWord operator%(const SymWord& a, const SymWord& b);
  friend SymWord operator<<(const SymWord& a, const SymWord& b);
  friend SymWord operator>>(const SymWord& a, const SymWord& b);
  friend SymWord operator~(const SymWord& a);
  friend SymBool operator==(const SymWord& a, const SymWord& b);
  friend SymBool operator!=(const SymWord& a, const SymWord& b);
  friend SymBool operator<(const SymWord& a, const SymWord& b);
  friend SymBool operator<=(const SymWord& a, const SymWord& b);
  friend SymBool operator>(const SymWord& a, const SymWord& b);
  friend SymBool operator>=(const SymWord& a, const SymWord& b);
  friend SymWord select(const SymBool& condition, const SymWord& yes, const SymWord& no);

 private:
  static SymWord constant(std::uint64_t value);

  Term term_ = nullptr;  ///< null: zero
};

/// Symbolic physical memory: any function from addresses to 8-byte entries, and what was written
/// over it. A function rather than an array, so that every solver can bit-blast what it proves. A
/// copy is a snapshot.
class SymMemory {
 public:
  SymMemory() = default;
  explicit SymMemory(Function function) : function_(function) {}

  SymWord read(const SymWord& address) const;
  void write(const SymWord& address, const SymWord& value) {
    written_.emplace_back(address, value);
  }

 private:
  Function function_ = nullptr;
  std::vector<std::pair<SymWord, SymWord>> written_;  ///< later ones win
};

}  // namespace mmuref::spec
