// The oracle's one page of guest memory: its page tables, descriptors, and the instructions that
// make an access.
//
// One page serves as PML5, PML4 and PDPT at once, so that the same linear addresses reach it with
// 4-level and 5-level paging: with CR3 naming it, PML5E 0 and the PML4Es lead back to it and its
// PDPTEs map the 1-GByte page it lies in, once for supervisor mode and once for user mode. A
// program that keeps its own CR3 loaded names the page in its root tables, and finds it at the same
// linear addresses; a third PDPTE maps the lowest 1 GiB, through which the program's tables are
// written.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace mmuref::diff::guest {

inline constexpr std::size_t page_size = 4096;

/// Each is a single access followed by INT3, of at most `code_stride` bytes.
enum class Code : unsigned {
  read_8,        ///< RAX := [RCX]
  read_1,        ///< AL := [RCX]
  write_8,       ///< [RCX] := RAX
  write_1,       ///< [RCX] := AL
  stack_read_8,  ///< the same through SS, at [RSP]
  stack_read_1,
  stack_write_8,
  stack_write_1,
  descriptor,  ///< RAX := limit of the descriptor that selector CX names: an implicit read
  set_pkru,    ///< PKRU := EAX, with ECX and EDX 0
  mov_cr0,     ///< CR0 := RAX, and so on
  mov_cr3,
  mov_cr4,
  wrmsr,       ///< the MSR that ECX names := EDX:EAX
  invlpg,      ///< of RCX
  enter_user,  ///< IRETQ from a frame that returns to `stop` at CPL 3
  stop,        ///< INT3 alone
};

/// Where in the page `enter_user` finds its frame, and where the descriptor table is.
inline constexpr std::size_t frame_offset = 0x800, gdt_offset = 0x840, gdt_size = 0x20;

/// Of the window a linear address is to be seen through: two windows of each kind, so that there
/// is always one that shares no page with the address under test.
struct Window {
  bool user = false;
  bool second = false;
};

/// The linear address of `offset` in the page when it lies at physical address `page`.
std::uint64_t linear(std::uint64_t page, std::size_t offset, Window window);
std::size_t offset_of(Code code);

/// Where a program's code sees the physical address `table`, below `mapped_tables`.
inline constexpr std::uint64_t mapped_tables = std::uint64_t{1} << 30;
std::uint64_t linear_table(std::uint64_t table);

/// The entry of a root table that leads to the page, by the number of levels: index and value.
std::size_t root_index(int levels);
std::uint64_t root_entry(std::uint64_t page);
/// The page's own entries: physical address, value. A and D are set in all.
std::vector<std::pair<std::uint64_t, std::uint64_t>> own_entries(std::uint64_t page);

/// The page's contents.
std::array<std::byte, page_size> contents(std::uint64_t page);

}  // namespace mmuref::diff::guest
