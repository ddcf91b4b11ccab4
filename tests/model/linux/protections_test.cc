// Values of the protections, from the tables of v4.6 and 6.x.
#include "tests/model/linux/entry_values.h"

namespace mmuref::lnx::test {
namespace {

constexpr Word NX = bit(63);

struct Row {
  const char* name;
  Word value, wanted;
};

TEST(Protections, OfFourSix) {
  const Kernel k = kernel(v4_6);
  using namespace pgprot;
  const Row rows[] = {
      {"PAGE_NONE", PAGE_NONE, 0x120},
      {"PAGE_SHARED", PAGE_SHARED, NX | 0x27},
      {"PAGE_SHARED_EXEC", PAGE_SHARED_EXEC, 0x27},
      {"PAGE_COPY", PAGE_COPY, NX | 0x25},
      {"PAGE_COPY_NOEXEC", PAGE_COPY_NOEXEC, NX | 0x25},
      {"PAGE_COPY_EXEC", PAGE_COPY_EXEC, 0x25},
      {"PAGE_READONLY", PAGE_READONLY, NX | 0x25},
      {"PAGE_READONLY_EXEC", PAGE_READONLY_EXEC, 0x25},
      {"PAGE_KERNEL_EXEC", PAGE_KERNEL_EXEC, 0x163},
      {"PAGE_KERNEL", PAGE_KERNEL, NX | 0x163},
      {"PAGE_KERNEL_RO", PAGE_KERNEL_RO(k), NX | 0x161},
      {"PAGE_KERNEL_RX", PAGE_KERNEL_RX(k), 0x161},
      {"PAGE_KERNEL_NOCACHE", PAGE_KERNEL_NOCACHE, NX | 0x17b},
      {"PAGE_KERNEL_VSYSCALL", PAGE_KERNEL_VSYSCALL(k), 0x165},
      {"PAGE_KERNEL_VVAR", PAGE_KERNEL_VVAR(k), NX | 0x165},
      {"PAGE_KERNEL_LARGE", PAGE_KERNEL_LARGE, NX | 0x1e3},
      {"PAGE_KERNEL_LARGE_EXEC", PAGE_KERNEL_LARGE_EXEC, 0x1e3},
      {"PAGE_KERNEL_IO", PAGE_KERNEL_IO, NX | 0x163},
      {"PAGE_KERNEL_IO_NOCACHE", PAGE_KERNEL_IO_NOCACHE, NX | 0x17b},
      {"_PAGE_TABLE", page::TABLE, 0x067},
      {"_KERNPG_TABLE", page::KERNPG_TABLE, 0x063},
  };
  for (const Row& row : rows) EXPECT_EQ(row.value, row.wanted) << row.name;
}

TEST(Protections, ReadOnlyOnesLoseDirtyInSixSix) {
  const Kernel k = kernel({6, 6});
  EXPECT_EQ(pgprot::PAGE_KERNEL_RO(k), NX | 0x121);
  EXPECT_EQ(pgprot::PAGE_KERNEL_RX(k), 0x121u);
  EXPECT_EQ(pgprot::PAGE_KERNEL_VVAR(k), NX | 0x125);
  EXPECT_EQ(pgprot::PAGE_KERNEL_RO(kernel({6, 5})), NX | 0x161);
}

TEST(Protections, OfEveryMapping) {
  const Word none = 0x120, ro = NX | 0x25, exec = 0x25, shared = NX | 0x27, shared_exec = 0x27;
  // By read, write, execute as bits 0, 1, 2.
  const Word of_private[] = {none, ro, ro, ro, exec, exec, exec, exec};
  const Word of_shared[] = {none, ro, shared, shared, exec, exec, shared_exec, shared_exec};
  for (Word xwr = 0; xwr < 8; ++xwr) {
    EXPECT_EQ(vm_get_page_prot(xwr).value, of_private[xwr]) << xwr;
    EXPECT_EQ(vm_get_page_prot(xwr | 8).value, of_shared[xwr]) << xwr;
    EXPECT_EQ(vm_get_page_prot(xwr | 0x70).value, of_private[xwr]) << "other VM_ flags " << xwr;
  }
}

TEST(MemoryTypes, BeforePatIsSetUp) {
  EXPECT_EQ(default_cachemode2protval(CacheMode::WB), 0u);
  EXPECT_EQ(default_cachemode2protval(CacheMode::UC), 0x18u);
  for (const CacheMode mode : {CacheMode::WC, CacheMode::UC_MINUS, CacheMode::WT, CacheMode::WP})
    EXPECT_EQ(default_cachemode2protval(mode), 0x10u);
}

// PAT as Linux sets it: WB, WC, UC-, UC, WB, WP, UC-, WT.
TEST(MemoryTypes, WithThePatOfLinux) {
  const Word pat = 0x0407'0506'0007'0106;
  EXPECT_EQ(cachemode2protval(CacheMode::WB, pat), 0x00u);
  EXPECT_EQ(cachemode2protval(CacheMode::WC, pat), 0x08u);
  EXPECT_EQ(cachemode2protval(CacheMode::UC_MINUS, pat), 0x10u);
  EXPECT_EQ(cachemode2protval(CacheMode::UC, pat), 0x18u);
  EXPECT_EQ(cachemode2protval(CacheMode::WP, pat), 0x88u);
  EXPECT_EQ(cachemode2protval(CacheMode::WT, pat), 0x98u);
}

// PAT after reset: WB, WT, UC-, UC, twice.
TEST(MemoryTypes, WithThePatAfterReset) {
  const Word pat = 0x0007'0406'0007'0406;
  EXPECT_EQ(cachemode2protval(CacheMode::WT, pat), 0x08u);
  EXPECT_EQ(cachemode2protval(CacheMode::WC, pat), 0x10u);
  EXPECT_EQ(cachemode2protval(CacheMode::WP, pat), 0x10u);
}

TEST(MemoryTypes, PatMovesBetweenBitSevenAndTwelve) {
  each_entry([](Word v) {
    const Word rest = v & ~Word{0x1080};
    ASSERT_EQ(pgprot_4k_2_large(Pgprot{v}).value, rest | (on(v, 7) ? 0x1000 : 0)) << v;
    ASSERT_EQ(pgprot_large_2_4k(Pgprot{v}).value, rest | (on(v, 12) ? 0x80 : 0)) << v;
  });
}

TEST(MemoryTypes, ASplitLosesPat) {
  Kernel k = kernel(v4_6);
  EXPECT_EQ(split_pgprot(k, Word{0x4020'11e3}).value, 0x163u);
  k.split_keeps_pat = true;
  EXPECT_EQ(split_pgprot(k, Word{0x4020'11e3}).value, 0x1e3u);
  EXPECT_EQ(split_pgprot(k, Word{0x4020'01e3}).value, 0x163u);
}

TEST(Protections, AnUnmappedKernelPageKeepsNoPseOrGlobal) {
  const Pgprot prot{NX | 0x1e2};
  EXPECT_EQ(pgprot_clear_protnone_bits(kernel({3, 8}), prot).value, NX | 0x1e2);
  EXPECT_EQ(pgprot_clear_protnone_bits(kernel({3, 9}), prot).value, NX | 0x062);
  EXPECT_EQ(pgprot_clear_protnone_bits(kernel({3, 9}), Pgprot{0x1e3}).value, 0x1e3u);
}

TEST(Protections, ReadOnlyTakesRwAndDirtyAlone) {
  const Word all = ~Word{0};
  EXPECT_EQ(pgprot::read_only(kernel({6, 5}), all), all ^ 0x2);
  EXPECT_EQ(pgprot::read_only(kernel({6, 6}), all), all ^ 0x42);
  EXPECT_EQ(pgprot_clear_protnone_bits(kernel({3, 9}), Pgprot{all ^ 1}).value, all ^ 0x181);
}

TEST(MemoryTypes, ASplitWouldAddPatAlone) {
  Kernel k = kernel(v4_6);
  k.split_keeps_pat = true;
  EXPECT_EQ(split_pgprot(k, Word{0x1081}).value, 0x081u);
}

}  // namespace
}  // namespace mmuref::lnx::test
