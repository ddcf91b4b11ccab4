// Every page that an address space maps, found by walking its tables.
//
// SDM vol. 3, "Linear-Address Translation with 4-Level Paging and 5-Level Paging" (4.5.4). Where
// x86::walk answers for one address, this visits all entries once, in the order of addresses.
#pragma once

#include <concepts>
#include <cstdint>

#include "model/x86/walk.h"

namespace mmuref::image {

using Word = std::uint64_t;

/// A leaf and what it maps.
struct Mapping {
  Word va = 0;    ///< the first linear address, canonical
  Word pa = 0;    ///< the first physical address
  Word size = 0;  ///< bytes: 4 KiB, 2 MiB or 1 GiB
  int level = 0;  ///< of the leaf, 1..3
  Word entry = 0;
  x86::Rights<Word> rights;  ///< of all entries down to the leaf
};

/// A present entry that maps nothing.
struct Broken {
  Word va = 0;  ///< the first linear address it is used for
  int level = 0;
  Word address = 0;  ///< of the entry
  Word entry = 0;
  /// Why: a reserved bit, or Rule::translated when the table it references is not in the image.
  x86::Rule rule = x86::Rule::translated;
};

/// Sees the mappings; streamed, since hostile tables map 2^36 pages.
template <class V>
concept MapsVisitor = requires(V& v, const Mapping& m, const Broken& b) {
  v.mapping(m);
  v.broken(b);
};

/// Where the visit ended. Tables may reference each other and themselves, so that few pages can
/// describe 2^27 tables: the visit stops after as many tables as the caller allows.
struct MapsEnd {
  bool complete = true;
  Word tables = 0;  ///< visited, each as often as it is referenced
  Word va = 0;      ///< where the visit stopped, if not complete
};

namespace detail {

/// The visit as a stack of the tables on the path to the entry at hand: no recursion, and the
/// accumulated rights and address of each level stay where they belong.
template <x86::PhysicalMemory<Word> Memory, MapsVisitor Visitor>
class Maps {
 public:
  Maps(const x86::Paging<Word>& p, const Memory& memory, Visitor& visitor, Word max_tables)
      : paging_(p), memory_(memory), visitor_(visitor), max_tables_(max_tables) {}

  MapsEnd run() {
    const int top = paging_.levels();
    frames_[top] = {.table = paging_.table_base};
    end_.tables = 1;
    for (int level = top; level <= top;) {
      Frame& frame = frames_[level];
      if (frame.index == entries_in_table) {
        ++level;
        continue;
      }
      const bool enter = visit(frame, level);
      ++frame.index;
      if (!enter) continue;
      if (end_.tables == max_tables_) {
        end_.complete = false;
        end_.va = frames_[level - 1].va;
        break;
      }
      ++end_.tables;
      --level;
    }
    return end_;
  }

 private:
  static constexpr Word entries_in_table = Word{1} << x86::index_bits;

  struct Frame {
    Word table = 0;  ///< physical address
    Word va = 0;     ///< the first linear address the table translates
    x86::Rights<Word> rights;
    Word index = 0;
  };

  Word canonical(Word va) const {
    const unsigned unused = 64 - x86::linear_width(paging_.levels());
    return static_cast<Word>(static_cast<std::int64_t>(va << unused) >> unused);
  }

  bool in_image(Word table) const {
    if constexpr (requires {
                    { memory_.present(table) } -> std::same_as<bool>;
                  }) {
      return memory_.present(table);
    }
    return true;
  }

  /// Whether the entry references a table, which is then set up one level down.
  bool visit(const Frame& frame, int level) {
    const Word address = frame.table | (frame.index << 3);
    const Word e = memory_.read(address);
    if (!has(e, x86::entry::P)) return false;

    const Word va = canonical(frame.va | (frame.index << x86::level_shift(level)));
    const bool leaf = x86::is_leaf(e, level);
    const Word reserved = e & (leaf ? paging_.reserved.leaf[level] : paging_.reserved.table[level]);
    if (reserved != 0) {
      visitor_.broken({va, level, address, e, x86::reserved_rule(reserved, level, leaf)});
      return false;
    }
    x86::Rights<Word> rights = frame.rights;
    rights.add(e);
    if (leaf) {
      const Word size = bit(x86::level_shift(level));
      visitor_.mapping({va, e & paging_.frame_mask & ~(size - 1), size, level, e, rights});
      return false;
    }
    const Word table = e & paging_.frame_mask;
    if (!in_image(table)) {
      visitor_.broken({va, level, address, e, x86::Rule::translated});
      return false;
    }
    frames_[level - 1] = {.table = table, .va = va, .rights = rights};
    return true;
  }

  const x86::Paging<Word>& paging_;
  const Memory& memory_;
  Visitor& visitor_;
  Word max_tables_;
  Frame frames_[x86::max_level + 1];
  MapsEnd end_;
};

}  // namespace detail

/// Calls `visitor` for each leaf and each broken entry, by ascending table index at every level
/// (the addresses of the lower half first), visiting `max_tables` tables at most.
template <x86::PhysicalMemory<Word> Memory, MapsVisitor Visitor>
MapsEnd maps(const x86::Paging<Word>& paging, const Memory& memory, Visitor& visitor,
             Word max_tables) {
  return detail::Maps<Memory, Visitor>(paging, memory, visitor, max_tables).run();
}

}  // namespace mmuref::image
