// Accessed and dirty flags: what an access writes.
#include "spec/statement/statement.h"
#include "spec/theorem.h"
#include "spec/theorems/inputs.h"

namespace mmuref::spec {
namespace {

constexpr std::string_view ref = "SDM vol. 3, 4.8 Accessed and Dirty Flags";

/// The entries of the walk's steps, some of which may be one and the same, with memory elsewhere.
/// Holds what `x86::write_back` needs without an array: the value at one address of interest.
template <class W>
struct OneAddress {
  W address;
  W value;

  W read(const W& a) const { return select(a == address, value, W{0}); }
  void write(const W& a, const W& v) { value = select(a == address, v, value); }
};

/// Follows one arbitrary address through the write-back of `w`.
template <class W>
W after_write_back(const x86::Walk<W>& w, const W& address, const W& before) {
  OneAddress<W> memory{address, before};
  x86::write_back(w, memory);
  return memory.value;
}

template <class W>
W after_prefix(const x86::Walk<W>& w, int prefix, const W& address, const W& before) {
  OneAddress<W> memory{address, before};
  x86::write_back_prefix(w, prefix, memory);
  return memory.value;
}

const auto write_back_equals_statement = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = walk_inputs(t);
  const auto w = in.walk();
  const W x = t.word("any address"), before = t.word("held before");
  t.witness(w.outcome == x86::Outcome::translated, "an access that writes back");
  // The statement's levels, taken from the walk: walk-equals-statement says they are the same.
  Statement<W> s;
  s.ok = w.outcome == x86::Outcome::translated;
  s.write = in.access.write;
  for (int i = 0; i < w.count; ++i) {
    auto& level = s.levels[w.steps[i].level];
    level.address = w.steps[i].address;
    level.used = level.valid = true;
    level.maps = i == w.count - 1;
  }
  t.prove(after_write_back(w, x, before) == s.after(x, before), "the same memory afterwards");
};

const auto only_a_and_d = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  namespace e = x86::entry;
  const auto in = walk_inputs(t);
  const auto w = in.walk();
  const bool ok = w.outcome == x86::Outcome::translated;
  const W x = t.word("any address"), before = t.word("held before");
  const W after = after_write_back(w, x, before);
  const W set = after & ~before;
  t.witness(Bool<W>(ok) & has(set, e::A), "A is set");
  t.witness(Bool<W>(ok) & has(set, e::D), "D is set");

  t.prove((before & ~after) == W{0}, "no bit is cleared");
  t.prove((set & ~W{e::A | e::D}) == W{0}, "no other bit is set");
  Bool<W> used = false;
  for (int i = 0; i < w.count; ++i) used = used | (x == w.steps[i].address);
  t.prove(Bool<W>(ok) | (set == W{0}), "a fault requires no write");
  t.prove(used | (set == W{0}), "only entries used are written");
  if (!ok) return;
  t.prove((!has(set, e::D)) | (in.access.write & (x == w.last().address)),
          "D only in the leaf of a permitted write");
  t.prove((!used) | has(after, e::A), "A in every entry used");
  t.prove((!(in.access.write & (x == w.last().address))) | has(after, e::D),
          "D in the leaf of a write");
};

const auto second_access_writes_nothing = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = walk_inputs(t);
  const auto w = in.walk();
  const bool ok = w.outcome == x86::Outcome::translated;
  t.witness(ok, "a translation");
  if (!ok) return;
  Bool<W> twice = false;
  for (int i = 0; i < w.count - 1; ++i) twice = twice | (w.steps[i].address == w.last().address);
  t.witness(twice, "a self-mapping: the leaf is a table entry too");

  // The second walk reads what the first left, one and the same entry at several levels included.
  const Changed changed(
      w, [&](const x86::Step<W>& s) { return after_write_back(w, s.address, s.value); });
  const auto v = x86::walk(in.paging(), in.access, changed);
  t.prove(same_path(w, v) & same_answer(w, v), "the second access succeeds alike");
  for (int i = 0; i < v.count; ++i) {
    const W& found = v.steps[i].value;
    t.prove((found | x86::flags_set(v, i)) == found, "and finds every flag set");
  }
};

const auto write_back_idempotent = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W x = t.word("any address"), before = t.word("held before");
  // Any entries at all, some of which may be one and the same.
  x86::Walk<W> w;
  w.write = t.flag("write");
  for (w.count = 1; w.count <= x86::max_level; ++w.count) {
    w.steps[w.count - 1].address = t.word("entry " + std::to_string(w.count));
    const W after = after_write_back(w, x, before);
    t.witness(after != before, "something written");
    t.prove(after_write_back(w, x, after) == after, "writing twice is writing once");
  }
};

const auto prefixes = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  namespace e = x86::entry;
  const auto in = walk_inputs(t);
  const auto w = in.walk();
  const bool fault = w.outcome != x86::Outcome::translated;
  const int limit = x86::accessed_limit(w);
  t.witness(fault && limit == 4, "a fault below four entries");
  t.witness(w.count == 0, "a fault above all entries");
  if (!fault) return;

  const W x = t.word("any address"), before = t.word("held before");
  for (int prefix = 0; prefix <= limit; ++prefix) {
    const W after = after_prefix(w, prefix, x, before);
    t.prove((before & ~after) == W{0} && ((after & ~before) & ~W{e::A}) == W{0},
            "a fault sets A at most");
    Bool<W> above = false;
    for (int i = 0; i < w.count - 1; ++i) above = above | (x == w.steps[i].address);
    t.prove(above | (after == before), "and only above the entry that faulted");
  }

  // A in any of the entries: every prefix and more.
  W noise[x86::max_level + 1];
  for (int level = 1; level <= x86::max_level; ++level)
    noise[level] = t.word("accessed" + std::to_string(level));
  const Changed changed(
      w, [&](const x86::Step<W>& s) { return s.value | (noise[s.level] & W{e::A}); });
  const auto v = x86::walk(in.paging(), in.access, changed);
  t.prove(same_path(w, v) & same_answer(w, v), "the access faults alike again");
};

const Theorem theorems[] = {
    theorem("write-back-equals-statement",
            "After an access every 8 bytes of memory hold what the manual's definition gives: A in "
            "every entry used, D in the leaf of a write, entries used twice included.",
            ref, write_back_equals_statement),
    theorem("only-accessed-and-dirty",
            "An access only ever sets A in entries it used and D in the leaf of a permitted "
            "write; nothing is cleared and nothing else changes.",
            ref, only_a_and_d),
    theorem("second-access-writes-nothing",
            "Repeating an access gives the same answer and finds every flag it would set set.", ref,
            second_access_writes_nothing),
    theorem("write-back-idempotent", "Writing back twice leaves what writing back once does.", ref,
            write_back_idempotent),
    theorem("faults-leave-a-prefix",
            "What a faulting access may leave is A in entries above the one that faulted, and "
            "never changes the answer of a repetition.",
            ref, prefixes),
};

}  // namespace

std::span<const Theorem> accessed_dirty_theorems() {
  return theorems;
}

}  // namespace mmuref::spec
