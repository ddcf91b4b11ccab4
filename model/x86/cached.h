// What may be cached for one linear address, and what an access may do with it.
//
// SDM vol. 3, "Caching Translations in TLBs" (4.10.2) and "Paging-Structure Caches" (4.10.3). A
// processor may cache anything a walk could find, at any moment, for any address; nothing says that
// it does. So what is kept here is permission: everything that could be cached, and every outcome
// that an access may have by using any of it, or none.
#pragma once

#include <algorithm>
#include <iterator>
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

/// Entries known to hold A=1 because something cached was made from them.
///
/// SDM vol. 3, 4.10.2.3, 4.10.3.1: a processor caches nothing before A is set in each entry used.
/// It never clears A, so it is set until software stores the entry with A=0.
template <class W>
class AccessedEntries {
 public:
  /// A walk may use an entry twice (a self-mapping).
  void add(const W& address) { addresses_[count_++] = address; }
  void remove(const W& address) {
    const auto is = [&](const W& one) { return static_cast<bool>(one == address); };
    count_ = static_cast<int>(std::remove_if(begin(), end(), is) - begin());
  }

  Bool<W> contains(const W& address) const {
    Bool<W> found = false;
    for (const W& one : *this) found = found | (one == address);
    return found;
  }
  Bool<W> within(const AccessedEntries& other) const {
    Bool<W> all = true;
    for (const W& one : *this) all = all & other.contains(one);
    return all;
  }

  const W* begin() const { return addresses_; }
  const W* end() const { return addresses_ + count_; }

 private:
  W* begin() { return addresses_; }
  W* end() { return addresses_ + count_; }

  int count_ = 0;
  W addresses_[max_level];  ///< the first `count_` are set
};

/// A PartialWalk or Translation, and which of the entries it was made from still hold A.
template <class W, class Item>
struct Made : Item {
  AccessedEntries<W> accessed;
};

/// Everything that may be cached for one linear address. Of elements that act alike only those are
/// kept that say A of the fewest entries: A may be set anyway.
template <class W>
struct Cached {
  std::vector<Made<W, PartialWalk<W>>> structures;
  std::vector<Made<W, Translation<W>>> translations;

  /// Adds what is not there yet; whether it was new.
  bool add(const PartialWalk<W>& p, const AccessedEntries<W>& accessed = {}) {
    return add(structures, {p, accessed});
  }
  bool add(const Translation<W>& t, const AccessedEntries<W>& accessed = {}) {
    return add(translations, {t, accessed});
  }

  /// Software stores the entry at `address` with A=0.
  void clear_accessed(const W& address) {
    clear_accessed(structures, address);
    clear_accessed(translations, address);
  }

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
  template <class Item>
  using All = std::vector<Made<W, Item>>;

  template <class Item>
  static bool add(All<Item>& all, const Made<W, Item>& one) {
    for (const auto& other : all)
      if (same(one, other) && other.accessed.within(one.accessed)) return false;
    std::erase_if(all, [&](const auto& other) {
      return same(one, other) && one.accessed.within(other.accessed);
    });
    all.push_back(one);
    return true;
  }

  template <class Item>
  static void clear_accessed(All<Item>& all, const W& address) {
    const auto known = [&](const auto& one) {
      return static_cast<bool>(one.accessed.contains(address));
    };
    All<Item> changed;
    std::copy_if(all.begin(), all.end(), std::back_inserter(changed), known);
    std::erase_if(all, known);
    for (Made<W, Item>& one : changed) {
      one.accessed.remove(address);
      add(all, one);
    }
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

/// A walk that fills the caches, as cache_entry's Cache: it goes on from each table that is new.
template <class W>
struct FillingWalk {
  Cached<W>& cached;
  PartialWalk<W> at;
  AccessedEntries<W> accessed;  ///< of all entries used so far

  bool add(const PartialWalk<W>& p) {
    at = p;
    return cached.add(p, accessed);
  }
  bool add(const Translation<W>& t) {
    cached.add(t, accessed);
    return false;
  }
};

/// Adds all that may be cached now, by walks from the root or from anything already cached.
/// `read(address)` gives an entry as a walk may find it. With `changed`, all was added before that
/// one entry changed, and only walks that read it can add more.
template <class W, class Read>
constexpr void fill(const Context<W>& c, const W& va, Read&& read, Cached<W>& cached,
                    const W* changed = nullptr) {
  const auto go = [&](const PartialWalk<W>& from, const AccessedEntries<W>& accessed) {
    W address = entry_address(from, va);
    if (changed != nullptr && address != *changed) return;
    FillingWalk<W> walk{cached, from, accessed};
    for (;; address = entry_address(walk.at, va)) {
      walk.accessed.add(address);
      if (!cache_entry(c, PartialWalk<W>{walk.at}, W{read(address)}, walk)) return;
    }
  };
  const auto known = cached.structures;
  go(c.root(), {});
  for (const auto& from : known)
    if (from.pcid == c.pcid) go(from, from.accessed);
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
  /// Entries that are not known to hold A but do, since what is cached was made from them.
  AccessedEntries<W> accessed{};

  /// The flags that the entry at `address` holds afterwards, whatever it held before.
  constexpr W flags_at(const W& address) const {
    W flags = select(accessed.contains(address), W{entry::A}, W{0});
    if (walk.outcome != Outcome::translated) return flags;
    for (int i = 0; i < walk.count; ++i)
      flags = flags | select(walk.steps[i].address == address, flags_set(walk, i), W{0});
    return flags;
  }
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

/// Whether `b` is no other outcome than `a` to software: the same answer, and the same entries
/// change. A page fault may leave A set besides (4.8), so there `a` may require less.
template <class W>
constexpr bool same_outcome(const Possibility<W>& a, const Possibility<W>& b) {
  const Walk<W>&x = a.walk, &y = b.walk;
  if (x.outcome != y.outcome) return false;
  if (x.outcome != Outcome::translated)
    return x.error_code == y.error_code && a.accessed.within(b.accessed);
  if (x.level != y.level || x.physical_address != y.physical_address) return false;
  // Each entry that one of them changes, the other changes alike.
  const auto within = [](const Possibility<W>& one, const Possibility<W>& other) {
    for (int i = 0; i < one.walk.count; ++i) {
      const Step<W>& s = one.walk.steps[i];
      if (has(one.flags_at(s.address) ^ other.flags_at(s.address), ~s.value)) return false;
    }
    for (const W& address : one.accessed)
      if (!has(other.flags_at(address), entry::A)) return false;
    return true;
  };
  return within(a, b) && within(b, a);
}

/// Calls `visit(item, walk)` for every way `a`, a canonical access, may go by something cached:
/// `item` is the PartialWalk it begins at or the Translation it uses, as it was made, `walk` what
/// comes of it.
template <class W, PhysicalMemory<W> Memory, class Visit>
constexpr void for_each_use(const Context<W>& c, const Access<W>& a, const Cached<W>& cached,
                            const Memory& memory, Visit visit) {
  NoTrace no_trace;
  for (const auto& from : cached.structures) {
    if (from.pcid != c.pcid) continue;
    Walk<W> walk;
    walk.write = a.write;
    walk.rights = from.rights;
    descend(c.paging, a, memory, no_trace, from.level, from.table, walk);
    visit(from, walk);
  }
  for (const auto& t : cached.translations) {
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

/// Every outcome the access may have, the walk of memory first; no two look the same. `memory`
/// holds what is certain.
template <class W, PhysicalMemory<W> Memory>
constexpr std::vector<Possibility<W>> outcomes(const Context<W>& c, const Access<W>& a,
                                               const Cached<W>& cached, const Memory& memory) {
  std::vector<Possibility<W>> all{{.walk = walk(c.paging, a, memory)}};
  if (all[0].walk.rule == Rule::non_canonical) return all;
  for_each_use(c, a, cached, memory, [&](const auto& item, const Walk<W>& walk) {
    Possibility<W> one{walk, source_of(item), item.level};
    for (const W& address : item.accessed)
      if (!has(W{memory.read(address)}, entry::A)) one.accessed.add(address);
    for (const Possibility<W>& other : all)
      if (same_outcome(other, one)) return;
    all.push_back(one);
  });
  return all;
}

}  // namespace mmuref::x86
