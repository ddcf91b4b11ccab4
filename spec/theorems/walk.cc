// The walk equals the declarative statement.
#include "spec/statement/statement.h"
#include "spec/theorem.h"
#include "spec/theorems/inputs.h"

namespace mmuref::spec {
namespace {

constexpr std::string_view ref = "SDM vol. 3, 4.5.4, 4.6 and 4.7";

/// Memory for the statement, which reads one entry a level from the highest down.
template <class W, class Memory>
class ByLevel {
 public:
  ByLevel(const x86::Walk<W>& w, const Memory& memory) : walk_(w), memory_(memory) {}

  W read(const W& address) const {
    const int level = next_--;
    for (int i = 0; i < walk_.count; ++i)
      if (walk_.steps[i].level == level) return walk_.steps[i].value;
    return memory_.read(address);
  }

 private:
  const x86::Walk<W>& walk_;
  const Memory& memory_;
  mutable int next_ = highest;
};

const auto walk_equals_statement = [](auto& t, bool la57) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = walk_inputs(t);
  t.assume(has(in.registers.cr4, x86::cr4::LA57) == Bool<W>(la57));
  const auto w = in.walk();
  // The statement looks at an entry of each of the five levels. Where the walk read one, it is
  // handed the same value, and must have asked for the same address.
  const auto s = state(in.cpu, in.registers, in.access, ByLevel(w, in.memory));
  for (int i = 0; i < w.count; ++i) {
    const auto& level = s.levels[w.steps[i].level];
    const bool valid = i < w.count - 1 || mapped(w);
    t.prove(w.steps[i].address == level.address, "the same entries");
    t.establish(level.used & (level.valid == Bool<W>(valid)), "used alike");
  }

  for (int level = 1; level <= x86::max_leaf_level; ++level)
    t.witness(w.outcome == x86::Outcome::translated && w.level == level,
              "a translation by a leaf of level " + std::to_string(level));
  for (const x86::RuleText& rule : x86::rule_texts)
    t.witness(w.rule == rule.rule, "rule " + std::string(rule.name));

  t.prove(s.vector == W{static_cast<unsigned>(x86::vector(w.outcome))}, "the same outcome");
  t.prove(s.level == W{static_cast<unsigned>(w.level)}, "at the same level");
  t.prove(s.error_code == w.error_code, "the same error code");
  t.prove(s.physical_address == w.physical_address, "the same physical address");
};

const Theorem theorems[] = {
    theorem("walk-equals-statement-4-level",
            "With 4-level paging the walk gives the answer the manual's tables state, for all "
            "entries, registers, addresses, access kinds, vendors and every MAXPHYADDR.",
            ref, [](auto& t) { walk_equals_statement(t, false); }),
    theorem("walk-equals-statement-5-level",
            "With 5-level paging the walk gives the answer the manual's tables state, for all "
            "entries, registers, addresses, access kinds, vendors and every MAXPHYADDR.",
            ref, [](auto& t) { walk_equals_statement(t, true); }),
    theorem("one-ending",
            "A canonical address ends at exactly one level, by a valid leaf or by an entry without "
            "a translation; a non-canonical one at none.",
            ref,
            [](auto& t) {
              using W = WordOf<std::remove_reference_t<decltype(t)>>;
              const auto in = walk_inputs(t);
              const auto s = state(in.cpu, in.registers, in.access, in.memory);
              W endings{0};
              for (int l = lowest; l <= highest; ++l)
                endings = endings + select(s.levels[l].leaf() | s.levels[l].stops(), W{1}, W{0});
              t.witness(s.canonical, "a canonical address");
              t.witness(!s.canonical, "a non-canonical address");
              t.prove(endings == select(s.canonical, W{1}, W{0}), "one ending");
            }),
};

}  // namespace

std::span<const Theorem> walk_theorems() {
  return theorems;
}

}  // namespace mmuref::spec
