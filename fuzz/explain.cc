// Any entry at any level: its fields cover it, and the walk takes it for what they say.
//
// Input: 8 bytes of entry, one of level, one of MAXPHYADDR, one of flags.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "fuzz/mutator.h"
#include "fuzz/require.h"
#include "image/entry_fields.h"
#include "model/x86/walk.h"

namespace {

using namespace mmuref;
using fuzz::require;
using image::EntryFields;
using image::Word;

constexpr std::size_t input_bytes = 11;

/// Of a flag, as `image::flag_letters` has them; that of bit 7 says PS where the bit is no PAT.
constexpr std::pair<std::string_view, char> letters[] = {
    {"XD", 'X'},  {"G", 'G'},   {"PAT", 'M'}, {"PS", 'L'},  {"D", 'D'}, {"A", 'A'},
    {"PCD", 'C'}, {"PWT", 'T'}, {"U/S", 'U'}, {"R/W", 'W'}, {"P", 'P'}};

/// Each flag that is set has its letter, and no other letter is there but for bit 7, reserved.
void spelled(const EntryFields& f, Word entry, int level) {
  const std::string text = image::flag_letters(entry, level);
  require(text.size() == std::size(letters), "eleven letters");
  if (f.role == image::Role::not_present) return;
  std::string_view rest = text;
  for (const auto& [name, letter] : letters) {
    const auto is = [name = name](const image::Field& field) {
      return field.kind == image::FieldKind::flag && field.name == name && field.value == 1;
    };
    const bool set = std::any_of(f.fields.begin(), f.fields.end(), is) ||
                     (name == "PS" && level > x86::max_leaf_level && (entry & 0x80) != 0);
    require(rest.front() == (set ? letter : '-'), "a letter for each flag that is set");
    rest.remove_prefix(1);
  }
}

/// SDM vol. 3, 4.9.2: the PAT is bit 7 of a PTE, bit 12 of a larger page's entry, none of a
/// table's.
unsigned pat_index(Word entry, int level, bool page) {
  const unsigned pat = page && (entry >> (level == 1 ? 7 : 12) & 1) != 0 ? 4 : 0;
  return pat + static_cast<unsigned>(entry >> 3 & 3);
}

/// Tables that reference each other by their level, down to the entry in question: the walk of
/// address 0 reads `entry` at `level`.
struct OneEntry {
  Word entry;
  int level;
  Word base(int l) const { return static_cast<Word>(l) << 12; }
  Word read(Word address) const {
    if (address == base(level)) return entry;
    for (int l = x86::max_level; l > level; --l) {
      if (address == base(l)) return base(l - 1) | 7;
    }
    return 0;
  }
};

void covers(const EntryFields& f, Word entry) {
  int next = 63;
  Word rebuilt = 0;
  bool broken = false;
  for (const image::Field& field : f.fields) {
    require(static_cast<int>(field.high) == next && field.low <= field.high, "no gap, no overlap");
    next = static_cast<int>(field.low) - 1;
    rebuilt |= field.kind == image::FieldKind::address ? field.value : field.value << field.low;
    broken |= field.broken != x86::Rule::translated;
    require(!field.meaning.empty(), "every field has a meaning");
  }
  require(next == -1, "the fields end at bit 0");
  require(rebuilt == entry, "the fields hold the whole entry");
  require(broken == (f.reserved != 0), "a field is broken where a reserved bit is set");
}

void agrees_with_the_walk(const EntryFields& f, Word entry, int level,
                          const x86::Processor<Word>& cpu, bool nxe) {
  const OneEntry memory{entry, level};
  const Word cr4 = x86::cr4::PAE | x86::cr4::LA57;
  const auto paging = x86::paging(
      cpu, {.cr3 = memory.base(x86::max_level), .cr4 = cr4, .efer = nxe ? x86::efer::NXE : 0});
  const auto w = x86::walk(paging, x86::Access<Word>{}, memory);
  switch (f.role) {
    case image::Role::not_present:
      require(w.level == level && w.rule == x86::Rule::not_present, "not present");
      break;
    case image::Role::table:
    case image::Role::page:
      require(f.pat_index == pat_index(entry, level, f.role == image::Role::page), "PAT, PCD, PWT");
      if (f.reserved != 0) {
        require(w.level == level && has(w.error_code, x86::pfec::RSVD), "reserved");
      } else if (f.role == image::Role::page) {
        require(w.level == level && w.physical_address == f.target, "the page");
        require(f.page_size == Word{1} << (3 + 9 * level), "4 KiB, 2 MiB or 1 GiB");
      } else {
        const int next = x86::max_level - level + 1;
        require(w.count > next && w.steps[next].address == f.target, "the table");
      }
      break;
  }
}

#ifdef MMUREF_FUZZING_ENGINE
/// A bit of the entry, mostly one that has a meaning; another level, width or processor.
std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t max_size,
                   diff::Random& random) {
  if (max_size < input_bytes) return size;
  if (size < input_bytes) std::memset(data + size, 0, input_bytes - size);
  constexpr std::array<unsigned, 16> meant{0, 1, 2, 5, 6, 7, 8, 12, 13, 20, 21, 29, 30, 51, 52, 63};
  const auto flip = [&](unsigned bit_of) {
    data[bit_of / 8] = static_cast<std::uint8_t>(data[bit_of / 8] ^ 1u << bit_of % 8);
  };
  switch (random.below(4)) {
    case 0: flip(random.below(64)); break;
    case 1: data[8 + random.below(2)] = static_cast<std::uint8_t>(random.below(105)); break;
    case 2: flip(80 + random.below(3)); break;
    default: flip(random.pick(meant)); break;
  }
  return input_bytes;
}
#endif

}  // namespace

MMUREF_MUTATOR(mutate);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < input_bytes) return 0;
  Word entry;
  std::memcpy(&entry, data, sizeof entry);
  const int level = 1 + data[8] % x86::max_level;
  const bool nxe = data[10] & 1;
  const x86::Processor<Word> cpu{
      .maxphyaddr = 32 + data[9] % 21u, .page1gb = (data[10] & 2) != 0, .amd = (data[10] & 4) != 0};
  const EntryFields f = image::entry_fields(entry, level, cpu, nxe);
  covers(f, entry);
  agrees_with_the_walk(f, entry, level, cpu, nxe);
  spelled(f, entry, level);
  return 0;
}
