#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <stdexcept>

#include "diff/ledger.h"
#include "diff/oracles/unicorn/unicorn_oracle.h"
#include "fuzz/require.h"
#include "fuzz/rule_report.h"
#include "fuzz/space_input.h"
#include "fuzz/walk_check.h"

namespace mmuref::fuzz {
namespace {

struct Unicorn {
  std::unique_ptr<diff::Oracle> oracle = diff::make_unicorn_oracle();
  diff::Domain domain = diff::domain_of(*oracle);
  diff::Case question;
  diff::Effect effect;
};

diff::Exercised exercised(const diff::Case& c) {
  const diff::Machine& m = c.machine;
  return diff::exercised(c, spec::state(m.cpu, m.registers, c.access, m.memory));
}

bool supported(const Unicorn& u, const diff::Case& c) {
  return u.oracle->unsupported(c.machine.cpu, c.machine.registers, c.access).empty();
}

/// The input as an access that Unicorn can be asked for: of implicit ones it has reads of a
/// descriptor, which is aligned.
void ask(Unicorn& u, std::span<const std::uint8_t> input) {
  decode(input, u.domain, u.question);
  diff::Access& a = u.question.access;
  if (a.write) a.implicit = false;
  if (a.implicit) a.va &= ~diff::Word{7};
}

struct Counts {
  std::size_t compared = 0, left_out = 0;
};
Counts counts;

void print() {
  std::fprintf(stderr, "%zu accesses compared, %zu that Unicorn cannot be asked for\n",
               counts.compared, counts.left_out);
}

/// Says what Unicorn has not: what is lost of a combination's witness on the way through its
/// domain.
void say_what_is_left_out(Unicorn& u) {
  for (const auto& [reason, what] : u.domain.excluded)
    std::fprintf(stderr, "Unicorn has not: %s (%s)\n", what.c_str(), reason.c_str());
  std::size_t number = 0, expected = 0;
  for (const diff::Combination& c : diff::all_combinations()) {
    if (diff::unreachable(c) == nullptr) {
      ask(u, encode(diff::witness(c)));
      const diff::Exercised seen = exercised(u.question);
      const bool kept = std::find(seen.begin(), seen.end(), number) != seen.end();
      if (kept && supported(u, u.question)) {
        ++expected;
      } else {
        do_not_expect(number);
      }
    }
    ++number;
  }
  if (expected == 0) throw std::runtime_error("Unicorn supports nothing");
}

Unicorn& unicorn() {
  // Never destroyed: libFuzzer leaves by exit().
  static Unicorn* const made = [] {
    std::atexit(print);
    try {
      auto* const u = new Unicorn;
      say_what_is_left_out(*u);
      return u;
    } catch (const std::exception& e) {
      std::fprintf(stderr, "walk_vs_unicorn: %s\n", e.what());
      std::_Exit(1);
    }
  }();
  return *made;
}

}  // namespace

void walk_vs_unicorn(const std::uint8_t* data, std::size_t size) {
  Unicorn& u = unicorn();
  ask(u, {data, size});
  const diff::Machine& m = u.question.machine;
  if (!supported(u, u.question)) {
    ++counts.left_out;
    return;
  }
  ++counts.compared;

  const diff::Answer model = diff::answer(u.question);
  u.oracle->load(m);
  diff::run_access(*u.oracle, u.question, model, u.effect);
  if (diff::compare(u.question, model, u.effect) != 0) {
    require(diff::explain(u.oracle->name(), {u.question, model, u.effect}) != nullptr,
            "Unicorn does what the manual permits, or has a ledger entry");
  }
  note(exercised(u.question));
}

}  // namespace mmuref::fuzz
