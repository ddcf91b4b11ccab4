#include "bench/addresses.h"

#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "model/linux/address.h"

namespace mmuref::bench {
namespace {

using Word = std::uint64_t;
using lnx::AddressSpace;

constexpr std::uint64_t seed = 1;
constexpr lnx::Kernel k = lnx::kernel(lnx::v6_12);
constexpr Word S = lnx::START_KERNEL_map, memory = bit(33);

/// 8 GiB of memory, all of it there at boot.
struct Sections {
  Word count = memory >> lnx::SECTION_SIZE_BITS;
  bool has_mem_map(Word nr) const { return nr < count; }
  bool early(Word) const { return true; }
  bool has_subsection(Word, Word) const { return false; }
};

/// Addresses of the direct map, and one in eight of the image.
std::vector<Word> addresses() {
  std::mt19937_64 random(seed);
  std::vector<Word> all(4096);
  for (Word& x : all)
    x = random() % 8 == 0 ? S + random() % bit(26) : k.page_offset_base + random() % memory;
  return all;
}

Word plain_pa(const AddressSpace<Word>& s, Word x) {
  const Word y = x - S;
  return y + (x > y ? s.phys_base : S - s.page_offset);
}
Word plain_page_address(const AddressSpace<Word>& s, Word page) {
  return (static_cast<Word>(static_cast<std::int64_t>(page - s.vmemmap) >> 6) << 12) +
         s.page_offset;
}
bool plain_valid(const AddressSpace<Word>& s, const Sections& sections, Word x) {
  const Word y = x - S;
  Word physical = 0;
  if (x > y) {
    physical = y + s.phys_base;
    if (y >= k.kernel_image_size) return false;
  } else {
    physical = y + (S - s.page_offset);
    if (physical > y || physical >> s.phys_bits != 0) return false;
  }
  const Word nr = physical >> 27;
  return nr < bit(19) && sections.has_mem_map(nr) && sections.early(nr);
}

template <class Function>
void add(const char* name, Function function) {
  const auto run = [function](benchmark::State& state) {
    const std::vector<Word> all = addresses();
    auto s = lnx::default_address_space<Word>(k);
    s.phys_base = 0x1c0'0000;
    Sections sections;
    benchmark::DoNotOptimize(s);
    benchmark::DoNotOptimize(sections);
    for (auto _ : state)
      for (const Word x : all) benchmark::DoNotOptimize(function(s, sections, x));
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(all.size()));
  };
  benchmark::RegisterBenchmark(name, run)->Repetitions(9)->ReportAggregatesOnly();
}

using Space = const AddressSpace<Word>&;
using Map = const Sections&;

}  // namespace

void add_addresses() {
  add("model/phys_addr_nodebug", [](Space s, Map, Word x) { return lnx::phys_addr_nodebug(s, x); });
  add("plain/phys_addr_nodebug", [](Space s, Map, Word x) { return plain_pa(s, x); });
  add("model/page_address", [](Space s, Map, Word x) { return lnx::page_address(k, s, x); });
  add("plain/page_address", [](Space s, Map, Word x) { return plain_page_address(s, x); });
  add("model/virt_addr_valid",
      [](Space s, Map m, Word x) { return lnx::virt_addr_valid(k, s, m, x).valid; });
  add("plain/virt_addr_valid", [](Space s, Map m, Word x) { return plain_valid(s, m, x); });
}

}  // namespace mmuref::bench
