// What an access writes to the entries it used.
//
// SDM vol. 3, "Accessed and Dirty Flags" (4.8).
#pragma once

#include "model/x86/walk.h"

namespace mmuref::x86 {

/// Physical memory that can be written too: `write` stores 8 bytes at an 8-byte aligned address.
template <class M, class W>
concept WritablePhysicalMemory = PhysicalMemory<M, W> &&
    requires(M& memory, const W& address, const W& value) {
  memory.write(address, value);
};

/// The flags that step `i` of a translated access sets: A in every entry used, D in the leaf of a
/// write.
template <class W>
constexpr W flags_set(const Walk<W>& w, int i) {
  const bool leaf = i == w.count - 1;
  return leaf ? W{entry::A} | select(w.write, W{entry::D}, W{0}) : W{entry::A};
}

/// The largest number of entries, counted from the root, whose A flag the access may have set. A
/// translated access sets all; one that faults may have set any prefix above the entry that
/// faulted, or, when rights denied it, above the leaf.
template <class W>
constexpr int accessed_limit(const Walk<W>& w) {
  if (w.outcome == Outcome::translated) return w.count;
  return w.count > 0 ? w.count - 1 : 0;
}

/// Writes what the manual requires of a translated access; nothing for one that faults. A walk
/// may use one entry twice (a self-mapping): reading it anew lets its flags accumulate.
template <class W, WritablePhysicalMemory<W> Memory>
constexpr void write_back(const Walk<W>& w, Memory& memory) {
  if (w.outcome != Outcome::translated) return;
  for (int i = 0; i < w.count; ++i) {
    const W& address = w.steps[i].address;
    memory.write(address, memory.read(address) | flags_set(w, i));
  }
}

/// Writes what a faulting access may leave: A in the first `prefix` entries, 0 ≤ prefix ≤
/// accessed_limit(w).
template <class W, WritablePhysicalMemory<W> Memory>
constexpr void write_back_prefix(const Walk<W>& w, int prefix, Memory& memory) {
  for (int i = 0; i < prefix; ++i) {
    const W& address = w.steps[i].address;
    memory.write(address, memory.read(address) | W{entry::A});
  }
}

}  // namespace mmuref::x86
