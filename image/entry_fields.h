// A paging-structure entry field by field, in words.
//
// SDM vol. 3, 4.5.4, the tables "Format of a PML5 Entry" to "Format of a Page-Table Entry"; APM
// vol. 2, 5.3, for the bits that AMD reserves besides.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/x86/registers.h"
#include "model/x86/rule.h"

namespace mmuref::image {

using Word = std::uint64_t;

enum class Role : unsigned char { not_present, table, page };

enum class FieldKind : unsigned char {
  flag,      ///< a single bit with a meaning
  number,    ///< several bits with a meaning: the protection key
  address,   ///< bits of a physical address; `value` is that address, not shifted down
  ignored,   ///< software's own
  reserved,  ///< must be 0
};

struct Field {
  unsigned high = 0, low = 0;  ///< the bits, high ≥ low
  FieldKind kind = FieldKind::ignored;
  std::string_view name;  ///< as the manual's tables write it; empty for ignored and reserved bits
  Word value = 0;
  std::string meaning;                       ///< of this value, in words
  x86::Rule broken = x86::Rule::translated;  ///< the rule that a reserved bit breaks, if it does
};

struct EntryFields {
  Role role = Role::not_present;
  std::vector<Field> fields;  ///< from bit 63 down, each bit in one field
  Word target = 0;            ///< physical address of the table or page; 0 if not present
  Word page_size = 0;         ///< bytes, of a page
  unsigned pat_index = 0;     ///< PAT·4 + PCD·2 + PWT; a table's entry has no PAT
  Word reserved = 0;          ///< the reserved bits that are set: a walk faults with RSVD=1
  std::string_view format;    ///< title of the manual's table
};

/// Decodes the entry `e` of a `level` table (1..5).
EntryFields entry_fields(Word e, int level, const x86::Processor<Word>& cpu, bool nxe);

/// "PTE", "PDE", "PDPTE", "PML4E", "PML5E" for levels 1..5.
std::string_view entry_name(int level);

/// "4-KByte", "2-MByte", "1-GByte" for a leaf of levels 1..3.
std::string_view page_name(int level);

/// The flags of an entry as letters, '-' where clear or ignored: X execute-disable, G global, M
/// PAT, L large page (PS), D dirty, A accessed, C PCD, T PWT, U user, W writable, P present.
std::string flag_letters(Word e, int level);

/// The memory type a PAT index selects after reset. SDM vol. 3, "Page Attribute Table (PAT)".
std::string_view reset_memory_type(unsigned pat_index);

}  // namespace mmuref::image
