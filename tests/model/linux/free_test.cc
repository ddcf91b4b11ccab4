// free_pgd_range at each boundary, and its bounds where the address space ends.
#include "model/linux/free.h"

#include "model/linux/remap.h"
#include "tests/model/linux/space.h"

namespace mmuref::lnx::test {
namespace {

/// A page mapped at each of `addresses`, and cleared again: the tables are left.
void touch(Space& s, std::initializer_list<Word> addresses) {
  for (const Word va : addresses) {
    vm_area_struct<Word> vma{.vm_start = va, .vm_end = va + 4096};
    ASSERT_EQ(remap_pfn_range(s.k, s.mm, vma, va, 1, 4096, shared), Errno::ok);
  }
}

struct Row {
  Word floor, addr, end, ceiling;
  std::size_t left;  ///< of the tables of the two pages below
  const char* why;
};

// Two pages, at 1 GiB and one page below: 2 PTE, 2 PMD tables, 1 PUD table.
TEST(Free, TheNeighboursDecide) {
  constexpr Word G = bit(30), M2 = bit(21);
  const Row rows[] = {
      {0, G - 4096, G + 4096, 0, 0, "no neighbour"},
      {0, G, G + 4096, 0, 2, "the lower page stays; PTE, PMD and, beginning at 0, PUD table go"},
      {G, G, G + 4096, 0, 3, "the PUD table is shared with what ends at 1 GiB"},
      {G - 4096, G, G + 4096, 0, 3, "the PUD table is shared with what ends below it"},
      {0, G - 4096, G, G, 3, "the PUD table is shared with what starts at 1 GiB"},
      {0, G - 4096, G, G + 4096, 3, "likewise"},
      {0, G, G + 4096, G + M2 - 4096, 5, "all shared with what starts in the same 2 MiB"},
      {0, G, G + 4096, G + M2, 4, "only the PTE table is not shared"},
      {0, G, G + 4096, 2 * G - 4096, 4, "the PMD table is shared at its end"},
      {0, G, G + 4096, 2 * G, 3, "the PUD table is shared"},
      {0, G, G + 4096, bit(39), 2, "none is shared"},
  };
  for (const Row& r : rows) {
    Space s(linux_4_6);
    touch(s, {G - 4096, G});
    ASSERT_EQ(s.pages.live.size(), 5u);
    free_pgd_range(s.k, s.mm, r.addr, r.end, r.floor, r.ceiling);
    EXPECT_EQ(s.pages.live.size(), r.left) << r.why;
  }
}

TEST(Free, TheEndOfTheAddressSpaceIsZero) {
  using R = FreeRange<Word>;
  const auto range = [](Word addr, Word end, Word floor, Word ceiling) {
    return free_range_of(addr, end, floor, ceiling);
  };
  const Word top = ~Word{0} << 21;  // the last 2 MiB
  const auto is = [](const R& r, Word addr, Word end) {
    return !r.nothing && r.addr == addr && r.end == end;
  };
  EXPECT_TRUE(is(range(top, 0, 0, 0), top, 0));
  EXPECT_TRUE(range(top + 4096, 0, top + 4096, 0).nothing);  // rounding up wraps
  EXPECT_TRUE(range(0x1000, 0x2000, 0, 0x10'0000).nothing);  // ceiling rounds down to 0
  EXPECT_TRUE(is(range(0x1000, 0x2000, 0, 0), 0, 0x2000));   // no ceiling
  EXPECT_TRUE(is(range(0x20'1000, 0x60'0000, 0x20'1000, 0), 0x40'0000, 0x60'0000));
  EXPECT_TRUE(is(range(0x20'1000, 0x60'1000, 0, 0x60'1000), 0x20'0000, 0x40'1000));
  EXPECT_TRUE(range(0x20'1000, 0x20'2000, 0x20'1000, 0).nothing);  // nothing left of it
}

TEST(Free, UpToTheEndOfTheAddressSpace) {
  // In the last but one slot of the PGD, at the start of the last, at its end.
  const Word low = 0xffff'ff00'0000'0000, middle = 0xffff'ff80'0000'0000, top = ~Word{0} - 0x1fff;
  Space s(linux_4_6);
  touch(s, {low, middle, top});
  ASSERT_EQ(s.pages.live.size(), 8u);
  free_pgd_range(s.k, s.mm, low, 0, 0, 0);
  EXPECT_TRUE(s.pages.live.empty());
}

TEST(Free, BadEntriesAreClearedAndNotFollowed) {
  Space s(linux_4_6);
  touch(s, {0x5000});
  const Word pud = s.walk(0x5000).steps[1].address;
  s.memory.write(pud, s.memory.read(pud) | page::NX);
  free_pgd_range(s.k, s.mm, Word{0x5000}, 0x6000, 0, 0);
  EXPECT_EQ(s.pages.live.size(), 2u);  // below the bad entry, lost
  EXPECT_EQ(s.memory.read(s.mm.pgd), 0u);
}

// Bounds that are no multiple of a page, where one byte decides.
TEST(Free, BoundsToTheByte) {
  const auto range = [](Word addr, Word end, Word ceiling) {
    const auto r = free_range_of(addr, end, Word{0}, ceiling);
    return r.nothing ? std::pair<Word, Word>{} : std::pair{r.addr, r.end};
  };
  using Bounds = std::pair<Word, Word>;
  EXPECT_EQ(range(0x20'0000, 0x20'0001, 0), (Bounds{0x20'0000, 0x20'0001}));
  EXPECT_EQ(range(0x20'0000, 0x40'0000, 0x40'0000), (Bounds{0x20'0000, 0x40'0000}));
  EXPECT_EQ(range(0x20'0000, 0x40'0001, 0x40'0000), (Bounds{0x20'0000, 0x20'0001}));
  const Word top = ~Word{0} << 21;
  EXPECT_EQ(range(top - 0x20'0000, top, top + 0x1000), (Bounds{top - 0x20'0000, top}));
  const Word G = bit(30);
  EXPECT_TRUE(table_unneeded(Word{0}, G, Word{0}, G, 3));
  EXPECT_FALSE(table_unneeded(Word{0}, G + 1, Word{0}, G, 3));
}

}  // namespace
}  // namespace mmuref::lnx::test
