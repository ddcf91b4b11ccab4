// A case for each combination that can occur: a path of permissive entries, spoiled where the
// combination says.
#include <algorithm>
#include <utility>

#include "diff/rule_coverage.h"
#include "model/x86/linear_address.h"

namespace mmuref::diff {
namespace {

namespace entry = x86::entry;

constexpr Word permissive = entry::P | entry::RW | entry::US | entry::A;
/// A multiple of 1 GiB.
constexpr Word default_frame = bit(30);
constexpr Word key_1 = bit(entry::key_shift);

class Builder {
 public:
  explicit Builder(const Combination& c) : c_(c) {
    Registers& r = case_.machine.registers;
    r.cr0 = x86::cr0::PE | x86::cr0::PG | x86::cr0::WP;
    r.cr4 = x86::cr4::PAE | (c[Dim::levels] != 0 ? x86::cr4::LA57 : 0);
    r.efer = x86::efer::LME | x86::efer::LMA | x86::efer::NXE;
    // Below the widest, so that a row that MAXPHYADDR bounds has several bits; Unicorn has 40
    // alone.
    case_.machine.cpu = {.maxphyaddr = 40, .page1gb = true, .amd = false};
    root_ = c[Dim::levels] != 0 ? 5 : 4;
    for (int l = 1; l <= 5; ++l) {
      tables_[l] = static_cast<Word>(6 - l) << 12;
      indices_[l] = static_cast<Word>(3 * l);
    }
    set_access();
  }

  Case build() {
    switch (c_.family) {
      case Family::refused: refused(); break;
      case Family::stopped: stopped(); break;
      case Family::mapped: mapped(); break;
      case Family::decided: decided(); break;
      case Family::marked: marked(); break;
      case Family::twice: twice(); break;
      case Family::widest: widest(); break;
      case Family::framed: framed(); break;
      case Family::indexed: indexed(); break;
      case Family::placed: placed(); break;
      case Family::odd: odd(); break;
      case Family::keyed: keyed(); break;
      case Family::ignored: ignored(); break;
      case Family::above: above(); break;
      case Family::unasked: unasked(); break;
    }
    case_.machine.registers.cr3 |= tables_[root_];
    for (int l = root_; l >= end_; --l) {
      case_.machine.memory.write(tables_[l] | (indices_[l] << 3), entries_[l]);
      if (c_.family != Family::refused && c_.family != Family::odd)
        case_.access.va |= indices_[l] << x86::level_shift(l);
    }
    return std::move(case_);
  }

 private:
  void set_access() {
    Access& a = case_.access;
    a.cpl3 = (c_[Dim::privilege] & 1) != 0;
    a.implicit = c_[Dim::privilege] >= 2;
    a.write = c_[Dim::kind] == 1;
    a.fetch = c_[Dim::kind] == 2;
    a.stack = c_[Dim::stack] != 0;
    a.ac = c_[Dim::ac] != 0;
  }
  bool fetch() const { return case_.access.fetch; }
  int level() const { return c_[Dim::level] + 1; }

  static void set(Word& word, Word flags, bool on) { word = on ? word | flags : word & ~flags; }

  /// A path to a page of `leaf`.
  void path(int leaf) {
    end_ = leaf;
    for (int l = root_; l > leaf; --l) entries_[l] = tables_[l - 1] | permissive;
    entries_[leaf] = default_frame | permissive | (leaf > 1 ? entry::PS : 0);
  }

  void refused() {
    path(1);
    case_.access.va = c_[Dim::canonical57] != 0 ? bit(47) : bit(60);
  }

  void stopped() {
    const bool page = c_[Dim::role] != 0 || level() == 1;
    if (page) {
      path(level());
    } else {
      path(1);
      end_ = level();
    }
    Registers& r = case_.machine.registers;
    if (fetch()) {
      set(r.efer, x86::efer::NXE, c_[Dim::nxe] != 0);
      set(r.cr4, x86::cr4::SMEP, c_[Dim::smep] != 0);
    }
    Word& e = entries_[level()];
    if (c_[Dim::cause] == cause_not_present) {
      const std::array<Word, 3> values{0, entry::RW, entry::RW | bit(51)};
      e = values[c_[Dim::bits]];
    } else if (c_[Dim::cause] == cause_several) {
      break_several(e, page);
    } else {
      break_row(e, spec::reserved_rows[c_[Dim::cause] - 1u]);
    }
  }

  void break_row(Word& e, const spec::ReservedRow& row) {
    Processor& cpu = case_.machine.cpu;
    if (row.when == spec::When::no_1gb_pages) cpu.page1gb = false;
    if (row.when == spec::When::amd) cpu.amd = true;
    if (row.when == spec::When::nxe_is_0) case_.machine.registers.efer &= ~x86::efer::NXE;
    const unsigned low =
        row.low == spec::maxphyaddr ? static_cast<unsigned>(cpu.maxphyaddr) : row.low;
    const unsigned inside = std::min(low + 1, row.high);
    const std::array<Word, 4> which{bit(low), bit(row.high), bit(inside), bits(inside, low)};
    e |= which[c_[Dim::bits]];
  }

  void break_several(Word& e, bool page) {
    e |= bit(51);
    if (fetch() && c_[Dim::nxe] != 0) {
      e |= page ? bit(13) : entry::PS;
    } else {
      e |= entry::XD;
      case_.machine.registers.efer &= ~x86::efer::NXE;
    }
  }

  void mapped() {
    path(c_[Dim::page] + 1);
    Registers& r = case_.machine.registers;
    set(r.cr0, x86::cr0::WP, c_[Dim::wp] != 0);
    set(r.cr4, x86::cr4::SMAP, c_[Dim::smap] != 0);
    set(r.cr4, x86::cr4::SMEP, c_[Dim::smep] != 0);
    set(r.efer, x86::efer::NXE, c_[Dim::nxe] != 0);
    Word& leaf = entries_[end_];
    const bool user = c_[Dim::address] != 0;
    set(leaf, entry::US, user);
    set(leaf, entry::RW, c_[Dim::rw] != 0);
    set(leaf, entry::XD, c_[Dim::xd] != 0);
    leaf |= key_1;
    const Word rights = static_cast<Word>(c_[Dim::key] & 3) << 2;
    (user ? r.pkru : r.pkrs) = rights;
    set(r.cr4, user ? x86::cr4::PKE : x86::cr4::PKS, c_[Dim::key] >= 4);
  }

  void decided() {
    path(c_[Dim::page] + 1);
    const std::array<Word, 3> flags{entry::US, entry::RW, entry::XD};
    entries_[level()] ^= flags[c_[Dim::right]];
  }

  void marked() {
    path(c_[Dim::page] + 1);
    Word& leaf = entries_[end_];
    set(leaf, entry::A, c_[Dim::accessed] != 0);
    set(leaf, entry::D, c_[Dim::dirty] != 0);
    set(entries_[root_], entry::A, c_[Dim::above] != 0);
  }

  /// One table serves both levels, at one index; what it references serves what is below both.
  void twice() {
    const int high = level(), low = c_[Dim::lower] + 1;
    indices_[low] = indices_[high];
    tables_[low] = tables_[high];
    if (low > 1) tables_[low - 1] = tables_[high - 1];
    path(1);
    entries_[low] = entries_[high] = tables_[high - 1] | permissive;
    set(entries_[low], entry::A, c_[Dim::accessed] != 0);
    if (c_[Dim::faults] != 0) {
      case_.access.cpl3 = true;
      entries_[low] &= ~entry::US;
    }
    entries_[high] = entries_[low];
  }

  void widest() {
    path(c_[Dim::page] + 1);
    case_.machine.cpu.maxphyaddr = x86::min_maxphyaddr + c_[Dim::width];
    entries_[end_] |= bit(static_cast<unsigned>(case_.machine.cpu.maxphyaddr) - 1);
  }

  void framed() {
    path(c_[Dim::page] + 1);
    if (c_[Dim::bit] + 12u >= case_.machine.cpu.maxphyaddr)
      case_.machine.cpu.maxphyaddr = x86::max_maxphyaddr;
    entries_[end_] = (entries_[end_] & ~default_frame) | bit(c_[Dim::bit] + 12u);
  }

  void indexed() {
    path(c_[Dim::page] + 1);
    indices_ = {};
    const unsigned at = c_[Dim::bit];
    indices_[1 + at / x86::index_bits] = bit(at % x86::index_bits);
  }

  void placed() {
    path(c_[Dim::page] + 1);
    const Word in_page = bit(x86::level_shift(end_)) - 1;
    const std::array<Word, 3> offsets{0, in_page, in_page & 0x1234'5678};
    case_.access.va = offsets[c_[Dim::offset]];
    if (c_[Dim::half] != 0) {
      indices_[root_] |= 0x100;
      case_.access.va |= ~(bit(x86::linear_width(root_)) - 1);
    }
    case_.machine.registers.cr3 = c_[Dim::flags] != 0 ? 0xfff : 0;
  }

  void odd() {
    path(1);
    case_.access.va = (c_[Dim::half] != 0 ? ~Word{0} : 0) ^ bit(c_[Dim::bit] + 12u);
  }

  void keyed() {
    path(c_[Dim::page] + 1);
    const bool user = c_[Dim::owner] == 0;
    if (!user) entries_[c_[Dim::owner] == 1 ? end_ : root_] &= ~entry::US;
    const Word key = c_[Dim::number];
    entries_[end_] |= key << entry::key_shift;
    const Word ad = Word{1} << (2 * key);
    const std::array<Word, 3> rights{ad, ad << 1, 0x5555'5555 & ~ad};
    Registers& r = case_.machine.registers;
    (user ? r.pkru : r.pkrs) = rights[c_[Dim::lone]];
    r.cr4 |= user ? x86::cr4::PKE : x86::cr4::PKS;
  }

  void ignored() {
    path(c_[Dim::page] + 1);
    constexpr std::array<Word, 18> flags{entry::PWT, entry::PCD, entry::PAT_4K, entry::G, bit(9),
                                         bit(10),    bit(11),    bit(52),       bit(53),  bit(54),
                                         bit(55),    bit(56),    bit(57),       bit(58),  bit(59),
                                         bit(60),    bit(61),    bit(62)};
    const Word flag = flags[c_[Dim::spare]];
    entries_[end_] |= flag == entry::PAT_4K && end_ > 1 ? entry::PAT_large : flag;
  }

  void above() {
    path(1);
    constexpr std::array<unsigned, 16> idle{6,  8,  9,  10, 11, 52, 53, 54,
                                            55, 56, 57, 58, 59, 60, 61, 62};
    entries_[level()] |= bit(idle[c_[Dim::idle]]);
  }

  void unasked() {
    path(1);
    Registers& r = case_.machine.registers;
    Word& leaf = entries_[end_];
    set(leaf, entry::US, c_[Dim::address] != 0);
    const bool on = c_[Dim::set] != 0;
    switch (c_[Dim::right_bit]) {
      case 0: set(r.cr0, x86::cr0::WP, on); break;
      case 1: set(r.cr4, x86::cr4::SMAP, on); break;
      case 2: case_.access.ac = on; break;
      case 3: set(r.cr4, x86::cr4::SMEP, on); break;
      case 4: set(r.efer, x86::efer::NXE, on); break;
      case 5: set(leaf, entry::RW, on); break;
      default: set(leaf, entry::XD, on);
    }
  }

  const Combination& c_;
  Case case_;
  int root_ = 4, end_ = 1;
  std::array<Word, 6> tables_{}, indices_{}, entries_{};  // by level
};

}  // namespace

Case witness(const Combination& combination) {
  return Builder(combination).build();
}

}  // namespace mmuref::diff
