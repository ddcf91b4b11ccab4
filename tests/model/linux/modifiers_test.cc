// Which bit each modifier of a PMD or PUD sets or clears, and no other; and what a mapping that is
// copied on write is.
#include "model/linux/modifiers.h"

#include <gtest/gtest.h>

#include "model/linux/vma.h"

namespace mmuref::lnx::test {
namespace {

using Word = std::uint64_t;
using Pmd = pmd_t<Word>;
using Pud = pud_t<Word>;

const Kernel k = kernel({4, 17});  // no D is moved, no frame inverted
constexpr Word ones = ~Word{0};

TEST(Modifiers, OfAPud) {
  EXPECT_EQ(pud_mkyoung(k, Pud{0}).value, 0x20u);
  EXPECT_EQ(pud_mkold(k, Pud{ones}).value, ~Word{0x20});
  EXPECT_EQ(pud_mkhuge(k, Pud{0}).value, 0x80u);
  EXPECT_EQ(pud_mkwrite(k, Pud{0}).value, 0x2u);
  EXPECT_EQ(pud_wrprotect(k, Pud{ones}).value, ~Word{0x2});
  EXPECT_EQ(pud_mkdirty(k, Pud{0}).value, 0x840u);
  EXPECT_EQ(pud_mksoft_dirty(k, Pud{0}).value, 0x800u);
  EXPECT_EQ(pud_clear_soft_dirty(k, Pud{ones}).value, ~Word{0x800});
}

TEST(Modifiers, SoftDirtyOfAPmd) {
  EXPECT_EQ(pmd_mksoft_dirty(k, Pmd{0}).value, 0x800u);
  EXPECT_EQ(pmd_clear_soft_dirty(k, Pmd{ones}).value, ~Word{0x800});
}

TEST(CowMapping, IsPrivateAndMayBeWritten) {
  for (unsigned a = 0; a < 32; ++a)
    for (unsigned b = 0; b < 32; ++b) {
      const bool shared = a == 3 || b == 3, may_write = a == 5 || b == 5;
      EXPECT_EQ(is_cow_mapping(bit(a) | bit(b)), may_write && !shared) << a << ' ' << b;
    }
}

}  // namespace
}  // namespace mmuref::lnx::test
