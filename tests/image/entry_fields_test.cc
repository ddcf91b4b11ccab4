#include "image/entry_fields.h"

#include <gtest/gtest.h>

#include "model/x86/walk.h"

namespace mmuref::image {
namespace {

const Field& field(const EntryFields& f, unsigned n) {
  for (const Field& each : f.fields) {
    if (each.high >= n && n >= each.low) return each;
  }
  throw std::logic_error("no field has that bit");
}

TEST(EntryFields, TheLocalApicsPte) {
  const EntryFields f = entry_fields(0x80000000fee0001b, 1, {}, true);
  EXPECT_EQ(f.role, Role::page);
  EXPECT_EQ(f.target, 0xfee00000u);
  EXPECT_EQ(f.page_size, 4096u);
  EXPECT_EQ(f.pat_index, 3u);
  EXPECT_EQ(reset_memory_type(f.pat_index), "UC");
  EXPECT_EQ(field(f, 63).value, 1u);
  EXPECT_EQ(f.reserved, 0u);
}

TEST(EntryFields, PatIsBit7OfAPteAndBit12OfALargeLeaf) {
  EXPECT_EQ(entry_fields(0x1 | bit(7), 1, {}, true).pat_index, 4u);
  EXPECT_EQ(entry_fields(0x81, 2, {}, true).pat_index, 0u);
  EXPECT_EQ(entry_fields(0x81 | bit(12), 2, {}, true).pat_index, 4u);
  EXPECT_EQ(entry_fields(0x1 | bit(12), 2, {}, true).pat_index, 0u) << "a table's address bit";
}

TEST(EntryFields, APageHasTheSizeOfItsLevelAndBeginsAtAMultipleOfIt) {
  constexpr Word sizes[] = {0, 0x1000, 0x20'0000, 0x4000'0000};
  for (int level = 1; level <= 3; ++level) {
    const EntryFields f = entry_fields(0xc0001081 | bit(40), level, {}, true);
    EXPECT_EQ(f.page_size, sizes[level]);
    EXPECT_EQ(f.target, (bit(40) | 0xc0001000) & ~(sizes[level] - 1));
  }
  EXPECT_EQ(entry_fields(0x1001, 2, {}, true).page_size, 0u) << "a table";
}

TEST(EntryFields, TheKeyIsALeafs) {
  EXPECT_EQ(field(entry_fields(0x1 | Word{9} << 59, 1, {}, true), 59).name, "key");
  EXPECT_EQ(field(entry_fields(0x1 | Word{9} << 59, 4, {}, true), 59).kind, FieldKind::ignored);
}

TEST(EntryFields, NothingInANotPresentEntryIsReserved) {
  const EntryFields f = entry_fields(~Word{1}, 4, {.maxphyaddr = 32}, false);
  EXPECT_EQ(f.role, Role::not_present);
  EXPECT_EQ(f.reserved, 0u);
  EXPECT_EQ(field(f, 40).kind, FieldKind::ignored);
}

TEST(EntryFields, OneReservedBitIsNamedByTheRuleTheWalkNames) {
  for (int level = 1; level <= x86::max_level; ++level) {
    for (const Word base : {Word{0x1}, Word{0x81}}) {
      for (unsigned n = 1; n < 64; ++n) {
        const x86::Processor<Word> cpu{.maxphyaddr = 40, .amd = true};
        const Word e = base | bit(n);
        const EntryFields f = entry_fields(e, level, cpu, false);
        const bool leaf = x86::is_leaf(e, level);
        const auto reserved = x86::reserved_bits(cpu, false);
        const Word set = e & (leaf ? reserved.leaf[level] : reserved.table[level]);
        EXPECT_EQ(f.reserved, set);
        if (has(set, bit(n))) {
          EXPECT_EQ(field(f, n).broken, x86::reserved_rule(bit(n), level, leaf))
              << level << ' ' << n;
        }
      }
    }
  }
}

TEST(FlagLetters, ShowWhatTheProcessorReads) {
  EXPECT_EQ(flag_letters(0x80000000fee0001b, 1), "X-----CT-WP");
  EXPECT_EQ(flag_letters(0x1e1 | bit(12), 2), "-GMLDA----P");
  EXPECT_EQ(flag_letters(0x81, 2), "---L------P") << "bit 7 of a large page is no PAT";
  EXPECT_EQ(flag_letters(0x81, 1), "--M-------P");
  EXPECT_EQ(flag_letters(0x163, 4), "-----A---WP") << "D and G of a table's entry are ignored";
}

}  // namespace
}  // namespace mmuref::image
