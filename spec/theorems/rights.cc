// Laws of access rights over whole walks.
#include "spec/theorem.h"
#include "spec/theorems/inputs.h"

namespace mmuref::spec {
namespace {

constexpr std::string_view ref = "SDM vol. 3, 4.6.1 Determination of Access Rights";

const auto rights_monotone = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  namespace e = x86::entry;
  const auto in = walk_inputs(t);
  const auto w = in.walk();
  t.witness(w.outcome == x86::Outcome::translated, "an allowed access");
  if (w.outcome != x86::Outcome::translated) return;

  // At every level any of U/S and R/W may become 1 and XD 0.
  W looser[x86::max_level + 1];
  for (int level = 1; level <= x86::max_level; ++level)
    looser[level] = t.word("looser" + std::to_string(level));
  const Changed changed(w, [&](const x86::Step<W>& s) {
    return (s.value | (looser[s.level] & W{e::US | e::RW})) & ~(looser[s.level] & W{e::XD});
  });
  const auto v = x86::walk(in.paging(), in.access, changed);
  t.prove(v.count == w.count, "the walk stays valid");

  // What U/S 0→1 can take away: the address turns user-mode, where SMEP and SMAP protect it from
  // supervisor mode and PKRU takes the place of IA32_PKRS.
  const Bool<W> turned = (!w.rights.user()) & v.rights.user();
  if (v.outcome != x86::Outcome::translated) {
    t.prove(turned, "only an address that turned user-mode is denied");
    t.prove(v.denials.smep | v.denials.smap | v.denials.user_key, "by SMEP, SMAP or PKRU alone");
    t.prove(!(v.denials.user_supervisor | v.denials.read_only | v.denials.execute_disable |
              v.denials.supervisor_key),
            "and by no other right");
  }
};

const auto order_of_levels = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  namespace e = x86::entry;
  const auto in = walk_inputs(t);
  const auto w = in.walk();
  t.witness(w.outcome == x86::Outcome::translated, "an allowed access");
  t.witness(w.rule == x86::Rule::read_only, "a denied write");
  if (!mapped(w)) return;
  const W rights{e::US | e::RW | e::XD};
  // Swapping neighbours generates every order.
  for (int i = 0; i + 1 < w.count; ++i) {
    const Changed changed(w, [&](const x86::Step<W>& s) {
      const int at = w.steps[0].level - s.level;
      const int from = at == i ? i + 1 : at == i + 1 ? i : at;
      return (s.value & ~rights) | (w.steps[from].value & rights);
    });
    const auto v = x86::walk(in.paging(), in.access, changed);
    t.prove(same_answer(w, v), "the same answer with two levels' rights exchanged");
  }
};

const auto user_within_supervisor = [](auto& t) {
  const auto in = walk_inputs(t);
  t.assume(in.access.cpl3 & !in.access.implicit & !in.access.fetch);
  const auto w = in.walk();
  t.witness(w.outcome == x86::Outcome::translated, "an allowed user access");
  if (w.outcome != x86::Outcome::translated) return;
  auto read = in.access;
  read.write = false;
  read.cpl3 = false;
  auto registers = in.registers;
  registers.cr4 = registers.cr4 & ~decltype(registers.cr4){x86::cr4::SMAP};
  const auto v = x86::walk(x86::paging(in.cpu, registers), read, replayed(w));
  t.prove(same_path(w, v), "by the same entries");
  t.prove(v.outcome == x86::Outcome::translated, "the supervisor read is allowed");
};

const auto no_fetch_through_xd = [](auto& t) {
  const auto in = walk_inputs(t);
  t.assume(in.access.fetch);
  const auto w = in.walk();
  const bool ok = w.outcome == x86::Outcome::translated;
  t.witness(ok, "an allowed fetch");
  t.witness(w.rule == x86::Rule::execute_disable, "a fetch denied by XD");
  t.witness(w.rule == x86::Rule::smep, "a fetch denied by SMEP");
  if (!ok) return;
  for (int i = 0; i < w.count; ++i)
    t.prove(!has(w.steps[i].value, x86::entry::XD), "XD is 0 in every entry");
  if (has(in.registers.cr4, x86::cr4::SMEP) & !user_mode(in.access)) {
    auto user = w.rights.user();
    t.prove(!user, "supervisor mode with SMEP fetches no user-mode address");
  }
};

const auto no_write_without_w = [](auto& t) {
  const auto in = walk_inputs(t);
  t.assume(in.access.write);
  const auto w = in.walk();
  const bool ok = w.outcome == x86::Outcome::translated;
  t.witness(ok, "an allowed write");
  if (!ok) return;
  const auto wp_off = (!has(in.registers.cr0, x86::cr0::WP)) & !user_mode(in.access);
  for (int i = 0; i < w.count; ++i)
    t.prove(wp_off | has(w.steps[i].value, x86::entry::RW),
            "R/W is 1 in every entry, but for supervisor mode with WP=0");
};

const auto user_needs_u = [](auto& t) {
  const auto in = walk_inputs(t);
  t.assume(user_mode(in.access));
  const auto w = in.walk();
  const bool ok = w.outcome == x86::Outcome::translated;
  t.witness(ok, "an allowed user access");
  if (!ok) return;
  for (int i = 0; i < w.count; ++i)
    t.prove(has(w.steps[i].value, x86::entry::US), "U/S is 1 in every entry");
};

const auto smap_needs_ac = [](auto& t) {
  const auto in = walk_inputs(t);
  t.assume(has(in.registers.cr4, x86::cr4::SMAP) & !user_mode(in.access) & !in.access.fetch);
  const auto w = in.walk();
  const bool ok = w.outcome == x86::Outcome::translated;
  t.witness(ok && static_cast<bool>(w.rights.user()), "an allowed access to a user page");
  t.witness(w.rule == x86::Rule::smap, "a denied one");
  if (!ok) return;
  t.prove((!w.rights.user()) | (in.access.ac & !in.access.implicit),
          "a user-mode address only explicitly and with AC=1");
};

const auto implicit_is_supervisor_without_ac = [](auto& t) {
  const auto in = walk_inputs(t);
  t.assume(in.access.implicit);
  auto explicit_access = in.access;
  explicit_access.implicit = false;
  explicit_access.cpl3 = false;
  explicit_access.ac = false;
  const auto w = in.walk();
  const auto v = x86::walk(in.paging(), explicit_access, replayed(w));
  t.witness(w.outcome == x86::Outcome::translated, "an allowed implicit access");
  t.witness(w.rule == x86::Rule::smap, "an implicit access that SMAP denies");
  t.prove(same_path(w, v) & same_answer(w, v), "the same answer");
};

const Theorem theorems[] = {
    theorem("rights-monotone",
            "Setting U/S or R/W or clearing XD anywhere never turns an allowed access into a "
            "fault, except where the address thereby turns user-mode and SMEP, SMAP or PKRU "
            "denies it.",
            ref, rights_monotone),
    theorem("rights-order-of-levels",
            "Exchanging the U/S, R/W and XD flags of two levels never changes the answer.", ref,
            order_of_levels),
    theorem("user-within-supervisor",
            "A user-mode data access never succeeds where a supervisor-mode read of the same "
            "address with SMAP=0 would fault.",
            ref, user_within_supervisor),
    theorem("no-fetch-through-xd",
            "A fetch never succeeds through an entry with XD=1, nor in supervisor mode with SMEP "
            "from a user-mode address.",
            ref, no_fetch_through_xd),
    theorem("no-write-without-w",
            "A write never succeeds with R/W=0 in some entry, except in supervisor mode with "
            "CR0.WP=0.",
            ref, no_write_without_w),
    theorem("user-needs-u", "A user-mode access never succeeds with U/S=0 in some entry.", ref,
            user_needs_u),
    theorem("smap-needs-ac",
            "With SMAP a supervisor-mode data access reaches a user-mode address only explicitly "
            "and with EFLAGS.AC=1.",
            ref, smap_needs_ac),
    theorem("implicit-is-supervisor",
            "An implicit access has the answer of an explicit one at CPL 0 with EFLAGS.AC=0, "
            "whatever CPL and AC are.",
            ref, implicit_is_supervisor_without_ac),
};

}  // namespace

std::span<const Theorem> rights_theorems() {
  return theorems;
}

}  // namespace mmuref::spec
