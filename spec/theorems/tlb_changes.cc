// What is stale once memory or registers change, and what an invalidation leaves.
#include "spec/theorems/cached_inputs.h"

namespace mmuref::spec {
namespace {

using x86::Outcome;
namespace e = x86::entry;

constexpr std::string_view drop_ref =
    "SDM vol. 3, 4.10.4.1 Operations that Invalidate TLBs and Paging-Structure Caches";
constexpr std::string_view optional_ref = "SDM vol. 3, 4.10.4.3 Optional Invalidation";
constexpr std::string_view delayed_ref = "SDM vol. 3, 4.10.4.4 Delayed Invalidation";

/// What was cached before a change of PKRU, IA32_PKRS or CR0 is what would be cached after it.
const auto takes_effect_at_once = [](auto& t, x86::OperationKind kind) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = tlb_inputs(t);
  x86::Operation<W> op;
  op.kind = kind;
  op.value = t.word("value") & W{bits(31, 0)};
  // CR0: PE and PG stay, and NW needs CD.
  if (kind == x86::OperationKind::mov_cr0)
    op.value = (op.value & ~W{bit(29)}) | W{x86::cr0::PE | x86::cr0::PG};
  const auto effect = x86::execute(in.cpu, in.registers, op);
  const bool done = effect.exception == x86::Exception::none;
  t.witness(done, "executed");
  if (!done) return;
  x86::Cached<W> cached;
  fill_from(in.context(), in.access.va, in.memory, cached);
  cached.drop(effect.drop, in.access.va);
  const auto c = x86::Context<W>::of(in.cpu, effect.registers);
  t.witness(!cached.translations.empty(), "a translation stays cached");
  prove_only(t, Found<W>::of(c, in.access.va, in.memory), cached);
  // And under the new registers it is judged by them: cached-bits-decide.
  t.prove((c.paging.pkru == effect.registers.pkru) & (c.paging.pkrs == effect.registers.pkrs) &
              (c.paging.wp == has(effect.registers.cr0, x86::cr0::WP)),
          "judged by what the registers hold now");
};

/// Items of any tag; then `operation` at an address of the page; then memory as it is fills again.
template <class S>
void covered(S& t, const x86::Operation<WordOf<S>>& any, int table, int leaf) {
  using W = WordOf<S>;
  const auto in = tlb_inputs(t);
  x86::Cached<W> cached;
  cached.add(structure_inputs(t, table));
  cached.add(translation_inputs(t, leaf));
  auto op = any;
  // In the page that was cached, of its size.
  const W offset{bit(12u + 9u * static_cast<unsigned>(leaf - 1)) - 1};
  op.address = (in.access.va & ~offset) | (t.word("offset in the page") & offset);
  const auto effect = x86::execute(in.cpu, in.registers, op);
  t.prove(Bool<W>(effect.exception == x86::Exception::none), "no fault");
  cached.drop(effect.drop, in.access.va);
  t.witness(cached.structures.empty() && cached.translations.empty(), "items go");
  const auto found = Found<W>::of(in.context(), in.access.va, in.memory);
  fill_from(found.context, in.access.va, in.memory, cached);
  prove_only(t, found, cached);
}

const auto invlpg_covers = [](auto& t, int table, int leaf) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  covered(t, x86::Operation<W>{x86::OperationKind::invlpg, W{0}, W{0}, W{0}}, table, leaf);
};

const auto invpcid_all_covers = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  covered(t, x86::Operation<W>{x86::OperationKind::invpcid, W{2}, W{0}, W{0}}, 1, 2);
};

/// The entries of an earlier walk in its order, the last one changed to `entry`, and whatever
/// `below` holds where a walk goes on. Entries that are met twice are among what `below` may hold.
template <class W, class Memory>
class LastChanged {
 public:
  LastChanged(const x86::Walk<W>& earlier, const W& entry, const Memory& below)
      : earlier_(earlier), entry_(entry), below_(below) {}

  W read(const W& address) const {
    const int i = next_++;
    if (i < earlier_.count - 1) return earlier_.steps[i].value;
    return i == earlier_.count - 1 ? entry_ : below_.read(address);
  }

 private:
  const x86::Walk<W>& earlier_;
  const W entry_;
  const Memory& below_;
  mutable int next_ = 0;
};

/// What may be cached once the last entry of a walk has changed and nothing was invalidated: of
/// memory as it was, and as it is.
template <class W, class Memory>
struct Changed {
  const Found<W>& before;
  const W entry;        ///< what the last one holds now
  const Memory& below;  ///< where a walk goes on from it
  Found<W> after;       ///< by memory as it is
  x86::Cached<W> cached{};

  template <class MemoryBefore>
  Changed(const Found<W>& found, const MemoryBefore& memory, const W& to, const Memory& beyond)
      : before(found),
        entry(to),
        below(beyond),
        after(Found<W>::of(found.context, found.access.va, changed())) {
    fill_from(before.context, before.access.va, memory, cached);
    fill();
  }

  /// Something is dropped; memory as it is fills again.
  void drop(const x86::Drop<W>& d) {
    cached.drop(d, before.access.va);
    fill();
  }

 private:
  LastChanged<W, Memory> changed() const { return {before.walk, entry, below}; }
  void fill() { fill_from(before.context, before.access.va, changed(), cached); }
};

const auto present_needs_nothing = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = tlb_inputs(t);
  const auto before = Found<W>::of(in.context(), in.access.va, in.memory);
  const bool absent = before.walk.rule == x86::Rule::not_present;
  if (!absent) return;
  const auto below = t.memory("below");
  const Changed now(before, in.memory, W{t.word("new entry") | W{e::P}}, below);
  t.witness(now.after.valid(), "a translation where there was none");
  prove_only(t, now.after, now.cached);
};

constexpr std::uint64_t grants = e::RW | e::US;

/// An entry that grants at least what `entry` does, or (`tighter`) at most.
template <class S, class W>
W other_rights(S& t, const W& entry, bool tighter) {
  const W some = t.word("grants"), xd = t.word("denies") & W{e::XD};
  if (tighter) return (entry & (some | ~W{grants})) | xd;
  return (entry | (some & W{grants})) & ~xd;
}

/// Whether `few` grants no more than `many`.
template <class W>
Bool<W> at_most(const x86::Rights<W>& few, const x86::Rights<W>& many) {
  return ((few.every & ~many.every & W{grants}) == W{0}) &
         ((many.any & ~few.any & W{e::XD}) == W{0});
}

const auto loosened_rights = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = tlb_inputs(t);
  const auto before = Found<W>::of(in.context(), in.access.va, in.memory);
  if (!before.valid()) return;
  const W entry = other_rights(t, before.walk.last().value, false);
  Changed now(before, in.memory, entry, in.memory);
  const x86::Walk<W>& walk = now.after.walk;
  t.witness(walk.rights.writable() & !before.walk.rights.writable(), "R/W 0 to 1");
  for (const auto& item : now.cached.translations) {
    t.prove((x86::cached_leaf(walk.last().value, item.level) == item.leaf) &
                Bool<W>(walk.level == item.level),
            "no other frame");
    t.prove(at_most(item.rights, walk.rights), "and no rights that memory does not grant");
  }
  for (const auto& s : now.cached.structures) t.prove(now.after.has_table(s), "nor another table");
  // An access by what is stale faults; that drops it.
  now.drop(x86::page_fault_drops(before.context.pcid, in.access.va));
  prove_only(t, now.after, now.cached);
};

const auto tightened_rights = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = tlb_inputs(t);
  const auto before = Found<W>::of(in.context(), in.access.va, in.memory);
  if (!before.valid()) return;
  const W entry = other_rights(t, before.walk.last().value, true);
  Changed now(before, in.memory, entry, in.memory);
  t.witness(before.walk.rights.writable() & !now.after.walk.rights.writable(), "R/W 1 to 0");
  const auto stale = now.cached.translations.front();
  t.prove(before.has_leaf(stale), "the translation with the old rights is still of use");
  t.witness(!now.after.has_leaf(stale), "which memory no longer grants");
  now.drop(x86::invlpg_drops(before.context.pcid, in.access.va));
  prove_only(t, now.after, now.cached);
};

const auto fewer_rights = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  auto in = tlb_inputs(t);
  in.access.cpl3 = true;
  in.access.implicit = false;
  const auto c = in.context();
  const W leaf = t.word("leaf");
  x86::Walk<W> many, few;
  many.write = few.write = in.access.write;
  many.level = few.level = 1;
  many.rights = {t.word("every"), t.word("any")};
  few.rights = {many.rights.every & t.word("kept"), many.rights.any | t.word("more")};
  x86::judge(c.paging, in.access, leaf, many);
  x86::judge(c.paging, in.access, leaf, few);
  t.witness(many.outcome == Outcome::translated && few.outcome == Outcome::page_fault,
            "a page fault by fewer rights");
  const bool faults = few.outcome == Outcome::page_fault;
  if (!faults) t.prove(same_answer(many, few), "else the same answer");
  t.prove(Bool<W>(faults || few.outcome == many.outcome), "a page fault, or the same answer");
};

const auto global_outlives_fault = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W va = t.word("va"), pcid = t.word("current pcid") & W{0xfff};
  for (int level = 1; level <= x86::max_leaf_level; ++level) {
    x86::Cached<W> cached;
    const auto item = translation_inputs(t, level);
    cached.add(item);
    const auto structure = structure_inputs(t, level);
    cached.add(structure);
    cached.drop(x86::page_fault_drops(pcid, va), va);
    const Bool<W> other_global = item.global & !(item.pcid == pcid);
    const bool stays = !cached.translations.empty(), leads = !cached.structures.empty();
    t.witness(stays && other_global, "a global translation of another PCID");
    t.prove((!Bool<W>(stays)) | other_global | !(item.pcid == pcid), "what else may be used goes");
    t.prove(Bool<W>(stays) | !other_global, "it stays");
    t.prove(Bool<W>(leads) == !(structure.pcid == pcid), "own tables on the way go");
  }
};

const Theorem theorems[] = {
    theorem("wrpkru-takes-effect-at-once",
            "WRPKRU needs no invalidation: what is cached is judged by the new PKRU.",
            "SDM vol. 3, 4.6.2 Protection Keys",
            [](auto& t) { takes_effect_at_once(t, x86::OperationKind::wrpkru); }),
    theorem("pkrs-takes-effect-at-once",
            "WRMSR to IA32_PKRS needs no invalidation: what is cached is judged by the new value.",
            "SDM vol. 3, 4.6.2 Protection Keys",
            [](auto& t) { takes_effect_at_once(t, x86::OperationKind::wrmsr_pkrs); }),
    theorem("cr0-wp-takes-effect-at-once",
            "MOV to CR0 needs no invalidation: what is cached is judged by the new CR0.WP.",
            "SDM vol. 3, 4.10.2.2 Caching Translations in TLBs",
            [](auto& t) { takes_effect_at_once(t, x86::OperationKind::mov_cr0); }),
    theorem("invlpg-leaves-the-fresh-walk",
            "After INVLPG of any address in its page, nothing that may be used for an address "
            "differs from the walk of memory.",
            drop_ref, [](auto& t) { invlpg_covers(t, 1, 1); }),
    theorem("invlpg-leaves-the-fresh-walk-large",
            "So it is where a page of 2 MBytes, and a page directory, were cached.", drop_ref,
            [](auto& t) { invlpg_covers(t, 2, 2); }),
    theorem("invpcid-all-leaves-the-fresh-walk",
            "After INVPCID 2 nothing that may be used differs from the walk of memory.", drop_ref,
            invpcid_all_covers),
    theorem("present-needs-no-invalidation",
            "Setting P in an entry needs no invalidation: nothing that may be used differs from "
            "the walk of memory.",
            optional_ref, present_needs_nothing),
    theorem("loosened-rights-fault-at-most-once",
            "After R/W or U/S 0 to 1 or XD 1 to 0 in a leaf without invalidation, what is "
            "cached grants no more than memory does and leads nowhere else; one page fault leaves "
            "the walk of memory.",
            optional_ref, loosened_rights),
    theorem("fewer-rights-fault-or-agree",
            "A user-mode access with fewer rights to the same page faults or has the same answer.",
            optional_ref, fewer_rights),
    theorem("global-of-another-pcid-outlives-page-fault",
            "What a page fault leaves for its address is of use only if it is a global translation "
            "made under another PCID.",
            drop_ref, global_outlives_fault),
    theorem("tightened-rights-stay-until-invlpg",
            "After R/W or U/S 1 to 0 or XD 0 to 1 in a leaf without invalidation the old "
            "translation is "
            "still of use; INVLPG leaves the walk of memory.",
            delayed_ref, tightened_rights),
};

}  // namespace

std::span<const Theorem> tlb_change_theorems() {
  return theorems;
}

}  // namespace mmuref::spec
