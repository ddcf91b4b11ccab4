// What one logical processor may have cached: the history since it last had to forget everything.
//
// SDM vol. 3, "Caching Translation Information" (4.10). A processor may walk for any address at any
// moment, so what may be cached for one address follows from all that its entries held, from the
// registers of each moment and from what had to be dropped. That history is kept, and replayed for
// the address asked for; keeping what may be cached for every address would never end (a table that
// maps itself gives 512^4 of them).
//
// The walk of walk.h reads memory alone and can be read without this.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "model/x86/cached.h"

namespace mmuref::x86 {

template <class W>
class Tlb {
 public:
  /// Nothing is cached, as after reset; registers select IA-32e paging.
  Tlb(const Processor<W>& cpu, const Registers<W>& registers)
      : cpu_(cpu), registers_(registers), contexts_{Context<W>::of(cpu, registers)} {}

  const Processor<W>& processor() const { return cpu_; }
  const Registers<W>& registers() const { return registers_; }
  const Context<W>& context() const { return contexts_.back(); }
  /// Events that a question replays.
  std::size_t history() const { return events_.size(); }

  /// The 8-byte entry at `address` held `before` and holds `after` from now on, whoever wrote it.
  /// To be told of every change, in order, and of every store with A=0, be it a change or not. That
  /// A is set and nothing else changes is no part of what is cached.
  void wrote(const W& address, const W& before, const W& after) {
    events_.push_back({true, address, before, after, 0, false});
  }

  /// An instruction of this processor; on an exception nothing changes.
  Effect<W> execute(const Operation<W>& op) {
    const Effect<W> effect = x86::execute(cpu_, registers_, op);
    if (effect.exception != Exception::none) return effect;
    registers_ = effect.registers;
    contexts_.push_back(Context<W>::of(cpu_, registers_));
    drop(effect.drop, changes_walks(op.kind));
    return effect;
  }

  /// An access to `va` raised a page fault: what it used is dropped, so that it does not recur.
  void page_fault(const W& va) {
    contexts_.push_back(context());
    drop(page_fault_drops(context().pcid, va), false);
  }

  /// Everything that may be cached now for `va`, a canonical address. `memory.read` gives entries
  /// as they are now; earlier ones are known from what was written.
  template <PhysicalMemory<W> Memory>
  Cached<W> cached(const W& va, const Memory& memory) const {
    Replay<Memory> replay{*this, memory, va, {}, {}, 0};
    replay.run();
    return std::move(replay.cached);
  }

 private:
  struct Event {
    bool write;
    W address, before, after;  ///< of a write
    std::size_t drop;          ///< else: which drop, after which `contexts_[drop + 1]` holds
    bool walks_change;         ///< with it: walks may find what they did not before
  };

  /// Whether walks may find something else by the new registers: rights are judged later.
  static constexpr bool changes_walks(OperationKind kind) {
    using enum OperationKind;
    return kind == mov_cr3 || kind == mov_cr4 || kind == wrmsr_efer;
  }

  /// The entries that walks for one address read, and how they change.
  template <class Memory>
  struct Replay {
    const Tlb& tlb;
    const Memory& memory;
    const W va;
    Cached<W> cached;
    std::vector<std::pair<W, W>> entries;  ///< address, value at `now`
    std::size_t now;                       ///< events before this one have happened

    void run() {
      const Context<W>* context = &tlb.contexts_.front();
      refill(*context);
      for (const Event& event : tlb.events_) {
        ++now;
        if (event.write) {
          std::pair<W, W>* entry = find(event.address);
          if (entry == nullptr) continue;
          entry->second = event.after;
          if (!has(event.after, entry::A)) cached.clear_accessed(event.address);
          refill(*context, &event.address);
        } else {
          const bool dropped = cached.drop(tlb.drops_[event.drop], va);
          context = &tlb.contexts_[event.drop + 1];
          if (dropped || event.walks_change) refill(*context);
        }
      }
    }

    void refill(const Context<W>& context, const W* changed = nullptr) {
      const auto entry = [this](const W& address) { return read(address); };
      fill(context, va, entry, cached, changed);
    }

    std::pair<W, W>* find(const W& address) {
      for (auto& entry : entries)
        if (entry.first == address) return &entry;
      return nullptr;
    }

    /// What the entry holds now: what the next write found there, or what memory has if none did.
    W read(const W& address) {
      if (const auto* entry = find(address)) return entry->second;
      const Event* next = nullptr;
      for (std::size_t i = now; i < tlb.events_.size() && next == nullptr; ++i) {
        const Event& event = tlb.events_[i];
        if (event.write && event.address == address) next = &event;
      }
      const W value = next != nullptr ? next->before : W{memory.read(address)};
      entries.emplace_back(address, value);
      return value;
    }
  };

  void drop(const Drop<W>& d, bool walks_change) {
    if (d.all()) {
      events_.clear();
      drops_.clear();
      contexts_ = {contexts_.back()};
      return;
    }
    events_.push_back({false, W{0}, W{0}, W{0}, drops_.size(), walks_change});
    drops_.push_back(d);
  }

  Processor<W> cpu_;
  Registers<W> registers_;
  std::vector<Event> events_;
  std::vector<Drop<W>> drops_;
  std::vector<Context<W>> contexts_;  ///< the first, and the one after each drop
};

}  // namespace mmuref::x86
