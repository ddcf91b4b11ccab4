// The dimensions and families of combinations, and the numbers of the combinations.
#include <fmt/format.h>

#include <algorithm>

#include "diff/rule_terms.h"

namespace mmuref::diff {
namespace rules {
namespace {

using Names = std::span<const std::string_view>;

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

// ---- Which bits matter to the rights of an access. ---------------------------------------------

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

}  // namespace

std::string_view family_name(Family f) {
  return family_text(f).name;
}
Dims family_dims(Family f) {
  return family_text(f).dims;
}

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

}  // namespace rules

namespace {

using namespace rules;

// ---- Numbers. ----------------------------------------------------------------------------------

std::size_t product(Family f) {
  std::size_t n = 1;
  for (const Dim d : family_dims(f)) n *= size_of(d);
  return n;
}

/// The product with every bit, dense; `Universe` keeps the numbers of those that are combinations.
std::size_t dense(const Combination& c) {
  std::size_t n = 0;
  for (const Dim d : family_dims(c.family)) n = n * size_of(d) + c[d];
  return n;
}

Combination from_dense(Family f, std::size_t n) {
  Combination c;
  c.family = f;
  const Dims dims = family_dims(f);
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

}  // namespace mmuref::diff
