// Making a question smaller while it still shows what it is about: what cases and programs share.
//
// A Subject has a `machine`. Each function tries its changes one at a time, keeps those after which
// `shows` still holds, and returns whether there was any.
#pragma once

#include <bit>
#include <functional>
#include <type_traits>
#include <utility>

#include "diff/machine.h"

namespace mmuref::diff::shrink {

template <class Subject>
using Shows = std::function<bool(const Subject&)>;

/// Makes `change` stick when what is left still shows. True when it did.
template <class Subject, class Change>
bool attempt(Subject& current, const std::type_identity_t<Shows<Subject>>& shows,
             const Change& change) {
  Subject candidate = current;
  change(candidate);
  if (!shows(candidate)) return false;
  current = std::move(candidate);
  return true;
}

template <class Subject>
bool drop_entries(Subject& s, const std::type_identity_t<Shows<Subject>>& shows) {
  bool changed = false;
  const Memory before = s.machine.memory;
  for (const auto& [address, value] : before) {
    changed |= attempt(s, shows, [dropped = address](Subject& candidate) {
      Memory rest;
      for (const auto& [a, v] : candidate.machine.memory) {
        if (a != dropped) rest.write(a, v);
      }
      candidate.machine.memory = std::move(rest);
    });
  }
  return changed;
}

/// Clears the bits of the word that `word(subject)` refers to, from the top.
template <class Subject, class Refer>
bool clear_bits(Subject& s, const std::type_identity_t<Shows<Subject>>& shows, const Refer& word) {
  bool changed = false;
  for (Word left = word(s); left != 0;) {
    const Word top = std::bit_floor(left);
    left &= ~top;
    changed |= attempt(s, shows, [&](Subject& candidate) { word(candidate) &= ~top; });
  }
  return changed;
}

template <class Subject>
bool clear_entry_bits(Subject& s, const std::type_identity_t<Shows<Subject>>& shows) {
  bool changed = false;
  const Memory before = s.machine.memory;
  for (const auto& [address, value] : before) {
    for (Word left = value; left != 0;) {
      const Word top = std::bit_floor(left);
      left &= ~top;
      changed |= attempt(s, shows, [a = address, top](Subject& candidate) {
        Memory& memory = candidate.machine.memory;
        memory.write(a, memory.read(a) & ~top);
      });
    }
  }
  return changed;
}

template <class Subject>
bool clear_registers(Subject& s, const std::type_identity_t<Shows<Subject>>& shows) {
  bool changed = false;
  for (const auto r : {&Registers::cr0, &Registers::cr3, &Registers::cr4, &Registers::efer,
                       &Registers::pkru, &Registers::pkrs}) {
    changed |= clear_bits(s, shows, [r](Subject& x) -> Word& { return x.machine.registers.*r; });
  }
  return changed;
}

/// Clears the flags and the address of the access that `access(subject)` refers to.
template <class Subject, class Refer>
bool clear_access(Subject& s, const std::type_identity_t<Shows<Subject>>& shows,
                  const Refer& access) {
  bool changed = false;
  for (const auto flag : {&Access::write, &Access::fetch, &Access::cpl3, &Access::ac,
                          &Access::implicit, &Access::stack}) {
    if (!(access(s).*flag)) continue;
    changed |= attempt(s, shows, [&access, flag](Subject& x) { access(x).*flag = false; });
  }
  changed |= clear_bits(s, shows, [&access](Subject& x) -> Word& { return access(x).va; });
  return changed;
}

}  // namespace mmuref::diff::shrink
