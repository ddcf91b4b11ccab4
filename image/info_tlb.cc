#include "image/info_tlb.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "image/error.h"

namespace mmuref::image {
namespace {

using namespace x86::entry;

/// The flags in QEMU's order, as letters.
std::string leaf_flags(const Mapping& m) {
  struct Flag {
    char letter;
    bool set;
  };
  const Flag flags[] = {{'X', has(m.entry, XD)},  {'G', has(m.entry, G)},  {'P', m.level > 1},
                        {'D', has(m.entry, D)},   {'A', has(m.entry, A)},  {'C', has(m.entry, PCD)},
                        {'T', has(m.entry, PWT)}, {'U', has(m.entry, US)}, {'W', has(m.entry, RW)}};
  std::string text;
  for (const Flag& f : flags) text += f.set ? f.letter : '-';
  return text;
}

struct Collect {
  std::map<std::string, Mapping, std::less<>> lines;
  std::vector<std::string>* differences;

  void mapping(const Mapping& m) { lines.emplace(info_tlb_line(m), m); }
  void broken(const Broken& b) {
    differences->push_back(
        fmt::format("the level-{} entry at {:#x} maps nothing: {}", b.level, b.address,
                    b.rule == x86::Rule::translated ? "its table is not in the image"
                                                    : x86::text(b.rule).says));
  }
};

/// Whether a supervisor read of `va` reaches `pa`. AC is set: SMAP does not matter to `info tlb`.
bool walks_to(const x86::Paging<Word>& paging, const Image& image, Word va, Word pa) {
  const auto w = x86::walk(paging, x86::Access<Word>{.va = va, .ac = true}, image);
  return w.outcome == x86::Outcome::translated && w.physical_address == pa;
}

}  // namespace

std::string info_tlb_line(const Mapping& m) {
  return fmt::format("{:016x}: {:016x} {}", m.va, m.pa, leaf_flags(m));
}

InfoTlbComparison compare_info_tlb(const Image& image, std::string_view text) {
  InfoTlbComparison result;
  const auto paging = x86::paging(x86::Processor<Word>{}, image.registers());
  Collect ours{{}, &result.differences};
  constexpr Word max_tables = 1u << 20;
  if (!maps(paging, image, ours, max_tables).complete) {
    result.differences.push_back("the tables are too many to be a running system's");
  }
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty()) continue;
    ++result.mappings;
    const auto found = ours.lines.find(line);
    if (found == ours.lines.end()) {
      result.differences.push_back(fmt::format("QEMU maps \"{}\"; maps does not", line));
      continue;
    }
    const Mapping& m = found->second;
    const Word last = m.size - 1;
    if (walks_to(paging, image, m.va, m.pa) && walks_to(paging, image, m.va + last, m.pa + last)) {
      ++result.walks;
    } else {
      result.differences.push_back(fmt::format("QEMU maps \"{}\"; the walk does not", line));
    }
    ours.lines.erase(found);
  }
  for (const auto& [line, mapping] : ours.lines) {
    result.differences.push_back(fmt::format("maps has \"{}\"; QEMU does not", line));
  }
  return result;
}

InfoTlbComparison compare_linux61(const std::string& folder) {
  const Image image = Image::open(folder + "/pagetables.core");
  const MappedFile file{folder + "/info-tlb.txt"};
  const auto bytes = file.bytes();
  auto result =
      compare_info_tlb(image, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  if (result.mappings != linux61_mappings) {
    result.differences.push_back(fmt::format("{}/info-tlb.txt has {} mappings; expected {}", folder,
                                             result.mappings, linux61_mappings));
  }
  return result;
}

}  // namespace mmuref::image
