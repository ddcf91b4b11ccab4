// SDM vol. 3, 4.10.4.1: what each operation must drop, and what it need not.
#include "tests/model/tlb/lab.h"

namespace mmuref::x86::test {
namespace {

constexpr Word p = 0x001, q = 0xabc;

Scene with_pcid(bool global = false, int levels = 4, int leaf = 1) {
  Scene s = mapping(levels, leaf);
  s.registers.cr4 |= cr4::PCIDE | cr4::PGE;
  if (global) s.leaf_entry() |= entry::G;
  return s;
}
Scene without_pcid(bool global = false) {
  Scene s = with_pcid(global);
  s.registers.cr4 &= ~cr4::PCIDE;
  return s;
}

const auto reload_cr3 = [](Lab& lab) {
  EXPECT_EQ(lab.execute(OperationKind::mov_cr3, lab.registers().cr3), Exception::none);
};
auto load_cr4(Word change) {
  return [=](Lab& lab) {
    EXPECT_EQ(lab.execute(OperationKind::mov_cr4, lab.registers().cr4 ^ change), Exception::none);
  };
}
auto invlpg(Word address) {
  return [=](Lab& lab) { EXPECT_EQ(lab.invlpg(address), Exception::none); };
}
auto invpcid(Word type, Word pcid, Word address = 0) {
  return [=](Lab& lab) { EXPECT_EQ(lab.invpcid(type, pcid, address), Exception::none); };
}
const auto nothing = [](Lab&) {};

TEST(Invalidation, WithoutAnyEverythingStays) {
  EXPECT_EQ(left_after(with_pcid(), p, p, nothing), everything_left);
  EXPECT_EQ(left_after(with_pcid(), p, q, nothing), everything_left);
}

TEST(Invalidation, MovCr3WithoutPcideDropsAllButGlobals) {
  EXPECT_EQ(left_after(without_pcid(), 0, 0, reload_cr3), nothing_left);
  EXPECT_EQ(left_after(without_pcid(true), 0, 0, reload_cr3), the_translation);
}
TEST(Invalidation, WithoutPcideTheLowBitsOfCr3AreNoPcid) {
  Scene s = without_pcid();
  s.registers.cr3 |= entry::PWT;
  EXPECT_EQ(left_after(s, 0, 0, reload_cr3), nothing_left);
  EXPECT_EQ(left_after(s, 0, 0, invpcid(1, 0)), nothing_left);
}
TEST(Invalidation, MovCr3WithPcideDropsTheLoadedPcidButGlobals) {
  EXPECT_EQ(left_after(with_pcid(), p, p, reload_cr3), nothing_left);
  EXPECT_EQ(left_after(with_pcid(true), p, p, reload_cr3), the_translation);
  // From q to p: of p, the new one.
  const auto load_p = [](Lab& lab) {
    EXPECT_EQ(lab.execute(OperationKind::mov_cr3, (lab.registers().cr3 & ~bits(11, 0)) | p),
              Exception::none);
  };
  EXPECT_EQ(left_after(with_pcid(), p, q, load_p), nothing_left);
  EXPECT_EQ(left_after(with_pcid(), q, q, load_p), everything_left);
}
TEST(Invalidation, MovCr3WithPcideKeepsOtherPcids) {
  EXPECT_EQ(left_after(with_pcid(), q, p, reload_cr3), everything_left);
}
TEST(Invalidation, MovCr3WithPcideAndBit63DropsNothing) {
  const auto keep = [](Lab& lab) {
    EXPECT_EQ(lab.execute(OperationKind::mov_cr3, lab.registers().cr3 | bit(63)), Exception::none);
    EXPECT_FALSE(has(lab.registers().cr3, bit(63)));
  };
  EXPECT_EQ(left_after(with_pcid(), p, p, keep), everything_left);
  EXPECT_EQ(left_after(with_pcid(), q, p, keep), everything_left);
}

TEST(Invalidation, InvlpgDropsItsPageOfAnySizeAndAllStructures) {
  for (const auto [levels, leaf] : shapes) {
    const Scene s = with_pcid(false, levels, leaf);
    EXPECT_EQ(left_after(s, p, p, invlpg(s.access.va)), nothing_left);
    EXPECT_EQ(left_after(s, p, p, invlpg(s.access.va ^ page_offset(~Word{0}, leaf))), nothing_left);
  }
}
TEST(Invalidation, InvlpgKeepsOtherPagesYetNoStructures) {
  for (const auto [levels, leaf] : shapes) {
    const Scene s = with_pcid(false, levels, leaf);
    EXPECT_EQ(left_after(s, p, p, invlpg(s.access.va ^ bit(level_shift(leaf)))), the_translation);
    EXPECT_EQ(left_after(s, p, p, invlpg(0)), the_translation);
  }
}
TEST(Invalidation, InvlpgKeepsOtherPcids) {
  const Scene s = with_pcid();
  EXPECT_EQ(left_after(s, q, p, invlpg(s.access.va)), everything_left);
}
TEST(Invalidation, InvlpgDropsGlobalsOfAnyPcid) {
  const Scene s = with_pcid(true);
  EXPECT_EQ(left_after(s, p, p, invlpg(s.access.va)), nothing_left);
  EXPECT_EQ(left_after(s, q, p, invlpg(s.access.va)), the_structure);
  EXPECT_EQ(left_after(s, q, p, invlpg(0)), everything_left);
}
TEST(Invalidation, InvlpgOfANonCanonicalAddressDropsNothing) {
  const Scene s = with_pcid();
  EXPECT_EQ(left_after(s, p, p, invlpg(s.access.va ^ bit(63))), everything_left);
}

TEST(Invalidation, Invpcid0DropsThePageOfItsPcidButGlobals) {
  for (const auto [levels, leaf] : shapes) {
    const Scene s = with_pcid(false, levels, leaf);
    const Word last = s.access.va | page_offset(~Word{0}, leaf);
    EXPECT_EQ(left_after(s, p, p, invpcid(0, p, last)), nothing_left);
    EXPECT_EQ(left_after(s, q, p, invpcid(0, q, last)), nothing_left);
    EXPECT_EQ(left_after(s, q, p, invpcid(0, p, last)), everything_left);
  }
  const Scene global = with_pcid(true);
  EXPECT_EQ(left_after(global, p, p, invpcid(0, p, global.access.va)), the_translation);
}
TEST(Invalidation, Invpcid0KeepsOtherPagesAndTheStructuresOfOtherAddresses) {
  for (const auto [levels, leaf] : shapes) {
    const Scene s = with_pcid(false, levels, leaf);
    const Word next_page = s.access.va ^ bit(level_shift(leaf));
    const Word next_table = s.access.va ^ bit(level_shift(leaf + 1));
    EXPECT_EQ(left_after(s, p, p, invpcid(0, p, next_page)), the_translation);
    EXPECT_EQ(left_after(s, p, p, invpcid(0, p, next_table)), everything_left);
  }
}
TEST(Invalidation, Invpcid1DropsItsPcidButGlobals) {
  EXPECT_EQ(left_after(with_pcid(), p, p, invpcid(1, p)), nothing_left);
  EXPECT_EQ(left_after(with_pcid(), q, p, invpcid(1, q)), nothing_left);
  EXPECT_EQ(left_after(with_pcid(), q, p, invpcid(1, p)), everything_left);
  EXPECT_EQ(left_after(with_pcid(true), p, p, invpcid(1, p)), the_translation);
}
TEST(Invalidation, Invpcid2DropsEverything) {
  EXPECT_EQ(left_after(with_pcid(), p, p, invpcid(2, 0)), nothing_left);
  EXPECT_EQ(left_after(with_pcid(), q, p, invpcid(2, 0)), nothing_left);
  EXPECT_EQ(left_after(with_pcid(true), q, p, invpcid(2, 0)), nothing_left);
}
TEST(Invalidation, Invpcid3DropsEverythingButGlobals) {
  EXPECT_EQ(left_after(with_pcid(), p, p, invpcid(3, 0)), nothing_left);
  EXPECT_EQ(left_after(with_pcid(), q, p, invpcid(3, 0)), nothing_left);
  EXPECT_EQ(left_after(with_pcid(true), q, p, invpcid(3, 0)), the_translation);
}

TEST(Invalidation, MovCr4ThatChangesPgeDropsEverything) {
  EXPECT_EQ(left_after(with_pcid(true), p, p, load_cr4(cr4::PGE)), nothing_left);
  EXPECT_EQ(left_after(with_pcid(true), q, p, load_cr4(cr4::PGE)), nothing_left);
  Scene off = with_pcid();
  off.registers.cr4 &= ~cr4::PGE;
  EXPECT_EQ(left_after(off, q, p, load_cr4(cr4::PGE)), nothing_left);
}
TEST(Invalidation, MovCr4ThatClearsPcideDropsEverything) {
  EXPECT_EQ(left_after(with_pcid(true), 0, 0, load_cr4(cr4::PCIDE)), nothing_left);
  EXPECT_EQ(left_after(with_pcid(), 0, 0, load_cr4(cr4::PCIDE)), nothing_left);
}
TEST(Invalidation, MovCr4ThatSetsPcideDropsNothing) {
  EXPECT_EQ(left_after(without_pcid(), 0, 0, load_cr4(cr4::PCIDE)), everything_left);
}
TEST(Invalidation, MovCr4ThatSetsSmepDropsTheCurrentPcidAndGlobals) {
  EXPECT_EQ(left_after(with_pcid(), p, p, load_cr4(cr4::SMEP)), nothing_left);
  EXPECT_EQ(left_after(with_pcid(true), p, p, load_cr4(cr4::SMEP)), nothing_left);
  EXPECT_EQ(left_after(with_pcid(true), q, p, load_cr4(cr4::SMEP)), the_structure);
  EXPECT_EQ(left_after(with_pcid(), q, p, load_cr4(cr4::SMEP)), everything_left);
}
TEST(Invalidation, MovCr4OfOtherBitsDropsNothing) {
  Scene s = with_pcid();
  s.user();
  for (const Word other : {cr4::SMAP, cr4::PKE, cr4::PKS, cr4::PSE})
    EXPECT_EQ(left_after(s, p, p, load_cr4(other)), everything_left);
  s.registers.cr4 |= cr4::SMEP;
  EXPECT_EQ(left_after(s, p, p, load_cr4(cr4::SMEP)), everything_left) << "SMEP 1 to 0";
}
// 64-bit mode cannot clear CR0.PG or change CR4.PAE, so the operations fault. What they would drop:
TEST(Invalidation, MovCr0ThatClearsPgDropsEverything) {
  const Scene s = with_pcid();
  for (const bool global : {false, true}) {
    const auto d = mov_cr0_drops(s.registers, s.registers.cr0 & ~cr0::PG);
    EXPECT_TRUE(drops_translation(d, s.access.va, 1, q, global));
    EXPECT_TRUE(drops_translation(d, s.access.va, 1, Word{0}, global));
    EXPECT_TRUE(drops_structure(d, s.access.va, 1, q));
    EXPECT_TRUE(drops_structure(d, s.access.va, 1, Word{0}));
  }
}
TEST(Invalidation, MovCr4ThatChangesPaeDropsTheCurrentPcidAndGlobals) {
  Scene s = with_pcid();
  s.registers.cr3 |= p;
  const auto d = mov_cr4_drops(s.registers, s.registers.cr4 ^ cr4::PAE);
  EXPECT_TRUE(drops_translation(d, s.access.va, 1, p, false));
  EXPECT_TRUE(drops_translation(d, s.access.va, 1, q, true));
  EXPECT_TRUE(drops_structure(d, s.access.va, 1, p));
  EXPECT_FALSE(drops_translation(d, s.access.va, 1, q, false));
  EXPECT_FALSE(drops_structure(d, s.access.va, 1, q));
}
TEST(Invalidation, MovCr0WrmsrAndWrpkruDropNothing) {
  const auto run = [](OperationKind kind, Word value) {
    return [=](Lab& lab) { EXPECT_EQ(lab.execute(kind, value), Exception::none); };
  };
  Scene s = with_pcid();
  s.registers.cr4 |= cr4::PKE;
  const Word no_wp = s.registers.cr0 & ~cr0::WP;
  EXPECT_EQ(left_after(s, p, p, run(OperationKind::mov_cr0, no_wp)), everything_left);
  EXPECT_EQ(left_after(s, p, p, run(OperationKind::wrmsr_efer, s.registers.efer)), everything_left);
  EXPECT_EQ(left_after(s, p, p, run(OperationKind::wrpkru, 0x5555'5550)), everything_left);
  EXPECT_EQ(left_after(s, p, p, run(OperationKind::wrmsr_pkrs, 3)), everything_left);
}

/// A page fault at `address`, where nothing is mapped or everything faults.
auto page_fault(Word address) {
  return [=](Lab& lab) {
    diff::Possibility fault;
    fault.walk.outcome = Outcome::page_fault;
    lab.machine.settle(0, {.va = address}, std::array{fault});
  };
}
TEST(Invalidation, PageFaultDropsWhatTheCurrentPcidHasForItsAddress) {
  for (const auto [levels, leaf] : shapes) {
    const Scene s = with_pcid(false, levels, leaf);
    EXPECT_EQ(left_after(s, p, p, page_fault(s.access.va)), nothing_left);
    EXPECT_EQ(left_after(s, q, p, page_fault(s.access.va)), everything_left);
  }
  const Scene global = with_pcid(true);
  EXPECT_EQ(left_after(global, p, p, page_fault(global.access.va)), nothing_left);
  EXPECT_EQ(left_after(global, q, p, page_fault(global.access.va)), everything_left);
}
TEST(Invalidation, PageFaultKeepsTheStructuresOfOtherAddresses) {
  for (const auto [levels, leaf] : shapes) {
    const Scene s = with_pcid(false, levels, leaf);
    const Word next_table = s.access.va ^ bit(level_shift(leaf + 1));
    EXPECT_EQ(left_after(s, p, p, page_fault(next_table)), everything_left);
    EXPECT_EQ(left_after(s, p, p, page_fault(s.access.va ^ bit(level_shift(leaf)))),
              the_translation);
  }
}

}  // namespace
}  // namespace mmuref::x86::test
