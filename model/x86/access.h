// One access to one linear address.
#pragma once

#include "model/word.h"

namespace mmuref::x86 {

/// SDM vol. 3, "Access Rights" (4.6). The access is to bytes of a single page; one that crosses a
/// page is two accesses. At most one of `write` and `fetch` is set; with neither it is a data read.
template <class W>
struct Access {
  W va = 0;                  ///< the linear address
  Bool<W> write = false;     ///< a data write, or the write of a read-modify-write
  Bool<W> fetch = false;     ///< an instruction fetch
  Bool<W> cpl3 = false;      ///< CPL is 3
  Bool<W> ac = false;        ///< EFLAGS.AC
  Bool<W> implicit = false;  ///< to a system structure (GDT, LDT, IDT, TSS …), whatever the CPL
  Bool<W> stack = false;     ///< through SS: a non-canonical address is #SS instead of #GP
};

/// "User-mode access": CPL is 3 and the access is not implicit; all others are supervisor-mode.
template <class W>
constexpr Bool<W> user_mode(const Access<W>& a) {
  return a.cpl3 & !a.implicit;
}

}  // namespace mmuref::x86
