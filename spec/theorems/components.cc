// The parts of the walk against the manual's tables, each on its own.
#include "spec/statement/statement.h"
#include "spec/theorem.h"
#include "spec/theorems/inputs.h"

namespace mmuref::spec {
namespace {

const auto reserved_equals_rows = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = machine_inputs(t);
  const W e = t.word("entry");
  const auto masks = in.paging().reserved;
  for (int level = 1; level <= x86::max_level; ++level) {
    const std::string at = " entry of level " + std::to_string(level);
    if (level >= 2) {
      // An entry of the two highest levels with bit 7 set references no table: the bit is reserved.
      const Bool<W> role = level <= x86::max_leaf_level ? !has(e, x86::entry::PS) : Bool<W>(true);
      t.witness(has(e, masks.table[level]) & role, "a reserved bit in a table" + at);
      t.prove((!role) | (has(e, masks.table[level]) ==
                         reserved<W>(level, e, false, in.cpu, in.registers)),
              "the reserved bits of a table" + at);
    }
    if (level <= x86::max_leaf_level) {
      const Bool<W> role = level >= 2 ? has(e, x86::entry::PS) : Bool<W>(true);
      t.witness(has(e, masks.leaf[level]) & role, "a reserved bit in a leaf" + at);
      t.prove((!role) |
                  (has(e, masks.leaf[level]) == reserved<W>(level, e, true, in.cpu, in.registers)),
              "the reserved bits of a leaf" + at);
    }
  }
};

const auto rights_equal_rows = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = machine_inputs(t);
  const auto a = access_inputs(t);
  x86::Rights<W> rights;
  rights.every = t.word("every");
  rights.any = t.word("any");
  const W leaf = t.word("leaf");
  const auto denials = x86::denials(in.paging(), a, rights, leaf);

  const auto row = rights_input(in.registers, a, flag(rights.every, 2), flag(rights.every, 1),
                                flag(rights.any, 63));
  Bool<W> listed = false;
  for (const AllowedRow& r : allowed_rows) {
    const Bool<W> allows = row_allows(r, row);
    t.witness(allows, "row " + std::to_string(&r - allowed_rows.data() + 1) + " of the table");
    listed = listed | allows;
  }
  const Bool<W> key_denied = key_denies_access(in.registers, W{(leaf >> 59u) & W{15}}, row);
  t.witness(denials.user_key, "PKRU denies");
  t.witness(denials.supervisor_key, "IA32_PKRS denies");

  t.prove(denials.key() == key_denied, "the keys deny what the manual says");
  t.prove(denials.any() == !(listed & !key_denied), "all else is in the table of allowed accesses");
};

const Theorem theorems[] = {
    theorem("reserved-bits-equal-rows",
            "At every level, for tables and leaves, both vendors and every MAXPHYADDR, the bits "
            "that fault are those the manual's formats reserve.",
            "SDM vol. 3, 4.5.4, the tables of entry formats; APM vol. 2, 5.3.3",
            reserved_equals_rows),
    theorem("rights-equal-rows",
            "Whatever the entries grant together, an access is denied exactly when no row of the "
            "manual's list allows it or a protection key forbids it.",
            "SDM vol. 3, 4.6.1 Determination of Access Rights and 4.6.2 Protection Keys",
            rights_equal_rows),
};

}  // namespace

std::span<const Theorem> component_theorems() {
  return theorems;
}

}  // namespace mmuref::spec
