// What may be cached, and what an access may do with it.
#include "spec/theorems/cached_inputs.h"

namespace mmuref::spec {
namespace {

using x86::Outcome;
namespace e = x86::entry;

constexpr std::string_view tlb_ref = "SDM vol. 3, 4.10.2 Caching Translations in TLBs";
constexpr std::string_view structure_ref = "SDM vol. 3, 4.10.3 Paging-Structure Caches";

const auto descent_from_root = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = tlb_inputs(t);
  const auto found = Found<W>::of(in.context(), in.access.va, in.memory);
  for (int levels : {4, 5})
    t.witness(found.context.levels() == levels, "with levels: " + std::to_string(levels));
  const auto root = found.context.root();
  x86::Walk<W> v;
  v.rights = root.rights;
  x86::NoTrace no_trace;
  x86::descend(found.context.paging, found.access, in.memory, no_trace, root.level, root.table, v);
  t.prove(same_path(found.walk, v) & same_answer(found.walk, v), "the same entries and answer");
};

const auto cached_bits_decide = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = tlb_inputs(t);
  const auto c = in.context();
  x86::Walk<W> w;
  w.write = in.access.write;
  w.level = 1;
  const W any_level = t.word("level");
  for (int level = 2; level <= x86::max_leaf_level; ++level)
    if ((any_level & W{3}) == W{static_cast<unsigned>(level)}) w.level = level;
  const W leaf = t.word("leaf");
  w.rights = {t.word("every"), t.word("any")};
  const x86::Translation<W> item{w.level, x86::cached_leaf(leaf, w.level),
                                 x86::cached_rights(w.rights), c.pcid, false};
  x86::judge(c.paging, in.access, leaf, w);
  x86::Walk<W> v;
  const bool used = x86::use_translation(c, in.access, item, v);
  const bool translated = w.outcome == Outcome::translated;
  t.witness(translated && used, "a translation");
  t.witness(!translated && used, "a denial");
  t.prove(Bool<W>(used) | (Bool<W>(translated) & in.access.write & !has(leaf, e::D)),
          "of use, but for a write without D");
  if (!used) return;
  t.prove(same_answer(w, v), "the answer of the entries themselves");
  t.prove(Bool<W>(v.count == 0), "without reading any");
};

const auto partial_walk_is_rest = [](auto& t, int level) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = tlb_inputs(t);
  const auto p = in.paging();
  const W table = t.word("table") & p.frame_mask;
  x86::Walk<W> w;
  w.rights = {t.word("every"), t.word("any")};
  x86::Walk<W> v;
  v.rights = x86::cached_rights(w.rights);
  x86::NoTrace no_trace;
  x86::descend(p, in.access, in.memory, no_trace, level, table, w);
  x86::descend(p, in.access, replayed(w), no_trace, level, table, v);
  t.witness(w.outcome == Outcome::translated, "a translation");
  t.prove(same_path(w, v) & same_answer(w, v), "the same entries and answer");
};

const auto fresh_caches = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = tlb_inputs(t);
  x86::Cached<W> cached;
  const auto found = Found<W>::of(in.context(), in.access.va, in.memory);
  fill_from(found.context, in.access.va, in.memory, cached);
  for (int level = 1; level <= x86::max_leaf_level; ++level)
    t.witness(found.valid() && found.walk.level == level,
              "a translation of level " + std::to_string(level));
  prove_only(t, found, cached);
  t.prove(Bool<W>(cached.translations.size() == (found.valid() ? 1 : 0)), "the walk's, if any");
  t.prove(Bool<W>(static_cast<int>(cached.structures.size()) == found.walk.count - 1),
          "and each table on the way");
};

const auto fill_idempotent = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = tlb_inputs(t);
  t.assume(!has(in.registers.cr4, x86::cr4::LA57));
  const auto c = in.context();
  // With a table that maps itself at every level the solver does not end.
  const auto walk = Found<W>::of(c, in.access.va, in.memory).walk;
  if (walk.count > 1) t.assume(!(walk.steps[0].address == walk.steps[1].address));
  // What was there before: any partial walk and any translation.
  const auto structure = structure_inputs(t, 1);
  const auto translation = translation_inputs(t, 2);
  x86::Cached<W> cached;
  cached.add(structure);
  cached.add(translation);
  fill_from(c, in.access.va, in.memory, cached);
  const auto structures = cached.structures.size(), translations = cached.translations.size();
  t.witness(translations == 3, "a walk of memory and one from what was cached");
  t.prove(same(cached.structures[0], structure) & same(cached.translations[0], translation),
          "what was cached stays");
  fill_from(c, in.access.va, in.memory, cached);
  t.prove(
      Bool<W>(cached.structures.size() == structures && cached.translations.size() == translations),
      "filling again adds nothing");
};

const auto walk_always_possible = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  auto in = tlb_inputs(t);
  t.assume(!has(in.registers.cr4, x86::cr4::LA57));
  const auto found = Found<W>::of(in.context(), in.access.va, in.memory);
  x86::Cached<W> cached;
  cached.add(translation_inputs(t, 2));
  const auto all = x86::outcomes(found.context, found.access, cached, in.memory);
  t.witness(all.size() == 2, "another by what is cached");
  t.prove(same_path(all[0].walk, found.walk) & same_answer(all[0].walk, found.walk),
          "the walk of memory comes first");
};

const auto what_is_cached = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = machine_inputs(t);
  const auto c = x86::Context<W>::of(in.cpu, in.registers);
  const W entry = t.word("entry");
  for (int level = 1; level <= x86::max_level; ++level) {
    const auto from = structure_inputs(t, level);
    x86::Cached<W> cached;
    const bool added = x86::cache_entry(c, from, entry, cached);
    const std::string at = " at level " + std::to_string(level);
    t.witness(added, "an entry that is cached" + at);
    t.witness(!added && has(entry, e::P), "a reserved one" + at);
    const bool leaf = !cached.translations.empty();
    const Bool<W> maps = x86::is_leaf(entry, level);
    const auto& r = c.paging.reserved;
    const W reserved =
        level <= x86::max_leaf_level ? select(maps, r.leaf[level], r.table[level]) : r.table[level];
    t.prove((has(entry, e::P) & !has(entry, reserved)) == Bool<W>(added),
            "cached exactly when present without reserved bits");
    if (!added) continue;
    t.prove(maps == Bool<W>(leaf), "a leaf as a translation, else as a table");
    const auto& rights = leaf ? cached.translations[0].rights : cached.structures[0].rights;
    t.prove(rights.writable() == (from.rights.writable() & has(entry, e::RW)), "R/W of all");
    t.prove(rights.user() == (from.rights.user() & has(entry, e::US)), "U/S of all");
    t.prove(rights.execute_disable() == (from.rights.execute_disable() | has(entry, e::XD)),
            "XD of any");
    if (!leaf) {
      t.prove((cached.structures[0].table == (entry & c.paging.frame_mask)) &
                  (cached.structures[0].pcid == c.pcid) &
                  Bool<W>(cached.structures[0].level == level - 1),
              "the table below, under the current PCID");
      continue;
    }
    const auto& made = cached.translations[0];
    t.prove(made.global == (has(in.registers.cr4, x86::cr4::PGE) & has(entry, e::G)),
            "global with G and PGE alone");
    t.prove((made.pcid == c.pcid) & Bool<W>(made.level == level), "under the current PCID");
    t.prove(((made.leaf ^ entry) & W{bits(51, 12) | bits(62, 59) | e::D}) == W{0},
            "frame, key and D as they were");
  }
};

const auto tag_decides = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = tlb_inputs(t);
  const auto c = in.context();
  for (int level = 1; level <= x86::max_leaf_level; ++level) {
    const auto item = translation_inputs(t, level);
    x86::Walk<W> w;
    const bool used = x86::use_translation(c, in.access, item, w);
    const Bool<W> own = item.pcid == c.pcid;
    const bool translated = w.outcome == Outcome::translated;
    t.witness(used && (item.global & !own), "a global translation of another PCID");
    t.witness(!used && !own, "one that is not global");
    t.prove(Bool<W>(!used) | own | item.global, "one's own, or a global one");
    const Bool<W> clean_write = in.access.write & Bool<W>(translated) & !has(item.leaf, e::D);
    t.prove(Bool<W>(used) | !(own | item.global) | clean_write, "which may always be used");
    t.prove(Bool<W>(!used) | !clean_write, "but not for a write without D");
  }
};

const auto no_clean_write = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  auto in = tlb_inputs(t);
  in.access.write = true;
  in.access.fetch = false;
  for (int level = 1; level <= x86::max_leaf_level; ++level) {
    const auto item = translation_inputs(t, level);
    x86::Walk<W> w;
    const bool used = x86::use_translation(in.context(), in.access, item, w);
    const bool writes = used && w.outcome == Outcome::translated;
    t.witness(writes, "a write by a cached translation");
    t.prove(Bool<W>(!writes) | has(item.leaf, e::D), "only with D as cached");
  }
};

/// Two arbitrary outcomes that count as one.
const auto merged_alike = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  // Only whether words are equal and A and D count: a few addresses and answers are all there are.
  const auto address = [&](const std::string& name) { return W{t.word(name) & W{0x18}}; };
  const auto flags = [&](const std::string& name) { return W{t.word(name) & W{e::A | e::D}}; };
  const W at = address("any address"), held = flags("held before");
  const Bool<W> write = t.flag("write");
  x86::Possibility<W> outcomes[2];
  const bool faults = static_cast<bool>(t.flag("faults"));
  for (int k = 0; k < 2; ++k) {
    auto& w = outcomes[k].walk;
    const std::string n = std::to_string(k);
    w.outcome = faults ? Outcome::page_fault : Outcome::translated;
    w.level = 1;
    w.write = write;
    w.count = 2 - k;
    (faults ? w.error_code : w.physical_address) = t.word("answer" + n) & W{1};
    for (int i = 0; i < w.count; ++i) {
      w.steps[i].address = address("entry" + n + std::to_string(i));
      // One memory: where two entries are one, they hold the same.
      w.steps[i].value =
          select(w.steps[i].address == at, held, flags("value" + n + std::to_string(i)));
    }
    if (k == 0) continue;
    const W accessed = address("accessed");
    t.assume(!((accessed == at) & has(held, e::A)));
    outcomes[k].accessed.add(accessed);
  }
  const bool same = x86::same_outcome(outcomes[0], outcomes[1]);
  t.witness(same, "merged");
  t.witness(!same, "kept apart");
  if (!same) return;
  t.prove(same_answer(outcomes[0].walk, outcomes[1].walk), "the same answer");
  if (faults) return;
  t.prove((held | outcomes[0].flags_at(at)) == (held | outcomes[1].flags_at(at)),
          "and the same entry at every address");
};

/// What is cached of memory as it is, then software stores any one entry with A=0.
const auto cached_holds_accessed = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = tlb_inputs(t);
  t.assume(!has(in.registers.cr4, x86::cr4::LA57));
  const auto found = Found<W>::of(in.context(), in.access.va, in.memory);
  x86::Cached<W> cached;
  fill_from(found.context, in.access.va, in.memory, cached);
  const auto used = [&](const W& address, int above) {
    Bool<W> any = false;
    for (int i = 0; i < found.walk.count && found.walk.steps[i].level > above; ++i)
      any = any | (found.walk.steps[i].address == address);
    return any;
  };
  const W any = t.word("any address");
  const auto prove_entries = [&](const Bool<W>& but, const std::string& claim) {
    for (const auto& s : cached.structures)
      t.prove(s.accessed.contains(any) == (used(any, s.level) & !but), claim);
    for (const auto& item : cached.translations)
      t.prove(item.accessed.contains(any) == (used(any, 0) & !but), claim);
  };
  t.witness(found.valid() && used(any, 0), "an entry that a translation was made from");
  prove_entries(false, "those that the walk reads, and no other");
  const W cleared = t.word("stored");
  cached.clear_accessed(cleared);
  t.witness(!cached.translations.empty() && used(cleared, 0), "one of them is stored");
  prove_entries(any == cleared, "without the one that is stored");
};

const Theorem theorems[] = {
    theorem("walk-descends-from-root",
            "The walk is the partial walk that starts at the root with no rights lost.",
            structure_ref, descent_from_root),
    theorem("cached-bits-decide",
            "An access by way of a cached translation has the answer that the walk it was made "
            "from has, for every access, registers and page size.",
            tlb_ref, cached_bits_decide),
    theorem("partial-walk-is-the-rest-level-1",
            "A walk from a cached page table has the answer of the whole walk, for every access.",
            structure_ref, [](auto& t) { partial_walk_is_rest(t, 1); }),
    theorem("partial-walk-is-the-rest-level-2",
            "A walk from a cached page directory has the answer of the whole walk, for every "
            "access.",
            structure_ref, [](auto& t) { partial_walk_is_rest(t, 2); }),
    theorem("partial-walk-is-the-rest-level-3",
            "A walk from a cached page-directory-pointer table has the answer of the whole walk, "
            "for every access.",
            structure_ref, [](auto& t) { partial_walk_is_rest(t, 3); }),
    theorem("fresh-caches-change-nothing",
            "What is cached of the tables as they are is the walk's own: an access has one "
            "outcome.",
            tlb_ref, fresh_caches),
    theorem(
        "fill-monotone-idempotent",
        "Filling the caches keeps what is there, and filling again adds nothing, where a walk does "
        "not use its first entry twice running.",
        tlb_ref, fill_idempotent),
    theorem("walk-always-possible", "Whatever is cached, the walk of memory is among the outcomes.",
            tlb_ref, walk_always_possible),
    theorem("what-is-cached",
            "An entry is cached exactly when it is present without reserved bits, with the rights "
            "of all entries together, frame, key, D, the current PCID, and global only with "
            "CR4.PGE.",
            tlb_ref, what_is_cached),
    theorem("what-is-cached-holds-accessed",
            "What is cached of the tables as they are says A=1 of exactly the entries that the "
            "walk reads down to it, and after software stores one with A=0 of exactly the others.",
            "SDM vol. 3, 4.10.2.3 Details of TLB Use", cached_holds_accessed),
    theorem("tag-decides-use",
            "A cached translation serves its own PCID, another one only if it is global.",
            "SDM vol. 3, 4.10.2.4 Global Pages", tag_decides),
    theorem("no-write-through-clean-translation",
            "A write never goes through a translation that was cached with D=0.",
            "SDM vol. 3, 4.8 Accessed and Dirty Flags", no_clean_write),
    theorem("merged-outcomes-act-alike",
            "Outcomes that count as one have the same answer and leave the same entries.",
            "SDM vol. 3, 4.8 Accessed and Dirty Flags", merged_alike),
};

}  // namespace

std::span<const Theorem> tlb_theorems() {
  return theorems;
}

}  // namespace mmuref::spec
