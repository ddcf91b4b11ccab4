// The manual's tables as data: which bits are reserved, which accesses are allowed.
//
// A second statement of what model/x86 computes, in the form the manuals print it: rows to match
// instead of masks and denials. Theorems hold the two equal for all inputs.
#pragma once

#include <array>

namespace mmuref::spec {

// ---- Reserved bits. SDM vol. 3, 4.5.4, the tables "Format of a PML5E/PML4E/PDPTE/PDE/PTE"; for
// AMD, APM vol. 2, 5.3.3 and 5.3.4. --------------------------------------------------------------

enum class Role : char { any, references_table, maps_page };
enum class When : char { always, nxe_is_0, no_1gb_pages, amd };

/// In an entry of `level` (0: any level) that plays `role`, bits high..low must be 0 `when`.
/// A `low` of `maxphyaddr` stands for the processor's.
struct ReservedRow {
  int level;
  Role role;
  When when;
  unsigned high, low;
};
inline constexpr unsigned maxphyaddr = 64;

inline constexpr std::array reserved_rows{
    ReservedRow{0, Role::any, When::always, 51, maxphyaddr},
    ReservedRow{0, Role::any, When::nxe_is_0, 63, 63},
    ReservedRow{5, Role::any, When::always, 7, 7},
    ReservedRow{5, Role::any, When::amd, 8, 8},
    ReservedRow{4, Role::any, When::always, 7, 7},
    ReservedRow{4, Role::any, When::amd, 8, 8},
    ReservedRow{3, Role::maps_page, When::always, 29, 13},
    ReservedRow{3, Role::maps_page, When::no_1gb_pages, 7, 7},
    ReservedRow{2, Role::maps_page, When::always, 20, 13},
};

// ---- Access rights. SDM vol. 3, 4.6.1: every bullet that allows an access is a row. -------------

enum class Mode : char { supervisor, user };
enum class Kind : char { read, write, fetch };
enum class Address : char { supervisor, user };

/// A condition a row puts on a control bit or on the entries.
enum class Is : char { any, zero, one };

/// The access is allowed when every condition of some row holds. `rw` is one when R/W is 1 in
/// every entry, `xd` one when XD is 1 in some entry, `ac` one when EFLAGS.AC is 1 and the access
/// is explicit.
struct If {
  Is wp = Is::any, smap = Is::any, ac = Is::any, smep = Is::any, nxe = Is::any;
  Is rw = Is::any, xd = Is::any;
};
struct AllowedRow {
  Mode mode;
  Kind kind;
  Address address;
  If conditions;
};

inline constexpr std::array allowed_rows{
    // "For supervisor-mode accesses", data reads
    AllowedRow{Mode::supervisor, Kind::read, Address::supervisor, {}},
    AllowedRow{Mode::supervisor, Kind::read, Address::user, {.smap = Is::zero}},
    AllowedRow{Mode::supervisor, Kind::read, Address::user, {.smap = Is::one, .ac = Is::one}},
    // data writes
    AllowedRow{Mode::supervisor, Kind::write, Address::supervisor, {.wp = Is::zero}},
    AllowedRow{Mode::supervisor, Kind::write, Address::supervisor, {.wp = Is::one, .rw = Is::one}},
    AllowedRow{Mode::supervisor, Kind::write, Address::user, {.wp = Is::zero, .smap = Is::zero}},
    AllowedRow{Mode::supervisor,
               Kind::write,
               Address::user,
               {.wp = Is::zero, .smap = Is::one, .ac = Is::one}},
    AllowedRow{Mode::supervisor,
               Kind::write,
               Address::user,
               {.wp = Is::one, .smap = Is::zero, .rw = Is::one}},
    AllowedRow{Mode::supervisor,
               Kind::write,
               Address::user,
               {.wp = Is::one, .smap = Is::one, .ac = Is::one, .rw = Is::one}},
    // instruction fetches
    AllowedRow{Mode::supervisor, Kind::fetch, Address::supervisor, {.nxe = Is::zero}},
    AllowedRow{
        Mode::supervisor, Kind::fetch, Address::supervisor, {.nxe = Is::one, .xd = Is::zero}},
    AllowedRow{Mode::supervisor, Kind::fetch, Address::user, {.smep = Is::zero, .nxe = Is::zero}},
    AllowedRow{Mode::supervisor,
               Kind::fetch,
               Address::user,
               {.smep = Is::zero, .nxe = Is::one, .xd = Is::zero}},
    // "For user-mode accesses": nothing at supervisor-mode addresses
    AllowedRow{Mode::user, Kind::read, Address::user, {}},
    AllowedRow{Mode::user, Kind::write, Address::user, {.rw = Is::one}},
    AllowedRow{Mode::user, Kind::fetch, Address::user, {.nxe = Is::zero}},
    AllowedRow{Mode::user, Kind::fetch, Address::user, {.nxe = Is::one, .xd = Is::zero}},
};

}  // namespace mmuref::spec
