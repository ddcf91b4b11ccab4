// What may be cached for one linear address, and what an access may do with it.
//
// SDM vol. 3, "Caching Translations in TLBs" (4.10.2) and "Paging-Structure Caches" (4.10.3). A
// processor may cache anything a walk could find, at any moment, for any address; nothing says that
// it does. So what is kept here is permission: everything that could be cached, and every outcome
// that an access may have by using any of it, or none.
#pragma once

#include <vector>

#include "model/x86/accessed_dirty.h"
#include "model/x86/invalidation.h"
#include "model/x86/walk.h"

namespace mmuref::x86 {

/// A TLB entry for the linear address at hand: frame, rights and attributes of a valid walk,
/// whether or not those rights permit anything. SDM vol. 3, 4.10.2.2.
template <class W>
struct Translation {
  int level = 0;           ///< of the leaf: the page size
  W leaf = 0;              ///< its frame, memory type, key and D
  Rights<W> rights{};      ///< of all entries together
  W pcid = 0;              ///< the current one when it was made
  Bool<W> global = false;  ///< serves every PCID. SDM vol. 3, 4.10.2.4
};

/// A paging-structure-cache entry for a prefix of the linear address: the table that the entries
/// above lead to and what they grant. SDM vol. 3, 4.10.3.1.
template <class W>
struct PartialWalk {
  int level = 0;       ///< of the table to read next
  W table = 0;         ///< its physical address
  Rights<W> rights{};  ///< of the entries above
  W pcid = 0;
};

/// The bits of rights and of a leaf that a cache keeps; the rest is made equal, so that what acts
/// alike is one element.
template <class W>
constexpr Rights<W> cached_rights(const Rights<W>& r) {
  return {r.every & W{entry::RW | entry::US}, r.any & W{entry::XD}};
}
template <class W>
constexpr W cached_leaf(const W& e, int level) {
  const std::uint64_t pat = level == 1 ? entry::PAT_4K : entry::PAT_large;
  return e & W{entry::address_mask | entry::key_mask | entry::PWT | entry::PCD | entry::D | pat};
}

template <class W>
constexpr Bool<W> same(const Rights<W>& a, const Rights<W>& b) {
  return (a.every == b.every) & (a.any == b.any);
}
template <class W>
constexpr Bool<W> same(const Translation<W>& a, const Translation<W>& b) {
  if (a.level != b.level) return false;
  return (a.leaf == b.leaf) & same(a.rights, b.rights) & (a.pcid == b.pcid) &
         (a.global == b.global);
}
template <class W>
constexpr Bool<W> same(const PartialWalk<W>& a, const PartialWalk<W>& b) {
  if (a.level != b.level) return false;
  return (a.table == b.table) & same(a.rights, b.rights) & (a.pcid == b.pcid);
}

/// Everything that may be cached for one linear address; no two elements are equal.
template <class W>
struct Cached {
  std::vector<PartialWalk<W>> structures;
  std::vector<Translation<W>> translations;

  /// Adds what is not there yet; whether it was new.
  bool add(const PartialWalk<W>& p) { return add(structures, p); }
  bool add(const Translation<W>& t) { return add(translations, t); }

  /// Drops what must go; whether there was any.
  bool drop(const Drop<W>& d, const W& va) {
    auto dropped = std::erase_if(structures, [&](const PartialWalk<W>& p) {
      return static_cast<bool>(drops_structure(d, va, p.level, p.pcid));
    });
    dropped += std::erase_if(translations, [&](const Translation<W>& t) {
      return static_cast<bool>(drops_translation(d, va, t.level, t.pcid, t.global));
    });
    return dropped != 0;
  }

 private:
  template <class T>
  static bool add(std::vector<T>& all, const T& one) {
    for (const T& other : all)
      if (same(one, other)) return false;
    all.push_back(one);
    return true;
  }
};

/// The registers' part in filling and using caches.
template <class W>
struct Context {
  Paging<W> paging;
  W pcid = 0;
  Bool<W> global_pages = false;  ///< CR4.PGE

  static constexpr Context of(const Processor<W>& cpu, const Registers<W>& r) {
    return {x86::paging(cpu, r), current_pcid(r), has(r.cr4, cr4::PGE)};
  }
  int levels() const { return paging.levels(); }
  /// Where a walk starts that uses nothing cached.
  PartialWalk<W> root() const { return {levels(), paging.table_base, {}, pcid}; }
};

/// Adds what a walk from `from` may find in the entry `e` of its table: a table or a page. An entry
/// that is not present or has a reserved bit set is never cached. `Cache` adds as Cached does.
template <class W, class Cache>
constexpr bool cache_entry(const Context<W>& c, const PartialWalk<W>& from, const W& e,
                           Cache& cached) {
  if (!has(e, entry::P)) return false;
  const bool leaf = static_cast<bool>(is_leaf(e, from.level));
  const Paging<W>& p = c.paging;
  if (has(e, leaf ? p.reserved.leaf[from.level] : p.reserved.table[from.level])) return false;
  Rights<W> rights = from.rights;
  rights.add(e);
  rights = cached_rights(rights);
  if (!leaf) return cached.add(PartialWalk<W>{from.level - 1, e & p.frame_mask, rights, c.pcid});
  const Bool<W> global = static_cast<Bool<W>>(c.global_pages & has(e, entry::G));
  return cached.add(Translation<W>{from.level, cached_leaf(e, from.level), rights, c.pcid, global});
}

/// The address of the entry that a walk for `va` reads next.
template <class W>
constexpr W entry_address(const PartialWalk<W>& walk, const W& va) {
  return walk.table | (table_index(va, walk.level) << 3);
}

/// Adds all that may be cached now, by walks from the root or from anything already cached.
/// `read(address)` gives an entry as a walk may find it. With `changed`, all was added before that
/// one entry changed, and only walks that read it can add more.
template <class W, class Read>
constexpr void fill(const Context<W>& c, const W& va, Read&& read, Cached<W>& cached,
                    const W* changed = nullptr) {
  const auto known = cached.structures.size();
  const auto step = [&](const PartialWalk<W>& from, bool walked_before) {
    const W address = entry_address(from, va);
    if (walked_before && changed != nullptr && address != *changed) return;
    cache_entry(c, from, W{read(address)}, cached);
  };
  step(c.root(), true);
  // What is added meanwhile is walked too; levels only fall, so this ends.
  for (std::size_t i = 0; i < cached.structures.size(); ++i) {
    const PartialWalk<W> from = cached.structures[i];
    if (from.pcid == c.pcid) step(from, i < known);
  }
}

/// Where an outcome came from.
enum class Source : unsigned char {
  memory,     ///< a walk of the tables as they are
  structure,  ///< a walk from a paging-structure-cache entry
  tlb,        ///< a cached translation
};

/// One outcome an access may have. `walk.steps` are the entries read now, which get their flags.
template <class W>
struct Possibility {
  Walk<W> walk;
  Source source = Source::memory;
  int from = 0;  ///< level of the table a partial walk started at, or of the translation's leaf
};

/// The access by way of a cached translation. A write needs D=1 as cached: otherwise the processor
/// walks again, to set it (SDM vol. 3, 4.8), and this says nothing.
template <class W>
constexpr bool use_translation(const Context<W>& c, const Access<W>& a, const Translation<W>& t,
                               Walk<W>& result) {
  if (t.pcid != c.pcid && !t.global) return false;
  result.write = a.write;
  result.level = t.level;
  result.rights = t.rights;
  judge(c.paging, a, t.leaf, result);
  if (result.outcome == Outcome::translated && a.write && !has(t.leaf, entry::D)) return false;
  return true;
}

/// Whether two outcomes look the same to software: the answer, and the entries that change.
template <class W>
constexpr bool same_outcome(const Walk<W>& a, const Walk<W>& b) {
  if (a.outcome != b.outcome) return false;
  if (a.outcome != Outcome::translated) return static_cast<bool>(a.error_code == b.error_code);
  if (a.level != b.level || a.physical_address != b.physical_address) return false;
  // Each entry one of them changes, the other changes alike.
  const auto within = [](const Walk<W>& x, const Walk<W>& y) {
    for (int i = 0; i < x.count; ++i) {
      const Step<W>& s = x.steps[i];
      const W flags = flags_set(x, i);
      if ((s.value & flags) == flags) continue;
      bool found = false;
      for (int j = 0; j < y.count && !found; ++j)
        found = y.steps[j].address == s.address && flags_set(y, j) == flags;
      if (!found) return false;
    }
    return true;
  };
  return within(a, b) && within(b, a);
}

/// Calls `visit(item, walk)` for every way `a`, a canonical access, may go by something cached:
/// `item` is the PartialWalk it begins at or the Translation it uses, `walk` what comes of it.
template <class W, PhysicalMemory<W> Memory, class Visit>
constexpr void for_each_use(const Context<W>& c, const Access<W>& a, const Cached<W>& cached,
                            const Memory& memory, Visit visit) {
  NoTrace no_trace;
  for (const PartialWalk<W>& from : cached.structures) {
    if (from.pcid != c.pcid) continue;
    Walk<W> walk;
    walk.write = a.write;
    walk.rights = from.rights;
    descend(c.paging, a, memory, no_trace, from.level, from.table, walk);
    visit(from, walk);
  }
  for (const Translation<W>& t : cached.translations) {
    Walk<W> walk;
    if (use_translation(c, a, t, walk)) visit(t, walk);
  }
}

/// Where a use of something cached comes from.
template <class W>
constexpr Source source_of(const PartialWalk<W>&) {
  return Source::structure;
}
template <class W>
constexpr Source source_of(const Translation<W>&) {
  return Source::tlb;
}

/// Every outcome the access may have, the walk of memory first; no two look the same.
template <class W, PhysicalMemory<W> Memory>
constexpr std::vector<Possibility<W>> outcomes(const Context<W>& c, const Access<W>& a,
                                               const Cached<W>& cached, const Memory& memory) {
  std::vector<Possibility<W>> all{{.walk = walk(c.paging, a, memory)}};
  if (all[0].walk.rule == Rule::non_canonical) return all;
  for_each_use(c, a, cached, memory, [&](const auto& item, const Walk<W>& walk) {
    for (const Possibility<W>& other : all)
      if (same_outcome(walk, other.walk)) return;
    all.push_back({walk, source_of(item), item.level});
  });
  return all;
}

}  // namespace mmuref::x86
