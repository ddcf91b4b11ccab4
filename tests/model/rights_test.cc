// SDM vol. 3, "Determination of Access Rights" (4.6.1), and its error codes from "Page-Fault
// Exceptions" (4.7).
#include <gtest/gtest.h>

#include "tests/model/scene.h"

namespace mmuref::x86::test {
namespace {

constexpr Word P = pfec::P, WR = pfec::WR, US = pfec::US, ID = pfec::ID;

/// One test body, run on every shape of walk and for every level in it.
class AtEveryLevel : public testing::TestWithParam<Shape> {
 protected:
  template <class Body>
  void each_level(Body&& body) const {
    const auto [levels, leaf] = GetParam();
    for (int level = leaf; level <= levels; ++level) {
      SCOPED_TRACE(level);
      Scene s = mapping(levels, leaf);
      body(s, s.entry[static_cast<unsigned>(level)]);
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Shapes, AtEveryLevel, testing::ValuesIn(shapes));

void expect_permitted(const Scene& s) {
  EXPECT_EQ(s.walk().outcome, Outcome::translated);
}

void expect_denied(const Scene& s, Word error_code, Rule rule) {
  const auto w = s.walk();
  EXPECT_EQ(w.outcome, Outcome::page_fault);
  EXPECT_EQ(w.error_code, error_code);
  EXPECT_EQ(w.rule, rule);
  EXPECT_EQ(w.level, s.leaf);
}

// "Every linear address is either a supervisor-mode address or a user-mode address …: if the U/S
// flag is 0 in any of the paging-structure entries, the address is a supervisor-mode address."
TEST_P(AtEveryLevel, OneClearUsMakesASupervisorModeAddress) {
  each_level([](Scene& s, Word& e) {
    e &= ~entry::US;
    expect_denied(s.user().read(), P | US, Rule::user_supervisor);
    expect_denied(s.user().write(), P | US | WR, Rule::user_supervisor);
    expect_denied(s.user().fetch(), P | US | ID, Rule::user_supervisor);
    expect_permitted(s.supervisor().read());
    expect_permitted(s.supervisor().write());
    expect_permitted(s.supervisor().fetch());
  });
}

// "Data may be written … to any user-mode address with a translation for which the R/W flag is 1
// in every paging-structure entry."
TEST_P(AtEveryLevel, OneClearRwMakesTheAddressReadOnly) {
  each_level([](Scene& s, Word& e) {
    e &= ~entry::RW;
    expect_denied(s.user().write(), P | US | WR, Rule::read_only);
    expect_denied(s.supervisor().write(), P | WR, Rule::read_only);
    expect_permitted(s.user().read());
    expect_permitted(s.user().fetch());
  });
}

// "If CR0.WP = 0, data may be written to any supervisor-mode [or user-mode] address."
TEST_P(AtEveryLevel, WithoutWpSupervisorModeWritesReadOnlyPages) {
  each_level([](Scene& s, Word& e) {
    s.registers.cr0 &= ~cr0::WP;
    e &= ~entry::RW;
    expect_permitted(s.supervisor().write());
    expect_denied(s.user().write(), P | US | WR, Rule::read_only);
  });
}

// "… with a translation for which the XD flag is 0 in every paging-structure entry": XD is ORed.
TEST_P(AtEveryLevel, OneSetXdForbidsFetches) {
  each_level([](Scene& s, Word& e) {
    e |= entry::XD;
    expect_denied(s.user().fetch(), P | US | ID, Rule::execute_disable);
    expect_denied(s.supervisor().fetch(), P | ID, Rule::execute_disable);
    expect_permitted(s.user().read());
    expect_permitted(s.user().write());
  });
}

// "CR4.SMEP = 1: instructions may not be fetched from any user-mode address."
TEST_P(AtEveryLevel, SmepKeepsSupervisorFetchesFromUserModeAddresses) {
  each_level([](Scene& s, Word& e) {
    s.registers.cr4 |= cr4::SMEP;
    expect_denied(s.supervisor().fetch(), P | ID, Rule::smep);
    expect_permitted(s.supervisor().read());
    expect_permitted(s.user().fetch());
    e &= ~entry::US;  // one clear U/S is enough to make it a supervisor-mode address
    expect_permitted(s.supervisor().fetch());
  });
}

// "CR4.SMAP = 1: … data may not be read from any user-mode address if EFLAGS.AC = 0."
TEST_P(AtEveryLevel, SmapKeepsSupervisorDataAccessesFromUserModeAddresses) {
  each_level([](Scene& s, Word& e) {
    s.registers.cr4 |= cr4::SMAP;
    expect_denied(s.supervisor().read(), P, Rule::smap);
    expect_denied(s.supervisor().write(), P | WR, Rule::smap);
    expect_permitted(s.supervisor().fetch());
    expect_permitted(s.user().read());
    expect_permitted(s.user().write());
    e &= ~entry::US;
    expect_permitted(s.supervisor().read());
    expect_permitted(s.supervisor().write());
  });
}

TEST(Rights, AcOverridesSmapForExplicitAccesses) {
  Scene s = mapping();
  s.registers.cr4 |= cr4::SMAP;
  s.access.ac = true;
  expect_permitted(s.supervisor().read());
  expect_permitted(s.supervisor().write());
}

// "If CR4.SMAP = 1 … implicit supervisor-mode accesses … EFLAGS.AC is ignored."
TEST(Rights, AcDoesNotOverrideSmapForImplicitAccesses) {
  for (const bool cpl3 : {false, true}) {
    Scene s = mapping();
    s.registers.cr4 |= cr4::SMAP;
    s.access.ac = true;
    s.access.implicit = true;
    s.access.cpl3 = cpl3;
    expect_denied(s.read(), P, Rule::smap);
    expect_denied(s.write(), P | WR, Rule::smap);
  }
}

TEST(Rights, AcDoesNotLiftWriteProtection) {
  Scene s = mapping();
  s.registers.cr4 |= cr4::SMAP;
  s.access.ac = true;
  s.pte() &= ~entry::RW;
  expect_denied(s.supervisor().write(), P | WR, Rule::read_only);
}

// "Access Rights" (4.6): implicit accesses are "supervisor-mode accesses regardless of CPL".
TEST(Rights, AnImplicitAccessAtCpl3IsASupervisorModeAccess) {
  Scene s = mapping();
  s.access.implicit = true;
  s.pte() &= ~entry::US;
  expect_permitted(s.user().read());
  s.pte() &= ~entry::P;
  EXPECT_EQ(s.user().read().walk().error_code, 0u);  // U/S=0
}

// With EFER.NXE=0, XD is reserved rather than a right.
TEST(Rights, WithoutNxeXdIsAReservedBit) {
  Scene s = mapping();
  s.registers.efer &= ~efer::NXE;
  s.pte() |= entry::XD;
  EXPECT_EQ(s.read().walk().error_code, P | pfec::RSVD);
}

// 4.7: "I/D flag: 1 if the access was an instruction fetch and CR4.SMEP=1, or CR4.PAE=1 and
// IA32_EFER.NXE=1"; otherwise 0.
TEST(Rights, TheFetchBitNeedsNxeOrSmep) {
  for (const bool nxe : {false, true}) {
    for (const bool smep : {false, true}) {
      Scene s = mapping();
      if (!nxe) s.registers.efer &= ~efer::NXE;
      if (smep) s.registers.cr4 |= cr4::SMEP;
      s.pte() = 0;
      EXPECT_EQ(s.fetch().walk().error_code, nxe || smep ? ID : 0);
      EXPECT_EQ(s.read().walk().error_code, 0u);
    }
  }
}

// 4.7: W/R and U/S "describe the access causing the page-fault exception, not the access rights
// specified by paging".
TEST(Rights, WrAndUsDescribeTheAccessEvenWhenNothingIsPresent) {
  Scene s = mapping();
  s.pml4e() = 0;
  EXPECT_EQ(s.supervisor().read().walk().error_code, 0u);
  EXPECT_EQ(s.supervisor().write().walk().error_code, WR);
  EXPECT_EQ(s.user().read().walk().error_code, US);
  EXPECT_EQ(s.user().write().walk().error_code, US | WR);
  EXPECT_EQ(s.user().fetch().walk().error_code, US | ID);
}

// Several causes may hold at once: all are reported, and the first names the rule.
TEST(Rights, AllCausesOfADenialAreKept) {
  Scene s = mapping();
  s.user().write();
  s.pde() &= ~(entry::US | entry::RW);
  const auto w = s.walk();
  EXPECT_TRUE(w.denials.user_supervisor);
  EXPECT_TRUE(w.denials.read_only);
  EXPECT_FALSE(w.denials.execute_disable);
  EXPECT_EQ(w.rule, Rule::user_supervisor);
}

TEST(Rights, EachRuleHasItsTextAtItsPlace) {
  for (std::size_t i = 0; i < rule_texts.size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(rule_texts[i].rule), i);
    EXPECT_FALSE(rule_texts[i].name.empty());
    EXPECT_FALSE(rule_texts[i].section.empty());
  }
}

}  // namespace
}  // namespace mmuref::x86::test
