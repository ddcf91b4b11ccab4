// Any program over a few tables and addresses: what it sees on Unicorn is among what the model of
// caches permits, or a known difference.
//
// Input: a header of 16 bytes (what is on at the start, how the four addresses are mapped), then
// steps of 8: an access, a change of an entry on an address's path, an INVLPG, a load of CR3 or of
// another register. Steps that a processor would refuse are left out.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <vector>

#include "diff/domain.h"
#include "diff/oracles/unicorn/unicorn_programs.h"
#include "diff/program_run.h"
#include "fuzz/mutator.h"
#include "fuzz/require.h"
#include "fuzz/step_input.h"
#include "model/x86/linear_address.h"

namespace {

using namespace mmuref;
using diff::Operation;
using diff::Program;
using diff::Word;
using fuzz::require;
using x86::OperationKind;
namespace entry = x86::entry;

constexpr std::size_t header_bytes = 16, step_bytes = 8, max_steps = 60;
constexpr std::size_t targets = 4;
constexpr std::array<Word, 2> roots{0x1'0000, 0x2'0000};
constexpr std::array<Word, 3> frames{bit(32), bit(33) | 0x3f'f000, bit(39) | bit(30)};

/// One of two tables of `level`.
constexpr Word table(int level, unsigned which) {
  return 0x10'0000 + (static_cast<Word>(level) * 2 + (which & 1)) * 0x1'0000;
}

using Header = std::array<std::uint8_t, header_bytes>;
struct Step {
  unsigned operation, target, what, how;
  Word number;
};

class Decoder {
 public:
  Decoder(const diff::ProgramOracle& oracle, const diff::Domain& domain, const Header& header)
      : domain_(domain), header_(header) {
    choose_registers();
    choose_targets(oracle.monitor_index(registers_));
    program_.machine.cpu = domain.processors[header[3] / 4u % domain.processors.size()];
    for (std::size_t r = 0; r < roots.size(); ++r) {
      for (std::size_t t = 0; t < targets; ++t) add_path(roots[r], t, header[2] >> (6 + r));
      oracle.map_monitor(program_.machine.memory, registers_, roots[r]);
    }
    program_.machine.registers = registers_;
    shadow_ = program_.machine.memory;
  }

  void add(const Step& s) {
    switch (s.operation % 8) {
      case 0:
      case 1:
      case 2: access(s); break;
      case 3:
      case 4: change(s); break;
      case 5: execute({.kind = OperationKind::invlpg, .address = address(s)}); break;
      case 6: load_cr3(s); break;
      default: load_register(s);
    }
  }
  const Program& program() const { return program_; }

 private:
  struct Place {
    int level;
    Word address;
  };

  void choose_registers() {
    const auto on = [&](unsigned n, Word flag) { return (header_[n / 8] >> n % 8 & 1) ? flag : 0; };
    Word cr4 = on(0, x86::cr4::PGE) | on(1, x86::cr4::LA57) | on(2, x86::cr4::PCIDE) |
               on(3, x86::cr4::SMEP) | on(4, x86::cr4::SMAP) | on(5, x86::cr4::PKE);
    registers_ = domain_.base;
    registers_.cr4 |= cr4 & domain_.optional.cr4;
    registers_.cr0 |= on(6, x86::cr0::WP);
    registers_.efer |= on(7, x86::efer::NXE);
    registers_.pkru = header_[2] & bits(5, 2) & domain_.optional.pkru;
    registers_.cr3 = roots[0];
    if (has(registers_.cr4, x86::cr4::PCIDE)) registers_.cr3 |= header_[3] % 3u;
    levels_ = x86::paging_levels(registers_);
  }

  /// The second differs from the first in its page table's entry, the third in its page
  /// directory's, the fourth above.
  void choose_targets(std::size_t monitor) {
    constexpr std::array<Word, 8> indices{0, 511, 255, 256, 7, 300, 2, 509};
    for (std::size_t t = 0; t < targets; ++t) {
      for (int level = levels_; level > 0; --level) {
        const unsigned pick = header_[11 + level % 4] >> (level == 5 ? 4 : 0) & 7;
        Word index = indices[(pick + (level == static_cast<int>(t) ? 1 : 0)) % indices.size()];
        if (level == levels_ && index == monitor) index = 100;
        targets_[t] |= index << x86::level_shift(level);
      }
      const unsigned unused = 64 - x86::linear_width(levels_);
      targets_[t] = static_cast<Word>(static_cast<std::int64_t>(targets_[t] << unused) >> unused);
    }
  }

  Word leaf(int level, Word number) const {
    const Word size = bit(x86::level_shift(level));
    Word e = (frames[number % frames.size()] & ~(size - 1)) | entry::P;
    if (level > 1) e |= entry::PS;
    constexpr std::array optional{entry::XD, entry::G, entry::D, entry::A, bit(entry::key_shift)};
    for (std::size_t i = 0; i < optional.size(); ++i)
      if ((number >> (4 + i) & 1) != 0) e |= optional[i];
    return e | ((number & 0x200) != 0 ? 0 : entry::RW) | ((number & 0x400) != 0 ? 0 : entry::US);
  }
  static Word reference(int level, Word number) {
    return table(level, static_cast<unsigned>(number)) | entry::P | entry::RW | entry::US;
  }

  void add_path(Word root, std::size_t target, unsigned which) {
    const unsigned form = header_[4 + 2 * target] | header_[5 + 2 * target] * 256u;
    const int leaf_level = 1 + static_cast<int>(form >> 12 & 3) % 3;
    diff::Memory& memory = program_.machine.memory;
    Word at = root;
    for (int level = levels_; level > 0; --level) {
      const Word address = at | (x86::table_index(targets_[target], level) << 3);
      Word e = memory.read(address);
      if (e == 0) {
        e = level == leaf_level ? leaf(level, form) : reference(level - 1, which);
        memory.write(address, e);
      }
      if (x86::is_leaf(e, level)) return;
      at = e & bits(39, 12);
    }
  }

  /// What a walk of what software wrote reads, whatever is present, in tables that are its own.
  std::vector<Place> path(Word va) const {
    std::vector<Place> places;
    Word at = registers_.cr3 & bits(39, 12);
    for (int level = levels_; level > 0; --level) {
      const Word address = at | (x86::table_index(va, level) << 3);
      const Word e = shadow_.read(address);
      places.push_back({level, address});
      if (e == 0 || x86::is_leaf(e, level)) break;
      at = e & bits(39, 12);
      if (level > 1 && at != table(level - 1, 0) && at != table(level - 1, 1)) break;
    }
    return places;
  }

  Word address(const Step& s) const {
    // Mostly the page itself; now and then elsewhere in a large one.
    constexpr Word page = bits(11, 0);
    constexpr std::array<Word, 8> within{0, 0, 0, 0, page, page, bits(20, 0), bits(29, 0)};
    return targets_[s.target % targets] ^ (s.number & within[s.how % within.size()]);
  }

  void access(const Step& s) {
    diff::Access a;
    a.va = address(s);
    a.write = (s.what & 3) == 1;
    a.fetch = (s.what & 3) == 2;
    a.cpl3 = (s.what & 4) != 0;
    a.ac = (s.what & 8) != 0;
    a.implicit = (s.what & 3) == 3 && (s.what & 16) != 0;
    if (a.implicit) a.va &= ~Word{7};  // a descriptor
    a.stack = (s.what & 32) != 0 && !a.fetch && !a.implicit;
    program_.steps.push_back({.action = a});
  }

  void change(const Step& s) {
    const auto places = path(targets_[s.target % targets]);
    const Place place = places[s.what % places.size()];
    const Word value = changed(shadow_.read(place.address), place.level, s);
    shadow_.write(place.address, value);
    program_.steps.push_back({.action = diff::TableWrite{place.address, value}});
  }
  Word changed(Word e, int level, const Step& s) const {
    const bool can_map = level <= x86::max_leaf_level;
    constexpr std::array flags{entry::P, entry::RW,  entry::US,
                               entry::A, entry::D,   entry::XD,
                               entry::G, entry::PWT, bit(entry::key_shift)};
    switch (s.how % 8) {
      case 0: return 0;
      case 1: return e & ~entry::P;
      case 2:
      case 3: return can_map ? leaf(level, s.number) : reference(level - 1, s.number);
      case 4: return level > 1 ? reference(level - 1, s.number) : leaf(level, s.number);
      case 5:
        return (e & ~bits(39, 12)) | (reference(std::max(level - 1, 1), s.number) & bits(39, 12));
      case 6: return e ^ bit(static_cast<unsigned>(s.number % 64));
      default: return e ^ flags[s.number % flags.size()];
    }
  }

  void load_cr3(const Step& s) {
    const bool pcide = has(registers_.cr4, x86::cr4::PCIDE);
    Word value = roots[s.what & 1];
    value |= pcide ? s.number % 3 : s.number & (entry::PWT | entry::PCD);
    if (pcide && levels_ == 4 && (s.how & 1) != 0) value |= bit(63);
    execute({.kind = OperationKind::mov_cr3, .value = value});
  }

  void load_register(const Step& s) {
    constexpr std::array cr4_bits{x86::cr4::PGE, x86::cr4::PCIDE, x86::cr4::SMEP, x86::cr4::SMAP,
                                  x86::cr4::PKE};
    const auto& r = registers_;
    switch (s.what % 9) {
      case 0: return execute({.kind = OperationKind::mov_cr0, .value = r.cr0 ^ x86::cr0::WP});
      case 1: return execute({.kind = OperationKind::wrmsr_efer, .value = r.efer ^ x86::efer::NXE});
      case 2: return execute({.kind = OperationKind::wrpkru, .value = s.number & bits(5, 2)});
      case 3: return execute({.kind = OperationKind::mov_cr4, .value = r.cr4});
      default: break;
    }
    const Word flag = cr4_bits[s.what % cr4_bits.size()] & domain_.optional.cr4;
    execute({.kind = OperationKind::mov_cr4, .value = r.cr4 ^ flag});
  }

  /// Adds an instruction, unless it would be refused.
  void execute(const Operation& op) {
    const auto effect = x86::execute(program_.machine.cpu, registers_, op);
    if (effect.exception == x86::Exception::general_protection) return;
    registers_ = effect.registers;
    program_.steps.push_back({.action = op});
  }

  const diff::Domain& domain_;
  const Header header_;
  Program program_;
  diff::Registers registers_;  ///< as they are at the step under way
  diff::Memory shadow_;        ///< entries as software wrote them
  int levels_ = 4;
  std::array<Word, targets> targets_{};
};

struct Counts {
  std::size_t programs = 0, unsupported = 0, accesses = 0, stale = 0, known = 0;
};
Counts counts;

void print() {
  std::fprintf(stderr,
               "%zu programs, %zu that Unicorn has not; %zu accesses, %zu by what was cached; "
               "%zu known differences\n",
               counts.programs, counts.unsupported, counts.accesses, counts.stale, counts.known);
}

struct Unicorn {
  std::unique_ptr<diff::ProgramOracle> oracle = diff::make_unicorn_programs();
  diff::Domain domain = diff::domain_of(*oracle);
};

Unicorn& unicorn() {
  // Never destroyed: libFuzzer leaves by exit().
  static Unicorn* const made = [] {
    std::atexit(print);
    try {
      return new Unicorn;
    } catch (const std::exception& e) {
      std::fprintf(stderr, "tlb_vs_unicorn: %s\n", e.what());
      std::_Exit(1);
    }
  }();
  return *made;
}

void run(const Program& program) {
  Unicorn& u = unicorn();
  ++counts.programs;
  if (!u.oracle->unsupported(program).empty()) {
    ++counts.unsupported;
    return;
  }
  const diff::ProgramRun run = diff::run_program(*u.oracle, program);
  require(!run.unexplained, "Unicorn does what the manual permits, or has a ledger entry");
  for (std::size_t i = 0; i < run.judged.size(); ++i) {
    counts.accesses += run.judged[i].access;
    counts.stale += run.judged[i].stale;
    counts.known += run.known[i] != nullptr;
  }
}

}  // namespace

MMUREF_MUTATOR((mmuref::fuzz::mutate_steps<header_bytes, step_bytes>));

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes{data, size};
  Unicorn& u = unicorn();
  Decoder decoder(*u.oracle, u.domain, fuzz::header_of<header_bytes>(bytes));
  fuzz::for_each_step<header_bytes, step_bytes>(bytes, max_steps, [&](auto b) {
    decoder.add({.operation = b[0],
                 .target = b[1],
                 .what = b[2],
                 .how = b[3],
                 .number = b[4] | Word{b[5]} << 8 | Word{b[6]} << 16 | Word{b[7]} << 24});
  });
  run(decoder.program());
  return 0;
}
