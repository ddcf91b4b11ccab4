// Whether what is cached is still what software meant: each way an access may go by the caches,
// held against the walk of memory.
//
// SDM vol. 3, "Recommended Invalidation" (4.10.4.2) and "Optional Invalidation" (4.10.4.3): what
// software must invalidate after a change, and where leaving it out costs a page fault at most.
//
// Not compared: the memory type. Where only PWT, PCD or PAT of an entry changed, what is cached
// with the old ones is Staleness::none.
#pragma once

#include <variant>
#include <vector>

#include "model/x86/caching_machine.h"

namespace mmuref::x86 {

enum class Staleness : unsigned char {
  none,            ///< as the walk of memory, as far as software can rely on it
  spurious_fault,  ///< faults where memory does not: harmless, it does not recur (4.10.4.3)
  lost_dirty,      ///< writes where memory has D=0, and does not set it
  elsewhere,       ///< reaches another physical address
  grants,          ///< translates where memory faults
  table,           ///< reads a table that memory no longer leads to
};

/// Whether the walk reads the entry at `address`.
template <class W>
constexpr bool reads(const Walk<W>& w, const W& address) {
  for (int i = 0; i < w.count; ++i)
    if (w.steps[i].address == address) return true;
  return false;
}

/// Judges `cached`, which an access may do by something cached, by `fresh`, the walk of memory. A
/// table that is gone is the worst, though its entries may still be as they were: what the page
/// holds next is read as entries, and gets flags set in it. `may_hold` are flags that the leaf of
/// `fresh` may hold beyond its value.
template <class W>
constexpr Staleness staleness(const Walk<W>& fresh, const Walk<W>& cached, const W& may_hold) {
  for (int i = 0; i < cached.count; ++i)
    if (!reads(fresh, cached.steps[i].address)) return Staleness::table;
  if (cached.outcome != Outcome::translated) {
    return fresh.outcome == Outcome::translated ? Staleness::spurious_fault : Staleness::none;
  }
  if (fresh.outcome != Outcome::translated) return Staleness::grants;
  if (fresh.physical_address != cached.physical_address) return Staleness::elsewhere;
  // By a cached translation no entry is written; by a partial walk the same leaf is.
  if (cached.count != 0) return Staleness::none;
  const Bool<W> clean = !has(fresh.last().value | may_hold, entry::D);
  if (fresh.write & clean) return Staleness::lost_dirty;
  return Staleness::none;
}

/// Something cached that an access may use, and how it compares.
template <class W>
struct StaleUse {
  Staleness staleness = Staleness::none;
  Walk<W> walk{};                                     ///< the access by way of it
  std::variant<PartialWalk<W>, Translation<W>> item;  ///< where it begins, or what it uses
};

/// Every use of something cached that `a` may make and that is not as the walk of memory. Unlike
/// CachingMachine::outcomes this tells apart what looks the same for now.
template <class W, WritablePhysicalMemory<W> Memory>
std::vector<StaleUse<W>> stale_uses(const CachingMachine<W, Memory>& machine, std::size_t cpu,
                                    const Access<W>& a) {
  const Context<W>& c = machine.cpu(cpu).context();
  const Memory& memory = machine.memory();
  const Walk<W> fresh = walk(c.paging, a, memory);
  std::vector<StaleUse<W>> uses;
  if (fresh.rule == Rule::non_canonical) return uses;
  const W may_hold = machine.may_hold(fresh.last().address);
  const auto judged = [&](const auto& item, const Walk<W>& walk) {
    const Staleness how = staleness(fresh, walk, may_hold);
    if (how != Staleness::none) uses.push_back({how, walk, item});
  };
  for_each_use(c, a, machine.cached(cpu, a.va), memory, judged);
  return uses;
}

/// Whether a translation reaches into the 4-KByte page at `page`.
template <class W>
constexpr Bool<W> reaches(const Translation<W>& t, const W& page, const W& frame_mask) {
  const W page_mask = frame_mask & ~W{bit(level_shift(t.level)) - 1};
  return (t.leaf & page_mask) == (page & page_mask);
}

}  // namespace mmuref::x86
