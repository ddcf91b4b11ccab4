// Split, killed and resumed campaigns give what one uninterrupted run gives.
#include "diff/campaign_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "diff/campaign.h"
#include "diff/files.h"
#include "diff/generator.h"
#include "diff/report.h"
#include "tests/diff/support.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;

/// Wrong now and then, so that there are findings.
LyingOracle liar() {
  return LyingOracle([](const Case& c, Observation& o, LyingOracle&) {
    if ((c.access.va & 0x3f0) == 0x100) o.error_code ^= x86::pfec::US;
  });
}

Totals run(const CampaignOptions& options) {
  LyingOracle oracle = liar();
  return run_campaign(oracle, domain_of(oracle), options);
}

/// The lines of a log without what depends on the clock.
std::vector<json> lines_of(const std::string& path) {
  std::vector<json> lines;
  std::istringstream text(read_text(path));
  for (std::string line; std::getline(text, line);) lines.push_back(result_of(json::parse(line)));
  return lines;
}

std::set<std::pair<Word, Word>> findings(const std::vector<json>& lines) {
  std::set<std::pair<Word, Word>> found;
  for (const json& line : lines) {
    if (line["type"] != "unit") continue;
    for (const json& finding : line["findings"]) found.emplace(finding["space"], finding["access"]);
  }
  return found;
}

class Log : public testing::Test {
 protected:
  TemporaryFolder folder;
  CampaignOptions options{.seed = 3,
                          .count = 40 * accesses_per_space + 7,
                          .out = folder.file("campaign.jsonl"),
                          .unit_accesses = 8 * accesses_per_space};
};

TEST_F(Log, HoldsAHeaderAndALineForEachUnit) {
  const Totals totals = run(options);
  const auto lines = lines_of(options.out);
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_EQ(lines.front()["type"], "campaign");
  EXPECT_EQ(lines.front()["seed"], 3);
  EXPECT_EQ(findings(lines).size(), totals.unexplained);
  EXPECT_GT(totals.unexplained, 3U);
  for (std::size_t i = 1; i < 7; ++i) {
    EXPECT_EQ(lines[i]["unit"], i - 1);
    EXPECT_EQ(lines[i]["totals"]["accesses"], i < 6 ? 8 * accesses_per_space : 7);
    EXPECT_EQ(lines[i]["passed"], lines[i]["findings"].empty());
  }
}

TEST_F(Log, ResumesFromAnyByteToTheSameFile) {
  const Totals once = run(options);
  const std::string whole = read_text(options.out);
  const auto expected = lines_of(options.out);
  for (std::size_t cut = 0; cut < whole.size(); cut += 1 + whole.size() / 61) {
    write_text(options.out, whole.substr(0, cut));
    const Totals again = run(options);
    ASSERT_EQ(lines_of(options.out), expected) << "cut at byte " << cut;
    ASSERT_EQ(totals_json(again), totals_json(once));
  }
}

TEST_F(Log, FinishedUnitsAreNotDoneAgain) {
  run(options);
  const std::string before = read_text(options.out);
  run(options);
  EXPECT_EQ(read_text(options.out), before);
  // In any order, and some of them.
  std::vector<json> lines = lines_of(options.out);
  std::swap(lines[1], lines[4]);
  lines.erase(lines.begin() + 2);
  std::string text;
  for (const json& line : lines) text += line.dump() + '\n';
  write_text(options.out, text);
  run(options);
  EXPECT_TRUE(read_text(options.out).starts_with(text));
  EXPECT_EQ(lines_of(options.out).back()["unit"], 1);
}

TEST_F(Log, ALineOfGarbageIsRefusedAndNothingIsLost) {
  run(options);
  const std::string whole = read_text(options.out);
  const std::size_t middle = whole.find('\n', whole.size() / 2) + 1;
  const std::string damaged =
      whole.substr(0, middle) + "{\"type\":\"check\0\xff" + '\n' + whole.substr(middle);
  write_text(options.out, damaged);
  EXPECT_THROW(run(options), std::runtime_error);
  EXPECT_EQ(read_text(options.out), damaged);
}

TEST_F(Log, TwoResultsOfAUnitAreRefused) {
  run(options);
  json other = lines_of(options.out)[2];
  write_text(options.out, read_text(options.out) + other.dump() + '\n');
  run(options);
  other["totals"]["accesses"] = 1U;
  write_text(options.out, read_text(options.out) + other.dump() + '\n');
  EXPECT_THROW(run(options), std::runtime_error);
}

TEST_F(Log, ALineWithoutTheTotalsOfACampaignIsRefused) {
  run(options);
  json other = lines_of(options.out)[2];
  other["totals"].erase("faults");
  write_text(options.out, lines_of(options.out)[0].dump() + '\n' + other.dump() + '\n');
  EXPECT_THROW(run(options), std::runtime_error);
}

TEST_F(Log, AUnitThatSaysOtherThanItsTotalsIsRefused) {
  run(options);
  json other = lines_of(options.out)[2];
  other["passed"] = !other["passed"].get<bool>();
  write_text(options.out, lines_of(options.out)[0].dump() + '\n' + other.dump() + '\n');
  EXPECT_THROW(run(options), std::runtime_error);
}

// A merged file has no times: what is in it was not done in those of the units that follow.
TEST_F(Log, OnlyWhatHasTimesHasARate) {
  std::string merged;
  run(options);
  const auto lines = lines_of(options.out);
  for (std::size_t i = 0; i < 4; ++i) merged += lines[i].dump() + '\n';
  write_text(options.out, merged);
  const Totals totals = run(options);
  EXPECT_EQ(totals.accesses, options.count);
  EXPECT_EQ(totals.timed, options.count - 3 * options.unit_accesses);
}

TEST_F(Log, AFileThatIsReplacedIsHeld) {
  run(options);
  const std::string before = read_text(options.out);
  {
    const CampaignLock held(options.out, O_RDONLY);
    EXPECT_EQ(content_of_file(options.out), before);
    EXPECT_THROW(CampaignLog(options.out, campaign_header("test", 1, 1)), FormError);
    EXPECT_THROW((CampaignLock{options.out, O_RDONLY}), FormError);
  }
  run(options);
}

TEST_F(Log, ALargerCountGoesOn) {
  run(options);
  const Totals shorter = run(options);
  options.count *= 2;
  const Totals longer = run(options);
  const auto lines = lines_of(options.out);
  options.out.clear();
  EXPECT_EQ(totals_json(longer), totals_json(run(options)));
  EXPECT_GT(longer.accesses, shorter.accesses);
  // Header, 6 units, header, and from the sixth on, which was a smaller one.
  EXPECT_EQ(lines[7]["count"], options.count);
  EXPECT_EQ(lines[8]["unit"], 5);
}

TEST_F(Log, ASmallerCountIsRefused) {
  run(options);
  options.count -= 1;
  EXPECT_THROW(run(options), std::runtime_error);
}

TEST_F(Log, IsOpenedByOneCampaignAtATime) {
  const CampaignLog first(options.out, campaign_header("test", 1, 1));
  EXPECT_THROW(CampaignLog(options.out, campaign_header("test", 1, 1)), std::runtime_error);
}

// A cached translation, say: the access alone is answered right, and no case can show it.
TEST_F(Log, TellsDifferencesThatNeedTheAccessesBefore) {
  Word accesses = 0;
  LyingOracle forgetful([&](const Case&, Observation& o, LyingOracle&) {
    if (++accesses % 7 == 0) o.error_code ^= x86::pfec::US;
  });
  const Totals totals = run_campaign(forgetful, domain_of(forgetful), options);
  EXPECT_GT(totals.unexplained, 0U);
  std::size_t alone = 0;
  for (const json& line : lines_of(options.out)) {
    if (line["type"] != "unit") continue;
    for (const json& finding : line["findings"]) alone += finding.contains("alone");
  }
  EXPECT_GT(alone, 0U);
}

TEST_F(Log, RefusesTheFileOfAnotherCampaign) {
  run(options);
  const std::string before = read_text(options.out);
  options.seed = 4;
  EXPECT_THROW(run(options), std::runtime_error);
  EXPECT_EQ(read_text(options.out), before);
  write_text(options.out, "precious notes");
  EXPECT_THROW(run(options), std::runtime_error);
  EXPECT_EQ(read_text(options.out), "precious notes");
}

TEST_F(Log, AFileOfOneLineWithoutAnEndIsLeftAlone) {
  const std::string mine = R"({"command":"important data of mine"})";
  write_text(options.out, mine);
  EXPECT_THROW(run(options), std::runtime_error);
  EXPECT_EQ(read_text(options.out), mine);
}

TEST_F(Log, RefusesAFileItCannotWrite) {
  options.out = folder.file("no/such/folder");
  EXPECT_THROW(run(options), std::runtime_error);
  options.out = folder.file("");
  EXPECT_THROW(run(options), std::runtime_error);
}

TEST_F(Log, ShardsPartitionTheUnits) {
  const Totals whole = run(options);
  const auto expected = findings(lines_of(options.out));
  MergedCampaign at_once, merged;
  at_once.add("whole", parse_campaign(read_text(options.out)));

  Word accesses = 0;
  for (Word i = 0; i < 4; ++i) {
    CampaignOptions shard = options;
    shard.shard = {i, 4};
    shard.out = folder.file("shard" + std::to_string(i));
    const Totals totals = run(shard);
    EXPECT_EQ(totals.accesses, share(shard, Mode::walk));
    accesses += totals.accesses;
    merged.add(shard.out, parse_campaign(read_text(shard.out)));
  }
  EXPECT_EQ(accesses, options.count);
  EXPECT_EQ(merged.summary(), at_once.summary());
  EXPECT_EQ(merged.lines(), at_once.lines());
  // What was merged is the file of the whole campaign: nothing is left to do.
  write_text(options.out, merged.lines());
  EXPECT_EQ(totals_json(run(options)), totals_json(whole));
  EXPECT_EQ(read_text(options.out), merged.lines());
  EXPECT_EQ(findings(lines_of(options.out)), expected);
}

}  // namespace
}  // namespace mmuref::diff
