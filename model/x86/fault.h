// Exceptions an access can raise, and the page-fault error code.
//
// SDM vol. 3, "Page-Fault Exceptions" (4.7); vol. 1, "Canonical Addressing" (3.3.7.1).
#pragma once

#include "model/x86/access.h"
#include "model/x86/paging.h"

namespace mmuref::x86 {

enum class Outcome : unsigned char {
  translated,
  page_fault,          ///< #PF, vector 14
  general_protection,  ///< #GP(0), vector 13
  stack_fault,         ///< #SS(0), vector 12
};

/// The exception vector; 0 for an access that translates.
constexpr int vector(Outcome outcome) {
  switch (outcome) {
    case Outcome::page_fault: return 14;
    case Outcome::general_protection: return 13;
    case Outcome::stack_fault: return 12;
    case Outcome::translated: break;
  }
  return 0;
}

namespace pfec {
inline constexpr std::uint64_t P = bit(0), WR = bit(1), US = bit(2), RSVD = bit(3), ID = bit(4),
                               PK = bit(5), SS = bit(6), HLAT = bit(7), SGX = bit(15);
}

/// Why there is a page fault, as far as the error code tells.
template <class W>
struct FaultCause {
  Bool<W> present = false;   ///< the translation failed for another reason than P=0
  Bool<W> reserved = false;  ///< a reserved bit was set
  Bool<W> key = false;       ///< a protection key denied the access
};

/// W/R, U/S and I/D describe the access, P, RSVD and PK the cause. SS, HLAT and SGX stay 0: shadow
/// stacks, hypervisor-managed linear-address translation and enclaves are outside the model.
template <class W>
constexpr W error_code(const Paging<W>& p, const Access<W>& a, const FaultCause<W>& cause) {
  const auto flag = [](const Bool<W>& set, std::uint64_t value) {
    return select(set, W{value}, W{0});
  };
  return flag(cause.present, pfec::P) | flag(a.write, pfec::WR) | flag(user_mode(a), pfec::US) |
         flag(cause.reserved, pfec::RSVD) | flag(a.fetch & (p.nxe | p.smep), pfec::ID) |
         flag(cause.key, pfec::PK);
}

}  // namespace mmuref::x86
