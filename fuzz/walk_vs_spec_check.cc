#include <algorithm>
#include <array>

#include "diff/answer.h"
#include "fuzz/require.h"
#include "fuzz/rule_report.h"
#include "fuzz/space_input.h"
#include "fuzz/walk_check.h"

namespace mmuref::fuzz {
namespace {

using diff::Case;
using diff::Walk;
using diff::Word;
using Statement = spec::Statement<Word>;
using x86::Rule;

void same_outcome(const Walk& w, const Statement& s) {
  require(static_cast<Word>(x86::vector(w.outcome)) == s.vector, "one exception, or none");
  require(w.level == static_cast<int>(s.level), "one level");
  if (w.outcome == x86::Outcome::translated) {
    require(w.physical_address == s.physical_address, "one physical address");
  } else {
    require(w.error_code == s.error_code, "one error code");
  }
}

/// The rule the model names, where one row of the specification alone is broken.
Rule rule_of_row(unsigned cause) {
  constexpr std::array rules{
      Rule::not_present,         Rule::reserved_address,     Rule::reserved_execute_disable,
      Rule::reserved_page_size,  Rule::reserved_global,      Rule::reserved_page_size,
      Rule::reserved_global,     Rule::reserved_large_frame, Rule::reserved_page_size,
      Rule::reserved_large_frame};
  static_assert(rules.size() == 1 + spec::reserved_rows.size());
  return rules[cause];
}

struct Cause {
  Rule rule;
  bool holds, named;
};

/// Whether each cause that rights can have holds, and whether the walk names it; in the order in
/// which SDM vol. 3, 4.6 has them.
std::array<Cause, 7> causes(const Case& c, const Walk& w, const Statement& s) {
  const auto in = spec::rights_input(c.machine.registers, c.access, spec::every_used(s, 2),
                                     spec::every_used(s, 1), spec::some_used(s, 63));
  const bool supervisor_at_user = !in.user_mode && in.user_address;
  const auto& d = w.denials;
  return {{{Rule::user_supervisor, in.user_mode && !in.user_address, d.user_supervisor},
           {Rule::smap, supervisor_at_user && !in.fetch && in.smap && !in.ac, d.smap},
           {Rule::smep, supervisor_at_user && in.fetch && in.smep, d.smep},
           {Rule::read_only, in.write && !in.rw && (in.user_mode || in.wp), d.read_only},
           {Rule::execute_disable, in.fetch && in.xd && in.nxe, d.execute_disable},
           {Rule::user_key, s.key_denied && in.user_address, d.user_key},
           {Rule::supervisor_key, s.key_denied && !in.user_address, d.supervisor_key}}};
}

void same_causes(const Case& c, const Walk& w, const Statement& s) {
  const Cause* first = nullptr;
  const auto all = causes(c, w, s);
  for (const Cause& cause : all) {
    require(cause.holds == cause.named, "a cause is named where it holds");
    if (cause.holds && first == nullptr) first = &cause;
  }
  require(first != nullptr && w.rule == first->rule, "the rule is the first cause");
}

void same_rule(const Case& c, const Walk& w, const Statement& s) {
  if (!s.canonical) return require(w.rule == Rule::non_canonical, "it is not canonical");
  if (s.ok) return require(w.rule == Rule::translated, "it translates");
  if (s.mapped) return same_causes(c, w, s);
  if (!s.levels[s.level].present()) return require(w.rule == Rule::not_present, "not present");
  require(w.rule >= Rule::reserved_address && w.rule <= Rule::reserved_large_frame, "reserved");
  const unsigned cause = diff::cause_of(c, s);
  require(cause != diff::cause_not_present, "some row is broken");
  if (cause != diff::cause_several) require(w.rule == rule_of_row(cause), "the row's rule");
}

void same_steps(const Walk& w, const Statement& s) {
  int used = 0;
  for (int level = spec::lowest; level <= spec::highest; ++level) {
    const auto& l = s.levels[level];
    if (!l.used) continue;
    require(used < w.count, "no more entries are used");
    const auto& step = w.steps[w.count - 1 - used++];
    require(step.level == level && step.address == l.address && step.value == l.value,
            "the entry of the level");
  }
  require(used == w.count, "no fewer entries are used");
}

/// Memory in which a write is a mistake.
struct ReadOnly {
  const diff::Memory& memory;
  Word read(Word address) const { return memory.read(address); }
  void write(Word, Word) const { require(false, "a fault writes nothing that it must"); }
};

Word value_in(const diff::Memory& changed, Word address, Word before) {
  const auto is = [=](const diff::Memory::Entry& e) { return e.first == address; };
  const auto found = std::find_if(changed.begin(), changed.end(), is);
  return found == changed.end() ? before : found->second;
}

/// What the access writes; and where it faults, what it may leave: A in the entries it got through,
/// which are those above the one that ended it. SDM vol. 3, 4.8.
void same_entries(const Case& c, const Walk& w, const Statement& s) {
  const diff::Answer model = diff::effects(w, c.machine.memory);
  if (ReadOnly memory{c.machine.memory}; !s.ok) x86::write_back(w, memory);
  require(s.ok ? model.may_write.size() == 0 : model.writes.size() == 0, "it completes or faults");
  std::size_t changes = 0;
  std::array<Word, spec::highest + 1> seen{};
  for (int level = spec::highest; level >= spec::lowest; --level) {
    const auto& l = s.levels[level];
    if (!l.used) continue;
    const bool through = level > static_cast<int>(s.level);
    const bool again = std::find(seen.begin(), seen.end(), l.address + 1) != seen.end();
    const Word deferred = s.after(l.address, l.value), at_most = l.value | (through ? 0x20 : 0);
    const Word after = value_in(s.ok ? model.writes : model.may_write, l.address, l.value);
    if (s.ok) {
      require(after == deferred, "what the entry holds afterwards");
    } else if (!again) {
      require(after == at_most, "what a fault may leave in the entry");
    }
    changes += !again && after != l.value;
    seen[static_cast<std::size_t>(level)] = l.address + 1;  // no entry is at an odd address
  }
  require(changes == (s.ok ? model.writes : model.may_write).size(), "no other entry changes");
}

}  // namespace

void walk_vs_spec(const std::uint8_t* data, std::size_t size) {
  static const diff::Domain domain = diff::full_domain();
  static Case c;
  decode({data, size}, domain, c);
  const diff::Machine& m = c.machine;
  const Walk w = x86::walk(x86::paging(m.cpu, m.registers), c.access, m.memory);
  const Statement s = spec::state(m.cpu, m.registers, c.access, m.memory);
  same_outcome(w, s);
  same_rule(c, w, s);
  same_steps(w, s);
  same_entries(c, w, s);
  note(diff::exercised(c, s));
}

}  // namespace mmuref::fuzz
