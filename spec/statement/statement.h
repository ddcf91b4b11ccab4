// What an access does, said declaratively.
//
// Nothing here walks: each level gets predicates (is its entry used, is it valid, does it map the
// page) and the answer is defined from them, without a fork, so that the solver sees one formula.
// SDM vol. 3, chapter "Paging": 4.5.4, 4.6, 4.7, 4.8. Only the types that carry inputs are shared
// with the model (Processor, Registers, Access); no function of model/ is used.
#pragma once

#include "model/x86/access.h"
#include "model/x86/registers.h"
#include "spec/statement/tables.h"

namespace mmuref::spec {

inline constexpr int highest = 5, lowest = 1;

/// The entry at one level, and what it means for the translation.
template <class W>
struct Level {
  W address{};            ///< where the entry is
  W value{};              ///< what it holds
  Bool<W> used = false;   ///< every level above is valid and references a table
  Bool<W> maps = false;   ///< plays the role of a leaf
  Bool<W> valid = false;  ///< P=1 and no reserved bit set

  Bool<W> present() const { return (value & W{1}) == W{1}; }
  Bool<W> leaf() const { return used & valid & maps; }
  Bool<W> stops() const { return used & !valid; }
};

template <class W>
struct Statement {
  Bool<W> canonical = false;
  Level<W> levels[highest + 1];
  Bool<W> mapped = false;      ///< there is a valid translation
  Bool<W> allowed = false;     ///< and access rights permit the access
  Bool<W> key_denied = false;  ///< a protection key does not
  Bool<W> ok = false;          ///< the access completes
  W vector{};                  ///< 0, 12, 13 or 14
  W error_code{};              ///< of the exception; 0 when ok
  W physical_address{};        ///< when ok; 0 otherwise
  W level{};                   ///< of the leaf or of the entry without a translation; 0: none
  Bool<W> write = false;

  /// What memory holds at `address` after the access, where it held `before`; for a fault, what it
  /// holds if the processor defers the accessed flags to the end. SDM vol. 3, 4.8.
  W after(const W& address, const W& before) const {
    W result = before;
    for (int l = lowest; l <= highest; ++l) {
      const Bool<W> here = ok & levels[l].used & (levels[l].address == address);
      result = result | select(here, W{0x20}, W{0}) |
               select(here & levels[l].leaf() & write, W{0x40}, W{0});
    }
    return result;
  }
};

/// One bit of a word, as a Boolean.
template <class W>
Bool<W> flag(const W& value, unsigned position) {
  return ((value >> position) & W{1}) == W{1};
}

template <class W>
Bool<W> holds(When when, const x86::Processor<W>& cpu, const x86::Registers<W>& r) {
  switch (when) {
    case When::always: return true;
    case When::nxe_is_0: return !flag(r.efer, 11);
    case When::no_1gb_pages: return !cpu.page1gb;
    case When::amd: return cpu.amd;
  }
  return false;
}

/// Whether some row reserves a bit that `e` has set.
template <class W>
Bool<W> reserved(int level, const W& e, const Bool<W>& maps, const x86::Processor<W>& cpu,
                 const x86::Registers<W>& r) {
  Bool<W> any = false;
  for (const ReservedRow& row : reserved_rows) {
    if (row.level != 0 && row.level != level) continue;
    const Bool<W> role = row.role == Role::any         ? Bool<W>(true)
                         : row.role == Role::maps_page ? maps
                                                       : !maps;
    const unsigned low = row.low == maxphyaddr ? 32 : row.low;
    for (unsigned b = low; b <= row.high; ++b) {
      const Bool<W> counts = row.low == maxphyaddr ? W{b} >= cpu.maxphyaddr : Bool<W>(true);
      any = any | (role & holds(row.when, cpu, r) & counts & flag(e, b));
    }
  }
  return any;
}

template <class W>
Bool<W> matches(Is is, const Bool<W>& value) {
  return is == Is::any ? Bool<W>(true) : is == Is::one ? value : !value;
}

/// What the rows of `allowed_rows` look at.
template <class W>
struct RightsInput {
  Bool<W> user_mode, user_address, read, write, fetch;
  Bool<W> wp, smap, ac, smep, nxe, rw, xd;
};

/// For an access to an address whose entries together have these U/S, R/W and XD.
template <class W>
RightsInput<W> rights_input(const x86::Registers<W>& r, const x86::Access<W>& a, const Bool<W>& us,
                            const Bool<W>& rw, const Bool<W>& xd) {
  RightsInput<W> in{};
  in.user_mode = a.cpl3 & !a.implicit;
  in.user_address = us;
  in.read = !(a.write | a.fetch);
  in.write = a.write;
  in.fetch = a.fetch;
  in.wp = flag(r.cr0, 16);
  in.smap = flag(r.cr4, 21);
  in.ac = a.ac & !a.implicit;
  in.smep = flag(r.cr4, 20);
  in.nxe = flag(r.efer, 11);
  in.rw = rw;
  in.xd = xd;
  return in;
}

template <class W>
Bool<W> row_allows(const AllowedRow& row, const RightsInput<W>& in) {
  const If& when = row.conditions;
  const Bool<W> kind = row.kind == Kind::read    ? in.read
                       : row.kind == Kind::write ? in.write
                                                 : in.fetch;
  return kind & (in.user_mode == Bool<W>(row.mode == Mode::user)) &
         (in.user_address == Bool<W>(row.address == Address::user)) & matches<W>(when.wp, in.wp) &
         matches<W>(when.smap, in.smap) & matches<W>(when.ac, in.ac) &
         matches<W>(when.smep, in.smep) & matches<W>(when.nxe, in.nxe) &
         matches<W>(when.rw, in.rw) & matches<W>(when.xd, in.xd);
}

/// SDM vol. 3, 4.6.2, for the register that governs this address: bit 2i (AD) or bit 2i+1 (WD) of
/// key i. Said by listing all 16 keys.
template <class W>
Bool<W> key_forbids(const W& key_register, const W& key, const RightsInput<W>& in) {
  Bool<W> forbids = false;
  for (unsigned i = 0; i < 16; ++i) {
    const Bool<W> ad = flag(key_register, 2 * i), wd = flag(key_register, 2 * i + 1);
    forbids =
        forbids | ((key == W{i}) & !in.fetch & (ad | (wd & in.write & (in.user_mode | in.wp))));
  }
  return forbids;
}

/// Whether the key of a leaf forbids the access: PKRU governs user-mode addresses with CR4.PKE,
/// IA32_PKRS supervisor-mode ones with CR4.PKS.
template <class W>
Bool<W> key_denies_access(const x86::Registers<W>& r, const W& key, const RightsInput<W>& in) {
  return (flag(r.cr4, 22) & in.user_address & key_forbids(r.pkru, key, in)) |
         (flag(r.cr4, 24) & !in.user_address & key_forbids(r.pkrs, key, in));
}

/// Fills `s.levels` for 5- and 4-level paging at once: level 5 is used only with CR4.LA57.
template <class W, class Memory>
void state_levels(Statement<W>& s, const x86::Processor<W>& cpu, const x86::Registers<W>& r,
                  const W& va, const Memory& memory) {
  const Bool<W> la57 = flag(r.cr4, 12);
  const W below_maxphyaddr = (W{1} << cpu.maxphyaddr) - W{1};
  const auto frame = [&](const W& word) { return ((word & below_maxphyaddr) >> 12u) << 12u; };

  for (int l = highest; l >= lowest; --l) {
    Level<W>& level = s.levels[l];
    const W index = (va >> (12u + 9u * static_cast<unsigned>(l - 1))) & W{511};
    W table = frame(r.cr3);
    if (l == highest) {
      level.used = s.canonical & la57;
    } else {
      const Level<W>& above = s.levels[l + 1];
      const Bool<W> descended = above.used & above.valid & !above.maps;
      level.used = l == 4 ? (s.canonical & !la57) | descended : descended;
      table = l == 4 ? select(la57, frame(above.value), table) : frame(above.value);
    }
    level.address = table + index * W{8};
    level.value = memory.read(level.address);
    level.maps = l == 1 ? Bool<W>(true) : l <= 3 ? flag(level.value, 7) : Bool<W>(false);
    level.valid = level.present() & !reserved(l, level.value, level.maps, cpu, r);
  }
}

/// Whether every (R/W, U/S) or some (XD) used entry has bit `position` set.
template <class W>
Bool<W> every_used(const Statement<W>& s, unsigned position) {
  Bool<W> all = true;
  for (int l = lowest; l <= highest; ++l)
    all = all & ((!s.levels[l].used) | flag(s.levels[l].value, position));
  return all;
}
template <class W>
Bool<W> some_used(const Statement<W>& s, unsigned position) {
  Bool<W> any = false;
  for (int l = lowest; l <= highest; ++l)
    any = any | (s.levels[l].used & flag(s.levels[l].value, position));
  return any;
}

/// SDM vol. 3, 4.6: `mapped`, `allowed`, `key_denied`, `ok`.
template <class W>
void state_rights(Statement<W>& s, const x86::Registers<W>& r, const x86::Access<W>& a,
                  const RightsInput<W>& in) {
  W key{0};
  for (int l = lowest; l <= highest; ++l) {
    s.mapped = s.mapped | s.levels[l].leaf();
    key = select(s.levels[l].leaf(), (s.levels[l].value >> 59u) & W{15}, key);
  }
  Bool<W> listed = false;
  for (const AllowedRow& row : allowed_rows) listed = listed | row_allows(row, in);

  s.key_denied = s.mapped & key_denies_access(r, key, in);
  s.allowed = s.mapped & listed & !s.key_denied;
  s.ok = s.allowed;
  s.write = a.write;
}

/// SDM vol. 3, 4.7: the vector, and the error code flag by flag.
template <class W>
void state_fault(Statement<W>& s, const x86::Access<W>& a, const RightsInput<W>& in) {
  Bool<W> not_present = false, reserved_set = false;
  for (int l = lowest; l <= highest; ++l) {
    not_present = not_present | (s.levels[l].stops() & !s.levels[l].present());
    reserved_set = reserved_set | (s.levels[l].stops() & s.levels[l].present());
  }
  const Bool<W> page_fault = s.canonical & !s.ok;
  s.vector = select(page_fault, W{14}, select(s.ok, W{0}, select(a.stack, W{12}, W{13})));

  const auto code = [&](const Bool<W>& set, std::uint64_t value) {
    return select(page_fault & set, W{value}, W{0});
  };
  s.error_code = code(!not_present, 0x01) | code(in.write, 0x02) | code(in.user_mode, 0x04) |
                 code(reserved_set, 0x08) | code(in.fetch & (in.nxe | in.smep), 0x10) |
                 code(s.key_denied, 0x20);
}

/// The page a leaf maps, and where in it `va` falls.
template <class W>
void state_address(Statement<W>& s, const x86::Processor<W>& cpu, const W& va) {
  for (int l = lowest; l <= highest; ++l) {
    const Level<W>& level = s.levels[l];
    s.level = select(level.stops() | level.leaf(), W{static_cast<unsigned>(l)}, s.level);
    if (l > 3) continue;
    const W size{std::uint64_t{1} << (12u + 9u * static_cast<unsigned>(l - 1))};
    const W page = ((level.value & ((W{1} << cpu.maxphyaddr) - W{1})) / size) * size;
    s.physical_address = select(s.ok & level.leaf(), page + va % size, s.physical_address);
  }
}

/// The answer for one access. `memory.read(address)` gives 8 bytes.
template <class W, class Memory>
Statement<W> state(const x86::Processor<W>& cpu, const x86::Registers<W>& r,
                   const x86::Access<W>& a, const Memory& memory) {
  Statement<W> s;
  // All bits from 63 down to the highest significant one are zero, or all are one.
  const W top48 = a.va >> 47u, top57 = a.va >> 56u;
  const Bool<W> la57 = flag(r.cr4, 12);
  s.canonical = (la57 & ((top57 == W{0}) | (top57 == W{0xff}))) |
                ((!la57) & ((top48 == W{0}) | (top48 == W{0x1ffff})));
  state_levels(s, cpu, r, a.va, memory);

  const auto in = rights_input(r, a, every_used(s, 2), every_used(s, 1), some_used(s, 63));
  state_rights(s, r, a, in);
  state_fault(s, a, in);
  state_address(s, cpu, a.va);
  return s;
}

}  // namespace mmuref::spec
