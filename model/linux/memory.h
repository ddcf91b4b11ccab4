// What the functions that change page tables work on: physical memory, and where tables come from.
//
// A pointer to an entry (`pmd_t *`) is here the physical address of its 8 bytes. Linux reaches it
// through the direct map, at `__va` of that address.
#pragma once

#include <concepts>
#include <optional>

#include "model/x86/walk.h"

namespace mmuref::lnx {

/// Physical memory that can be written: 8 bytes at an 8-byte aligned address.
template <class M, class W>
concept WritableMemory = x86::PhysicalMemory<M, W> &&
    requires(M& memory, const W& address, const W& value) {
  memory.write(address, value);
};

/// Where tables come from. `allocate` gives the physical address of a page of zeroes or nothing, as
/// `get_zeroed_page`; `free` takes back what it gave.
template <class P, class W>
concept PageAllocator = requires(P& pages, const W& page) {
  { pages.allocate() } -> std::same_as<std::optional<W>>;
  pages.free(page);
};

/// An address space: `pgd` is the physical address of its root table.
template <class W, WritableMemory<W> Memory, PageAllocator<W> Pages>
struct mm_struct {
  using Word = W;
  Memory& memory;
  Pages& pages;
  W pgd{};
};

/// How a function ends: well, with -EINVAL, with -ENOMEM, or in BUG().
enum class Errno : unsigned char { ok, inval, nomem, bug };

}  // namespace mmuref::lnx
