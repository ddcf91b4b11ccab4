// Bytes as one access on one address space. Any bytes are one, and any change of a few of them is a
// change that software could make: of an entry's flag, of the level it is read at, of a register.
//
// 24 bytes of processor, registers and access, then up to `max_records` entries of 12 bytes:
//
//   0     MAXPHYADDR - 32, modulo 21
//   1     1: 1-GByte pages, 2: AMD, 4: the address is sign-extended
//   2-3   WP, PGE, LA57, PCIDE, SMEP, SMAP, PKE, PKS, NXE, from bit 0
//   4     bits 1:0: read, write, fetch, read; 4: CPL 3, 8: AC, 16: implicit, 32: through SS
//   5-7   which table is the root; the low 12 bits of CR3
//   8-15  PKRU, PKRS
//   16-23 the linear address
//
//   0-1   of an entry: bits 8:0 its index; bits 11:9, if 1 to 5: the index that the address has at
//         that level instead
//   2     which table it is in
//   3     if bit 3 is set, it references the table of bits 2:0
//   4-11  its value
//
// Words are little-endian. What an access cannot be (a fetch through SS) is dropped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "diff/domain.h"
#include "diff/random.h"

namespace mmuref::fuzz {

inline constexpr std::size_t header_bytes = 24, record_bytes = 12, max_records = 16;
inline constexpr std::size_t max_space_bytes = header_bytes + max_records * record_bytes;

/// Where table `slot` (0..7) lies with this MAXPHYADDR: six low ones, one at half of physical
/// memory, one at its end.
std::uint64_t table_address(unsigned slot, std::uint64_t maxphyaddr);

/// Fills `out` anew; its buffers are reused. Processor and registers that `domain` has not are
/// replaced by some that it has.
void decode(std::span<const std::uint8_t> bytes, const diff::Domain& domain, diff::Case& out);

/// The bytes of a case whose entries lie in those tables.
std::vector<std::uint8_t> encode(const diff::Case& c);

/// Makes one change in place and returns the new size, at most `max_size`.
std::size_t mutate_space(std::uint8_t* data, std::size_t size, std::size_t max_size,
                         diff::Random& random);

}  // namespace mmuref::fuzz
