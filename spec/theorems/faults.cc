// Page faults: what the error code says, and which level decides.
#include "spec/theorem.h"
#include "spec/theorems/inputs.h"

namespace mmuref::spec {
namespace {

constexpr std::string_view ref = "SDM vol. 3, 4.7 Page-Fault Exceptions";

const auto error_code_flags = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = walk_inputs(t);
  const auto w = in.walk();
  const bool fault = w.outcome == x86::Outcome::page_fault;
  namespace pf = x86::pfec;
  for (const auto& [flag, name] : {std::pair{pf::P, "P"},
                                   {pf::WR, "W/R"},
                                   {pf::US, "U/S"},
                                   {pf::RSVD, "RSVD"},
                                   {pf::ID, "I/D"},
                                   {pf::PK, "PK"}})
    t.witness(Bool<W>(fault) & has(w.error_code, flag), std::string("a fault with ") + name);
  if (!fault) return;

  const auto is = [&](std::uint64_t flag) { return has(w.error_code, flag); };
  const bool not_present = w.rule == x86::Rule::not_present;
  t.prove(!is(~(pf::P | pf::WR | pf::US | pf::RSVD | pf::ID | pf::PK)), "no other flag");
  t.prove(is(pf::P) == Bool<W>(!not_present), "P is 0 exactly for a not-present entry");
  t.prove((!is(pf::RSVD)) | is(pf::P), "RSVD implies P");
  t.prove(is(pf::P) | !(is(pf::RSVD) | is(pf::PK)), "P=0 implies neither RSVD nor PK");
  t.prove(is(pf::WR) == in.access.write, "W/R exactly for a write");
  t.prove(is(pf::US) == (in.access.cpl3 & !in.access.implicit), "U/S exactly for user mode");
  t.prove(is(pf::ID) == (in.access.fetch & (has(in.registers.efer, x86::efer::NXE) |
                                            has(in.registers.cr4, x86::cr4::SMEP))),
          "I/D exactly for a fetch with NXE or SMEP");
};

/// The key of the leaf, and the register that governs an address of this mode.
template <class W>
Bool<W> key_forbids_data(const x86::Registers<W>& r, const x86::Access<W>& a,
                         const Bool<W>& user_address, const W& leaf) {
  const W shift = (leaf >> 59u) * W{2} & W{31};
  const W rights = select(user_address, r.pkru, r.pkrs) >> shift;
  const Bool<W> on =
      (has(r.cr4, x86::cr4::PKE) & user_address) | (has(r.cr4, x86::cr4::PKS) & !user_address);
  const Bool<W> supervisor_wp0 = !((a.cpl3 & !a.implicit) | has(r.cr0, x86::cr0::WP));
  return on & (has(rights, 1) | (has(rights, 2) & a.write & !supervisor_wp0));
}

const auto key_flag = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = walk_inputs(t);
  const auto w = in.walk();
  const bool denied = w.outcome == x86::Outcome::page_fault && mapped(w);
  t.witness(Bool<W>(denied) & has(w.error_code, x86::pfec::PK), "a key denies");
  t.witness(Bool<W>(denied) & !has(w.error_code, x86::pfec::PK), "another right denies");
  if (!mapped(w)) return;
  Bool<W> user_address = true;
  for (int i = 0; i < w.count; ++i)
    user_address = user_address & has(w.steps[i].value, x86::entry::US);
  const Bool<W> forbids =
      key_forbids_data(in.registers, in.access, user_address, w.last().value) & !in.access.fetch;
  t.prove(has(w.error_code, x86::pfec::PK) == forbids,
          "PK exactly when the key of this address forbids this data access");
};

const auto first_fault_decides = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = walk_inputs(t);
  const auto w = in.walk();
  t.witness(w.rule == x86::Rule::not_present && w.level == 4, "a PML4E not present");
  t.witness(w.rule == x86::Rule::reserved_address && w.level == 2, "a PDE with a reserved bit");
  if (w.count == 0 || mapped(w)) return;
  // Another access to the same address, under other rights registers.
  auto other = access_inputs(t, " other");
  other.va = in.access.va;
  auto registers = in.registers;
  registers.pkru = t.word("other pkru");
  registers.pkrs = t.word("other pkrs");
  const W controls{x86::cr4::SMEP | x86::cr4::SMAP | x86::cr4::PKE | x86::cr4::PKS};
  registers.cr4 = registers.cr4 ^ (t.word("noise cr4") & controls);
  registers.cr0 = registers.cr0 ^ (t.word("noise cr0") & W{x86::cr0::WP});
  const auto v = x86::walk(x86::paging(in.cpu, registers), other, replayed(w));
  const W cause{x86::pfec::P | x86::pfec::RSVD | x86::pfec::PK};
  t.prove(same_path(w, v), "by the same entries");
  t.prove(v.outcome == w.outcome && v.level == w.level && v.rule == w.rule, "the same fault");
  t.prove((v.error_code & cause) == (w.error_code & cause), "with the same cause");
};

const auto every_entry_above_was_valid = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = walk_inputs(t);
  const auto w = in.walk();
  t.witness(w.count == 5, "five entries read");
  t.witness(w.count == 0, "none read");
  const W limit = W{1} << in.cpu.maxphyaddr;
  for (int i = 0; i < w.count; ++i) {
    const auto& step = w.steps[i];
    const bool above = i < w.count - 1;
    t.prove(step.level == w.steps[0].level - i, "one entry a level");
    t.prove((step.address & W{7}) == W{0} && step.address < limit,
            "each entry is aligned and below 2^MAXPHYADDR");
    if (above || mapped(w)) {
      t.prove(has(step.value, x86::entry::P), "entries used are present");
      t.prove((step.value & W{x86::entry::address_mask}) < limit, "and within MAXPHYADDR");
    }
  }
};

const Theorem theorems[] = {
    theorem("error-code-flags",
            "P is 0 exactly for not-present, RSVD implies P, P=0 excludes RSVD and PK, and W/R, "
            "U/S and I/D describe the access and nothing else.",
            ref, error_code_flags),
    theorem("error-code-key",
            "PK is set exactly when the translation is valid and the protection key of the leaf "
            "forbids this data access, whatever else does too.",
            ref, key_flag),
    theorem("first-faulting-level-decides",
            "A not-present entry or a reserved bit gives the same fault for every access and "
            "every setting of the rights controls: rights are judged on valid walks only.",
            ref, first_fault_decides),
    theorem("entries-above-are-valid",
            "A walk reads one aligned entry a level below 2^MAXPHYADDR, and every entry before "
            "the last is present and valid.",
            "SDM vol. 3, 4.5.4 Linear-Address Translation with 4-Level Paging and 5-Level Paging",
            every_entry_above_was_valid),
};

}  // namespace

std::span<const Theorem> fault_theorems() {
  return theorems;
}

}  // namespace mmuref::spec
