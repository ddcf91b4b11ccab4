// Which combinations of the specification have been exercised.
//
// A combination is a rule with all that its outcome can depend on: fault cause, level, page size,
// kind of access, privilege, and the control and entry bits that matter to it. What matters is read
// off the rows of spec/statement/tables.h: a bit does when some row of the same mode, kind and
// address speaks of it. Of the product of all dimensions some combinations cannot occur; each of
// those is named by one entry of `unreachable_rules()`, with the reason, and all the others must be
// reached by `witness()`.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "diff/machine.h"
#include "spec/statement/statement.h"

namespace mmuref::diff {

/// What a combination is about.
enum class Family : unsigned char {
  refused,  ///< a non-canonical address
  stopped,  ///< an entry that is not present or has a reserved bit set
  mapped,   ///< rights and keys of a valid translation
  decided,  ///< one entry alone takes a right away
  marked,   ///< accessed and dirty flags of a permitted access
  twice,    ///< one entry used at two levels
  widest,   ///< the highest frame bit of each MAXPHYADDR
  framed,   ///< each frame bit alone
  indexed,  ///< each bit of each level's index alone
  placed,   ///< half of the address space, place in the page, low bits of CR3
  odd,      ///< each bit that alone makes an address non-canonical
  keyed,    ///< each protection key, alone denied or alone open
  ignored,  ///< each bit of a leaf that changes nothing
  above,    ///< the same of an entry that references a table
  unasked,  ///< each control or entry bit that does not matter to the rights of a permitted access
};
inline constexpr std::size_t families = 15;

/// What a combination is made of; `dimension_values` names the values of each.
enum class Dim : unsigned char {
  levels,
  level,      ///< of the entry: value 0 is level 1
  lower,      ///< a second one, below it
  page,       ///< level of the leaf: 4 KiB, 2 MiB, 1 GiB
  cause,      ///< not present, a row of `reserved_rows`, or several
  role,       ///< references a table, maps a page
  bits,       ///< which of the row's bits
  privilege,  ///< CPL 0 or 3, explicit or implicit
  kind,
  stack,
  canonical57,  ///< whether 5-level paging would take the address
  address,      ///< user-mode or supervisor-mode
  wp,
  smap,
  ac,
  smep,
  nxe,
  rw,
  xd,
  key,    ///< whether keys are on, and what the register says of the leaf's
  right,  ///< U/S, R/W, XD
  accessed,
  dirty,
  above,  ///< A in every entry above the leaf
  faults,
  width,
  bit,        ///< of a word: 12 to 63
  half,       ///< of the linear address space
  offset,     ///< in the page
  flags,      ///< PCID, PWT and PCD in CR3
  number,     ///< of a protection key
  lone,       ///< what the register says of this key alone
  owner,      ///< which entries make the address one of supervisor mode
  spare,      ///< a bit of a leaf that translation and rights do not look at
  idle,       ///< the same of an entry that references a table
  right_bit,  ///< WP, SMAP, AC, SMEP, NXE, R/W, XD
  set,
};
inline constexpr std::size_t dimensions = 37;

std::span<const std::string_view> dimension_values(Dim dim);

struct Combination {
  Family family{};
  std::array<unsigned char, dimensions> at{};  ///< 0 in dimensions that the family has not

  unsigned char operator[](Dim d) const { return at[static_cast<std::size_t>(d)]; }
  unsigned char& operator[](Dim d) { return at[static_cast<std::size_t>(d)]; }
  bool operator==(const Combination&) const = default;
};

/// The values of the causes that are not rows: `cause` of row i is 1 + i.
inline constexpr unsigned cause_not_present = 0, cause_several = 1 + spec::reserved_rows.size();

/// "mapped: 4-level 2 MiB CPL 3 write …".
std::string text(const Combination& combination);

/// The product of all dimensions, without bits that do not matter; in a fixed order, which is the
/// combination's number.
std::span<const Combination> all_combinations();
/// Upper bound of their number, known when compiled.
inline constexpr std::size_t max_combinations = 32768;
/// The number of a combination; it is one of all_combinations().
std::size_t number_of(const Combination& combination);

/// Why some combinations cannot occur.
struct Unreachable {
  std::string_view says;
  std::string_view by;  ///< the theorem that says so, or where it is defined
  bool (*covers)(const Combination&);
};
std::span<const Unreachable> unreachable_rules();
/// The first that covers it; null when it can occur.
const Unreachable* unreachable(const Combination& combination);

/// A case that exercises the combination; it can occur.
Case witness(const Combination& combination);

/// The combinations of one access, by number.
class Exercised {
 public:
  void add(const Combination& c) { numbers_[count_++] = static_cast<std::uint32_t>(number_of(c)); }
  auto begin() const { return numbers_.begin(); }
  auto end() const { return numbers_.begin() + count_; }

 private:
  std::array<std::uint32_t, 48> numbers_{};
  std::size_t count_ = 0;
};

/// What the access exercises, by the specification's own answer `s`; for at most one instruction
/// fetch, write or read as model/x86/access.h has them.
Exercised exercised(const Case& question, const spec::Statement<Word>& s);

/// The lone reserved row that the entry without a translation breaks, as its `cause`; 0 where none.
unsigned cause_of(const Case& question, const spec::Statement<Word>& s);

/// What has been exercised so far.
class RuleCoverage {
 public:
  void add(const Exercised& seen) {
    for (const std::uint32_t number : seen) seen_.set(number);
  }
  bool has(std::size_t number) const { return seen_.test(number); }
  /// One that who is asked does not have: it is not missed.
  void exclude(std::size_t number) { excluded_.set(number); }
  /// Whether it can occur and is not excluded.
  bool wanted(std::size_t number) const;

  std::size_t covered() const;    ///< of those that are wanted
  std::size_t reachable() const;  ///< those that are
  /// By number. Those that cannot occur and did are `impossible`: a mistake in either list.
  std::vector<std::size_t> missing() const;
  std::vector<std::size_t> impossible() const;

 private:
  std::bitset<max_combinations> seen_, excluded_;
};

/// "rules: 812 of 900 reachable combinations" and a line for each family and for the first `limit`
/// that are missing.
std::string report(const RuleCoverage& coverage, std::size_t limit);

}  // namespace mmuref::diff
