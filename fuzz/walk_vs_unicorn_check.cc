#include <cstdio>
#include <cstdlib>
#include <exception>

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

Unicorn& unicorn() {
  // Never destroyed: libFuzzer leaves by exit().
  static Unicorn* const made = [] {
    try {
      auto* const u = new Unicorn;
      for (const auto& [reason, what] : u->domain.excluded)
        std::fprintf(stderr, "Unicorn has not: %s (%s)\n", what.c_str(), reason.c_str());
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
  decode({data, size}, u.domain, u.question);
  const diff::Machine& m = u.question.machine;
  if (!u.oracle->unsupported(m.cpu, m.registers, u.question.access).empty()) return;

  const diff::Answer model = diff::answer(u.question);
  u.oracle->load(m);
  diff::run_access(*u.oracle, u.question, model, u.effect);
  if (diff::compare(u.question, model, u.effect) != 0) {
    require(diff::explain(u.oracle->name(), {u.question, model, u.effect}) != nullptr,
            "Unicorn does what the manual permits, or has a ledger entry");
  }
  note(diff::exercised(u.question, spec::state(m.cpu, m.registers, u.question.access, m.memory)));
}

}  // namespace mmuref::fuzz
