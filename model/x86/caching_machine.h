// Logical processors with their caches over one memory, stepped by table writes, instructions and
// accesses.
//
// What an access did to A and D is not always known: by a cached translation it sets neither. So
// an entry has a value, and flags that may be set besides. SDM vol. 3, 4.8: A and D are "sticky",
// the processor never clears them, and A may be set by speculation in any entry that a walk can
// reach.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "model/x86/tlb.h"

namespace mmuref::x86 {

/// `Memory` is a WritablePhysicalMemory of `W`; it holds what is certain.
template <class W, WritablePhysicalMemory<W> Memory>
class CachingMachine {
 public:
  CachingMachine(Memory memory, std::span<const Tlb<W>> cpus)
      : memory_(std::move(memory)), cpus_(cpus.begin(), cpus.end()) {}

  const Memory& memory() const { return memory_; }
  const Tlb<W>& cpu(std::size_t i) const { return cpus_[i]; }
  std::size_t cpus() const { return cpus_.size(); }

  /// A and D flags that the entry at `address` may hold beyond its value.
  W may_hold(const W& address) const {
    for (const auto& [where, flags] : maybe_)
      if (where == address) return flags;
    return W{0};
  }

  /// The entry with every flag set that may be.
  W most(const W& address) const { return memory_.read(address) | may_hold(address); }

  /// Software writes an entry, on whichever processor; every other one sees it at once.
  void write(const W& address, const W& value) {
    const W before = most(address);
    memory_.write(address, value);
    if (W* maybe = find(address)) *maybe = W{0};
    announce(address, before, value);
  }

  Effect<W> execute(std::size_t cpu, const Operation<W>& op) { return cpus_[cpu].execute(op); }

  /// Every outcome that the access may have now; the walk of memory is the first.
  std::vector<Possibility<W>> outcomes(std::size_t cpu, const Access<W>& a) const {
    return x86::outcomes(cpus_[cpu].context(), a, cached(cpu, a.va), memory_);
  }

  /// Everything that may be cached now for `va`; nothing for an address that is not canonical.
  Cached<W> cached(std::size_t cpu, const W& va) const {
    const Tlb<W>& tlb = cpus_[cpu];
    if (!canonical(va, linear_width(tlb.context().levels()))) return {};
    return tlb.cached(va, Most{*this});
  }

  /// The access was made and had one of `outcomes`: those given by the function above, or fewer
  /// when it is known which.
  void settle(std::size_t cpu, const Access<W>& a, std::span<const Possibility<W>> outcomes) {
    bool faults = !outcomes.empty();
    for (const Possibility<W>& p : outcomes)
      faults = faults && p.walk.outcome == Outcome::page_fault;
    if (faults) cpus_[cpu].page_fault(a.va);
    for (const Possibility<W>& p : outcomes) {
      const bool certain = outcomes.size() == 1;
      for (const W& address : p.accessed) set(address, W{entry::A}, certain);
      if (p.walk.outcome != Outcome::translated) continue;
      for (int i = 0; i < p.walk.count; ++i)
        set(p.walk.steps[i].address, flags_set(p.walk, i), certain);
    }
  }

 private:
  /// Memory with every flag set that may be.
  struct Most {
    const CachingMachine& machine;
    W read(const W& address) const { return machine.most(address); }
  };

  W* find(const W& address) {
    for (auto& [where, flags] : maybe_)
      if (where == address) return &flags;
    return nullptr;
  }

  void set(const W& address, const W& flags, bool certain) {
    const W before = most(address);
    if (certain) {
      memory_.write(address, memory_.read(address) | flags);
    } else if (W* maybe = find(address)) {
      *maybe = *maybe | flags;
    } else {
      maybe_.emplace_back(address, flags);
    }
    announce(address, before, before | flags);
  }

  void announce(const W& address, const W& before, const W& after) {
    if (has(after, entry::A) && !has(before ^ after, ~W{entry::A})) return;
    for (Tlb<W>& tlb : cpus_) tlb.wrote(address, before, after);
  }

  Memory memory_;
  std::vector<Tlb<W>> cpus_;
  std::vector<std::pair<W, W>> maybe_;
};

}  // namespace mmuref::x86
