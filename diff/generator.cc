#include "diff/generator.h"

#include <algorithm>
#include <array>

#include "diff/random.h"
#include "model/x86/linear_address.h"

namespace mmuref::diff {
namespace {

namespace entry = x86::entry;

constexpr Word page_size = bit(x86::page_shift);
constexpr Word last_index = bits(x86::index_bits - 1, 0);
constexpr Word low_memory = Word{16} << 20;
constexpr int paths_per_space = 12;

/// Builds one address space; lives for one call of generate().
class Builder {
 public:
  Builder(const Domain& domain, Word seed, Word index, AddressSpace& out)
      : domain_(domain), random_(seed, index), space_(out), machine_(out.machine) {}

  void build() {
    machine_.memory.clear();
    space_.accesses.clear();
    machine_.cpu = random_.pick(domain_.processors);
    // Nearly all have 1-GByte pages, and without them a walk ends early.
    if (!machine_.cpu.page1gb) machine_.cpu = random_.pick(domain_.processors);
    frame_mask_ = bits(static_cast<unsigned>(machine_.cpu.maxphyaddr) - 1, x86::page_shift);
    choose_registers();
    choose_tables();
    if (random_.chance(1, 2)) add_self_map();
    for (int i = 0; i < paths_per_space; ++i) add_path(i);
    while (space_.accesses.size() < accesses_per_space) space_.accesses.push_back(choose_access());
  }

 private:
  struct Target {
    Word va;    ///< the first address of the page
    int level;  ///< of the leaf
  };

  void choose_registers();
  Word choose_key_register();
  void choose_tables();
  void add_self_map();
  void add_path(int number);
  Word new_entry(int level, bool leaf, bool user);
  Word choose_table(int level);
  Word choose_frame(int level);
  Word edge_address();
  Word spoil(Word e, int level);
  Word choose_index() { return random_.chance(7, 8) ? random_.pick(indices_) : any_index(); }
  Word any_index() { return random_.next() & last_index; }
  Word choose_va();
  Word recursive_va();
  Access choose_access();

  Word sign_extend(Word va) const {
    const unsigned width = x86::linear_width(levels_);
    const Word low = va & bits(width - 1, 0);
    return has(low, bit(width - 1)) ? low | ~bits(width - 1, 0) : low;
  }

  const Domain& domain_;
  Random random_;
  AddressSpace& space_;
  Machine& machine_;

  int levels_ = 4;
  Word frame_mask_ = 0;
  Word self_index_ = 0;                    ///< of the root entry that references the root
  std::array<Word, 5> indices_{};          ///< few, so that paths share their upper entries
  std::array<Word, max_tables> tables_{};  ///< [0] is the root; the others serve any level
  std::array<Target, paths_per_space> targets_{};
};

void Builder::choose_registers() {
  Registers& r = machine_.registers;
  const Registers& optional = domain_.optional;
  r = domain_.base;
  // WP and NXE are set in practice, and much cannot be seen without them.
  r.cr0 |= (random_.next() | random_.next()) & optional.cr0;
  r.efer |= (random_.next() | random_.next() | random_.next()) & optional.efer;
  r.cr4 |= random_.next() & optional.cr4;
  r.pkru = choose_key_register() & optional.pkru;
  r.pkrs = choose_key_register() & optional.pkrs;
  // The root is chosen with the tables; here the PCID, or PWT and PCD among ignored bits.
  r.cr3 = random_.chance(3, 4) ? random_.next() & optional.cr3 : 0;
  levels_ = x86::paging_levels(r);
}

/// All keys open, all but key 0 closed (as kernels start), all read-only, or a mix in which more or
/// fewer are open.
Word Builder::choose_key_register() {
  switch (random_.below(6)) {
    case 0: return 0;
    case 1: return 0x55555554;
    case 2: return 0xaaaaaaaa;
    case 3: return random_.next() & bits(31, 0);
    default: return random_.next() & random_.next() & bits(31, 0);
  }
}

void Builder::choose_tables() {
  // Low ones never coincide: each has its own stretch.
  constexpr Word stretch = low_memory / page_size / max_tables;
  for (std::size_t i = 0; i < max_tables; ++i) {
    const Word within = random_.chance(1, 8) ? stretch - 1 : random_.below(stretch - 1);
    tables_[i] = (i * stretch + within) * page_size;
  }
  // High tables show an address cut short on the way down, which high frames show only of a leaf.
  if (random_.chance(1, 2)) tables_[random_.below(max_tables)] = edge_address() & frame_mask_;
  std::swap(tables_[0], tables_[random_.below(max_tables)]);
  machine_.registers.cr3 |= tables_[0];

  indices_ = {0, last_index, random_.chance(1, 2) ? last_index / 2 : last_index / 2 + 1,
              any_index(), any_index()};
  self_index_ = random_.chance(1, 2) ? last_index - 1 : any_index();
}

void Builder::add_self_map() {
  const Word flags = entry::P | entry::RW | (random_.next() & (entry::US | entry::A | entry::D));
  machine_.memory.write(tables_[0] | (self_index_ << 3), tables_[0] | flags);
}

void Builder::add_path(int number) {
  const bool user = random_.chance(2, 3);
  constexpr std::array leaf_levels{1, 1, 1, 1, 2, 2, 2, 3};
  const int leaf_level = random_.pick(leaf_levels);

  Word va = 0;
  Word table = tables_[0];
  int level = levels_;
  for (;; --level) {
    const Word index = choose_index();
    va |= index << x86::level_shift(level);
    const Word address = table | (index << 3);
    Word e = machine_.memory.read(address);
    if (e == 0) {
      // An entry of an earlier path may have led below this path's leaf.
      e = new_entry(level, level <= leaf_level, user);
      machine_.memory.write(address, e);
    }
    if (level == 1 || (level <= x86::max_leaf_level && has(e, entry::PS))) break;
    table = e & frame_mask_;
    if (std::find(tables_.begin(), tables_.end(), table) == tables_.end()) break;
  }
  targets_[static_cast<std::size_t>(number)] = {sign_extend(va), level};
}

Word Builder::new_entry(int level, bool leaf, bool user) {
  const Word noise = random_.next();
  Word e = entry::P | entry::RW | (noise & (entry::A | entry::D | entry::PWT | entry::PCD));
  if (user || (!leaf && random_.chance(3, 4))) e |= entry::US;
  if (random_.chance(1, 4)) e |= noise & (bits(58, 52) | bits(11, 9));
  if (random_.chance(1, 2)) e |= noise & entry::key_mask;
  if (leaf) {
    e |= choose_frame(level) | (noise & entry::G);
    if (level > 1) e |= entry::PS;
    if (random_.chance(1, 4)) e |= level > 1 ? entry::PAT_large : entry::PAT_4K;
    if (random_.chance(1, 4)) e |= entry::XD;
  } else {
    e |= choose_table(level - 1);
  }
  // Upper entries serve many paths: spoil them less often.
  const bool spoiled = level == 1 ? random_.chance(1, 3) : random_.chance(1, 8);
  return spoiled ? spoil(e, level) : e;
}

/// Mostly one of two tables kept for `level`; now and then any, which shares a table between
/// levels or closes a cycle.
Word Builder::choose_table(int level) {
  if (random_.chance(1, 12)) return random_.pick(tables_);
  return tables_[static_cast<std::size_t>(2 * level - 1) + random_.below(2)];
}

/// An address next to where widths, halves and devices change.
Word Builder::edge_address() {
  const unsigned width = static_cast<unsigned>(machine_.cpu.maxphyaddr);
  const std::array edges{bit(width), bit(width - 1), bit(32), bit(31), bit(width - 1) | bit(31)};
  const Word edge = random_.pick(edges);
  const Word pages = random_.below(3);
  return edge - pages * page_size;
}

Word Builder::choose_frame(int level) {
  const Word size = bit(x86::level_shift(level));
  Word frame = 0;
  switch (random_.below(8)) {
    case 0: frame = random_.pick(tables_); break;  // maps a page table
    case 1:
    case 2: frame = random_.next() & (low_memory - 1); break;
    case 3: frame = edge_address() - size; break;
    case 4: frame = edge_address(); break;
    case 5: frame = bit(x86::page_shift + random_.below(40)); break;
    default: frame = random_.next(); break;
  }
  return frame & frame_mask_ & ~(size - 1);
}

/// Takes away one right, or comes near a valid entry by one bit.
Word Builder::spoil(Word e, int level) {
  const unsigned width = static_cast<unsigned>(machine_.cpu.maxphyaddr);
  constexpr std::array<unsigned, 12> edges{7, 8, 12, 13, 20, 21, 29, 30, 51, 52, 62, 63};
  switch (random_.below(11)) {
    case 0: return e & ~entry::P;
    case 1:
    case 2: return e & ~entry::RW;
    case 3:
    case 4: return e & ~entry::US;
    case 5: return e ^ entry::XD;
    case 6: return level > 1 ? e ^ entry::PS : e & ~(entry::RW | entry::US);
    case 7: return e ^ bit(width - 1 + random_.below(3));
    case 8: return e ^ bit(random_.pick(edges));
    case 9: return e ^ bit(12 + random_.below(40));  // of the address
    default: return e ^ bit(random_.below(64));
  }
}

/// Through the self-mapping entry: repeated it shows tables as pages.
Word Builder::recursive_va() {
  Word va = 0;
  const int repeats = 1 + static_cast<int>(random_.below(static_cast<std::uint32_t>(levels_)));
  for (int level = levels_; level > 0; --level) {
    const bool self = levels_ - level < repeats;
    va |= (self ? self_index_ : choose_index()) << x86::level_shift(level);
  }
  return sign_extend(va);
}

Word Builder::choose_va() {
  if (random_.chance(1, 16)) {
    const Word va = recursive_va();
    return va | (random_.next() & bits(11, 0));
  }
  if (random_.chance(1, 32)) return sign_extend(random_.next());

  const Target target = random_.pick(targets_);
  const Word size = bit(x86::level_shift(target.level));
  const std::array offsets{Word{0},        size - 1,
                           random_.next(), random_.next() & bits(11, 0),
                           bits(11, 0),    size - page_size};
  Word va = target.va | (random_.pick(offsets) & (size - 1));

  const unsigned width = x86::linear_width(levels_);
  if (random_.chance(1, 24)) return va ^ bit(random_.below(64));
  if (random_.chance(1, 24)) return va ^ bit(width - 1 + random_.below(64 - width + 1));
  return va;
}

Access Builder::choose_access() {
  Access a;
  a.va = choose_va();
  const std::uint32_t kind = random_.below(8);
  a.write = kind < 3;
  a.fetch = kind >= 6;
  const Word noise = random_.next();
  a.cpl3 = has(noise, bit(0));
  a.ac = has(noise, bit(1));
  // System structures and stacks are data.
  a.implicit = !a.fetch && (noise & bits(4, 2)) == 0;
  a.stack = !a.fetch && !a.implicit && (noise & bits(7, 5)) == 0;
  return a;
}

}  // namespace

void generate(const Domain& domain, Word seed, Word index, AddressSpace& out) {
  Builder(domain, seed, index, out).build();
}

}  // namespace mmuref::diff
