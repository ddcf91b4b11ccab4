// Random programs over a handful of pages that serve as tables of every level, so that addresses,
// tables and translations meet again and again.
#pragma once

#include <array>
#include <vector>

#include "diff/program.h"
#include "diff/random.h"

namespace mmuref::test {

using namespace diff;
namespace entry = x86::entry;

class SmallProgram {
 public:
  static constexpr Word table_pages = 7;  ///< from physical address 0 on
  static constexpr std::array<Word, 3> indices{0, 1, 511};

  SmallProgram(std::uint64_t seed, std::uint64_t number) : random_(seed, number) {
    choose_machine();
    levels_ = x86::paging_levels(machine_.registers);
    for (Word& va : addresses_) va = any_address();
    for (Word page = 0; page < table_pages; ++page)
      for (const Word index : indices)
        machine_.memory.write(page << 12 | index << 3, any_entry(page));
  }

  const Machine& machine() const { return machine_; }
  Random& random() { return random_; }

  /// The next step of a processor with these registers over this memory.
  ProgramStep step(std::size_t cpu, const Registers& now, const Memory& memory) {
    const std::uint32_t kind = random_.below(16);
    if (kind < 10) return {cpu, any_access()};
    if (kind < 13) return {cpu, any_write(memory)};
    return {cpu, any_operation(now)};
  }

 private:
  Word pick_bits(Word among) { return random_.next() & among; }

  void choose_machine() {
    namespace c4 = x86::cr4;
    const Word rarely = random_.chance(1, 4) ? c4::LA57 | c4::SMEP | c4::SMAP | c4::PKE : 0;
    machine_.cpu = {.maxphyaddr = 36 + random_.below(17),
                    .page1gb = !random_.chance(1, 4),
                    .amd = random_.chance(1, 4)};
    Registers& r = machine_.registers;
    r.cr0 = x86::cr0::PE | x86::cr0::PG | pick_bits(x86::cr0::WP);
    r.cr4 = c4::PAE | pick_bits(c4::PGE | c4::PCIDE | rarely);
    r.efer = x86::efer::LME | x86::efer::LMA | x86::efer::NXE;
    r.cr3 = any_root(r);
  }

  Word any_root(const Registers& r) {
    const Word pcid = has(r.cr4, x86::cr4::PCIDE) ? random_.below(3) : 0;
    return Word{random_.below(2)} << 12 | pcid;
  }

  Word any_address() {
    Word va = pick_bits(bits(11, 0));
    for (int level = 1; level <= levels_; ++level)
      va |= random_.pick(indices) << x86::level_shift(level);
    const unsigned sign = x86::linear_width(levels_) - 1;
    return has(va, bit(sign)) ? va | bits(63, sign) : va;
  }

  /// Mostly one that the others translate too, in the same page or close by.
  Word near_address() {
    const Word va = random_.pick(addresses_);
    if (random_.chance(1, 64)) return va ^ bit(random_.below(64));
    if (random_.chance(1, 8)) return va ^ bit(random_.pick(std::array{12, 21, 30}));
    return va ^ pick_bits(bits(11, 0));
  }

  Word any_entry(Word in_page) {
    Word e = entry::P | entry::RW | entry::US | pick_bits(entry::A | entry::D | entry::G);
    // PS is reserved at the root.
    if (in_page > 1 && random_.chance(1, 6)) return e | entry::PS | Word{random_.below(4)} << 30;
    return e | Word{random_.below(table_pages)} << 12;
  }

  Access any_access() {
    Access a{.va = near_address()};
    const std::uint32_t kind = random_.below(5);
    a.write = kind < 2;
    a.fetch = kind == 4;
    a.cpl3 = random_.chance(1, 2);
    a.ac = random_.chance(1, 2);
    a.implicit = random_.chance(1, 16);
    return a;
  }

  TableWrite any_write(const Memory& memory) {
    const Word page = random_.below(table_pages);
    const Word address = page << 12 | random_.pick(indices) << 3;
    constexpr std::array flags{entry::P, entry::RW, entry::RW, entry::US, entry::A,
                               entry::D, entry::G,  entry::XD, bit(59)};
    const Word now = memory.read(address);
    switch (random_.below(6)) {
      case 0:
      case 1: return {address, any_entry(page)};
      case 2: return {address, now ^ random_.pick(flags)};
      case 3: return {address, now ^ entry::RW};
      // So that most entries permit most accesses most of the time.
      default: return {address, (now | entry::P | entry::RW | entry::US) & ~entry::XD};
    }
  }

  Operation any_operation(const Registers& now) {
    using enum x86::OperationKind;
    namespace c4 = x86::cr4;
    constexpr std::array toggled{c4::PGE, c4::PGE, c4::PCIDE, c4::SMEP, c4::SMAP, c4::PKE, c4::PAE};
    const Word no_flush = has(now.cr4, c4::PCIDE) ? pick_bits(bit(63)) : 0;
    switch (random_.below(16)) {
      case 0: return {mov_cr0, now.cr0 ^ x86::cr0::WP};
      case 1: return {mov_cr4, now.cr4 ^ random_.pick(toggled)};
      case 2: return {wrmsr_efer, now.efer ^ x86::efer::NXE};
      case 3: return {wrpkru, pick_bits(0xf)};
      case 4: return {wrmsr_pkrs, pick_bits(0xf)};
      case 5:
      case 6:
      case 7: return {invpcid, random_.below(4), near_address(), any_root(now) & bits(11, 0)};
      case 8:
      case 9:
      case 10:
      case 11:
      case 12: return {mov_cr3, any_root(now) | no_flush};
      default: return {invlpg, 0, near_address()};
    }
  }

  Random random_;
  Machine machine_;
  int levels_ = 4;
  std::array<Word, 6> addresses_{};
};

}  // namespace mmuref::test
