#include "image/maps.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace mmuref::image {
namespace {

struct SparseMemory {
  std::map<Word, Word> words;
  Word read(Word address) const {
    const auto it = words.find(address);
    return it == words.end() ? 0 : it->second;
  }
};

struct Recorder {
  std::vector<Mapping> mappings;
  std::vector<Broken> broken_entries;
  void mapping(const Mapping& m) { mappings.push_back(m); }
  void broken(const Broken& b) { broken_entries.push_back(b); }
};

struct Counter {
  Word mappings = 0;
  void mapping(const Mapping&) { ++mappings; }
  void broken(const Broken&) {}
};

x86::Paging<Word> paging(Word cr4 = 0x20, Word efer = 0xd00, Word maxphyaddr = 52) {
  return x86::paging<Word>({.maxphyaddr = maxphyaddr},
                           {.cr0 = 0x80010001, .cr3 = 0x1000, .cr4 = cr4, .efer = efer});
}

TEST(Maps, ReportsALeafAtEachLevelWithItsSize) {
  const SparseMemory m{{{0x1000, 0x2007},
                        {0x2000, 0x3007},
                        {0x2008, 0x40000087},  // PDPTE 1: 1 GiB
                        {0x3000, 0x4007},
                        {0x3008, 0x600087},  // PDE 1: 2 MiB
                        {0x4000, 0x5007}}};
  Recorder r;
  EXPECT_TRUE(maps(paging(), m, r, 100).complete);
  ASSERT_EQ(r.mappings.size(), 3u);
  EXPECT_EQ(r.mappings[0].va, 0u);
  EXPECT_EQ(r.mappings[0].pa, 0x5000u);
  EXPECT_EQ(r.mappings[0].size, Word{1} << 12);
  EXPECT_EQ(r.mappings[1].va, Word{1} << 21);
  EXPECT_EQ(r.mappings[1].pa, 0x600000u);
  EXPECT_EQ(r.mappings[1].size, Word{1} << 21);
  EXPECT_EQ(r.mappings[2].va, Word{1} << 30);
  EXPECT_EQ(r.mappings[2].size, Word{1} << 30);
}

TEST(Maps, PatOfALargeLeafIsNoPartOfItsAddress) {
  const SparseMemory m{{{0x1000, 0x2007}, {0x2000, 0x40000087 | bit(12)}}};
  Recorder r;
  maps(paging(), m, r, 100);
  ASSERT_EQ(r.mappings.size(), 1u);
  EXPECT_EQ(r.mappings[0].pa, 0x40000000u);
}

/// Memory that ends.
struct Cut {
  const SparseMemory& memory;
  Word end;
  Word read(Word address) const { return memory.read(address); }
  bool present(Word address) const { return address < end; }
};

TEST(Maps, ATableThatIsAbsentIsReportedWithTheEntryThatReferencesIt) {
  const SparseMemory m{{{0x1000, 0x2007}, {0x2000, 0x3007}, {0x2008, 0x5007}}};
  Recorder r;
  const MapsEnd end = maps(paging(), Cut{m, 0x4000}, r, 100);
  EXPECT_TRUE(end.complete);
  EXPECT_EQ(end.tables, 3u);
  ASSERT_EQ(r.broken_entries.size(), 1u);
  EXPECT_EQ(r.broken_entries[0].address, 0x2008u);
  EXPECT_EQ(r.broken_entries[0].va, Word{1} << 30);
  EXPECT_EQ(r.broken_entries[0].level, 3);
  EXPECT_EQ(r.broken_entries[0].rule, x86::Rule::translated);
}

TEST(Maps, AddressesOfTheUpperHalfAreSignExtended) {
  const SparseMemory four{{{0x1ff8, 0x2003}, {0x2ff8, 0x3003}, {0x3ff8, 0x4003}, {0x4ff8, 0x5003}}};
  Recorder r;
  maps(paging(), four, r, 100);
  ASSERT_EQ(r.mappings.size(), 1u);
  EXPECT_EQ(r.mappings[0].va, ~Word{0xfff});

  SparseMemory five{
      {{0x1800, 0x2003}, {0x2000, 0x3003}, {0x3000, 0x4003}, {0x4000, 0x5003}, {0x5000, 0x6003}}};
  Recorder r5;
  maps(paging(0x1020), five, r5, 100);
  ASSERT_EQ(r5.mappings.size(), 1u);
  EXPECT_EQ(r5.mappings[0].va, 0xff00000000000000u);
}

TEST(Maps, RightsAreThoseOfAllLevels) {
  // Each level takes one right away.
  const SparseMemory m{{{0x1000, 0x2005},
                        {0x2000, 0x3003},
                        {0x3000, 0x4007 | bit(63)},
                        {0x4000, 0x5007},
                        {0x4008, 0x6007}}};
  Recorder r;
  maps(paging(), m, r, 100);
  ASSERT_EQ(r.mappings.size(), 2u);
  EXPECT_FALSE(r.mappings[0].rights.user());
  EXPECT_FALSE(r.mappings[0].rights.writable());
  EXPECT_TRUE(r.mappings[0].rights.execute_disable());
}

TEST(Maps, ReservedBitsAreReportedAndMapNothing) {
  const SparseMemory m{{{0x1000, 0x2007},
                        {0x1008, 0x2087},  // PS in a PML4E
                        {0x2000, 0x3007 | bit(40)},
                        {0x2008, 0x3007},
                        {0x3000, 0x602087}}};  // a 2-MiB frame that is not aligned
  Recorder r;
  maps(paging(0x20, 0xd00, 40), m, r, 100);
  EXPECT_TRUE(r.mappings.empty());
  ASSERT_EQ(r.broken_entries.size(), 3u);
  EXPECT_EQ(r.broken_entries[0].rule, x86::Rule::reserved_address);
  EXPECT_EQ(r.broken_entries[0].address, 0x2000u);
  EXPECT_EQ(r.broken_entries[1].rule, x86::Rule::reserved_large_frame);
  EXPECT_EQ(r.broken_entries[1].va, Word{1} << 30);
  EXPECT_EQ(r.broken_entries[2].rule, x86::Rule::reserved_page_size);
}

TEST(Maps, ExecuteDisableIsReservedWithoutNxe) {
  const SparseMemory m{{{0x1000, 0x2007}, {0x2000, bit(63) | 0x87}}};
  Recorder r;
  maps(paging(0x20, 0x500), m, r, 100);
  ASSERT_EQ(r.broken_entries.size(), 1u);
  EXPECT_EQ(r.broken_entries[0].rule, x86::Rule::reserved_execute_disable);
}

TEST(Maps, ASelfMappingShowsTheTablesAsPages) {
  // PML4E 511 references the PML4 itself; one page is mapped besides.
  const SparseMemory m{
      {{0x1000, 0x2007}, {0x2000, 0x3007}, {0x3000, 0x4007}, {0x4000, 0x5007}, {0x1ff8, 0x1003}}};
  Recorder r;
  const MapsEnd end = maps(paging(), m, r, 1000);
  EXPECT_TRUE(end.complete);
  // The page; then each table seen through the self-mapping: a PT, a PD, a PDPT and the PML4.
  ASSERT_EQ(r.mappings.size(), 5u);
  EXPECT_EQ(r.mappings[1].pa, 0x4000u);
  EXPECT_EQ(r.mappings[4].pa, 0x1000u);
  EXPECT_EQ(r.mappings[4].va, 0xfffffffffffff000u);
}

TEST(Maps, TablesFullOfThemselvesEndAtTheLimit) {
  SparseMemory m;
  for (Word i = 0; i < 512; ++i) m.words[0x1000 + i * 8] = 0x1007;
  Counter c;
  const MapsEnd end = maps(paging(), m, c, 1000);
  EXPECT_FALSE(end.complete);
  EXPECT_EQ(end.tables, 1000u);
  EXPECT_LE(c.mappings, 1000u * 512);
  EXPECT_GT(end.va, 0u);
}

/// What maps says of an address and what a walk answers are the same thing.
TEST(Maps, AgreesWithTheWalk) {
  SparseMemory m{{{0x1000, 0x2007}, {0x2000, 0x3007}, {0x3000, 0x4007}}};
  for (Word i = 0; i < 512; ++i) m.words[0x4000 + i * 8] = (i << 12) | (i & 0x1ff);
  Recorder r;
  maps(paging(), m, r, 100);
  EXPECT_EQ(r.mappings.size(), 256u);
  for (const Mapping& mapping : r.mappings) {
    const auto w = x86::walk(paging(), x86::Access<Word>{.va = mapping.va}, m);
    EXPECT_EQ(w.outcome, x86::Outcome::translated);
    EXPECT_EQ(w.physical_address, mapping.pa);
    EXPECT_EQ(w.rights.user(), mapping.rights.user());
    EXPECT_EQ(w.rights.writable(), mapping.rights.writable());
  }
}

}  // namespace
}  // namespace mmuref::image
