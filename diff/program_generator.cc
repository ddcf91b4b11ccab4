#include "diff/program_generator.h"

#include <algorithm>
#include <array>
#include <optional>

#include "diff/random.h"
#include "model/x86/linear_address.h"

namespace mmuref::diff {
namespace {

namespace entry = x86::entry;
using x86::OperationKind;

constexpr Word page_size = bit(x86::page_shift);
constexpr Word low_memory = Word{16} << 20;
constexpr std::size_t roots = 2, targets = 4, tables_per_level = 2;
constexpr std::size_t table_pages = roots + tables_per_level * x86::max_level;

/// Builds one program; lives for one call of generate().
class Builder {
 public:
  Builder(const Domain& domain, const ProgramOracle& oracle, Word seed, Word index, Program& out)
      : domain_(domain), oracle_(oracle), random_(seed, index), program_(out) {}

  void build() {
    program_.machine.memory.clear();
    program_.steps.clear();
    program_.cpus = 1;
    choose_processor();
    choose_registers();
    choose_places();
    for (std::size_t root = 0; root < roots; ++root) {
      for (const Word va : targets_) add_path(tables_[root], va);
      oracle_.map_monitor(program_.machine.memory, registers_, tables_[root]);
    }
    program_.machine.registers = registers_;
    shadow_ = program_.machine.memory;
    const std::size_t steps =
        min_program_steps + random_.below(max_program_steps - min_program_steps + 1);
    while (program_.steps.size() < steps) add_round();
    program_.steps.resize(steps);
  }

 private:
  /// An entry on the path of an address, as software wrote it.
  struct Place {
    int level;
    Word address;
  };

  void choose_processor();
  void choose_registers();
  void choose_places();
  void add_path(Word root, Word va);
  Word choose_table(int level);
  Word choose_leaf(int level);
  Word choose_frame(int level);

  void add_round();
  void add_access();
  void add_change();
  Word changed(Word e, int level);
  Word changed_kind(Word e, int level);
  void add_drop();
  void add_invlpg();
  void add_cr3();
  std::optional<Operation> choose_register_write();
  void execute(const Operation& op);

  std::vector<Place> path(Word va) const;
  bool valid_leaf(Word e, int level) const { return static_cast<bool>(x86::is_leaf(e, level)); }
  Word within(int level) { return random_.next() & (bit(x86::level_shift(level)) - 1); }
  Word sign_extend(Word va) const {
    const unsigned width = x86::linear_width(levels_);
    const Word low = va & bits(width - 1, 0);
    return has(low, bit(width - 1)) ? low | ~bits(width - 1, 0) : low;
  }

  const Domain& domain_;
  const ProgramOracle& oracle_;
  Random random_;
  Program& program_;

  Registers registers_;  ///< as they are at the step under way
  Memory shadow_;        ///< entries as software wrote them
  int levels_ = 4;
  Word frame_mask_ = 0;
  Word hot_ = 0;  ///< the address this round is about
  std::array<Word, table_pages> tables_{};
  std::array<Word, 3> frames_{};
  std::array<Word, targets> targets_{};
};

void Builder::choose_processor() {
  Processor& cpu = program_.machine.cpu;
  cpu = random_.pick(domain_.processors);
  // Nearly all have 1-GByte pages.
  for (int i = 0; i < 3 && !cpu.page1gb; ++i) cpu = random_.pick(domain_.processors);
  frame_mask_ = bits(static_cast<unsigned>(cpu.maxphyaddr) - 1, x86::page_shift);
}

void Builder::choose_registers() {
  Registers& r = registers_;
  const Registers& optional = domain_.optional;
  r = domain_.base;
  r.cr0 |= (random_.next() | random_.next()) & optional.cr0;
  r.efer |= (random_.next() | random_.next() | random_.next()) & optional.efer;
  r.cr4 |= random_.next() & optional.cr4;
  // Two of four have keys 1 and 2 closed in part; key 0 is what most pages have.
  r.pkru = random_.chance(1, 2) ? 0 : random_.next() & bits(5, 2) & optional.pkru;
  levels_ = x86::paging_levels(r);
}

void Builder::choose_places() {
  constexpr Word stretch = low_memory / page_size / table_pages;
  for (std::size_t i = 0; i < table_pages; ++i) {
    tables_[i] = (i * stretch + random_.below(stretch)) * page_size;
  }
  if (tables_[0] == 0) tables_[0] = page_size;
  registers_.cr3 = tables_[0];
  for (Word& frame : frames_) frame = (random_.next() | bit(32)) & frame_mask_;

  const auto choose = [&](int level) {
    Word index = random_.below(512);
    if (level == levels_) {
      const Word taken = oracle_.monitor_index(registers_);
      while (index == taken) index = random_.below(512);
    }
    return index << x86::level_shift(level);
  };
  // The second differs in its page table's entry, the third in its page directory's.
  for (int level = levels_; level > 0; --level) {
    const Word one = choose(level), two = choose(level);
    targets_[0] |= one;
    targets_[1] |= level == 1 ? two : one;
    targets_[2] |= level == 2 ? two : one;
    targets_[3] |= random_.chance(1, 2) ? two : one;
  }
  for (Word& va : targets_) va = sign_extend(va);
  hot_ = targets_[0];
}

Word Builder::choose_table(int level) {
  const std::size_t first = roots + tables_per_level * static_cast<std::size_t>(level - 1);
  const Word noise = random_.next();
  Word e = tables_[first + random_.below(tables_per_level)] | entry::P | (noise & entry::A);
  if (random_.chance(11, 12)) e |= entry::RW;
  if (random_.chance(11, 12)) e |= entry::US;
  if (random_.chance(1, 24)) e |= entry::XD;
  return e;
}

Word Builder::choose_frame(int level) {
  return random_.pick(frames_) & ~(bit(x86::level_shift(level)) - 1);
}

Word Builder::choose_leaf(int level) {
  const Word noise = random_.next();
  Word e = choose_frame(level) | entry::P | (noise & (entry::A | entry::D));
  if (level > 1) e |= entry::PS;
  if (random_.chance(7, 8)) e |= entry::RW;
  if (random_.chance(3, 4)) e |= entry::US;
  if (random_.chance(1, 8)) e |= entry::XD;
  if (random_.chance(1, 3)) e |= entry::G;
  if (random_.chance(1, 4)) e |= (noise >> 32 & 3) << entry::key_shift;
  return e;
}

void Builder::add_path(Word root, Word va) {
  constexpr std::array leaf_levels{1, 1, 1, 1, 2, 2, 3};
  const int leaf_level = random_.pick(leaf_levels);
  Memory& memory = program_.machine.memory;
  Word table = root;
  for (int level = levels_; level > 0; --level) {
    const Word address = table | (x86::table_index(va, level) << 3);
    Word e = memory.read(address);
    if (e == 0) {
      e = level == leaf_level ? choose_leaf(level) : choose_table(level - 1);
      memory.write(address, e);
    }
    if (valid_leaf(e, level)) return;
    table = e & frame_mask_;
  }
}

/// What a walk of what software wrote reads, whatever is present.
std::vector<Builder::Place> Builder::path(Word va) const {
  std::vector<Place> places;
  Word table = registers_.cr3 & frame_mask_;
  for (int level = levels_; level > 0; --level) {
    const Word address = table | (x86::table_index(va, level) << 3);
    const Word e = shadow_.read(address);
    places.push_back({level, address});
    if (e == 0 || valid_leaf(e, level)) break;
    table = e & frame_mask_;
    // A spoiled address leads elsewhere.
    if (std::find(tables_.begin(), tables_.end(), table) == tables_.end()) break;
  }
  return places;
}

void Builder::add_round() {
  if (random_.chance(1, 4)) hot_ = random_.pick(targets_);
  if (random_.chance(3, 4)) add_access();
  if (random_.chance(1, 4)) add_access();
  for (Word n = random_.chance(1, 4) ? 2 : 1; n > 0; --n) add_change();
  if (random_.chance(2, 5)) add_drop();
  for (Word n = 1 + random_.below(3); n > 0; --n) add_access();
}

void Builder::add_access() {
  Access a;
  a.va = random_.chance(7, 8) ? hot_ : random_.pick(targets_);
  const Word noise = random_.next();
  // Mostly the same few bytes; now and then elsewhere in a large page.
  if (random_.chance(1, 3)) a.va |= noise & bits(11, 0);
  if (random_.chance(1, 12)) a.va ^= within(2 + static_cast<int>(random_.below(2)));
  const std::uint32_t kind = random_.below(8);
  a.write = kind < 2;
  a.fetch = kind >= 6;
  a.cpl3 = random_.chance(1, 2);
  a.ac = random_.chance(1, 3);
  a.implicit = !a.write && !a.fetch && random_.chance(1, 24);
  if (a.implicit) a.va &= ~Word{7};  // a descriptor
  a.stack = !a.fetch && !a.implicit && random_.chance(1, 16);
  program_.steps.push_back({.action = a});
}

void Builder::add_change() {
  const std::vector<Place> places = path(hot_);
  const bool last = random_.chance(1, 2);
  const Place place = last ? places.back() : random_.pick(places);
  const Word value = changed(shadow_.read(place.address), place.level);
  shadow_.write(place.address, value);
  program_.steps.push_back({.action = TableWrite{place.address, value}});
}

Word Builder::changed(Word e, int level) {
  if (!has(e, entry::P) && random_.chance(3, 4)) {
    if (e != 0 && random_.chance(1, 2)) return e | entry::P;
    const bool leaf = level == 1 || (level <= x86::max_leaf_level && random_.chance(1, 4));
    return leaf ? choose_leaf(level) : choose_table(level - 1);
  }
  return changed_kind(e, level);
}

Word Builder::changed_kind(Word e, int level) {
  const bool leaf = valid_leaf(e, level);
  switch (random_.below(14)) {
    case 0: return e & ~entry::P;
    case 1: return random_.chance(1, 2) ? 0 : e & ~entry::P;
    case 2:
    case 3:
    case 4:  // another frame, or another table
      return leaf ? (e & ~frame_mask_) | choose_frame(level)
                  : (e & ~frame_mask_) | (choose_table(level - 1) & frame_mask_);
    case 5: return e & ~entry::RW;
    case 6: return e & ~entry::US;
    case 7: return e ^ entry::XD;
    case 8: return e | entry::RW | entry::US;
    case 9: return e & ~(random_.chance(1, 2) ? entry::D : entry::A | entry::D);
    case 10:  // split or merge
    case 11:
      if (level == 1 || level > x86::max_leaf_level) return choose_table(std::max(level - 1, 1));
      return leaf ? choose_table(level - 1) : choose_leaf(level);
    case 12: return leaf ? e ^ (random_.chance(1, 2) ? entry::G : bit(entry::key_shift)) : e;
    default: return e ^ bit(random_.chance(1, 2) ? 1 + random_.below(63) : 12 + random_.below(40));
  }
}

void Builder::add_drop() {
  switch (random_.below(8)) {
    case 0:
    case 1:
    case 2:
    case 3: return add_invlpg();
    case 4: return add_cr3();
    default:
      if (const auto op = choose_register_write()) execute(*op);
  }
}

/// Of the page itself, or of another.
void Builder::add_invlpg() {
  Operation op{.kind = OperationKind::invlpg};
  op.address = random_.chance(1, 2) ? hot_ : random_.pick(targets_);
  if (random_.chance(1, 4)) op.address ^= within(1 + static_cast<int>(random_.below(3)));
  if (random_.chance(1, 24)) op.address ^= bit(63);
  execute(op);
}

void Builder::add_cr3() {
  const Word root = random_.chance(1, 2) ? registers_.cr3 & frame_mask_ : tables_[random_.below(2)];
  const bool pcide = has(registers_.cr4, x86::cr4::PCIDE);
  Word value = root | (pcide ? random_.below(3) : random_.next() & (entry::PWT | entry::PCD));
  if (pcide && levels_ == 4 && random_.chance(1, 2)) value |= bit(63);
  execute({.kind = OperationKind::mov_cr3, .value = value});
}

/// One bit of a control register, or new keys.
std::optional<Operation> Builder::choose_register_write() {
  constexpr std::array<Word, 8> cr4_bits{x86::cr4::PGE,  x86::cr4::PCIDE, x86::cr4::PCIDE,
                                         x86::cr4::SMEP, x86::cr4::SMAP,  x86::cr4::PKE,
                                         x86::cr4::PKE,  x86::cr4::PKE};
  const Registers& r = registers_;
  switch (random_.below(8)) {
    case 0: return Operation{.kind = OperationKind::mov_cr0, .value = r.cr0 ^ x86::cr0::WP};
    case 1: return Operation{.kind = OperationKind::wrmsr_efer, .value = r.efer ^ x86::efer::NXE};
    case 2: return Operation{.kind = OperationKind::wrpkru, .value = random_.next() & bits(5, 2)};
    case 3: return Operation{.kind = OperationKind::mov_cr4, .value = r.cr4};
    default: break;
  }
  const Word bit_of = random_.pick(cr4_bits) & domain_.optional.cr4;
  return Operation{.kind = OperationKind::mov_cr4, .value = r.cr4 ^ bit_of};
}

/// Adds an instruction, unless it would be refused.
void Builder::execute(const Operation& op) {
  const auto effect = x86::execute(program_.machine.cpu, registers_, op);
  if (effect.exception == x86::Exception::general_protection) return;
  registers_ = effect.registers;
  program_.steps.push_back({.action = op});
}

}  // namespace

void generate(const Domain& domain, const ProgramOracle& oracle, Word seed, Word index,
              Program& out) {
  Builder(domain, oracle, seed, index, out).build();
}

}  // namespace mmuref::diff
