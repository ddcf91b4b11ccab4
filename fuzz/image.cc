// Any bytes as an image: they are refused in one line, or everything asked of the image agrees.
#include "image/image.h"

#include <cstdint>
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

/// Holds each mapping to the walk of its address, as long as there are few.
struct Checker {
  const x86::Processor<Word>& cpu;
  const image::Image& image;
  const x86::Paging<Word>& paging;
  int left = 2000;
  image::RangeMerger merger;
  Word bytes = 0, merged = 0;

  /// Supervisor mode, reading with AC=1: only the tables decide.
  auto walk(Word va) const {
    const x86::Access<Word> access{.va = va, .ac = true};
    const diff::Case question{.machine = {.cpu = cpu, .registers = image.registers()},
                              .access = access};
    fuzz::note(diff::exercised(question, spec::state(cpu, image.registers(), access, image)));
    return x86::walk(paging, access, image);
  }
  void mapping(const image::Mapping& m) {
    bytes += m.size;
    if (const auto range = merger.add(m)) merged += range->size();
    if (left-- <= 0) return;
    const auto w = walk(m.va + m.size - 8);
    require(w.outcome == x86::Outcome::translated, "a mapping translates");
    require(w.physical_address == m.pa + m.size - 8, "a mapping and the walk give one address");
    require(w.level == m.level && w.last().value == m.entry, "they end at one leaf");
  }
  void broken(const image::Broken& b) {
    if (b.rule == x86::Rule::translated || left-- <= 0) return;
    const auto w = walk(b.va);
    require(w.rule == b.rule && w.level == b.level, "a broken entry faults in the walk");
  }
};

void use(const image::Image& image) {
  const x86::Processor<Word> cpu{.maxphyaddr = 46};
  const auto paging = x86::paging(cpu, image.registers());
  for (const image::Segment& s : image.memory().segments()) {
    const Word first = s.address & ~Word{7}, last = (s.end() - 8) & ~Word{7};
    for (const Word address : {first, last, first - 8, last + 8}) {
      const Word value = image.read(address);
      require(image.present(address) || value == 0, "absent memory reads 0");
    }
  }
  Checker checker{cpu, image, paging, 2000, {}};
  const auto end = image::maps(paging, image, checker, 64);
  if (const auto range = checker.merger.finish()) checker.merged += range->size();
  require(checker.merged == checker.bytes, "ranges hold what they were made of");
  require(end.complete || end.tables == 64, "the visit ends at its limit or at the end");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> bytes{reinterpret_cast<const std::byte*>(data), size};
  for (const image::Given& given :
       {image::Given{}, image::Given{.cr0 = {}, .cr3 = 0x1000, .cr4 = 0x20, .efer = 0xd00}}) {
    try {
      use(image::Image::view(bytes, "input", given));
    } catch (const image::Error& e) {
      const std::string_view line = e.what();
      require(line.starts_with("input: ") && line.find('\n') == line.npos, "an error is one line");
    }
  }
  return 0;
}
