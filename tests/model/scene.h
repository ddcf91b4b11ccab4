// A processor with one mapping that permits every access, for tests to spoil one thing at a time.
#pragma once

#include <array>
#include <cstdint>
#include <ostream>

#include "model/x86/accessed_dirty.h"
#include "model/x86/walk.h"

namespace mmuref::x86::test {

using Word = std::uint64_t;

/// Physical memory of a handful of entries; all else reads 0.
class TinyMemory {
 public:
  constexpr Word read(Word address) const {
    for (int i = 0; i < size_; ++i) {
      if (units_[i].address == address) return units_[i].value;
    }
    return 0;
  }
  constexpr void write(Word address, Word value) {
    for (int i = 0; i < size_; ++i) {
      if (units_[i].address == address) {
        units_[i].value = value;
        return;
      }
    }
    units_[size_++] = {address, value};
  }

 private:
  struct Unit {
    Word address, value;
  };
  std::array<Unit, 16> units_{};
  int size_ = 0;
};

/// Where the table of each level lies, and at [0] unused. The tables that a PDPTE and a PDE
/// reference are aligned to 1 GiB and 2 MiB, so that setting PS there makes a valid leaf.
inline constexpr std::array<Word, 6> table_at{0, 0x20'0000, 0x4000'0000, 0x3000, 0x4000, 0x5000};
/// The page frame by the level of the leaf; below 4 GiB, for MAXPHYADDR 32.
inline constexpr std::array<Word, 4> frame_at{0, 0x123'4000, 0x60'0000, 0x8000'0000};

struct Scene {
  int levels = 4;
  int leaf = 1;
  Processor<Word> cpu{.maxphyaddr = 46};
  Registers<Word> registers{.cr0 = cr0::PE | cr0::WP | cr0::PG,
                            .cr4 = cr4::PAE,
                            .efer = efer::LME | efer::LMA | efer::NXE};
  Access<Word> access;
  std::array<Word, 6> entry{};  ///< by level; [0] is unused

  /// Where the entry of `level` lies.
  constexpr Word at(int level) const {
    return table_at[static_cast<unsigned>(level)] | (table_index(access.va, level) << 3);
  }
  constexpr TinyMemory memory() const {
    TinyMemory m;
    for (int level = levels; level >= leaf; --level) {
      m.write(at(level), entry[static_cast<unsigned>(level)]);
    }
    return m;
  }
  constexpr Walk<Word> walk() const { return x86::walk(paging(cpu, registers), access, memory()); }
  /// The entry of `level` after the access, with what the manual requires to be written.
  constexpr Word after(int level) const {
    TinyMemory m = memory();
    write_back(walk(), m);
    return m.read(at(level));
  }

  constexpr Word& pte() { return entry[1]; }
  constexpr Word& pde() { return entry[2]; }
  constexpr Word& pdpte() { return entry[3]; }
  constexpr Word& pml4e() { return entry[4]; }
  constexpr Word& pml5e() { return entry[5]; }
  constexpr Word& leaf_entry() { return entry[static_cast<unsigned>(leaf)]; }

  constexpr Scene& read() { return kind(false, false); }
  constexpr Scene& write() { return kind(true, false); }
  constexpr Scene& fetch() { return kind(false, true); }
  constexpr Scene& user() {
    access.cpl3 = true;
    return *this;
  }
  constexpr Scene& supervisor() {
    access.cpl3 = false;
    return *this;
  }

 private:
  constexpr Scene& kind(bool write, bool fetch) {
    access.write = write;
    access.fetch = fetch;
    return *this;
  }
};

/// A page mapped through `levels` levels by a leaf of level `leaf`: readable, writable, executable
/// from user mode, A and D clear everywhere.
constexpr Scene mapping(int levels = 4, int leaf = 1) {
  Scene s;
  s.levels = levels;
  s.leaf = leaf;
  s.registers.cr3 = table_at[static_cast<unsigned>(levels)];
  if (levels == 5) s.registers.cr4 |= cr4::LA57;
  // All indices differ, so that a wrong shift at any level reads a wrong entry; bit 12 is 0, so
  // that the PAT bit of a large leaf would show in the physical address.
  s.access.va = levels == 5 ? 0x00a5'7f12'3456'889a : 0x7f12'3456'889a;
  for (int level = levels; level > leaf; --level) {
    s.entry[static_cast<unsigned>(level)] =
        table_at[static_cast<unsigned>(level - 1)] | entry::P | entry::RW | entry::US;
  }
  s.leaf_entry() = frame_at[static_cast<unsigned>(leaf)] | entry::P | entry::RW | entry::US |
                   (leaf > 1 ? entry::PS : 0);
  return s;
}

/// Every shape of walk there is.
struct Shape {
  int levels, leaf;
};
inline constexpr std::array<Shape, 6> shapes{{{4, 1}, {4, 2}, {4, 3}, {5, 1}, {5, 2}, {5, 3}}};

inline void PrintTo(const Shape& shape, std::ostream* os) {
  *os << shape.levels << " levels, leaf at level " << shape.leaf;
}

}  // namespace mmuref::x86::test
