// What the simulated TLB keeps, for how long, and what it counts.
#include "model/x86/tlb_simulator.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <vector>

#include "tests/model/scene.h"

namespace mmuref::x86::test {
namespace {

constexpr Word page_size = 0x1000;

/// Pages next to each other, all mapped, and a simulator for them.
struct Bench {
  explicit Bench(const TlbParameters& parameters = {}, Word cr4 = 0, Word leaf_flags = 0) {
    scene.registers.cr4 |= cr4;
    memory = scene.memory();
    for (Word i = 0; i < 8; ++i) {
      memory.write(pte(i), (frame_at[1] + i * page_size) | entry::P | entry::RW | leaf_flags);
    }
    simulator.emplace_back(scene.cpu, scene.registers, parameters);
  }

  Word va(Word page) const { return scene.access.va + page * page_size; }
  Word pte(Word page) const { return table_at[1] | table_index(va(page), 1) << 3; }
  void change(Word page, Word set, Word clear = 0) {
    memory.write(pte(page), (memory.read(pte(page)) | set) & ~clear);
  }
  Possibility<Word> read(Word page) { return tlb().access(memory, {.va = va(page)}); }
  Possibility<Word> write(Word page) {
    return tlb().access(memory, {.va = va(page), .write = true});
  }
  void execute(OperationKind kind, Word value, Word address = 0, Word descriptor = 0) {
    EXPECT_EQ(tlb().execute({kind, value, address, descriptor}).exception, Exception::none);
  }
  TlbSimulator& tlb() { return simulator[0]; }
  const TlbStatistics& counts() { return tlb().statistics(); }

  Scene scene = mapping();
  TinyMemory memory;
  std::vector<TlbSimulator> simulator;  // one, made last
};

TlbParameters only_4k(std::size_t sets, std::size_t ways, Replacement replacement) {
  TlbParameters parameters;
  parameters.translations = {{{}, {sets, ways}, {}, {}}};
  parameters.structures = {};
  parameters.replacement = replacement;
  return parameters;
}

TEST(TlbSimulator, ASecondAccessToAPageHits) {
  for (const auto [levels, leaf] : shapes) {
    Scene s = mapping(levels, leaf);
    TinyMemory memory = s.memory();
    TlbSimulator tlb(s.cpu, s.registers);
    const auto first = tlb.access(memory, s.access);
    EXPECT_EQ(first.source, Source::memory);
    EXPECT_EQ(first.from, 0);
    EXPECT_EQ(first.walk.count, levels - leaf + 1);
    s.access.va ^= 1;
    const auto second = tlb.access(memory, s.access);
    EXPECT_EQ(second.source, Source::tlb);
    EXPECT_EQ(second.from, leaf);
    EXPECT_EQ(second.walk.physical_address, first.walk.physical_address ^ 1);
    EXPECT_EQ(tlb.statistics().hits, 1u);
    EXPECT_EQ(tlb.statistics().walks, 1u);
    EXPECT_EQ(tlb.statistics().accesses, 2u);
  }
}

TEST(TlbSimulator, KeepsAPageUnderEachPcid) {
  Bench b(only_4k(1, 2, Replacement::lru), cr4::PCIDE);
  const auto under = [&](Word pcid) {
    b.execute(OperationKind::mov_cr3, b.scene.registers.cr3 | pcid | bit(63));
    return b.read(0).source;
  };
  EXPECT_EQ(under(2), Source::memory);
  EXPECT_EQ(under(1), Source::memory);
  EXPECT_EQ(under(2), Source::tlb);
  EXPECT_EQ(under(1), Source::tlb);
  EXPECT_EQ(b.counts().evictions, 0u);
}

TEST(TlbSimulator, ATranslationMadeAnewTakesThePlaceOfTheOld) {
  Bench b(only_4k(1, 2, Replacement::lru));
  b.read(0);
  b.write(0);  // its D was clear
  b.read(1);
  EXPECT_EQ(b.counts().walks, 3u);
  EXPECT_EQ(b.counts().evictions, 0u);
}

TEST(TlbSimulator, AFaultingWalkLeavesNothingToDrop) {
  Bench b;
  b.change(0, 0, entry::P);
  b.read(0);
  EXPECT_EQ(b.counts().page_faults, 1u);
  EXPECT_EQ(b.counts().drops, 0u);
}

TEST(TlbSimulator, AWalkBeginsBelowWhatAnotherFound) {
  Bench b;
  b.read(0);
  const auto p = b.read(1);
  EXPECT_EQ(p.source, Source::structure);
  EXPECT_EQ(p.from, 1);
  EXPECT_EQ(p.walk.count, 1);
  EXPECT_EQ(b.counts().structure_hits, 1u);
  EXPECT_EQ(b.counts().entries_read, 5u);
}

TEST(TlbSimulator, AWalkBeginsAtTheLowestTableThatIsKept) {
  for (int kept = 1; kept <= 3; ++kept) {
    TlbParameters parameters;
    parameters.structures = {};
    for (int level = kept; level <= 4; ++level)
      parameters.structures[static_cast<std::size_t>(level)] = {1, 1};
    Bench b(parameters);
    b.read(0);
    EXPECT_EQ(b.read(1).walk.count, kept);
  }
}

TEST(TlbSimulator, WithoutWaysNothingIsKept) {
  Bench b(only_4k(1, 0, Replacement::lru));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(b.read(0).walk.count, 4);
  EXPECT_EQ(b.counts().walks, 3u);
  EXPECT_EQ(b.counts().evictions, 0u);
}

/// Which of pages 0, 1 and 2 is gone after reads of 0, 1, 0 and 2, with room for two.
std::vector<Word> gone(Replacement replacement) {
  std::vector<Word> pages;
  for (Word page = 0; page < 3; ++page) {
    Bench b(only_4k(1, 2, replacement));
    for (const Word read : {0, 1, 0, 2}) b.read(read);
    EXPECT_EQ(b.counts().evictions, 1u);
    if (b.read(page).source != Source::tlb) pages.push_back(page);
  }
  return pages;
}

TEST(TlbSimulator, TheReplacementDecidesWhichWayGoes) {
  EXPECT_EQ(gone(Replacement::lru), std::vector<Word>{1});
  EXPECT_EQ(gone(Replacement::fifo), std::vector<Word>{0});
  EXPECT_NE(gone(Replacement::random), std::vector<Word>{2});
  EXPECT_EQ(gone(Replacement::random).size(), 1u);
}

TEST(TlbSimulator, TheSeedDecidesRandomReplacement) {
  const auto hits = [](std::uint64_t seed) {
    TlbParameters parameters = only_4k(1, 4, Replacement::random);
    parameters.seed = seed;
    Bench b(parameters);
    std::vector<bool> hit;
    for (Word i = 0; i < 200; ++i) hit.push_back(b.read(i * 5 % 7).source == Source::tlb);
    return hit;
  };
  EXPECT_EQ(hits(1), hits(1));
  EXPECT_NE(hits(1), hits(2));
}

TEST(TlbSimulator, PagesOfDifferentSetsDoNotEvictEachOther) {
  Bench b(only_4k(8, 1, Replacement::lru));
  for (int round = 0; round < 2; ++round)
    for (Word page = 0; page < 8; ++page) b.read(page);
  EXPECT_EQ(b.counts().hits, 8u);
  EXPECT_EQ(b.counts().evictions, 0u);
}

TEST(TlbSimulator, SetsAreAPowerOfTwo) {
  const Scene s = mapping();
  for (const std::size_t sets : {0, 3, 12}) {
    EXPECT_THROW(TlbSimulator(s.cpu, s.registers, only_4k(sets, 1, Replacement::lru)),
                 std::invalid_argument);
  }
}

// SDM vol. 3, 4.10.4.3: without an invalidation old rights may be used.
TEST(TlbSimulator, AChangeIsNotSeenUntilInvlpg) {
  Bench b;
  b.read(0);
  b.change(0, 0, entry::P);
  EXPECT_EQ(b.read(0).walk.outcome, Outcome::translated);
  b.execute(OperationKind::invlpg, 0, b.va(0));
  EXPECT_EQ(b.read(0).walk.outcome, Outcome::page_fault);
  EXPECT_EQ(b.counts().page_faults, 1u);
}

TEST(TlbSimulator, InvlpgOfAnotherPageKeepsTheTranslation) {
  Bench b;
  b.read(0);
  b.execute(OperationKind::invlpg, 0, b.va(1));
  EXPECT_EQ(b.read(0).source, Source::tlb);
  // The paging-structure caches are gone all the same.
  EXPECT_EQ(b.read(2).source, Source::memory);
}

TEST(TlbSimulator, APageFaultByWhatWasCachedDoesNotRecur) {
  Bench b;
  b.change(0, 0, entry::RW);
  b.read(0);
  b.change(0, entry::RW);
  const auto fault = b.write(0);
  EXPECT_EQ(fault.walk.outcome, Outcome::page_fault);
  EXPECT_EQ(fault.source, Source::tlb);
  EXPECT_EQ(b.write(0).walk.outcome, Outcome::translated);
}

TEST(TlbSimulator, AGlobalPagesFaultDoesNotRecurUnderAnotherPcid) {
  Bench b({}, cr4::PGE | cr4::PCIDE, entry::G);
  b.change(0, 0, entry::RW);
  b.read(0);
  b.execute(OperationKind::mov_cr3, table_at[4] | 1);
  b.change(0, entry::RW);
  EXPECT_EQ(b.write(0).walk.outcome, Outcome::page_fault);
  EXPECT_EQ(b.write(0).walk.outcome, Outcome::translated);
}

// SDM vol. 3, 4.8: D is set by a write even where the translation is cached.
TEST(TlbSimulator, AWriteByACleanTranslationWalksAndSetsD) {
  Bench b;
  b.read(0);
  EXPECT_FALSE(has(b.memory.read(b.pte(0)), entry::D));
  EXPECT_EQ(b.write(0).source, Source::structure);
  EXPECT_TRUE(has(b.memory.read(b.pte(0)), entry::D));
  EXPECT_EQ(b.write(0).source, Source::tlb);
  EXPECT_EQ(b.counts().walks, 2u);
}

TEST(TlbSimulator, ADirtyTranslationDoesNotSetDAgain) {
  Bench b;
  b.write(0);
  b.change(0, 0, entry::D | entry::A);
  b.write(0);
  EXPECT_FALSE(has(b.memory.read(b.pte(0)), entry::D | entry::A));
}

TEST(TlbSimulator, GlobalPagesOutliveMovToCr3) {
  for (const Word flag : {Word{0}, entry::G}) {
    Bench b({}, cr4::PGE, flag);
    b.read(0);
    b.execute(OperationKind::mov_cr3, table_at[4]);
    EXPECT_EQ(b.read(0).source == Source::tlb, flag == entry::G);
  }
}

TEST(TlbSimulator, GlobalPagesServeEveryPcid) {
  for (const Word flag : {Word{0}, entry::G}) {
    Bench b({}, cr4::PGE | cr4::PCIDE, flag);
    b.read(0);
    b.execute(OperationKind::mov_cr3, table_at[4] | 1);
    EXPECT_EQ(b.read(0).source == Source::tlb, flag == entry::G);
  }
}

TEST(TlbSimulator, PcidsKeepTheirTranslationsApart) {
  Bench b({}, cr4::PGE | cr4::PCIDE);
  b.read(0);
  b.execute(OperationKind::mov_cr3, table_at[4] | 1);
  EXPECT_EQ(b.read(0).source, Source::memory);
  b.execute(OperationKind::mov_cr3, table_at[4] | bit(63));
  EXPECT_EQ(b.read(0).source, Source::tlb);
  b.execute(OperationKind::mov_cr3, table_at[4]);
  EXPECT_EQ(b.read(0).source, Source::memory);
  b.execute(OperationKind::invpcid, 1, 0, 1);
  b.execute(OperationKind::mov_cr3, table_at[4] | 1 | bit(63));
  EXPECT_EQ(b.read(0).source, Source::memory);
}

TEST(TlbSimulator, WhatInstructionsForgetIsCounted) {
  Bench b({}, cr4::PGE);
  b.read(0);
  b.read(1);
  EXPECT_EQ(b.counts().drops, 0u);
  b.execute(OperationKind::wrmsr_pkrs, 0);
  EXPECT_EQ(b.counts().drops, 0u);
  b.execute(OperationKind::mov_cr4, b.scene.registers.cr4 & ~cr4::PGE);
  EXPECT_EQ(b.counts().drops, 2u + 3u) << "two pages, and three tables on their way";
}

TEST(TlbSimulator, ANonCanonicalAddressReachesNothing) {
  Bench b;
  const auto p = b.tlb().access(b.memory, {.va = bit(63)});
  EXPECT_EQ(p.walk.outcome, Outcome::general_protection);
  EXPECT_EQ(b.counts().accesses, 1u);
  EXPECT_EQ(b.counts().hits + b.counts().walks, 0u);
}

}  // namespace
}  // namespace mmuref::x86::test
