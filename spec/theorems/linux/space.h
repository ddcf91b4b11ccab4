// An address space for theorems about page tables: memory that starts as zeroes, and tables from
// known frames, so that only what a theorem is about is symbolic. Works for every word type.
#pragma once

#include <string>
#include <vector>

#include "model/linux/alloc.h"
#include "model/x86/walk.h"
#include "spec/theorem.h"
#include "spec/theorems/inputs.h"

namespace mmuref::spec {

/// All zeroes but for what was written. Reading an address that may be one of several forks, so
/// that what is read is the very word that was written: each path has concrete tables.
template <class W>
class WrittenMemory {
 public:
  W read(const W& address) const {
    for (auto it = written_.rbegin(); it != written_.rend(); ++it) {
      if (it->first == address) return it->second;
    }
    return W{0};
  }
  void write(const W& address, const W& value) { written_.emplace_back(address, value); }

  /// In the order of writing.
  const std::vector<std::pair<W, W>>& written() const { return written_; }

 private:
  std::vector<std::pair<W, W>> written_;
};

/// Frames 16, 17, … one after the other, never twice; from allocation `fail_at` on, counted from
/// 0, none is left.
template <class W>
class Frames {
 public:
  explicit Frames(W fail_at) : fail_at_(fail_at) {}

  std::optional<W> allocate() {
    if (W{count_} >= fail_at_) return std::nullopt;
    return W{first + (count_++ << 12)};
  }
  void free(const W& page) { freed_.push_back(page); }

  std::uint64_t count() const { return count_; }
  const std::vector<W>& freed() const { return freed_; }

 private:
  static constexpr std::uint64_t first = 0x10000;
  W fail_at_;
  std::uint64_t count_ = 0;
  std::vector<W> freed_;
};

/// Kernel, memory, allocator and an empty root, seen by Linux as an mm and by the processor.
template <class W>
struct Space {
  lnx::Kernel k;
  WrittenMemory<W> memory;
  Frames<W> pages;
  lnx::mm_struct<W, WrittenMemory<W>, Frames<W>> mm{memory, pages, W{root}};

  static constexpr std::uint64_t root = 0x1000;

  explicit Space(const lnx::Kernel& kernel, W fail_at = ~W{0}) : k(kernel), pages(fail_at) {}
  Space(const Space&) = delete;
  Space& operator=(const Space&) = delete;

  /// As Linux sets the processor up: NX, write protection, physical addresses as wide as the
  /// kernel's entries have them.
  x86::Paging<W> paging() const {
    x86::Processor<W> cpu{.maxphyaddr = W{std::uint64_t{k.physical_mask_shift}}};
    x86::Registers<W> r;
    r.cr0 = W{x86::cr0::PE | x86::cr0::WP | x86::cr0::PG};
    r.cr3 = mm.pgd;
    r.cr4 = W{x86::cr4::PAE | (k.config.levels == 5 ? x86::cr4::LA57 : 0)};
    r.efer = W{x86::efer::LME | x86::efer::LMA | x86::efer::NXE};
    return x86::paging(cpu, r);
  }
  /// A read in supervisor mode, which no right denies; the walk reports what all others may do.
  x86::Walk<W> walk(const W& va) const {
    return x86::walk(paging(), x86::Access<W>{.va = va}, memory);
  }
};

/// The walk found a page, or no entry that is present; no entry it met is malformed.
template <class W>
bool legal(const x86::Walk<W>& w) {
  return w.rule == x86::Rule::translated || w.rule == x86::Rule::not_present ||
         w.rule == x86::Rule::non_canonical;
}

/// Bytes of user addresses: TASK_SIZE_MAX.
inline std::uint64_t task_size_max(const lnx::Kernel& k) {
  return bit(k.virtual_mask_shift) - lnx::PAGE_SIZE;
}

/// Any page-aligned address from which `pages` pages are the user's.
template <class S>
WordOf<S> user_pages(S& t, const std::string& name, const lnx::Kernel& k, std::uint64_t pages) {
  using W = WordOf<S>;
  const W addr = t.word(name) & W{bits(k.virtual_mask_shift - 1, 12)};
  t.assume(addr <= W{task_size_max(k) - (pages << 12)});
  return addr;
}

/// Any frame with `pages` of them in the processor's reach.
template <class S>
WordOf<S> frames(S& t, const std::string& name, const lnx::Kernel& k, std::uint64_t pages) {
  using W = WordOf<S>;
  const W pfn = t.word(name) & W{bits(k.physical_mask_shift - 13, 0)};
  t.assume(pfn <= W{bit(k.physical_mask_shift - 12) - pages});
  return pfn;
}

/// Any protection of a present page: all bits of an entry but P and the processor's frame.
template <class S>
lnx::pgprot_t<WordOf<S>> protection(S& t, const std::string& name) {
  using W = WordOf<S>;
  return {(t.word(name) & W{~bits(51, 12)}) | W{lnx::page::PRESENT}};
}

/// Any address at all; random ones too are often within `reach` bytes, a power of two, of `base`.
template <class S>
WordOf<S> probe(S& t, const WordOf<S>& base, std::uint64_t reach) {
  using W = WordOf<S>;
  const W any = t.word("probe");
  return select(t.flag("near"), base + (any & W{reach - 1}), any);
}

/// What `prot` grants is what the walk of a page reports, where the tables above grant all.
template <class W>
Bool<W> grants(const x86::Walk<W>& w, const lnx::pgprot_t<W>& prot) {
  return (w.rights.user() == has(prot.value, lnx::page::USER)) &
         (w.rights.writable() == has(prot.value, lnx::page::RW)) &
         (w.rights.execute_disable() == has(prot.value, lnx::page::NX));
}

}  // namespace mmuref::spec
