// Any bytes as an image: they are refused in one line; or the image holds what its file says, read
// here once more, and its mappings are those of the specification.
#include "image/image.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <map>
#include <span>
#include <string_view>

#include "fuzz/require.h"
#include "fuzz/rule_report.h"
#include "image/error.h"
#include "image/maps.h"
#include "image/ranges.h"

namespace {

using namespace mmuref;
using fuzz::require;
using image::Word;
using Bytes = std::span<const std::byte>;

template <class T>
T at(Bytes bytes, Word offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

/// The first, the middle and the last word of `bytes`, which the file says are at `address`.
void lies_at(const image::Image& image, Bytes bytes, Word address) {
  const Word first = -address & 7;
  if (bytes.size() < first + 8) return;
  const Word last = (bytes.size() - first - 8) & ~Word{7};
  for (const Word offset : {first, first + (last / 2 & ~Word{7}), first + last}) {
    require(image.read(address + offset) == at<Word>(bytes, offset),
            "a word is where it should be");
    require(image.memory().present(address + offset), "and it is present");
  }
}

/// Bytes by physical address.
using Placed = std::map<Word, std::byte>;

/// A word of which each byte is known, wherever the file has it.
void holds_words(const image::Image& image, const Placed& placed) {
  for (auto from = placed.begin(); from != placed.end(); ++from) {
    const Word address = from->first;
    std::array<std::byte, 8> bytes{};
    std::size_t known = 0;
    for (auto next = from; next != placed.end() && known < 8; ++next) {
      if (next->first != address + known) break;
      bytes[known++] = next->second;
    }
    if (address % 8 == 0 && known == 8)
      require(image.read(address) == at<Word>(bytes, 0), "a word in pieces");
  }
}

/// System V ABI: 64-byte header with e_phoff at 0x20 and e_phnum at 0x38; program headers of 56
/// bytes with p_type, p_offset at 8, p_paddr at 24, p_filesz at 32.
void holds_its_segments(const image::Image& image, Bytes file) {
  constexpr std::uint32_t load = 1;
  constexpr Word max_headers = 100;
  const Word count = std::min<Word>(at<std::uint16_t>(file, 0x38), max_headers);
  Placed ends;  // of the segments, where a word may lie in several
  for (Word i = 0; i < count; ++i) {
    const Bytes header = file.subspan(at<Word>(file, 0x20)).subspan(i * 56, 56);
    if (at<std::uint32_t>(header, 0) != load) continue;
    const Bytes bytes = file.subspan(at<Word>(header, 8), at<Word>(header, 32));
    const auto address = at<Word>(header, 24);
    lies_at(image, bytes, address);
    for (Word n = 0; n < std::min<Word>(8, bytes.size()); ++n) {
      const Word last = bytes.size() - 1 - n;
      ends.emplace(address + n, bytes[n]);
      ends.emplace(address + last, bytes[last]);
    }
  }
  holds_words(image, ends);
}

void holds_its_file(const image::Image& image, Bytes file) {
  constexpr std::uint16_t count_elsewhere = 0xffff;
  if (image.format() == image::Format::raw) return lies_at(image, file, 0);
  if (at<std::uint16_t>(file, 0x38) != count_elsewhere) holds_its_segments(image, file);
}

/// Holds each mapping to the specification and to the walk of its address, as long as there are
/// few.
struct Checker {
  const x86::Processor<Word>& cpu;
  const image::Image& image;
  const x86::Paging<Word>& paging;
  int left = 2000;
  image::RangeMerger merger;
  Word bytes = 0, merged = 0;
  std::map<Word, Word> mapped;  ///< first and last address of each mapping

  /// Supervisor mode, reading with AC=1: only the tables decide.
  static x86::Access<Word> access(Word va) { return {.va = va, .ac = true}; }
  auto state(Word va) const {
    const diff::Case question{.machine = {.cpu = cpu, .registers = image.registers()},
                              .access = access(va)};
    const auto s = spec::state(cpu, image.registers(), access(va), image);
    fuzz::note(diff::exercised(question, s));
    return s;
  }
  auto walk(Word va) const { return x86::walk(paging, access(va), image); }
  void mapping(const image::Mapping& m) {
    bytes += m.size;
    mapped.emplace(m.va, m.va + (m.size - 1));
    if (const auto range = merger.add(m)) merged += range->size();
    if (left-- <= 0) return;
    const Word va = m.va + m.size - 8, pa = m.pa + m.size - 8;
    const auto w = walk(va);
    require(w.outcome == x86::Outcome::translated, "a mapping translates");
    require(w.physical_address == pa, "a mapping and the walk give one address");
    require(w.level == m.level && w.last().value == m.entry, "they end at one leaf");
    const auto s = state(va);
    require(s.mapped && static_cast<int>(s.level) == m.level, "the specification maps it");
    require(!s.ok || s.physical_address == pa, "at this address");
    grants(m, s);
  }
  void grants(const image::Mapping& m, const spec::Statement<Word>& s) const {
    require(m.rights.user() == spec::every_used(s, 2), "user-mode where every entry has U/S=1");
    require(m.rights.writable() == spec::every_used(s, 1), "writable where every one has R/W=1");
    require(m.rights.execute_disable() == spec::some_used(s, 63), "no fetches where one has XD=1");
  }
  void broken(const image::Broken& b) {
    if (left-- <= 0) return;
    const auto s = state(b.va);
    if (b.rule == x86::Rule::translated) {
      const bool below = static_cast<int>(s.level) == b.level - 1 && !s.mapped;
      return require(below, "a table that is absent holds nothing");
    }
    const auto w = walk(b.va);
    require(w.rule == b.rule && w.level == b.level, "a broken entry faults in the walk");
    require(!s.ok && (s.error_code & 8) != 0, "by a reserved bit");
    require(static_cast<int>(s.level) == b.level, "of its level");
  }

  bool covers(Word va) const {
    const auto after = mapped.upper_bound(va);
    return after != mapped.begin() && va <= std::prev(after)->second;
  }

  /// Addresses on the way through the first and the last entry in use of each table: those that
  /// the specification maps are in some mapping.
  void all_are_found(Word table, int level, Word va) {
    constexpr Word frame = bits(51, x86::page_shift);
    Word last = 0;
    for (Word index = 512; index-- > 0 && last == 0;)
      if ((image.read(table + 8 * index) & 1) != 0) last = index;
    Word first = 0;
    while (first < last && (image.read(table + 8 * first) & 1) == 0) ++first;
    for (const Word index : {first, last}) {
      const Word next = va | index << (3 + 9 * level);
      if (level > 1) {
        all_are_found(image.read(table + 8 * index) & frame, level - 1, next);
      } else {
        const unsigned unused = 64 - x86::linear_width(paging.levels());
        const auto canonical =
            static_cast<Word>(static_cast<std::int64_t>(next << unused) >> unused);
        require(!state(canonical).mapped || covers(canonical), "what is mapped is found");
      }
    }
  }
};

void use(const image::Image& image, Bytes file) {
  holds_its_file(image, file);
  const x86::Processor<Word> cpu{.maxphyaddr = 46};
  const auto paging = x86::paging(cpu, image.registers());
  for (const image::Segment& s : image.memory().segments()) {
    const Word first = s.address & ~Word{7}, last = (s.end() - 8) & ~Word{7};
    for (const Word address : {first, last, first - 8, last + 8}) {
      const Word value = image.read(address);
      require(image.present(address) || value == 0, "absent memory reads 0");
    }
  }
  Checker checker{.cpu = cpu, .image = image, .paging = paging, .merger = {}, .mapped = {}};
  const auto end = image::maps(paging, image, checker, 64);
  if (const auto range = checker.merger.finish()) checker.merged += range->size();
  require(checker.merged == checker.bytes, "ranges hold what they were made of");
  if (end.complete) checker.all_are_found(paging.table_base, paging.levels(), 0);
  require(end.complete || end.tables == 64, "the visit ends at its limit or at the end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes{reinterpret_cast<const std::byte*>(data), size};
  for (const image::Given& given :
       {image::Given{}, image::Given{.cr0 = {}, .cr3 = 0x1000, .cr4 = 0x20, .efer = 0xd00}}) {
    try {
      use(image::Image::view(bytes, "input", given), bytes);
    } catch (const image::Error& e) {
      fuzz::require_line(e.what(), "input: ");
    }
  }
  return 0;
}
