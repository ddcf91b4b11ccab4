// SDM vol. 3, 4.10.2.2, 4.10.3.1: what of an entry a cache keeps, and when two of its elements are
// one.
#include "model/x86/cached.h"

#include "tests/model/tlb/lab.h"

namespace mmuref::x86::test {
namespace {

constexpr Word every_bit = ~Word{0};

TEST(Cached, OfRightsUserWritableAndExecuteDisableAreKept) {
  const auto kept = cached_rights(Rights<Word>{every_bit, every_bit});
  EXPECT_EQ(kept.every, 0x6u);
  EXPECT_EQ(kept.any, 0x8000'0000'0000'0000u);
  const auto none = cached_rights(Rights<Word>{0, 0});
  EXPECT_EQ(none.every | none.any, 0u);
}

// PAT is bit 7 of a PTE and bit 12 of a larger leaf.
TEST(Cached, OfALeafFrameKeyMemoryTypeAndDirtyAreKept) {
  EXPECT_EQ(cached_leaf(every_bit, 1), 0x780f'ffff'ffff'f0d8u);
  EXPECT_EQ(cached_leaf(every_bit, 2), 0x780f'ffff'ffff'f058u);
  EXPECT_EQ(cached_leaf(every_bit, 3), 0x780f'ffff'ffff'f058u);
  EXPECT_EQ(cached_leaf(Word{0}, 1), 0u);
}

TEST(Cached, TranslationsThatDifferInOneThingAreTwo) {
  using T = Translation<Word>;
  const T one{.level = 1, .leaf = 0x5000, .rights = {0x6, 0}, .pcid = 4, .global = false};
  Cached<Word> cached;
  EXPECT_TRUE(cached.add(one));
  EXPECT_FALSE(cached.add(one));
  const T others[] = {
      {2, 0x5000, {0x6, 0}, 4, false},       {1, 0x6000, {0x6, 0}, 4, false},
      {1, 0x4000, {0x6, 0}, 4, false},       {1, 0x5000, {0x2, 0}, 4, false},
      {1, 0x5000, {0x6, bit(63)}, 4, false}, {1, 0x5000, {0x6, 0}, 3, false},
      {1, 0x5000, {0x6, 0}, 5, false},       {1, 0x5000, {0x6, 0}, 4, true},
  };
  for (const T& other : others) {
    Cached<Word> both;
    EXPECT_TRUE(both.add(one));
    EXPECT_TRUE(both.add(other));
    EXPECT_FALSE(both.add(other));
    Cached<Word> turned;
    EXPECT_TRUE(turned.add(other));
    EXPECT_TRUE(turned.add(one));
    EXPECT_EQ(turned.translations.size(), 2u);
  }
}

TEST(Cached, PartialWalksThatDifferInOneThingAreTwo) {
  using P = PartialWalk<Word>;
  const P one{.level = 1, .table = 0x5000, .rights = {0x6, 0}, .pcid = 4};
  for (const P& other :
       {P{2, 0x5000, {0x6, 0}, 4}, P{1, 0x6000, {0x6, 0}, 4}, P{1, 0x5000, {0x4, 0}, 4},
        P{1, 0x5000, {0x6, bit(63)}, 4}, P{1, 0x5000, {0x6, 0}, 5}}) {
    Cached<Word> both, turned;
    EXPECT_TRUE(both.add(one) && both.add(other));
    EXPECT_FALSE(both.add(one) || both.add(other));
    EXPECT_TRUE(turned.add(other) && turned.add(one));
  }
}

AccessedEntries<Word> entries(std::initializer_list<Word> addresses) {
  AccessedEntries<Word> all;
  for (const Word address : addresses) all.add(address);
  return all;
}

TEST(AccessedEntries, AreWithinOthersIfEachIsContained) {
  EXPECT_TRUE(entries({16, 8}).within(entries({8, 24, 16})));
  EXPECT_FALSE(entries({16, 8}).within(entries({8, 24})));
  EXPECT_FALSE(entries({16, 8}).within(entries({24, 16})));
  EXPECT_TRUE(entries({}).within(entries({})));
}

TEST(Cached, OfElementsThatActAlikeThoseOfFewestAccessedEntriesAreKept) {
  const Translation<Word> one{.level = 1, .leaf = 0x5000};
  Cached<Word> cached;
  EXPECT_TRUE(cached.add(one, entries({8, 16, 24})));
  EXPECT_FALSE(cached.add(one, entries({24, 8, 16})));
  EXPECT_TRUE(cached.add(one, entries({8, 32})));
  EXPECT_FALSE(cached.add(one, entries({8, 16, 24, 40})));
  EXPECT_EQ(cached.translations.size(), 2u);
  EXPECT_TRUE(cached.add(one, entries({8, 16})));
  EXPECT_EQ(cached.translations.size(), 2u);
  EXPECT_TRUE(cached.add(one, entries({8})));
  EXPECT_EQ(cached.translations.size(), 1u);
  cached.add({.level = 1, .leaf = 0x6000}, entries({}));
  EXPECT_EQ(cached.translations.size(), 2u);
}

TEST(Cached, StoringAccessedClearForgetsThatItWasSet) {
  Cached<Word> cached;
  cached.add(PartialWalk<Word>{.level = 1}, entries({8, 16, 8}));
  cached.add(PartialWalk<Word>{.level = 1}, entries({16, 24}));
  cached.clear_accessed(32);
  EXPECT_EQ(cached.structures.size(), 2u);
  cached.clear_accessed(8);
  ASSERT_EQ(cached.structures.size(), 1u) << "that of 16 alone";
  const auto& left = cached.structures[0].accessed;
  EXPECT_EQ((std::vector<Word>(left.begin(), left.end())), std::vector<Word>{16});
}

TEST(Cached, DroppingTellsWhetherThereWasAnything) {
  const Drop<Word> mine{.pcid = 4, .own = true, .own_structures = true};
  Cached<Word> cached;
  EXPECT_FALSE(cached.drop(mine, 0));
  cached.add(Translation<Word>{.level = 1, .pcid = 5});
  EXPECT_FALSE(cached.drop(mine, 0));
  cached.add(Translation<Word>{.level = 1, .pcid = 4});
  EXPECT_TRUE(cached.drop(mine, 0));
  cached.add(PartialWalk<Word>{.level = 1, .pcid = 4});
  EXPECT_TRUE(cached.drop(mine, 0));
  EXPECT_FALSE(cached.drop(mine, 0));
  EXPECT_EQ(cached.translations.size(), 1u);
}

// SDM vol. 3, 4.10.2.4.
TEST(Cached, GlobalIsBit8OfTheLeafAndOnlyWithBit7OfCr4) {
  const Scene s = mapping();
  for (unsigned register_bit = 0; register_bit < 25; ++register_bit) {
    Registers<Word> r = s.registers;
    r.cr4 = (r.cr4 & ~bit(7)) | bit(register_bit);
    EXPECT_EQ(Context<Word>::of(s.cpu, r).global_pages, register_bit == 7) << register_bit;
  }
  Registers<Word> r = s.registers;
  r.cr4 |= bit(7);
  const auto context = Context<Word>::of(s.cpu, r);
  for (const unsigned ignored : {8u, 9u, 10u, 11u, 7u}) {
    Cached<Word> cached;
    const PartialWalk<Word> table{.level = 1, .pcid = context.pcid};
    ASSERT_TRUE(cache_entry(context, table, entry::P | bit(ignored), cached));
    EXPECT_EQ(cached.translations.front().global, ignored == 8) << ignored;
  }
}

TEST(Cached, NothingUnlessEveryKindMustGoIsAll) {
  Drop<Word> d;
  bool Drop<Word>::*const kinds[] = {
      &Drop<Word>::own,           &Drop<Word>::others,         &Drop<Word>::own_globals,
      &Drop<Word>::other_globals, &Drop<Word>::own_structures, &Drop<Word>::other_structures};
  for (const auto kind : kinds) d.*kind = true;
  EXPECT_TRUE(d.all());
  for (const auto kind : kinds) {
    Drop<Word> fewer = d;
    fewer.*kind = false;
    EXPECT_FALSE(fewer.all());
  }
  Drop<Word> page = d, path = d;
  page.one_page = path.one_path = true;
  EXPECT_FALSE(page.all() || path.all());
}

// A change of the memory type alone is a change of what is cached.
TEST(CachingMachine, AChangeOfAnyBitButAccessedIsCachedBesideTheOld) {
  for (const Word accessed : {Word{0}, entry::A}) {
    Scene s = mapping();
    s.pte() |= accessed;
    for (const Word changed : {entry::PWT, entry::PCD, entry::D}) {
      Lab lab(s);
      lab.write(1, lab.entry(1) ^ changed);
      EXPECT_EQ(lab.machine.cached(0, s.access.va).translations.size(), 2u) << changed;
    }
  }
  Lab lab;
  lab.write(1, lab.entry(1) ^ entry::A);
  EXPECT_EQ(lab.machine.cached(0, lab.scene.access.va).translations.size(), 1u);
}

TEST(CachingMachine, NothingIsCachedOfAnAddressThatIsNotCanonical) {
  Lab lab;
  const auto cached = lab.machine.cached(0, lab.scene.access.va ^ bit(60));
  EXPECT_TRUE(cached.translations.empty() && cached.structures.empty());
}

TEST(CachingMachine, AnAccessWithoutOutcomesDropsNothing) {
  Lab lab;
  const auto before = lab.answers();
  lab.write(1, 0);
  const auto both = lab.answers();
  EXPECT_GT(both.size(), before.size());
  lab.machine.settle(0, lab.scene.access, {});
  EXPECT_EQ(lab.answers(), both);
}

}  // namespace
}  // namespace mmuref::x86::test
