// What a search remembers of the states it has seen.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <set>

#include "spec/protocol/seen.h"

namespace mmuref::spec::protocol {
namespace {

/// Many alike, and many in one part of the table.
rc::Gen<std::vector<std::uint64_t>> prints() {
  return rc::gen::container<std::vector<std::uint64_t>>(
      rc::gen::oneOf(rc::gen::inRange<std::uint64_t>(0, 50), rc::gen::arbitrary<std::uint64_t>(),
                     rc::gen::map(rc::gen::inRange<std::uint64_t>(0, 1000),
                                  [](std::uint64_t n) { return n << 24 | std::uint64_t{0xab} << 56; })));
}

RC_GTEST_PROP(ProtocolSeen, FingerprintsAreASet, ()) {
  Fingerprints seen;
  std::set<std::uint64_t> all;
  for (const std::uint64_t print : *prints()) {
    // 0 is free room; it goes by the name of 1.
    RC_ASSERT(seen.add(print) == all.insert(print == 0 ? 1 : print).second);
  }
  RC_ASSERT(seen.size() == all.size());
  std::set<std::uint64_t> held;
  seen.for_each([&](std::uint64_t print) { RC_ASSERT(held.insert(print).second); });
  RC_ASSERT(held == all);
}

TEST(ProtocolSeen, TablesGrowAndLoseNothing) {
  Fingerprints seen;
  std::uint64_t print = 1;
  constexpr int many = 2'000'000;
  for (int i = 0; i < many; ++i) ASSERT_TRUE(seen.add(print = stir(print, 7)));
  print = 1;
  for (int i = 0; i < many; ++i) ASSERT_FALSE(seen.add(print = stir(print, 7)));
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(many));
  EXPECT_LT(seen.bytes(), std::size_t{many} * 21);

  // In the order that a file has them.
  Fingerprints again;
  again.reserve(seen.size());
  seen.for_each([&](std::uint64_t p) { ASSERT_TRUE(again.add(p)); });
  EXPECT_EQ(again.size(), seen.size());
}

RC_GTEST_PROP(ProtocolSeen, AWayLeadsBackToTheFirst, ()) {
  const auto found =
      *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::inRange<std::uint8_t>(0, 5));
  Ways ways;
  std::vector<std::vector<std::uint8_t>> to{{}};  // of each state, as a search would have it
  for (std::size_t i = 0; i < found.size() && i < to.size(); ++i) {
    for (std::uint8_t which = 0; which < found[i]; ++which) {
      ways.found(which);
      to.push_back(to[i]);
      to.back().push_back(which);
    }
    ways.followed();
  }
  for (std::size_t n = 0; n < to.size(); ++n) RC_ASSERT(ways.to(n) == to[n]);
}

}  // namespace
}  // namespace mmuref::spec::protocol
