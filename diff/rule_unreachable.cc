// Which combinations cannot occur, and what says so.
#include <algorithm>

#include "diff/rule_terms.h"
#include "model/x86/linear_address.h"

namespace mmuref::diff {
namespace {

using namespace rules;

bool has_dim(const Combination& c, Dim d) {
  const Dims dims = family_dims(c.family);
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

}  // namespace

std::span<const Unreachable> unreachable_rules() {
  return unreachable_list;
}

const Unreachable* unreachable(const Combination& c) {
  const auto found = std::find_if(unreachable_list.begin(), unreachable_list.end(),
                                  [&](const Unreachable& u) { return u.covers(c); });
  return found == unreachable_list.end() ? nullptr : &*found;
}

}  // namespace mmuref::diff
