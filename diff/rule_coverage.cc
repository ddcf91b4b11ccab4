#include "diff/rule_coverage.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <map>

#include "model/x86/linear_address.h"

namespace mmuref::diff {
namespace {

using Names = std::span<const std::string_view>;
using Dims = std::span<const Dim>;

constexpr std::array<std::string_view, 2> levels_names{"4-level", "5-level"};
constexpr std::array<std::string_view, 5> level_names{"level 1", "level 2", "level 3", "level 4",
                                                      "level 5"};
constexpr std::array<std::string_view, 5> lower_names{"and 1", "and 2", "and 3", "and 4", "and 5"};
constexpr std::array<std::string_view, 3> page_names{"4 KiB", "2 MiB", "1 GiB"};
constexpr std::array<std::string_view, 2 + spec::reserved_rows.size()> cause_names{
    "not present",         "bits 51:MAXPHYADDR",   "bit 63",           "bit 7 of a PML5E",
    "bit 8 of a PML5E",    "bit 7 of a PML4E",     "bit 8 of a PML4E", "bits 29:13 of a page",
    "1-GByte page, bit 7", "bits 20:13 of a page", "several rows"};
constexpr std::array<std::string_view, 2> role_names{"table", "page"};
constexpr std::array<std::string_view, 4> bits_names{"the lowest", "the highest", "inside", "some"};
/// `bits` of an entry that is not present.
constexpr std::array<std::string_view, 3> not_present_names{"entry 0", "other bits set",
                                                            "reserved bits set"};
constexpr std::array<std::string_view, 4> privilege_names{"CPL 0", "CPL 3", "implicit at CPL 0",
                                                          "implicit at CPL 3"};
constexpr std::array<std::string_view, 3> kind_names{"read", "write", "fetch"};
constexpr std::array<std::string_view, 2> stack_names{"", "through SS"};
constexpr std::array<std::string_view, 2> canonical57_names{"", "of 57 bits"};
constexpr std::array<std::string_view, 2> address_names{"of supervisor", "of user"};
constexpr std::array<std::string_view, 2> wp_names{"WP=0", "WP=1"};
constexpr std::array<std::string_view, 2> smap_names{"SMAP=0", "SMAP=1"};
constexpr std::array<std::string_view, 2> ac_names{"AC=0", "AC=1"};
constexpr std::array<std::string_view, 2> smep_names{"SMEP=0", "SMEP=1"};
constexpr std::array<std::string_view, 2> nxe_names{"NXE=0", "NXE=1"};
constexpr std::array<std::string_view, 2> rw_names{"R/W=0", "R/W=1"};
constexpr std::array<std::string_view, 2> xd_names{"XD=0", "XD=1"};
constexpr std::array<std::string_view, 8> key_names{
    "keys off", "keys off, AD=1", "keys off, WD=1", "keys off, AD=WD=1",
    "keys on",  "keys on, AD=1",  "keys on, WD=1",  "keys on, AD=WD=1"};
constexpr std::array<std::string_view, 3> right_names{"U/S=0 alone", "R/W=0 alone", "XD=1 alone"};
constexpr std::array<std::string_view, 2> accessed_names{"A=0", "A=1"};
constexpr std::array<std::string_view, 2> dirty_names{"D=0", "D=1"};
constexpr std::array<std::string_view, 2> above_names{"some A=0 above", "A=1 above"};
constexpr std::array<std::string_view, 2> faults_names{"translated", "faults"};
constexpr std::array<std::string_view, 21> width_names{
    "MAXPHYADDR 32", "MAXPHYADDR 33", "MAXPHYADDR 34", "MAXPHYADDR 35", "MAXPHYADDR 36",
    "MAXPHYADDR 37", "MAXPHYADDR 38", "MAXPHYADDR 39", "MAXPHYADDR 40", "MAXPHYADDR 41",
    "MAXPHYADDR 42", "MAXPHYADDR 43", "MAXPHYADDR 44", "MAXPHYADDR 45", "MAXPHYADDR 46",
    "MAXPHYADDR 47", "MAXPHYADDR 48", "MAXPHYADDR 49", "MAXPHYADDR 50", "MAXPHYADDR 51",
    "MAXPHYADDR 52"};

constexpr std::array<std::string_view, 52> bit_names{
    "bit 12", "bit 13", "bit 14", "bit 15", "bit 16", "bit 17", "bit 18", "bit 19", "bit 20",
    "bit 21", "bit 22", "bit 23", "bit 24", "bit 25", "bit 26", "bit 27", "bit 28", "bit 29",
    "bit 30", "bit 31", "bit 32", "bit 33", "bit 34", "bit 35", "bit 36", "bit 37", "bit 38",
    "bit 39", "bit 40", "bit 41", "bit 42", "bit 43", "bit 44", "bit 45", "bit 46", "bit 47",
    "bit 48", "bit 49", "bit 50", "bit 51", "bit 52", "bit 53", "bit 54", "bit 55", "bit 56",
    "bit 57", "bit 58", "bit 59", "bit 60", "bit 61", "bit 62", "bit 63"};
constexpr std::array<std::string_view, 2> half_names{"low half", "high half"};
constexpr std::array<std::string_view, 3> offset_names{"first byte", "last byte", "inside"};
constexpr std::array<std::string_view, 2> flags_names{"CR3[11:0]=0", "CR3[11:0] set"};

constexpr std::array<std::string_view, 16> number_names{
    "key 0", "key 1", "key 2",  "key 3",  "key 4",  "key 5",  "key 6",  "key 7",
    "key 8", "key 9", "key 10", "key 11", "key 12", "key 13", "key 14", "key 15"};
constexpr std::array<std::string_view, 3> lone_names{"alone with AD", "alone with WD",
                                                     "alone without AD"};
constexpr std::array<std::string_view, 3> owner_names{"of user", "of supervisor by the leaf",
                                                      "of supervisor by another entry"};
/// In a 4-KByte leaf bit 7 is PAT, in a larger one bit 12.
constexpr std::array<std::string_view, 18> spare_names{
    "PWT",    "PCD",    "PAT",    "G",      "bit 9",  "bit 10", "bit 11", "bit 52", "bit 53",
    "bit 54", "bit 55", "bit 56", "bit 57", "bit 58", "bit 59", "bit 60", "bit 61", "bit 62"};

/// Bit 8 is reserved by AMD in the two highest levels.
constexpr std::array<std::string_view, 16> idle_names{
    "bit 6",  "bit 8",  "bit 9",  "bit 10", "bit 11", "bit 52", "bit 53", "bit 54",
    "bit 55", "bit 56", "bit 57", "bit 58", "bit 59", "bit 60", "bit 61", "bit 62"};
constexpr std::array<unsigned, 16> idle_bits{6,  8,  9,  10, 11, 52, 53, 54,
                                             55, 56, 57, 58, 59, 60, 61, 62};
constexpr std::array<std::string_view, 7> right_bit_names{"WP",  "SMAP", "AC", "SMEP",
                                                          "NXE", "R/W",  "XD"};
constexpr std::array<std::string_view, 2> set_names{"=0 all the same", "=1 all the same"};

constexpr std::array<Names, dimensions> value_names{
    levels_names, level_names,     lower_names, page_names,     cause_names,       role_names,
    bits_names,   privilege_names, kind_names,  stack_names,    canonical57_names, address_names,
    wp_names,     smap_names,      ac_names,    smep_names,     nxe_names,         rw_names,
    xd_names,     key_names,       right_names, accessed_names, dirty_names,       above_names,
    faults_names, width_names,     bit_names,   half_names,     offset_names,      flags_names,
    number_names, lone_names,      owner_names, spare_names,    idle_names,        right_bit_names,
    set_names};

constexpr std::array refused_dims{Dim::levels, Dim::privilege, Dim::kind, Dim::stack,
                                  Dim::canonical57};
constexpr std::array stopped_dims{Dim::levels,    Dim::level, Dim::cause, Dim::role, Dim::bits,
                                  Dim::privilege, Dim::kind,  Dim::nxe,   Dim::smep};
constexpr std::array mapped_dims{Dim::levels, Dim::page, Dim::privilege, Dim::kind, Dim::address,
                                 Dim::wp,     Dim::smap, Dim::ac,        Dim::smep, Dim::nxe,
                                 Dim::rw,     Dim::xd,   Dim::key};
constexpr std::array decided_dims{Dim::levels, Dim::page,      Dim::level,
                                  Dim::right,  Dim::privilege, Dim::kind};
constexpr std::array marked_dims{Dim::levels,   Dim::page,  Dim::kind,
                                 Dim::accessed, Dim::dirty, Dim::above};
constexpr std::array twice_dims{Dim::levels, Dim::level, Dim::lower,
                                Dim::faults, Dim::kind,  Dim::accessed};
constexpr std::array widest_dims{Dim::levels, Dim::page, Dim::width};
constexpr std::array framed_dims{Dim::levels, Dim::page, Dim::bit};
constexpr std::array indexed_dims{Dim::levels, Dim::page, Dim::bit};
constexpr std::array placed_dims{Dim::levels, Dim::page, Dim::half, Dim::offset, Dim::flags};
constexpr std::array odd_dims{Dim::levels, Dim::half, Dim::bit};
constexpr std::array keyed_dims{Dim::page, Dim::owner, Dim::number, Dim::lone, Dim::kind};
constexpr std::array above_dims{Dim::levels, Dim::level, Dim::idle};
constexpr std::array unasked_dims{Dim::privilege, Dim::kind, Dim::address, Dim::right_bit,
                                  Dim::set};
constexpr std::array ignored_dims{Dim::levels, Dim::page, Dim::spare};

struct FamilyText {
  std::string_view name;
  Dims dims;
};
constexpr std::array<FamilyText, families> family_texts{{{"refused", refused_dims},
                                                         {"stopped", stopped_dims},
                                                         {"mapped", mapped_dims},
                                                         {"decided", decided_dims},
                                                         {"marked", marked_dims},
                                                         {"twice", twice_dims},
                                                         {"widest", widest_dims},
                                                         {"framed", framed_dims},
                                                         {"indexed", indexed_dims},
                                                         {"placed", placed_dims},
                                                         {"odd", odd_dims},
                                                         {"keyed", keyed_dims},
                                                         {"ignored", ignored_dims},
                                                         {"above", above_dims},
                                                         {"unasked", unasked_dims}}};

constexpr const FamilyText& family_text(Family f) {
  return family_texts[static_cast<std::size_t>(f)];
}
constexpr std::size_t size_of(Dim d) {
  return value_names[static_cast<std::size_t>(d)].size();
}

constexpr unsigned read = 0, write = 1, fetch = 2;
constexpr unsigned page_role = 1;
constexpr unsigned right_us = 0, right_rw = 1, right_xd = 2;
constexpr unsigned bits_lowest = 0, bits_highest = 1, bits_inside = 2, bits_some = 3;

bool user_mode(const Combination& c) {
  return c[Dim::privilege] == 1;
}
bool implicit(const Combination& c) {
  return c[Dim::privilege] >= 2;
}

// ---- Which bits matter to the rights of an access. ---------------------------------------------

constexpr std::array right_bits{Dim::wp, Dim::smap, Dim::ac, Dim::smep, Dim::nxe, Dim::rw, Dim::xd};
using Matters = std::array<bool, dimensions>;

constexpr void add_conditions(Matters& m, const spec::If& when) {
  const std::array asked{when.wp, when.smap, when.ac, when.smep, when.nxe, when.rw, when.xd};
  for (std::size_t i = 0; i < asked.size(); ++i)
    if (asked[i] != spec::Is::any) m[static_cast<std::size_t>(right_bits[i])] = true;
}

constexpr std::size_t matters_index(bool user, unsigned kind, unsigned address) {
  return (user ? 6 : 0) + kind * 2 + address;
}

/// By mode, kind and address: what a row asks; and of a fetch NXE and SMEP, by which the error code
/// tells it (SDM vol. 3, 4.7).
constexpr std::array<Matters, 12> make_matters() {
  std::array<Matters, 12> all{};
  for (const spec::AllowedRow& row : spec::allowed_rows) {
    add_conditions(all[matters_index(row.mode == spec::Mode::user, static_cast<unsigned>(row.kind),
                                     static_cast<unsigned>(row.address))],
                   row.conditions);
  }
  for (const bool user : {false, true}) {
    for (const unsigned address : {0U, 1U}) {
      Matters& m = all[matters_index(user, fetch, address)];
      m[static_cast<std::size_t>(Dim::nxe)] = m[static_cast<std::size_t>(Dim::smep)] = true;
    }
  }
  return all;
}
constexpr std::array<Matters, 12> matters = make_matters();

const Matters& matters_to(const Combination& c) {
  return matters[matters_index(user_mode(c), c[Dim::kind], c[Dim::address])];
}

void clear_what_does_not_matter(Combination& c) {
  if (c.family == Family::mapped) {
    const Matters& m = matters_to(c);
    for (const Dim d : right_bits)
      if (!m[static_cast<std::size_t>(d)]) c[d] = 0;
  }
  if (c.family == Family::stopped) {
    if (c[Dim::kind] != fetch) c[Dim::nxe] = c[Dim::smep] = 0;
    if (c[Dim::cause] == cause_not_present) c[Dim::role] = 0;
    if (c[Dim::cause] == cause_several) c[Dim::bits] = 0;
  }
}

// ---- Numbers. ----------------------------------------------------------------------------------

std::size_t product(Family f) {
  std::size_t n = 1;
  for (const Dim d : family_text(f).dims) n *= size_of(d);
  return n;
}

/// The product with every bit, dense; `Universe` keeps the numbers of those that are combinations.
std::size_t dense(const Combination& c) {
  std::size_t n = 0;
  for (const Dim d : family_text(c.family).dims) n = n * size_of(d) + c[d];
  return n;
}

Combination from_dense(Family f, std::size_t n) {
  Combination c;
  c.family = f;
  const Dims dims = family_text(f).dims;
  for (auto d = dims.rbegin(); d != dims.rend(); ++d) {
    c[*d] = static_cast<unsigned char>(n % size_of(*d));
    n /= size_of(*d);
  }
  return c;
}

/// Whether it is one: nothing set that does not matter, and a second level below the first.
bool in_product(const Combination& c) {
  Combination clean = c;
  clear_what_does_not_matter(clean);
  if (clean != c) return false;
  if (c.family == Family::unasked)
    return !matters_to(c)[static_cast<std::size_t>(right_bits[c[Dim::right_bit]])];
  if (c.family == Family::twice) return c[Dim::lower] < c[Dim::level];
  if (c.family == Family::stopped && c[Dim::cause] == cause_not_present)
    return c[Dim::bits] < bits_some;
  return true;
}

struct Universe {
  std::array<std::size_t, families> first{};
  std::vector<std::uint32_t> number;  // by family and dense
  std::vector<Combination> all;

  Universe() {
    for (std::size_t f = 0; f < families; ++f) {
      first[f] = number.size();
      const auto family = static_cast<Family>(f);
      for (std::size_t n = 0; n < product(family); ++n) {
        const Combination c = from_dense(family, n);
        number.push_back(static_cast<std::uint32_t>(all.size()));
        if (in_product(c)) all.push_back(c);
      }
    }
  }
};

const Universe& universe() {
  static const Universe made;
  return made;
}

// ---- What cannot occur. ------------------------------------------------------------------------

bool has_dim(const Combination& c, Dim d) {
  const Dims dims = family_text(c.family).dims;
  return std::find(dims.begin(), dims.end(), d) != dims.end();
}

/// The row of a combination that was stopped by one; null for other causes.
const spec::ReservedRow* row_of(const Combination& c) {
  if (c.family != Family::stopped) return nullptr;
  const unsigned cause = c[Dim::cause];
  if (cause == cause_not_present || cause == cause_several) return nullptr;
  return &spec::reserved_rows[cause - 1];
}

bool implicit_fetch(const Combination& c) {
  return has_dim(c, Dim::kind) && has_dim(c, Dim::privilege) && c[Dim::kind] == fetch &&
         implicit(c);
}
bool stack_without_data(const Combination& c) {
  return c.family == Family::refused && c[Dim::stack] != 0 &&
         (c[Dim::kind] == fetch || implicit(c));
}
bool canonical_after_all(const Combination& c) {
  return c.family == Family::refused && c[Dim::levels] == 1 && c[Dim::canonical57] != 0;
}
bool level_that_is_not_there(const Combination& c) {
  return has_dim(c, Dim::level) && c[Dim::levels] == 0 && c[Dim::level] == 4;
}
bool role_that_no_entry_has(const Combination& c) {
  if (c.family != Family::stopped || c[Dim::cause] == cause_not_present) return false;
  const bool page = c[Dim::role] == page_role;
  return (c[Dim::level] == 0 && !page) || (c[Dim::level] > 2 && page);
}
bool row_of_another_entry(const Combination& c) {
  const spec::ReservedRow* row = row_of(c);
  if (row == nullptr) return false;
  if (row->level != 0 && row->level != c[Dim::level] + 1) return true;
  const bool page = c[Dim::role] == page_role;
  return row->role == spec::Role::maps_page && !page;
}
bool bit_63_with_nxe(const Combination& c) {
  if (c.family == Family::mapped) return c[Dim::xd] != 0 && c[Dim::nxe] == 0;
  const spec::ReservedRow* row = row_of(c);
  return row != nullptr && row->when == spec::When::nxe_is_0 && c[Dim::nxe] != 0;
}
bool one_bit_alone(const Combination& c) {
  const spec::ReservedRow* row = row_of(c);
  return row != nullptr && row->low == row->high && c[Dim::bits] != bits_lowest;
}
bool one_row_alone(const Combination& c) {
  if (c.family != Family::stopped || c[Dim::cause] != cause_several) return false;
  if (c[Dim::kind] != fetch || c[Dim::nxe] == 0) return false;
  const bool page = c[Dim::role] == page_role;
  return c[Dim::level] == 0 || (c[Dim::level] <= 2 && !page);
}
bool leaf_above(const Combination& c) {
  return c.family == Family::decided && c[Dim::level] < c[Dim::page];
}

/// The number of the bit.
unsigned bit_of(const Combination& c) {
  return c[Dim::bit] + x86::page_shift;
}
unsigned width_of(const Combination& c) {
  return x86::linear_width(c[Dim::levels] != 0 ? 5 : 4);
}
bool no_frame_bit(const Combination& c) {
  const bool below = bit_of(c) < x86::level_shift(c[Dim::page] + 1);
  return c.family == Family::framed && (below || bit_of(c) >= x86::max_maxphyaddr);
}
bool no_index_bit(const Combination& c) {
  const bool below = bit_of(c) < x86::level_shift(c[Dim::page] + 1);
  return c.family == Family::indexed && (below || bit_of(c) + 1 >= width_of(c));
}
bool no_table_reference(const Combination& c) {
  return c.family == Family::above && c[Dim::level] == 0;
}
bool never_allowed(const Combination& c) {
  return c.family == Family::unasked && user_mode(c) && c[Dim::address] == 0;
}
bool index_bit_after_all(const Combination& c) {
  return c.family == Family::odd && bit_of(c) + 1 < width_of(c);
}

constexpr std::array unreachable_list{
    Unreachable{"an instruction fetch is not an access to a system structure",
                "model/x86/access.h, Access::implicit", implicit_fetch},
    Unreachable{"an access through SS is explicit and no fetch",
                "model/x86/access.h, Access::stack", stack_without_data},
    Unreachable{"with 5-level paging an address of 57 significant bits is canonical",
                "canonical-iff-sign-extension-57", canonical_after_all},
    Unreachable{"4-level paging reads no PML5E", "walk-equals-statement-4-level",
                level_that_is_not_there},
    Unreachable{"a PTE maps a page, a PML4E or PML5E references a table",
                "reserved-bits-equal-rows", role_that_no_entry_has},
    Unreachable{"the row speaks of another level or role", "reserved-bits-equal-rows",
                row_of_another_entry},
    Unreachable{"bit 63 is reserved while NXE=0, and XD with NXE=1", "reserved-bits-equal-rows",
                bit_63_with_nxe},
    Unreachable{"the row is of one bit", "reserved-bits-equal-rows", one_bit_alone},
    Unreachable{"with NXE=1 a single row speaks of the entry", "reserved-bits-equal-rows",
                one_row_alone},
    Unreachable{"the walk ends at the leaf", "first-faulting-level-decides", leaf_above},
    Unreachable{"a frame has bits 51 to the page size", "address-in-frame", no_frame_bit},
    Unreachable{"an index lies above the page, and its highest bit sets all above it",
                "canonical-iff-sign-extension-48", no_index_bit},
    Unreachable{"a PTE references no table", "reserved-bits-equal-rows", no_table_reference},
    Unreachable{"user mode has no rights to an address of supervisor mode", "user-needs-u",
                never_allowed},
    Unreachable{"below the linear-address width any bits are canonical",
                "canonical-iff-sign-extension-48", index_bit_after_all},
};

// ---- What an access exercises. -----------------------------------------------------------------

/// An access with the specification's answer, looked at.
class Viewer {
 public:
  Viewer(const Case& question, const spec::Statement<Word>& s, Exercised& out)
      : r_(question.machine.registers),
        cpu_(question.machine.cpu),
        a_(question.access),
        s_(s),
        out_(out) {}

  void view() {
    if (!s_.canonical) return view_refused();
    view_twice();
    if (!s_.mapped) return view_stopped();
    view_mapped();
    view_decided();
    view_keyed();
    if (s_.ok) view_marked();
    if (s_.ok) view_widest();
    if (s_.ok) view_places();
    if (s_.ok) view_above();
    if (s_.ok) view_unasked();
  }

  /// `which` gets the bits of a lone row.
  unsigned cause(unsigned* which = nullptr) const;

 private:
  Combination start(Family f) const {
    Combination c;
    c.family = f;
    c[Dim::levels] = has(r_.cr4, x86::cr4::LA57);
    return c;
  }
  void set_access(Combination& c) const {
    c[Dim::privilege] = static_cast<unsigned char>((a_.implicit ? 2 : 0) + (a_.cpl3 ? 1 : 0));
    c[Dim::kind] = static_cast<unsigned char>(a_.fetch ? fetch : a_.write ? write : read);
  }
  int level() const { return static_cast<int>(s_.level); }
  unsigned char page() const { return static_cast<unsigned char>(level() - 1); }
  const spec::Level<Word>& ending() const { return s_.levels[level()]; }
  int root() const { return has(r_.cr4, x86::cr4::LA57) ? 5 : 4; }

  void view_refused();
  void view_twice();
  void view_stopped();
  void view_mapped();
  void view_decided();
  void view_marked();
  void view_widest();
  void view_keyed();
  void view_places();
  void view_above();
  void view_unasked();

  Word broken(const spec::ReservedRow& row) const;
  Word low_bit(const spec::ReservedRow& row) const {
    return row.low == spec::maxphyaddr ? cpu_.maxphyaddr : row.low;
  }
  unsigned which_bits(const spec::ReservedRow& row) const;

  const Registers& r_;
  const Processor& cpu_;
  const Access& a_;
  const spec::Statement<Word>& s_;
  Exercised& out_;
};

void Viewer::view_refused() {
  Combination c = start(Family::refused);
  set_access(c);
  c[Dim::stack] = a_.stack;
  c[Dim::canonical57] = x86::canonical(a_.va, 57);
  out_.add(c);

  // All bits from the highest significant one up are to be equal, and all but one are.
  const Word top = bits(63, x86::linear_width(root()) - 1);
  for (const bool high : {false, true}) {
    const Word other = (high ? ~a_.va : a_.va) & top;
    if (!std::has_single_bit(other)) continue;
    Combination o = start(Family::odd);
    o[Dim::half] = high;
    o[Dim::bit] = static_cast<unsigned char>(std::countr_zero(other) - 12);
    out_.add(o);
  }
}

void Viewer::view_twice() {
  Combination c = start(Family::twice);
  set_access(c);
  c[Dim::privilege] = 0;
  c[Dim::faults] = !s_.ok;
  for (int high = 2; high <= root(); ++high) {
    for (int low = 1; low < high; ++low) {
      const auto &upper = s_.levels[high], &lower = s_.levels[low];
      if (!upper.used || !lower.used || upper.address != lower.address) continue;
      c[Dim::level] = static_cast<unsigned char>(high - 1);
      c[Dim::lower] = static_cast<unsigned char>(low - 1);
      c[Dim::accessed] = spec::flag(lower.value, 5);
      out_.add(c);
    }
  }
}

/// The bits set that `row` reserves in the entry the walk stopped at.
Word Viewer::broken(const spec::ReservedRow& row) const {
  const auto& entry = ending();
  if (row.level != 0 && row.level != level()) return 0;
  if (row.role == spec::Role::maps_page && !entry.maps) return 0;
  if (!spec::holds(row.when, cpu_, r_)) return 0;
  const Word low = low_bit(row);
  if (low > row.high) return 0;
  return entry.value & bits(row.high, static_cast<unsigned>(low));
}

unsigned Viewer::cause(unsigned* which) const {
  unsigned found = cause_not_present;
  for (unsigned i = 0; i < spec::reserved_rows.size(); ++i) {
    if (broken(spec::reserved_rows[i]) == 0) continue;
    found = found == cause_not_present ? 1 + i : cause_several;
  }
  if (which != nullptr && found != cause_not_present && found != cause_several)
    *which = which_bits(spec::reserved_rows[found - 1]);
  return found;
}

unsigned Viewer::which_bits(const spec::ReservedRow& row) const {
  const Word set = broken(row);
  if (!std::has_single_bit(set)) return bits_some;
  const auto position = static_cast<Word>(std::countr_zero(set));
  return position == low_bit(row) ? bits_lowest : position == row.high ? bits_highest : bits_inside;
}

void Viewer::view_stopped() {
  Combination c = start(Family::stopped);
  set_access(c);
  c[Dim::level] = page();
  c[Dim::nxe] = has(r_.efer, x86::efer::NXE);
  c[Dim::smep] = has(r_.cr4, x86::cr4::SMEP);
  c[Dim::role] = ending().maps;
  unsigned which = 0;
  const unsigned why = cause(&which);
  if (ending().present()) {
    c[Dim::cause] = static_cast<unsigned char>(why);
  } else {
    // Nothing else in the entry matters: nothing there, something, something reserved.
    which = ending().value == 0 ? 0 : why == cause_not_present ? 1 : 2;
  }
  c[Dim::bits] = static_cast<unsigned char>(which);
  clear_what_does_not_matter(c);
  out_.add(c);
}

void Viewer::view_mapped() {
  Combination c = start(Family::mapped);
  set_access(c);
  const bool user = spec::every_used(s_, 2);
  c[Dim::page] = page();
  c[Dim::address] = user;
  c[Dim::wp] = has(r_.cr0, x86::cr0::WP);
  c[Dim::smap] = has(r_.cr4, x86::cr4::SMAP);
  c[Dim::ac] = a_.ac;
  c[Dim::smep] = has(r_.cr4, x86::cr4::SMEP);
  c[Dim::nxe] = has(r_.efer, x86::efer::NXE);
  c[Dim::rw] = spec::every_used(s_, 1);
  c[Dim::xd] = spec::some_used(s_, 63);
  const Word keys_on = user ? x86::cr4::PKE : x86::cr4::PKS;
  const Word key = (ending().value >> 59) & 15;
  const Word rights = ((user ? r_.pkru : r_.pkrs) >> (2 * key)) & 3;
  c[Dim::key] = static_cast<unsigned char>((has(r_.cr4, keys_on) ? 4 : 0) + rights);
  clear_what_does_not_matter(c);
  out_.add(c);
}

void Viewer::view_decided() {
  Combination c = start(Family::decided);
  set_access(c);
  c[Dim::page] = page();
  constexpr std::array<unsigned, 3> position{2, 1, 63};
  for (const unsigned right : {right_us, right_rw, right_xd}) {
    int at = 0, count = 0;
    for (int l = level(); l <= root(); ++l) {
      const bool set = spec::flag(s_.levels[l].value, position[right]);
      if (set != (right == right_xd)) continue;
      at = l;
      ++count;
    }
    if (count != 1) continue;
    c[Dim::level] = static_cast<unsigned char>(at - 1);
    c[Dim::right] = static_cast<unsigned char>(right);
    out_.add(c);
  }
}

void Viewer::view_marked() {
  Combination c = start(Family::marked);
  set_access(c);
  c[Dim::privilege] = 0;
  c[Dim::page] = page();
  c[Dim::accessed] = spec::flag(ending().value, 5);
  c[Dim::dirty] = spec::flag(ending().value, 6);
  bool above = true;
  for (int l = level() + 1; l <= root(); ++l) above &= spec::flag(s_.levels[l].value, 5);
  c[Dim::above] = above;
  out_.add(c);
}

void Viewer::view_widest() {
  if (!has(s_.physical_address, bit(static_cast<unsigned>(cpu_.maxphyaddr) - 1))) return;
  Combination c = start(Family::widest);
  c[Dim::page] = page();
  c[Dim::width] = static_cast<unsigned char>(cpu_.maxphyaddr - x86::min_maxphyaddr);
  out_.add(c);
}

/// Empty where the dimension does not matter.
std::string_view value_text(const Combination& c, Dim d) {
  if (c.family == Family::mapped) {
    const bool right = std::find(right_bits.begin(), right_bits.end(), d) != right_bits.end();
    if (right && !matters_to(c)[static_cast<std::size_t>(d)]) return "";
  }
  if (c.family == Family::stopped) {
    if ((d == Dim::nxe || d == Dim::smep) && c[Dim::kind] != fetch) return "";
    if (c[Dim::cause] == cause_several && d == Dim::bits) return "";
    if (c[Dim::cause] == cause_not_present) {
      if (d == Dim::role) return "";
      if (d == Dim::bits) return not_present_names[c[d]];
    }
  }
  return dimension_values(d)[c[d]];
}

void Viewer::view_keyed() {
  bool above = true;
  for (int l = level() + 1; l <= root(); ++l) above &= spec::flag(s_.levels[l].value, 2);
  const bool leaf = spec::flag(ending().value, 2), user = leaf && above;
  if (!has(r_.cr4, user ? x86::cr4::PKE : x86::cr4::PKS)) return;
  if (!user && leaf == above) return;  // both: neither alone

  const Word rights = user ? r_.pkru : r_.pkrs, key = (ending().value >> 59) & 15;
  const Word all_ad = 0x5555'5555;
  Combination c;
  c.family = Family::keyed;
  set_access(c);
  c[Dim::privilege] = 0;
  c[Dim::page] = page();
  c[Dim::owner] = user ? 0 : leaf ? 2 : 1;
  c[Dim::number] = static_cast<unsigned char>(key);
  const Word ad = Word{1} << (2 * key);
  if (rights == ad) {
    c[Dim::lone] = 0;
  } else if (rights == ad << 1) {
    c[Dim::lone] = 1;
  } else if (rights == (all_ad & ~ad)) {
    c[Dim::lone] = 2;
  } else {
    return;
  }
  out_.add(c);
}

void Viewer::view_places() {
  const Word in_page = bit(x86::level_shift(level())) - 1;
  const auto lone = [&](Family f, Word word) {
    if (!std::has_single_bit(word)) return;
    Combination c = start(f);
    c[Dim::page] = page();
    c[Dim::bit] = static_cast<unsigned char>(std::countr_zero(word) - 12);
    out_.add(c);
  };
  lone(Family::framed, s_.physical_address & ~in_page);
  lone(Family::indexed, a_.va & ~in_page);

  // Keys are looked at where they are on.
  Combination i = start(Family::ignored);
  i[Dim::page] = page();
  constexpr std::array<unsigned, 18> position{3,  4,  7,  8,  9,  10, 11, 52, 53,
                                              54, 55, 56, 57, 58, 59, 60, 61, 62};
  Word set = 0;
  for (unsigned char n = 0; n < position.size(); ++n) {
    const unsigned at = n == 2 && level() > 1 ? 12 : position[n];
    if (!spec::flag(ending().value, at)) continue;
    i[Dim::spare] = n;
    ++set;
  }
  if (set == 1) out_.add(i);

  Combination c = start(Family::placed);
  c[Dim::page] = page();
  c[Dim::half] = has(a_.va, bit(63));
  const Word offset = a_.va & in_page;
  c[Dim::offset] = offset == 0 ? 0 : offset == in_page ? 1 : 2;
  c[Dim::flags] = has(r_.cr3, bits(11, 0));
  out_.add(c);
}

void Viewer::view_above() {
  Word all = 0;
  for (const unsigned b : idle_bits) all |= bit(b);
  for (int l = level() + 1; l <= root(); ++l) {
    const Word set = s_.levels[l].value & all;
    if (!std::has_single_bit(set)) continue;
    const auto at =
        std::find(idle_bits.begin(), idle_bits.end(), static_cast<unsigned>(std::countr_zero(set)));
    Combination c = start(Family::above);
    c[Dim::level] = static_cast<unsigned char>(l - 1);
    c[Dim::idle] = static_cast<unsigned char>(at - idle_bits.begin());
    out_.add(c);
  }
}

void Viewer::view_unasked() {
  Combination c;
  c.family = Family::unasked;
  set_access(c);
  c[Dim::address] = static_cast<bool>(spec::every_used(s_, 2));
  const std::array<bool, 7> values{
      has(r_.cr0, x86::cr0::WP),   has(r_.cr4, x86::cr4::SMAP),  a_.ac,
      has(r_.cr4, x86::cr4::SMEP), has(r_.efer, x86::efer::NXE), spec::every_used(s_, 1),
      spec::some_used(s_, 63)};
  for (unsigned char n = 0; n < values.size(); ++n) {
    if (matters_to(c)[static_cast<std::size_t>(right_bits[n])]) continue;
    c[Dim::right_bit] = n;
    c[Dim::set] = values[n];
    out_.add(c);
  }
}

}  // namespace

std::span<const std::string_view> dimension_values(Dim dim) {
  return value_names[static_cast<std::size_t>(dim)];
}

std::string text(const Combination& c) {
  const FamilyText& family = family_text(c.family);
  std::string line = fmt::format("{}:", family.name);
  for (const Dim d : family.dims) {
    const std::string_view value = value_text(c, d);
    if (!value.empty()) line += fmt::format(" {}", value);
  }
  return line;
}

std::span<const Combination> all_combinations() {
  return universe().all;
}

std::size_t number_of(const Combination& c) {
  const Universe& u = universe();
  return u.number[u.first[static_cast<std::size_t>(c.family)] + dense(c)];
}

std::span<const Unreachable> unreachable_rules() {
  return unreachable_list;
}

const Unreachable* unreachable(const Combination& c) {
  const auto found = std::find_if(unreachable_list.begin(), unreachable_list.end(),
                                  [&](const Unreachable& u) { return u.covers(c); });
  return found == unreachable_list.end() ? nullptr : &*found;
}

Exercised exercised(const Case& question, const spec::Statement<Word>& s) {
  Exercised out;
  Viewer(question, s, out).view();
  return out;
}

unsigned cause_of(const Case& question, const spec::Statement<Word>& s) {
  Exercised none;
  if (!s.canonical || s.mapped) return 0;
  return Viewer(question, s, none).cause();
}

// ---- What has been exercised. ------------------------------------------------------------------

bool RuleCoverage::wanted(std::size_t number) const {
  return !excluded_.test(number) && unreachable(all_combinations()[number]) == nullptr;
}

std::size_t RuleCoverage::reachable() const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < all_combinations().size(); ++i) count += wanted(i);
  return count;
}

std::size_t RuleCoverage::covered() const {
  return reachable() - missing().size();
}

std::vector<std::size_t> RuleCoverage::missing() const {
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < all_combinations().size(); ++i)
    if (!seen_.test(i) && wanted(i)) numbers.push_back(i);
  return numbers;
}

std::vector<std::size_t> RuleCoverage::impossible() const {
  std::vector<std::size_t> numbers;
  const auto all = all_combinations();
  for (std::size_t i = 0; i < all.size(); ++i)
    if (seen_.test(i) && unreachable(all[i]) != nullptr) numbers.push_back(i);
  return numbers;
}

std::string report(const RuleCoverage& coverage, std::size_t limit) {
  struct Count {
    std::size_t seen = 0, all = 0;
  };
  std::array<Count, families> counts{};
  const auto all = all_combinations();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!coverage.wanted(i)) continue;
    Count& count = counts[static_cast<std::size_t>(all[i].family)];
    ++count.all;
    count.seen += coverage.has(i);
  }
  const auto missing = coverage.missing();
  std::string lines = fmt::format("rules: {} of {} reachable combinations\n", coverage.covered(),
                                  coverage.reachable());
  for (std::size_t f = 0; f < families; ++f) {
    lines +=
        fmt::format("  {:8} {:5} of {:5}\n", family_texts[f].name, counts[f].seen, counts[f].all);
  }
  for (std::size_t i = 0; i < std::min(limit, missing.size()); ++i)
    lines += fmt::format("  never seen: {}\n", text(all[missing[i]]));
  if (missing.size() > limit) lines += fmt::format("  … and {} more\n", missing.size() - limit);
  return lines;
}

}  // namespace mmuref::diff
