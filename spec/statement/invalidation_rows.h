// What the manual says each operation invalidates and when it faults, as data.
//
// A second statement of model/x86/invalidation.h in the form the manual prints it: a list of
// operations with conditions. SDM vol. 3, "Operations that Invalidate TLBs and Paging-Structure
// Caches" (4.10.4.1); vol. 2, "MOV—Move to/from Control Registers", "INVLPG", "INVPCID", "WRMSR",
// "WRPKRU". Rows of one operation add up; where none applies, nothing need be invalidated.
#pragma once

#include <array>

#include "model/x86/invalidation.h"

namespace mmuref::spec {

/// What a condition looks at. The registers are those before the operation.
enum class Of : char { nothing, cr0, cr3, cr4, efer, operand, descriptor, address };

/// What it asks of bits high..low there. `gained`, `lost` and `changed` compare the operand with
/// the register; `equal` and `above` compare the whole with the number in `high`.
enum class Holds : char { some, none, gained, lost, changed, equal, above, canonical, crooked };

struct Condition {
  Of of = Of::nothing;
  Holds holds = Holds::some;
  unsigned high = 0, low = 0;
};

/// A `low` that stands for the processor's MAXPHYADDR.
inline constexpr unsigned from_maxphyaddr = 64;

/// The PCID that a row speaks of.
enum class Pcid : char { zero, current, loaded, described };

/// Of what is filed under it: nothing, what a translation of the address uses, everything.
enum class Goes : char { no, address, all };

/// The columns of the manual's list. `own` is what was made under the row's PCID.
struct InvalidationRow {
  x86::OperationKind operation;
  std::array<Condition, 2> when;  ///< all of them
  Pcid pcid;
  Goes own, others;                ///< translations that are not global
  Goes own_global, others_global;  ///< global translations
  Goes own_structures, others_structures;
};

using Does = x86::OperationKind;

inline constexpr std::array invalidation_rows{
    // INVLPG: the page number's entries of the current PCID, global ones whatever their PCID, and
    // all entries in all paging-structure caches of the current PCID.
    InvalidationRow{Does::invlpg,
                    {{{Of::address, Holds::canonical}}},
                    Pcid::current,
                    Goes::address,
                    Goes::no,
                    Goes::address,
                    Goes::address,
                    Goes::all,
                    Goes::no},
    // INVPCID, types 0 to 3.
    InvalidationRow{Does::invpcid,
                    {{{Of::operand, Holds::equal, 0}}},
                    Pcid::described,
                    Goes::address,
                    Goes::no,
                    Goes::no,
                    Goes::no,
                    Goes::address,
                    Goes::no},
    InvalidationRow{Does::invpcid,
                    {{{Of::operand, Holds::equal, 1}}},
                    Pcid::described,
                    Goes::all,
                    Goes::no,
                    Goes::no,
                    Goes::no,
                    Goes::all,
                    Goes::no},
    InvalidationRow{Does::invpcid,
                    {{{Of::operand, Holds::equal, 2}}},
                    Pcid::described,
                    Goes::all,
                    Goes::all,
                    Goes::all,
                    Goes::all,
                    Goes::all,
                    Goes::all},
    InvalidationRow{Does::invpcid,
                    {{{Of::operand, Holds::equal, 3}}},
                    Pcid::described,
                    Goes::all,
                    Goes::all,
                    Goes::no,
                    Goes::no,
                    Goes::all,
                    Goes::all},
    // MOV to CR0 that clears PG.
    InvalidationRow{Does::mov_cr0,
                    {{{Of::cr0, Holds::lost, 31, 31}}},
                    Pcid::zero,
                    Goes::all,
                    Goes::all,
                    Goes::all,
                    Goes::all,
                    Goes::all,
                    Goes::all},
    // MOV to CR3: without PCIDE; with it and bit 63 of the operand clear; bit 63 set: no row.
    InvalidationRow{Does::mov_cr3,
                    {{{Of::cr4, Holds::none, 17, 17}}},
                    Pcid::zero,
                    Goes::all,
                    Goes::no,
                    Goes::no,
                    Goes::no,
                    Goes::all,
                    Goes::no},
    InvalidationRow{Does::mov_cr3,
                    {{{Of::cr4, Holds::some, 17, 17}, {Of::operand, Holds::none, 63, 63}}},
                    Pcid::loaded,
                    Goes::all,
                    Goes::no,
                    Goes::no,
                    Goes::no,
                    Goes::all,
                    Goes::no},
    // MOV to CR4: PGE, PCIDE cleared, PAE, SMEP set.
    InvalidationRow{Does::mov_cr4,
                    {{{Of::cr4, Holds::changed, 7, 7}}},
                    Pcid::current,
                    Goes::all,
                    Goes::all,
                    Goes::all,
                    Goes::all,
                    Goes::all,
                    Goes::all},
    InvalidationRow{Does::mov_cr4,
                    {{{Of::cr4, Holds::lost, 17, 17}}},
                    Pcid::current,
                    Goes::all,
                    Goes::all,
                    Goes::all,
                    Goes::all,
                    Goes::all,
                    Goes::all},
    InvalidationRow{Does::mov_cr4,
                    {{{Of::cr4, Holds::changed, 5, 5}}},
                    Pcid::current,
                    Goes::all,
                    Goes::no,
                    Goes::all,
                    Goes::all,
                    Goes::all,
                    Goes::no},
    InvalidationRow{Does::mov_cr4,
                    {{{Of::cr4, Holds::gained, 20, 20}}},
                    Pcid::current,
                    Goes::all,
                    Goes::no,
                    Goes::all,
                    Goes::all,
                    Goes::all,
                    Goes::no},
};

/// What a page fault invalidates, in the same columns: the entries for the page number and the
/// paging-structure-cache entries that would be used for the address, of the current PCID.
inline constexpr InvalidationRow page_fault_row{
    {},      {}, Pcid::current, Goes::address, Goes::no, Goes::address, Goes::no, Goes::address,
    Goes::no};

/// In 64-bit mode at CPL 0 the operation raises `exception` when all conditions of some row hold.
struct FaultRow {
  x86::OperationKind operation;
  x86::Exception exception;
  std::array<Condition, 3> when;
};

inline constexpr auto gp = x86::Exception::general_protection;
inline constexpr auto ud = x86::Exception::invalid_opcode;

inline constexpr std::array fault_rows{
    // CR0: bits 63:32 set; PG or PE clear; NW without CD; WP clear while CR4.CET=1.
    FaultRow{Does::mov_cr0, gp, {{{Of::operand, Holds::some, 63, 32}}}},
    FaultRow{Does::mov_cr0, gp, {{{Of::operand, Holds::none, 31, 31}}}},
    FaultRow{Does::mov_cr0, gp, {{{Of::operand, Holds::none, 0, 0}}}},
    FaultRow{Does::mov_cr0,
             gp,
             {{{Of::operand, Holds::some, 29, 29}, {Of::operand, Holds::none, 30, 30}}}},
    FaultRow{
        Does::mov_cr0, gp, {{{Of::cr4, Holds::some, 23, 23}, {Of::operand, Holds::none, 16, 16}}}},
    // CR3: bits from MAXPHYADDR up; bit 63 unless PCIDE gives it a meaning.
    FaultRow{Does::mov_cr3, gp, {{{Of::operand, Holds::some, 62, from_maxphyaddr}}}},
    FaultRow{
        Does::mov_cr3, gp, {{{Of::cr4, Holds::none, 17, 17}, {Of::operand, Holds::some, 63, 63}}}},
    // CR4: reserved bits; PAE cleared; LA57 changed; PCIDE set with a PCID; CET set without WP.
    FaultRow{Does::mov_cr4, gp, {{{Of::operand, Holds::some, 63, 25}}}},
    FaultRow{Does::mov_cr4, gp, {{{Of::operand, Holds::some, 15, 15}}}},
    FaultRow{Does::mov_cr4, gp, {{{Of::operand, Holds::none, 5, 5}}}},
    FaultRow{Does::mov_cr4, gp, {{{Of::cr4, Holds::changed, 12, 12}}}},
    FaultRow{
        Does::mov_cr4, gp, {{{Of::cr4, Holds::gained, 17, 17}, {Of::cr3, Holds::some, 11, 0}}}},
    FaultRow{
        Does::mov_cr4, gp, {{{Of::operand, Holds::some, 23, 23}, {Of::cr0, Holds::none, 16, 16}}}},
    // IA32_EFER: all but SCE, LME, LMA and NXE; LME changed.
    FaultRow{Does::wrmsr_efer, gp, {{{Of::operand, Holds::some, 7, 1}}}},
    FaultRow{Does::wrmsr_efer, gp, {{{Of::operand, Holds::some, 9, 9}}}},
    FaultRow{Does::wrmsr_efer, gp, {{{Of::operand, Holds::some, 63, 12}}}},
    FaultRow{Does::wrmsr_efer, gp, {{{Of::efer, Holds::changed, 8, 8}}}},
    // WRPKRU without CR4.PKE; IA32_PKRS has 32 bits.
    FaultRow{Does::wrpkru, ud, {{{Of::cr4, Holds::none, 22, 22}}}},
    FaultRow{Does::wrmsr_pkrs, gp, {{{Of::operand, Holds::some, 63, 32}}}},
    // INVPCID: the type; the descriptor's reserved bits; a PCID without PCIDE; the address.
    FaultRow{Does::invpcid, gp, {{{Of::operand, Holds::above, 3}}}},
    FaultRow{Does::invpcid, gp, {{{Of::descriptor, Holds::some, 63, 12}}}},
    FaultRow{Does::invpcid,
             gp,
             {{{Of::operand, Holds::equal, 0},
               {Of::descriptor, Holds::some, 11, 0},
               {Of::cr4, Holds::none, 17, 17}}}},
    FaultRow{Does::invpcid,
             gp,
             {{{Of::operand, Holds::equal, 1},
               {Of::descriptor, Holds::some, 11, 0},
               {Of::cr4, Holds::none, 17, 17}}}},
    FaultRow{Does::invpcid, gp, {{{Of::operand, Holds::equal, 0}, {Of::address, Holds::crooked}}}},
};

}  // namespace mmuref::spec
