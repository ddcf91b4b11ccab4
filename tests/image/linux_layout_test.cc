// Every mapping of a running Linux 6.1 against the model of its layout and address arithmetic: what
// the page tables do must be what __pa, virt_to_page and the rows say.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <vector>

#include "image/image.h"
#include "image/info_tlb.h"
#include "image/maps.h"
#include "model/linux/layout.h"

namespace mmuref::image {
namespace {

using lnx::Region;

/// The bases that corpora/linux-6.1-kaslr-4level/README.md gives; MAXPHYADDR was not changed.
constexpr lnx::AddressSpace<Word> space{.page_offset = 0xffff'8ee1'8000'0000,
                                        .vmalloc = 0xffff'd272'8000'0000,
                                        .vmemmap = 0xffff'fba9'8000'0000,
                                        .phys_base = 0xffff'ffff'd840'0000,
                                        .phys_bits = 46};
constexpr lnx::Kernel k = lnx::kernel(lnx::v6_1, {.randomize_memory = true});

struct Recorder {
  std::vector<Mapping> mappings;
  void mapping(const Mapping& m) { mappings.push_back(m); }
  void broken(const Broken& b) { ADD_FAILURE() << std::hex << b.va; }
};

class LinuxLayout : public testing::Test {
 protected:
  void SetUp() override {
    const Image image =
        Image::open(MMUREF_SOURCE_DIR "/corpora/linux-6.1-kaslr-4level/pagetables.core");
    const auto paging = x86::paging<Word>({.maxphyaddr = 46}, image.registers());
    Recorder recorder;
    ASSERT_TRUE(maps(paging, image.memory(), recorder, 10000).complete);
    mappings = std::move(recorder.mappings);
  }
  static Region region(Word va) {
    static constexpr auto rows = lnx::layout(k, space);
    return static_cast<Region>(lnx::region_of(rows, va));
  }

  std::vector<Mapping> mappings;
};

TEST_F(LinuxLayout, EveryMappingLiesInARowThatHoldsMappings) {
  std::map<Region, Word> count;
  Word sum = 0;
  for (const Mapping& m : mappings) {
    const Region r = region(m.va);
    EXPECT_EQ(r, region(m.va + m.size - 1)) << std::hex << m.va;
    EXPECT_NE(r, Region::hole) << std::hex << m.va;
    EXPECT_NE(r, Region::guard) << std::hex << m.va;
    EXPECT_NE(r, Region::non_canonical) << std::hex << m.va;
    ++count[r];
    ++sum;
  }
  EXPECT_EQ(sum, linux61_mappings);
  const std::map<Region, Word> expected = {
      {Region::user, 393},    {Region::direct_map, 3641},   {Region::vmalloc, 1267},
      {Region::vmemmap, 2},   {Region::cpu_entry_area, 16}, {Region::kernel_image, 2576},
      {Region::modules, 512}, {Region::fixmap, 2}};
  EXPECT_EQ(count, expected);
}

TEST_F(LinuxLayout, PaIsWhatTheTablesMap) {
  Word direct = 0, image = 0;
  for (const Mapping& m : mappings) {
    const Region r = region(m.va);
    if (r != Region::direct_map && r != Region::kernel_image) continue;
    ++(r == Region::direct_map ? direct : image);
    for (const Word offset : {Word{0}, Word{0x123}, m.size - 1}) {
      const auto checked = lnx::phys_addr(k, space, m.va + offset);
      EXPECT_EQ(checked.value, m.pa + offset) << std::hex << m.va;
      EXPECT_FALSE(checked.bug()) << std::hex << m.va;
    }
    if (r == Region::direct_map) {
      EXPECT_EQ(lnx::va(space, m.pa), m.va);
    }
  }
  EXPECT_GT(direct, 0u);
  EXPECT_GT(image, 0u);
}

TEST_F(LinuxLayout, VmemmapMapsTheStructPagesOfMemoryAndOnlyThose) {
  // Frames the direct map maps, in sections of 2^15.
  std::set<Word> sections;
  for (const Mapping& m : mappings) {
    if (region(m.va) != Region::direct_map) continue;
    for (Word pfn = m.pa >> 12; pfn < (m.pa + m.size) >> 12; ++pfn) sections.insert(pfn >> 15);
  }
  std::set<Word> described;
  for (const Mapping& m : mappings) {
    if (region(m.va) != Region::vmemmap) continue;
    for (Word page = m.va; page < m.va + m.size; page += 64) {
      const Word pfn = lnx::page_to_pfn(k, space, page);
      EXPECT_EQ(lnx::pfn_to_page(k, space, pfn), page);
      described.insert(pfn >> 15);
    }
  }
  EXPECT_FALSE(described.empty());
  EXPECT_EQ(described, sections);
  // And each frame of memory finds its page there, by either way.
  Word frames = 0;
  std::set<Word> pages;
  for (const Mapping& m : mappings)
    if (region(m.va) == Region::vmemmap)
      for (Word page = m.va >> 12; page < (m.va + m.size) >> 12; ++page) pages.insert(page);
  for (const Mapping& m : mappings) {
    if (region(m.va) != Region::direct_map) continue;
    for (Word offset = 0; offset < m.size; offset += 4096, ++frames) {
      const Word page = lnx::virt_to_page(k, space, m.va + offset);
      EXPECT_EQ(pages.count(page >> 12), 1u) << std::hex << m.va + offset;
      EXPECT_EQ(lnx::page_address(k, space, page), m.va + offset);
    }
  }
  EXPECT_GT(frames, 0u);
}

}  // namespace
}  // namespace mmuref::image
