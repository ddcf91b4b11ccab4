// Operations that invalidate: what each drops, when it faults, which covers which.
#include "spec/statement/invalidation.h"

#include "spec/theorem.h"
#include "spec/theorems/inputs.h"

namespace mmuref::spec {
namespace {

using x86::OperationKind;

constexpr std::string_view ref =
    "SDM vol. 3, 4.10.4.1 Operations that Invalidate TLBs and Paging-Structure Caches";
constexpr std::string_view pcid_ref =
    "SDM vol. 3, 4.10.1 Process-Context Identifiers (PCIDs), and 4.10.4.1";
constexpr std::string_view global_ref = "SDM vol. 3, 4.10.2.4 Global Pages, and 4.10.4.1";

constexpr std::array kinds{OperationKind::mov_cr0, OperationKind::mov_cr3,
                           OperationKind::mov_cr4, OperationKind::wrmsr_efer,
                           OperationKind::wrpkru,  OperationKind::wrmsr_pkrs,
                           OperationKind::invlpg,  OperationKind::invpcid};

/// Any operation.
template <class S>
x86::Operation<WordOf<S>> operation_inputs(S& t) {
  using W = WordOf<S>;
  x86::Operation<W> op;
  const W kind = t.word("kind") & W{7};
  op.kind = kinds[7];
  for (unsigned i = 0; i < 7; ++i) {
    if (kind != W{i}) continue;
    op.kind = kinds[i];
    break;
  }
  op.value = t.word("value");
  op.address = t.word("address");
  op.descriptor = t.word("descriptor");
  return op;
}

/// Something cached under any tag, where a page or table of each size leads.
template <class S>
struct Tag {
  using W = WordOf<S>;
  W va, pcid;
  Bool<W> global;
};

template <class S>
Tag<S> tag_inputs(S& t) {
  return {t.word("va of the item"), t.word("pcid of the item") & WordOf<S>{0xfff},
          t.flag("global")};
}

/// `check(item, dropped)` for a translation of each page size and an entry of each paging-structure
/// cache, with what `d` says of it.
template <class W, class S, class Check>
void for_each_item(const x86::Drop<W>& d, const Tag<S>& tag, const Check& check) {
  for (int level = 1; level <= x86::max_leaf_level; ++level) {
    const unsigned offset = 12u + 9u * static_cast<unsigned>(level - 1);
    check(Item<W>{tag.va, tag.pcid, tag.global, false, offset},
          x86::drops_translation(d, tag.va, level, tag.pcid, tag.global));
  }
  for (int level = 1; level < x86::max_level; ++level) {
    const unsigned below = 12u + 9u * static_cast<unsigned>(level);
    check(Item<W>{tag.va, tag.pcid, false, true, below},
          x86::drops_structure(d, tag.va, level, tag.pcid));
  }
}

/// Whatever `d` drops, `e` drops.
template <class S>
auto within(const x86::Drop<WordOf<S>>& d, const x86::Drop<WordOf<S>>& e, const Tag<S>& tag) {
  using W = WordOf<S>;
  std::vector<Bool<W>> by_d;
  for_each_item(d, tag, [&](const Item<W>&, const Bool<W>& drops) { by_d.push_back(drops); });
  Bool<W> all = true;
  std::size_t i = 0;
  for_each_item(e, tag,
                [&](const Item<W>&, const Bool<W>& drops) { all = all & (drops | !by_d[i++]); });
  return all;
}

template <class W>
Bool<W> same_registers(const x86::Registers<W>& a, const x86::Registers<W>& b) {
  return (a.cr0 == b.cr0) & (a.cr3 == b.cr3) & (a.cr4 == b.cr4) & (a.efer == b.efer) &
         (a.pkru == b.pkru) & (a.pkrs == b.pkrs);
}

const auto drops_equal_rows = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = machine_inputs(t);
  const auto op = operation_inputs(t);
  const auto tag = tag_inputs(t);
  const auto effect = x86::execute(in.cpu, in.registers, op);
  const bool faults = effect.exception != x86::Exception::none;
  const Stated<W> stated{in.cpu, in.registers, op};
  for (const OperationKind kind : kinds)
    t.witness(!faults && op.kind == kind, "operation " + std::to_string(static_cast<int>(kind)));
  for_each_item(effect.drop, tag, [&](const Item<W>& item, const Bool<W>& drops) {
    t.prove(drops == (invalidates(stated, item) & !Bool<W>(faults)), "drops what the rows name");
  });
};

const auto faults_equal_rows = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = machine_inputs(t);
  const auto op = operation_inputs(t);
  const auto effect = x86::execute(in.cpu, in.registers, op);
  const Stated<W> stated{in.cpu, in.registers, op};
  for (const FaultRow& row : fault_rows)
    t.witness(stated.applies(row), "fault row " + std::to_string(&row - fault_rows.data()));
  for (const auto exception : {gp, ud})
    t.prove(stated.raises(exception) == Bool<W>(effect.exception == exception),
            "faults exactly where a row says so");
};

const auto fault_changes_nothing = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = machine_inputs(t);
  const auto op = operation_inputs(t);
  const auto tag = tag_inputs(t);
  const auto effect = x86::execute(in.cpu, in.registers, op);
  const bool faults = effect.exception != x86::Exception::none;
  t.witness(faults, "a fault");
  if (!faults) return;
  t.prove(same_registers(effect.registers, in.registers), "every register as it was");
  for_each_item(effect.drop, tag, [&](const Item<W>&, const Bool<W>& drops) {
    t.prove(!drops, "nothing need be dropped");
  });
};

const auto registers_after = [](auto& t) {
  const auto in = machine_inputs(t);
  const auto op = operation_inputs(t);
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto effect = x86::execute(in.cpu, in.registers, op);
  const bool faults = effect.exception != x86::Exception::none;
  t.witness(!faults, "no fault");
  if (faults) return;
  auto wanted = in.registers;
  if (op.kind == OperationKind::mov_cr0) wanted.cr0 = op.value;
  if (op.kind == OperationKind::mov_cr4) wanted.cr4 = op.value;
  if (op.kind == OperationKind::wrmsr_pkrs) wanted.pkrs = op.value;
  // Bit 63 asks for something and is not kept; PKRU takes EAX; LMA is not software's.
  if (op.kind == OperationKind::mov_cr3) wanted.cr3 = op.value % W{std::uint64_t{1} << 63};
  if (op.kind == OperationKind::wrpkru) wanted.pkru = op.value % W{std::uint64_t{1} << 32};
  if (op.kind == OperationKind::wrmsr_efer) {
    const auto without = [](const W& word) { return word & ~W{1u << 10}; };
    wanted.efer = without(op.value) + (in.registers.efer - without(in.registers.efer));
  }
  t.prove(same_registers(effect.registers, wanted), "the operand in its register, alone");
};

const auto page_fault_equals_row = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto tag = tag_inputs(t);
  const W pcid = t.word("pcid") & W{0xfff}, address = t.word("address");
  for_each_item(x86::page_fault_drops(pcid, address), tag,
                [&](const Item<W>& item, const Bool<W>& drops) {
                  t.witness(drops, "something dropped");
                  t.witness((!drops) & (item.pcid == pcid), "something of its PCID kept");
                  t.prove(drops == names(page_fault_row, pcid, address, item), "as the row says");
                });
};

const auto bigger_drops_more = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto tag = tag_inputs(t);
  const W pcid = t.word("pcid") & W{0xfff}, address = t.word("address");
  const auto drop = [&](const std::string& name) {
    x86::Drop<W> d;
    d.pcid = pcid;
    d.address = address;
    d.own = t.flag(name + " own");
    d.others = t.flag(name + " others");
    d.own_globals = t.flag(name + " own globals");
    d.other_globals = t.flag(name + " other globals");
    d.own_structures = t.flag(name + " own structures");
    d.other_structures = t.flag(name + " other structures");
    d.one_page = t.flag(name + " one page");
    d.one_path = t.flag(name + " one path");
    return d;
  };
  const auto small = drop("small");
  auto big = drop("big");
  big.own = big.own | small.own;
  big.others = big.others | small.others;
  big.own_globals = big.own_globals | small.own_globals;
  big.other_globals = big.other_globals | small.other_globals;
  big.own_structures = big.own_structures | small.own_structures;
  big.other_structures = big.other_structures | small.other_structures;
  big.one_page = big.one_page & small.one_page;
  big.one_path = big.one_path & small.one_path;
  t.witness(!within(big, small, tag), "something that only the bigger drops");
  t.prove(within(small, big, tag), "whatever the smaller drops, the bigger does");
};

const auto invpcid_types = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto tag = tag_inputs(t);
  const W pcid = t.word("pcid") & W{0xfff}, address = t.word("address");
  const auto type = [&](unsigned n) { return x86::invpcid_drops(W{n}, pcid, address); };
  t.witness(!within(type(2), type(3), tag), "2 drops more than 3");
  t.witness(!within(type(3), type(1), tag), "3 drops more than 1");
  t.witness(!within(type(1), type(0), tag), "1 drops more than 0");
  t.prove(within(type(0), type(1), tag), "0 within 1");
  t.prove(within(type(1), type(3), tag), "1 within 3");
  t.prove(within(type(3), type(2), tag), "3 within 2");
};

const auto pge_toggle_is_invpcid_all = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = machine_inputs(t);
  const auto tag = tag_inputs(t);
  const W value = in.registers.cr4 ^ W { x86::cr4::PGE };
  const auto toggle = x86::execute(in.cpu, in.registers, {OperationKind::mov_cr4, value, 0, 0});
  const bool toggles = toggle.exception == x86::Exception::none;
  t.witness(toggles, "PGE toggled");
  if (!toggles) return;
  const auto all =
      x86::execute(in.cpu, in.registers, {OperationKind::invpcid, 2, t.word("address"), W{0}});
  t.prove(Bool<W>(all.exception == x86::Exception::none), "INVPCID 2 takes any address");
  t.prove(within(all.drop, toggle.drop, tag) & within(toggle.drop, all.drop, tag),
          "both drop the same");
  for_each_item(all.drop, tag, [&](const Item<W>&, const Bool<W>& drops) {
    t.prove(drops, "which is everything");
  });
};

const auto invlpg_covers_page_fault = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto tag = tag_inputs(t);
  const W pcid = t.word("pcid") & W{0xfff}, address = t.word("address");
  const auto invlpg = x86::invlpg_drops(pcid, address);
  const auto fault = x86::page_fault_drops(pcid, address);
  t.witness(!within(invlpg, fault, tag), "INVLPG drops more");
  t.prove(within(fault, invlpg, tag), "whatever a page fault drops, INVLPG does");
};

const auto globals_survive = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = machine_inputs(t);
  const auto op = operation_inputs(t);
  auto tag = tag_inputs(t);
  tag.global = true;
  const auto effect = x86::execute(in.cpu, in.registers, op);
  const bool invlpg = op.kind == OperationKind::invlpg;
  const bool invpcid = op.kind == OperationKind::invpcid;
  const bool cr4 = op.kind == OperationKind::mov_cr4;
  const W changed = in.registers.cr4 ^ effect.registers.cr4;
  const W set = changed & effect.registers.cr4;
  // Over a 4-KByte page. CR4.PAE and CR0.PG cannot change in 64-bit mode.
  const Bool<W> in_page = (tag.va >> 12u) == (op.address >> 12u);
  const unsigned width = has(in.registers.cr4, x86::cr4::LA57) ? 57 : 48;
  const Bool<W> dropped =
      Bool<W>(effect.exception == x86::Exception::none) &
      ((Bool<W>(invlpg) & in_page & x86::canonical(op.address, width)) |
       (Bool<W>(invpcid) & (op.value == W{2})) |
       (Bool<W>(cr4) & (has(changed, x86::cr4::PGE) | has(changed & ~set, x86::cr4::PCIDE) |
                        has(set, x86::cr4::SMEP))));
  t.witness(dropped, "a global translation goes");
  t.witness(!dropped, "a global translation stays");
  t.assume(x86::ia32e_paging(in.registers));
  t.prove(x86::drops_translation(effect.drop, tag.va, 1, tag.pcid, Bool<W>(true)) == dropped,
          "goes exactly then");
};

const auto pcid_zero_without_pcide = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = machine_inputs(t);
  const auto pcid = x86::current_pcid(in.registers);
  const Bool<W> pcide = has(in.registers.cr4, x86::cr4::PCIDE);
  t.witness((!pcide) & has(in.registers.cr3, bits(11, 0)), "low bits of CR3 that are no PCID");
  t.prove(pcide | (pcid == W{0}), "0 without PCIDE");
  t.prove((!pcide) | (pcid == (in.registers.cr3 & W{0xfff})), "CR3[11:0] with it");

  // Whichever way PCIDE changes, what is current keeps its tag or is gone.
  const auto tag = tag_inputs(t);
  const auto effect =
      x86::execute(in.cpu, in.registers,
                   {OperationKind::mov_cr4, in.registers.cr4 ^ W{x86::cr4::PCIDE}, W{0}, W{0}});
  const Bool<W> changes = effect.exception == x86::Exception::none;
  const Bool<W> retagged = x86::current_pcid(effect.registers) != pcid;
  t.witness(changes & pcide, "PCIDE cleared");
  t.witness(changes & !pcide, "PCIDE set");
  for_each_item(effect.drop, tag, [&](const Item<W>&, const Bool<W>& drops) {
    t.prove(drops | !(changes & (pcide | retagged)), "cleared, it drops everything");
  });
};

const auto no_flush_drops_nothing = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = machine_inputs(t);
  const auto tag = tag_inputs(t);
  const W value = t.word("value");
  const auto load = [&](const W& v) {
    return x86::execute(in.cpu, in.registers, {OperationKind::mov_cr3, v, W{0}, W{0}});
  };
  const auto kept = load(value | W{bit(63)});
  const bool loads = kept.exception == x86::Exception::none;
  t.witness(loads, "bit 63 taken");
  if (!loads) return;
  t.prove(has(in.registers.cr4, x86::cr4::PCIDE), "with PCIDE alone");
  const auto flushed = load(value & W{bits(62, 0)});
  t.prove(Bool<W>(flushed.exception == x86::Exception::none) &
              same_registers(kept.registers, flushed.registers),
          "the same registers with and without");
  for_each_item(kept.drop, tag, [&](const Item<W>& item, const Bool<W>& drops) {
    t.prove(!drops, "nothing need be dropped, of any PCID");
    t.witness((item.pcid == (value & W{0xfff})) & !drops, "something of the loaded PCID stays");
  });
};

const Theorem theorems[] = {
    theorem("invalidations-equal-rows",
            "Every operation must drop exactly the cached items that the manual's list names, for "
            "all operands, registers, addresses, page sizes and PCIDs, global or not.",
            ref, drops_equal_rows),
    theorem("operation-faults-equal-rows",
            "Every operation raises #GP or #UD exactly where the manual's list says so.",
            "SDM vol. 2, MOV to Control Registers, INVLPG, INVPCID, WRMSR, WRPKRU",
            faults_equal_rows),
    theorem("faulting-operation-changes-nothing",
            "An operation that faults leaves registers and caches as they were.",
            "SDM vol. 3, 6.5 Exception Classifications: faults", fault_changes_nothing),
    theorem("operation-loads-its-register",
            "An operation that does not fault puts its operand in its register, without bit 63 of "
            "CR3, and changes no other.",
            "SDM vol. 2, MOV to Control Registers, WRMSR, WRPKRU", registers_after),
    theorem("page-fault-drop-equals-row",
            "A page fault must drop exactly what of the current PCID would be used for its "
            "address.",
            ref, page_fault_equals_row),
    theorem("bigger-drop-leaves-less",
            "A drop with more columns, or of more addresses, drops whatever the smaller one does.",
            ref, bigger_drops_more),
    theorem("invpcid-types-ordered",
            "INVPCID 2 drops what 3 does, 3 what 1 does, and 1 what 0 does.", ref, invpcid_types),
    theorem("pge-toggle-is-invpcid-all", "Toggling CR4.PGE drops what INVPCID 2 does: everything.",
            ref, pge_toggle_is_invpcid_all),
    theorem("invlpg-covers-page-fault", "INVLPG drops whatever a page fault at its address does.",
            ref, invlpg_covers_page_fault),
    theorem("global-survival",
            "A global translation must go exactly at INVLPG of its page, INVPCID 2, a change of "
            "CR4.PGE, PCIDE 1 to 0 and SMEP 0 to 1.",
            global_ref, globals_survive),
    theorem("pcid-zero-without-pcide",
            "With CR4.PCIDE=0 the PCID is 0, and no change of PCIDE gives a PCID what was cached "
            "under another.",
            pcid_ref, pcid_zero_without_pcide),
    theorem("no-flush-drops-nothing",
            "MOV to CR3 with PCIDE and bit 63 need drop nothing of any PCID, and loads what it "
            "would without.",
            pcid_ref, no_flush_drops_nothing),
};

}  // namespace

std::span<const Theorem> invalidation_theorems() {
  return theorems;
}

}  // namespace mmuref::spec
