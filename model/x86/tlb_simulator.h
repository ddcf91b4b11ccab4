// A processor's TLB and paging-structure caches with definite sizes: one behaviour out of all that
// tlb.h permits.
//
// Given the same accesses and instructions, it always answers the same. It caches what its own
// walks find and nothing by speculation; it forgets what an instruction must drop, and what its
// ways have no room for. Rules are those of cached.h and invalidation.h. Only here does an address
// decide where something is kept, so this runs on numbers alone, never on symbols.
//
// SDM vol. 3, "Caching Translation Information" (4.10); "Accessed and Dirty Flags" (4.8).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "model/x86/cached.h"
#include "model/x86/set_associative.h"

namespace mmuref::x86 {

/// The sizes are those of no particular processor, but near what many have.
struct TlbParameters {
  /// By the level of the leaf: [1] 4-KByte pages, [2] 2-MByte, [3] 1-GByte; [0] is unused.
  std::array<CacheShape, max_leaf_level + 1> translations{{{}, {128, 12}, {128, 8}, {4, 4}}};
  /// By the level of the table an entry leads to: [1] caches PDEs, [2] PDPTEs, [3] PML4Es, [4]
  /// PML5Es; [0] is unused.
  std::array<CacheShape, max_level> structures{{{}, {8, 4}, {1, 4}, {1, 2}, {1, 2}}};
  Replacement replacement = Replacement::lru;
  std::uint64_t seed = 1;  ///< for Replacement::random
};

/// Counts since the simulator began. A miss is a walk: `accesses` are hits, walks, and accesses to
/// addresses that are not canonical.
struct TlbStatistics {
  std::uint64_t accesses = 0;
  std::uint64_t hits = 0;            ///< a cached translation decided, be it a page fault
  std::uint64_t walks = 0;           ///< none did: no translation, or a write and D=0
  std::uint64_t structure_hits = 0;  ///< walks that began below the root
  std::uint64_t entries_read = 0;    ///< by all walks
  std::uint64_t page_faults = 0;
  std::uint64_t evictions = 0;  ///< translations and partial walks that gave room to another
  std::uint64_t drops = 0;      ///< the same, forgotten by an instruction or a page fault

  bool operator==(const TlbStatistics&) const = default;
};

/// One logical processor. Several may share a memory, each with its own caches; software that
/// writes an entry tells none of them.
class TlbSimulator {
 public:
  using Word = std::uint64_t;

  /// Nothing is cached, as after reset; registers select IA-32e paging. Throws
  /// std::invalid_argument for a number of sets that is no power of two.
  TlbSimulator(const Processor<Word>& cpu, const Registers<Word>& registers,
               const TlbParameters& parameters = {})
      : cpu_(cpu),
        registers_(registers),
        context_(Context<Word>::of(cpu, registers)),
        translations_(make<Translation<Word>>(parameters, parameters.translations)),
        structures_(make<PartialWalk<Word>>(parameters, parameters.structures)) {}

  const Processor<Word>& processor() const { return cpu_; }
  const Registers<Word>& registers() const { return registers_; }
  const TlbStatistics& statistics() const { return statistics_; }

  /// Makes the access: its outcome, and where that came from. A walk's A and D flags are written to
  /// memory; of an access that faults none is.
  template <WritablePhysicalMemory<Word> Memory>
  Possibility<Word> access(Memory& memory, const Access<Word>& a) {
    ++statistics_.accesses;
    Possibility<Word> p;
    p.walk.write = a.write;
    if (refuse_non_canonical(a, context_.levels(), p.walk)) return p;
    if (!use_translations(a, p)) walk_tables(memory, a, p);
    if (p.walk.outcome == Outcome::page_fault) page_fault(a.va);
    return p;
  }

  /// An instruction of this processor; on an exception nothing changes.
  Effect<Word> execute(const Operation<Word>& op) {
    const Effect<Word> effect = x86::execute(cpu_, registers_, op);
    if (effect.exception != Exception::none) return effect;
    registers_ = effect.registers;
    context_ = Context<Word>::of(cpu_, registers_);
    drop(effect.drop);
    return effect;
  }

 private:
  template <class T, std::size_t n>
  using Caches = std::array<SetAssociative<T>, n>;

  template <class T, std::size_t n>
  static Caches<T, n> make(const TlbParameters& parameters,
                           const std::array<CacheShape, n>& shapes) {
    const auto one = [&](std::size_t i) {
      return SetAssociative<T>(shapes[i], parameters.replacement, parameters.seed + i);
    };
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return Caches<T, n>{one(i)...};
    }
    (std::make_index_sequence<n>{});
  }

  static Word page(const Word& va, int level) { return va >> level_shift(level); }
  /// What an address has in common with all that a `level` table translates.
  static Word prefix(const Word& va, int level) { return va >> level_shift(level + 1); }

  /// What is found of one walk goes to the caches, and the walk goes on from it.
  struct Filler {
    TlbSimulator& simulator;
    const Word& va;
    PartialWalk<Word>& from;

    bool add(const PartialWalk<Word>& p) {
      from = p;
      return keep(simulator.structures_, prefix(va, p.level), p);
    }
    bool add(const Translation<Word>& t) {
      return keep(simulator.translations_, page(va, t.level), t);
    }
    template <class AllCaches, class T>
    bool keep(AllCaches& caches, const Word& tag, const T& entry) {
      // A walk made anew under the same PCID takes the place of what it finds changed.
      const bool evicts = caches[static_cast<std::size_t>(entry.level)].insert(
          tag, entry, [&](const T& old) { return old.pcid == entry.pcid; });
      simulator.statistics_.evictions += evicts;
      return true;
    }
  };

  bool use_translations(const Access<Word>& a, Possibility<Word>& p) {
    const auto use = [&](const Translation<Word>& t) {
      return use_translation(context_, a, t, p.walk);
    };
    for (int level = 1; level <= max_leaf_level; ++level) {
      if (!translations_[static_cast<std::size_t>(level)].find(page(a.va, level), use)) continue;
      ++statistics_.hits;
      p.source = Source::tlb;
      p.from = level;
      return true;
    }
    return false;
  }

  /// Where the walk begins: below as many cached entries as there are.
  PartialWalk<Word> start(const Word& va) {
    const auto mine = [&](const PartialWalk<Word>& p) { return p.pcid == context_.pcid; };
    for (int level = 1; level < context_.levels(); ++level) {
      const PartialWalk<Word>* found =
          structures_[static_cast<std::size_t>(level)].find(prefix(va, level), mine);
      if (found != nullptr) return *found;
    }
    return context_.root();
  }

  template <class Memory>
  void walk_tables(Memory& memory, const Access<Word>& a, Possibility<Word>& p) {
    PartialWalk<Word> from = start(a.va);
    const bool partial = from.level < context_.levels();
    p.source = partial ? Source::structure : Source::memory;
    p.from = partial ? from.level : 0;
    p.walk.rights = from.rights;
    NoTrace no_trace;
    descend(context_.paging, a, memory, no_trace, from.level, from.table, p.walk);
    ++statistics_.walks;
    statistics_.structure_hits += partial;
    statistics_.entries_read += static_cast<std::uint64_t>(p.walk.count);

    if (p.walk.outcome != Outcome::translated) return;
    write_back(p.walk, memory);
    Filler filler{*this, a.va, from};
    for (int i = 0; i < p.walk.count; ++i) {
      cache_entry(context_, from, p.walk.steps[i].value | flags_set(p.walk, i), filler);
    }
  }

  /// SDM vol. 3, 4.10.4.1: what was used is dropped, so that the fault does not recur. A global
  /// translation goes whichever PCID made it, which is more than must: it was used too.
  void page_fault(const Word& va) {
    ++statistics_.page_faults;
    Drop<Word> d = page_fault_drops(context_.pcid, va);
    d.other_globals = true;
    drop(d);
  }

  void drop(const Drop<Word>& d) {
    if (d.own | d.others | d.own_globals | d.other_globals) {
      for (int level = 1; level <= max_leaf_level; ++level) drop_translations(d, level);
    }
    if (d.own_structures | d.other_structures) {
      for (int level = 1; level < max_level; ++level) drop_structures(d, level);
    }
  }

  void drop_translations(const Drop<Word>& d, int level) {
    auto& cache = translations_[static_cast<std::size_t>(level)];
    const auto unwanted = [&](Word tag, const Translation<Word>& t) {
      return drops_translation(d, tag << level_shift(level), t.level, t.pcid, t.global);
    };
    // One page is all in one set.
    statistics_.drops +=
        d.one_page ? cache.erase_if(page(d.address, level), unwanted) : cache.erase_if(unwanted);
  }

  void drop_structures(const Drop<Word>& d, int level) {
    auto& cache = structures_[static_cast<std::size_t>(level)];
    statistics_.drops += cache.erase_if([&](Word tag, const PartialWalk<Word>& p) {
      return drops_structure(d, tag << level_shift(level + 1), p.level, p.pcid);
    });
  }

  Processor<Word> cpu_;
  Registers<Word> registers_;
  Context<Word> context_;
  Caches<Translation<Word>, max_leaf_level + 1> translations_;
  Caches<PartialWalk<Word>, max_level> structures_;
  TlbStatistics statistics_;
};

}  // namespace mmuref::x86
