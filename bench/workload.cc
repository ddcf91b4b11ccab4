#include "bench/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <stdexcept>

#include "bench/addrxlat_walker.h"
#include "bench/bare_walk.h"
#include "image/error.h"
#include "image/info_tlb.h"

namespace mmuref::bench {
namespace {

std::vector<Translation> read_translations(const std::string& path, std::mt19937_64& random) {
  std::ifstream file(path);
  std::vector<Translation> translations;
  Word va = 0, pa = 0;
  char colon = 0;
  std::string flags;
  while (file >> std::hex >> va >> colon >> pa >> flags) {
    const bool large = flags.at(2) == 'P';
    const Word offset = random() & bits(large ? 20 : 11, 0);
    translations.push_back({va + offset, pa + offset});
  }
  if (translations.size() != image::linux61_mappings) {
    throw image::Error(fmt::format("{}: {} mappings; expected {}", path, translations.size(),
                                   image::linux61_mappings));
  }
  std::shuffle(translations.begin(), translations.end(), random);
  return translations;
}

void expect(const char* walker, const Translation& t, Word pa) {
  if (pa == t.pa) return;
  throw std::runtime_error(
      fmt::format("{} translates {:#x} to {:#x}, QEMU to {:#x}", walker, t.va, pa, t.pa));
}

template <class Memory>
void check_walkers(const Workload& workload, const Memory& memory, AddrxlatWalker& addrxlat) {
  for (const Translation& t : workload.translations) {
    x86::Access<Word> access = permitted_access();
    access.va = t.va;
    const auto walk = x86::walk(workload.paging, access, memory);
    if (walk.outcome != x86::Outcome::translated) {
      throw std::runtime_error(fmt::format("walk faults at {:#x}: {}", t.va, text(walk.rule).says));
    }
    expect("walk", t, walk.physical_address);
    expect("the bare walk", t, bare_walk(workload.paging.table_base, t.va, memory));
    const auto pa = addrxlat.translate(t.va);
    if (!pa) throw std::runtime_error(fmt::format("addrxlat fails at {:#x}", t.va));
    expect("addrxlat", t, *pa);
  }
}

}  // namespace

Workload load_workload(const std::string& folder, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  auto image = image::Image::open(folder + "/pagetables.core");
  FlatMemory flat(image.memory());
  const auto paging = x86::paging(x86::Processor<Word>{}, image.registers());
  return {std::move(image), std::move(flat), paging,
          read_translations(folder + "/info-tlb.txt", random)};
}

void check_agreement(const Workload& workload) {
  const Word root = workload.paging.table_base;
  AddrxlatWalker over_flat(root, segments(workload.flat));
  check_walkers(workload, workload.flat, over_flat);
  AddrxlatWalker over_image(root, workload.image.memory().segments());
  check_walkers(workload, workload.image, over_image);
}

std::vector<image::Segment> segments(const FlatMemory& memory) {
  return {{0, memory.size(), static_cast<const std::byte*>(memory.data())}};
}

}  // namespace mmuref::bench
