// May a valid translation be used by this access?
//
// SDM vol. 3, "Determination of Access Rights" (4.6.1) and "Protection Keys" (4.6.2). The manual
// lists what is allowed; this lists what denies, one cause a line, so that an answer can name all
// of its causes. spec/ states the manual's list and a theorem says they agree.
#pragma once

#include "model/x86/access.h"
#include "model/x86/entry.h"
#include "model/x86/paging.h"
#include "model/x86/rule.h"

namespace mmuref::x86 {

/// What the entries of a walk grant together: R/W and U/S only where every entry does, XD where
/// any entry does. The order of the levels plays no part.
template <class W>
struct Rights {
  W every = ~W{0};  ///< AND of the entries
  W any = W{0};     ///< OR of the entries

  constexpr void add(const W& e) {
    every = every & e;
    any = any | e;
  }
  constexpr Bool<W> user() const { return has(every, entry::US); }
  constexpr Bool<W> writable() const { return has(every, entry::RW); }
  constexpr Bool<W> execute_disable() const { return has(any, entry::XD); }
};

/// Why an access is denied; several causes may hold at once.
template <class W>
struct Denials {
  Bool<W> user_supervisor = false;  ///< a user-mode access to a supervisor-mode address
  Bool<W> smap = false;             ///< a supervisor data access to a user-mode address
  Bool<W> smep = false;             ///< a supervisor fetch from a user-mode address
  Bool<W> read_only = false;        ///< a write where some R/W is 0
  Bool<W> execute_disable = false;  ///< a fetch where some XD is 1
  Bool<W> user_key = false;         ///< PKRU, for a user-mode address
  Bool<W> supervisor_key = false;   ///< PKRS, for a supervisor-mode address

  constexpr Bool<W> key() const { return user_key | supervisor_key; }
  constexpr Bool<W> any() const {
    return user_supervisor | smap | smep | read_only | execute_disable | key();
  }
};

/// Whether a key register (PKRU or IA32_PKRS) denies a data access. AD denies all of them; WD
/// denies writes, those of supervisor mode only with CR0.WP=1.
template <class W>
constexpr Bool<W> key_denies(const W& key_register, const W& key, const Bool<W>& write,
                             const Bool<W>& write_protected) {
  const W rights = key_register >> (key + key);
  return has(rights, bit(0)) | (has(rights, bit(1)) & write & write_protected);
}

template <class W>
constexpr Denials<W> denials(const Paging<W>& p, const Access<W>& a, const Rights<W>& r,
                             const W& leaf) {
  const Bool<W> user_access = user_mode(a);
  const Bool<W> user_page = r.user();
  const Bool<W> supervisor_page = !user_page;
  const Bool<W> write_protected = user_access | p.wp;

  Denials<W> d;
  d.user_supervisor = user_access & supervisor_page;
  if (a.fetch) {
    d.smep = p.smep & !user_access & user_page;
    d.execute_disable = p.nxe & r.execute_disable();
    return d;
  }
  const Bool<W> ac_override = a.ac & !a.implicit;
  d.smap = p.smap & !user_access & user_page & !ac_override;
  d.read_only = a.write & !r.writable() & write_protected;
  const Bool<W> keys_apply = (user_page & p.pke) | (supervisor_page & p.pks);
  if (keys_apply) {
    const W key_register = select(user_page, p.pkru, p.pkrs);
    const Bool<W> denied = key_denies(key_register, protection_key(leaf), a.write, write_protected);
    d.user_key = denied & user_page;
    d.supervisor_key = denied & supervisor_page;
  }
  return d;
}

/// The first cause, in the order the manual discusses them.
template <class W>
constexpr Rule first_denial(const Denials<W>& d) {
  if (d.user_supervisor) return Rule::user_supervisor;
  if (d.smap) return Rule::smap;
  if (d.smep) return Rule::smep;
  if (d.read_only) return Rule::read_only;
  if (d.execute_disable) return Rule::execute_disable;
  if (d.user_key) return Rule::user_key;
  return Rule::supervisor_key;
}

}  // namespace mmuref::x86
