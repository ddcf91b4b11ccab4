// SDM vol. 3, "Accessed and Dirty Flags" (4.8).
#include <gtest/gtest.h>

#include "tests/model/scene.h"

namespace mmuref::x86::test {
namespace {

// "Whenever the processor uses a paging-structure entry as part of linear-address translation, it
// sets the accessed flag in that entry."
TEST(AccessedDirty, ATranslatedAccessSetsAInEveryEntryUsed) {
  for (const auto [levels, leaf] : shapes) {
    const Scene s = mapping(levels, leaf);
    for (int level = leaf; level <= levels; ++level) {
      EXPECT_EQ(s.after(level), s.entry[static_cast<unsigned>(level)] | entry::A);
    }
  }
}

// "Whenever there is a write to a linear address, the processor sets the dirty flag in the
// paging-structure entry that identifies the final physical address."
TEST(AccessedDirty, AWriteSetsDInTheLeafAlone) {
  for (const auto [levels, leaf] : shapes) {
    Scene s = mapping(levels, leaf);
    s.write();
    for (int level = leaf; level <= levels; ++level) {
      const Word flags = entry::A | (level == leaf ? entry::D : 0);
      EXPECT_EQ(s.after(level), s.entry[static_cast<unsigned>(level)] | flags);
    }
  }
}

TEST(AccessedDirty, ReadsAndFetchesNeverSetD) {
  for (const auto [levels, leaf] : shapes) {
    Scene s = mapping(levels, leaf);
    EXPECT_FALSE(has(s.read().after(leaf), entry::D));
    EXPECT_FALSE(has(s.fetch().after(leaf), entry::D));
  }
}

TEST(AccessedDirty, NothingIsEverCleared) {
  Scene s = mapping();
  s.pte() |= entry::A | entry::D;
  s.pde() |= entry::A | entry::D;
  EXPECT_EQ(s.read().after(1), s.pte());
  EXPECT_EQ(s.read().after(2), s.pde());
}

TEST(AccessedDirty, AFaultingAccessNeedNotWriteAnything) {
  Scene s = mapping();
  s.write();
  s.pte() &= ~entry::RW;
  for (int level = 1; level <= 4; ++level) {
    EXPECT_EQ(s.after(level), s.entry[static_cast<unsigned>(level)]);
  }
}

/// Whether the entry of `level` has A after the first `prefix` entries were marked.
bool marked(const Scene& s, int prefix, int level) {
  TinyMemory m = s.memory();
  write_back_prefix(s.walk(), prefix, m);
  return has(m.read(s.at(level)), entry::A);
}

// Of a walk that ends at an entry, any prefix of the entries above may be marked.
TEST(AccessedDirty, AFaultMayLeaveAnyPrefixAboveTheEntryThatFaulted) {
  for (const auto [levels, leaf] : shapes) {
    for (int fault = leaf; fault <= levels; ++fault) {
      for (const Word broken : {Word{0}, entry::P | bit(51)}) {  // not present, reserved
        Scene s = mapping(levels, leaf);
        s.entry[static_cast<unsigned>(fault)] = broken;
        ASSERT_EQ(accessed_limit(s.walk()), levels - fault);
        for (int prefix = 0; prefix <= levels - fault; ++prefix) {
          for (int level = fault; level <= levels; ++level) {
            EXPECT_EQ(marked(s, prefix, level), levels - level < prefix);
          }
        }
      }
    }
  }
}

// A leaf whose rights deny the access was not used for one: its A stays clear.
TEST(AccessedDirty, ARightsFaultNeverMarksTheLeaf) {
  for (const auto [levels, leaf] : shapes) {
    Scene s = mapping(levels, leaf);
    s.leaf_entry() &= ~entry::US;
    const auto w = s.user().read().walk();
    ASSERT_EQ(w.outcome, Outcome::page_fault);
    EXPECT_EQ(accessed_limit(w), levels - leaf);
    EXPECT_FALSE(marked(s, accessed_limit(w), leaf));
  }
}

TEST(AccessedDirty, ATranslatedAccessHasNoRoom) {
  const auto w = mapping().walk();
  EXPECT_EQ(accessed_limit(w), w.count);
}

/// A PML4E that references its own table: with its index at every level, one entry is PML4E,
/// PDPTE, PDE and PTE of the same walk.
struct SelfMapping {
  Word slot = 0x1000 + 8 * 0x1ed;
  TinyMemory memory;
  Access<Word> access{.va = 0xffff'f6fb'7dbe'd7f8};
  Paging<Word> registers = paging(mapping().cpu, [] {
    auto r = mapping().registers;
    r.cr3 = 0x1000;
    return r;
  }());
  SelfMapping() { memory.write(slot, 0x1000 | entry::P | entry::RW | entry::US); }
};

TEST(AccessedDirty, OneEntryReachedAtEveryLevelGathersAllItsFlags) {
  SelfMapping self;
  self.access.write = true;
  const auto w = walk(self.registers, self.access, self.memory);
  ASSERT_EQ(w.outcome, Outcome::translated);
  EXPECT_EQ(w.physical_address, 0x17f8u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(w.steps[i].address, self.slot);
  const Word before = self.memory.read(self.slot);
  write_back(w, self.memory);
  EXPECT_EQ(self.memory.read(self.slot), before | entry::A | entry::D);
}

// The usual recursive slot: the table's own entry first, then ordinary ones.
TEST(AccessedDirty, AnEntryReachedTwiceKeepsBothItsRolesFlags) {
  SelfMapping self;
  // The self-map slot at the first three levels, entry 0 as the leaf: it maps a PDPT for writing.
  self.access.va = 0xffff'f6fb'7dbe'd000 & ~bits(20, 12);
  self.memory.write(0x1000, 0x2000 | entry::P | entry::RW);
  self.access.write = true;
  const auto w = walk(self.registers, self.access, self.memory);
  ASSERT_EQ(w.outcome, Outcome::translated);
  write_back(w, self.memory);
  EXPECT_EQ(self.memory.read(self.slot) & (entry::A | entry::D), entry::A);
  EXPECT_EQ(self.memory.read(0x1000) & (entry::A | entry::D), entry::A | entry::D);
}

// A rights fault through a self-mapping: the leaf's A may appear, for it is an upper entry too.
TEST(AccessedDirty, APermittedPrefixMayHoldTheFaultingEntryItself) {
  SelfMapping self;
  self.memory.write(self.slot, 0x1000 | entry::P | entry::US);
  self.access.write = true;
  const auto w = walk(self.registers, self.access, self.memory);
  ASSERT_EQ(w.rule, Rule::read_only);
  write_back_prefix(w, accessed_limit(w), self.memory);
  EXPECT_EQ(self.memory.read(self.slot), 0x1000 | entry::P | entry::US | entry::A);
}

TEST(AccessedDirty, ASecondIdenticalAccessChangesNothing) {
  for (const auto [levels, leaf] : shapes) {
    Scene s = mapping(levels, leaf);
    s.write();
    TinyMemory m = s.memory();
    const auto p = paging(s.cpu, s.registers);
    write_back(walk(p, s.access, m), m);
    TinyMemory again = m;
    const auto second = walk(p, s.access, m);
    EXPECT_EQ(second.outcome, Outcome::translated);
    write_back(second, again);
    for (int level = leaf; level <= levels; ++level) {
      EXPECT_EQ(again.read(s.at(level)), m.read(s.at(level)));
    }
  }
}

}  // namespace
}  // namespace mmuref::x86::test
