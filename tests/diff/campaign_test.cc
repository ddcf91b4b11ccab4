// A campaign finds what is wrong, counts what it did, and says what it did not do.
#include "diff/campaign.h"

#include <gtest/gtest.h>

#include "diff/campaign_file.h"
#include "diff/case_file.h"
#include "tests/diff/support.h"

namespace mmuref::diff {
namespace {

using x86::Outcome;

Totals run(Oracle& oracle, const CampaignOptions& options) {
  return run_campaign(oracle, domain_of(oracle), options);
}

TEST(Campaign, TheStatementAgrees) {
  const auto oracle = make_statement_oracle();
  const CampaignOptions options{.count = 20'000};
  const Totals totals = run(*oracle, options);
  EXPECT_EQ(totals.accesses, 20'000U);
  EXPECT_EQ(totals.unexplained, 0U);
  EXPECT_TRUE(totals.known.empty());
  EXPECT_EQ(totals.located, totals.accesses - totals.faults);
  EXPECT_TRUE(passed(totals, options));
}

// A rule that is never met at a level where it can be is never tested there.
TEST(Campaign, MeetsEveryRuleAtEveryLevel) {
  const auto oracle = make_statement_oracle();
  const Totals totals = run(*oracle, {.count = 200'000});
  const auto met = [&](x86::Rule rule, int level) {
    return totals.coverage[static_cast<std::size_t>(rule)][static_cast<std::size_t>(level)];
  };
  using enum x86::Rule;
  for (const auto rule : {not_present, reserved_address, reserved_execute_disable}) {
    for (const int level : {1, 2, 3, 4, 5}) EXPECT_GT(met(rule, level), 100U) << level;
  }
  for (const auto rule : {translated, user_supervisor, smap, smep, read_only, execute_disable,
                          user_key, supervisor_key}) {
    for (const int level : {1, 2, 3}) {
      EXPECT_GT(met(rule, level), 50U) << x86::text(rule).name << ' ' << level;
    }
  }
  for (const int level : {3, 4, 5}) EXPECT_GT(met(reserved_page_size, level), 100U) << level;
  for (const int level : {4, 5}) EXPECT_GT(met(reserved_global, level), 20U) << level;
  for (const int level : {2, 3}) EXPECT_GT(met(reserved_large_frame, level), 100U) << level;
  EXPECT_GT(met(non_canonical, 0), 100U);
}

struct Falsehood {
  const char* name;
  Part part;
  LyingOracle::Lie lie;
};

const Walk walk_of(const Case& c) {
  return answer(c).walk;
}

const Falsehood falsehoods[] = {
    {"a #PF is taken for a success", Part::outcome,
     [](const Case&, Observation& o, LyingOracle&) { o.outcome = Outcome::translated; }},
    {"a #GP is taken for a #SS", Part::outcome,
     [](const Case&, Observation& o, LyingOracle&) {
       if (o.outcome == Outcome::general_protection) o.outcome = Outcome::stack_fault;
     }},
    {"I/D is not reported", Part::error_code,
     [](const Case&, Observation& o, LyingOracle&) { o.error_code &= ~x86::pfec::ID; }},
    {"PK is not reported", Part::error_code,
     [](const Case&, Observation& o, LyingOracle&) { o.error_code &= ~x86::pfec::PK; }},
    {"a #GP has an error code", Part::error_code,
     [](const Case&, Observation& o, LyingOracle&) {
       if (o.outcome == Outcome::general_protection) o.error_code = 1;
     }},
    {"CR2 is cut to 48 bits", Part::cr2,
     [](const Case&, Observation& o, LyingOracle&) { o.cr2 &= bits(47, 0); }},
    {"the top physical bit is lost", Part::physical_address,
     [](const Case& c, Observation& o, LyingOracle&) {
       o.physical_address &= ~bit(static_cast<unsigned>(c.machine.cpu.maxphyaddr) - 1);
     }},
    {"D is set by reads", Part::entries,
     [](const Case& c, Observation& o, LyingOracle& self) {
       const Walk w = walk_of(c);
       if (o.outcome != Outcome::translated || c.access.write) return;
       if (!has(w.last().value, x86::entry::D)) self.flip(w.last().address, x86::entry::D);
     }},
    {"A is not set in the root entry", Part::entries,
     [](const Case& c, Observation& o, LyingOracle& self) {
       const Walk w = walk_of(c);
       if (o.outcome != Outcome::translated || has(w.steps[0].value, x86::entry::A)) return;
       self.flip(w.steps[0].address, x86::entry::A);
     }},
    {"a denied access sets A in the leaf", Part::entries,
     [](const Case& c, Observation&, LyingOracle& self) {
       const Walk w = walk_of(c);
       if (w.denials.any() && !has(w.last().value, x86::entry::A)) {
         self.flip(w.last().address, x86::entry::A);
       }
     }},
    {"an entry that took no part is written", Part::entries,
     [](const Case& c, Observation&, LyingOracle& self) {
       if (c.machine.memory.size() > 0) self.flip(c.machine.memory.begin()->first, bit(9));
     }},
};

class Lies : public testing::TestWithParam<Falsehood> {};

TEST_P(Lies, AreFoundAndSavedAsASmallCase) {
  TemporaryFolder folder;
  LyingOracle oracle(GetParam().lie);
  const CampaignOptions options{.count = 3'000, .save = folder.file("found")};
  const Totals totals = run(oracle, options);
  EXPECT_GT(totals.unexplained, 0U);
  EXPECT_FALSE(passed(totals, options));

  bool shown = false;
  for (const auto& file : std::filesystem::directory_iterator(options.save)) {
    const CaseFile saved = read_case_file(file.path());
    EXPECT_LE(saved.question.machine.memory.size(), 6U) << file.path();
    shown |= saved.shows.find(parts_text(static_cast<Parts>(GetParam().part))) != std::string::npos;
  }
  EXPECT_TRUE(shown);
}

INSTANTIATE_TEST_SUITE_P(Every, Lies, testing::ValuesIn(falsehoods),
                         [](const testing::TestParamInfo<Falsehood>& lie) {
                           return "lie" + std::to_string(lie.index);
                         });

// Somebody may have looked at what was found, and written into it what it shows.
TEST(Campaign, ACaseThatIsThereIsNotReplaced) {
  TemporaryFolder folder;
  LyingOracle oracle(falsehoods[0].lie);
  CampaignOptions options{.count = 1000, .save = folder.file("found")};
  const auto files = [&] {
    std::map<std::string, std::string> found;
    for (const auto& file : std::filesystem::directory_iterator(options.save))
      found[file.path()] = read_text(file.path());
    return found;
  };
  run(oracle, options);
  const auto before = files();
  ASSERT_FALSE(before.empty());
  run(oracle, options);
  EXPECT_EQ(files(), before) << "the same run saves the same cases";

  const auto& [path, text] = *before.begin();
  write_text(path, text + " ");
  run(oracle, options);
  EXPECT_EQ(read_text(path), text + " ");
  EXPECT_EQ(files().size(), before.size() + 1);
}

TEST(Campaign, AUnitIsWrittenThoughItsCasesCannotBeSaved) {
  TemporaryFolder folder;
  LyingOracle oracle(falsehoods[0].lie);
  const CampaignOptions options{
      .count = 1000, .out = folder.file("log"), .save = folder.file("no-folder")};
  write_text(options.save, "a file");
  EXPECT_THROW(run(oracle, options), std::runtime_error);
  const CampaignFile log = parse_campaign(read_text(options.out));
  ASSERT_EQ(log.units.size(), 1U);
  EXPECT_TRUE(log.units[0].line["findings"][0].contains("case"));
}

void PrintTo(const Falsehood& falsehood, std::ostream* out) {
  *out << falsehood.name;
}

/// Has nothing, or nothing but one processor, or no fetches.
class PickyOracle : public LyingOracle {
 public:
  using Judge = std::function<std::string(const Processor&, const Registers&, const Access&)>;
  explicit PickyOracle(Judge judge)
      : LyingOracle([](const Case&, Observation&, LyingOracle&) {}), judge_(std::move(judge)) {}
  std::string unsupported(const Processor& cpu, const Registers& registers,
                          const Access& access) const override {
    return judge_(cpu, registers, access);
  }

 private:
  Judge judge_;
};

TEST(Campaign, NothingComparedIsAFailure) {
  PickyOracle none([](auto&...) { return "nothing"; });
  const CampaignOptions options{.count = 1000};
  EXPECT_FALSE(passed(run(none, options), options));

  // The domain is asked for with 93 questions.
  PickyOracle soon_tired([asked = 0](auto&...) mutable { return ++asked > 100 ? "no" : ""; });
  const Totals totals = run(soon_tired, options);
  EXPECT_EQ(totals.accesses, 7U);
  EXPECT_GT(totals.skipped.at("no"), 0U);
  EXPECT_FALSE(passed(totals, options));
}

TEST(Campaign, SkippedIsCountedAndNotCompared) {
  PickyOracle picky([](auto&, auto&, const Access& a) { return a.fetch ? "no fetches" : ""; });
  const CampaignOptions options{.count = 1000};
  const Totals totals = run(picky, options);
  EXPECT_EQ(totals.accesses, 1000U);
  EXPECT_GT(totals.skipped.at("no fetches"), 100U);
  EXPECT_EQ(totals.coverage[static_cast<std::size_t>(x86::Rule::smep)],
            decltype(totals.coverage)::value_type{});
}

TEST(Domain, LeavesOutWhatTheOracleDoesNotHave) {
  PickyOracle picky([](const Processor& cpu, const Registers& r, auto&) -> std::string {
    if (cpu.amd) return "vendor";
    if (cpu.maxphyaddr < 40 || cpu.maxphyaddr == 45) return "width";
    return has(r.cr4, x86::cr4::PKS) ? "keys" : "";
  });
  const Domain domain = domain_of(picky);
  EXPECT_EQ(domain.processors.size(), 2U * 12);
  EXPECT_FALSE(has(domain.optional.cr4, x86::cr4::PKS));
  EXPECT_TRUE(has(domain.optional.cr4, x86::cr4::PKE));
  EXPECT_EQ(
      domain.excluded.at("width"),
      "Intel with MAXPHYADDR 32-39, 45, Intel without 1-GByte pages with MAXPHYADDR 32-39, 45");
  EXPECT_EQ(domain.excluded.at("keys"), "CR4.PKS");
  EXPECT_EQ(domain.excluded.size(), 3U);
}

}  // namespace
}  // namespace mmuref::diff
