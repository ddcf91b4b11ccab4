// Split, killed and resumed campaigns give what one uninterrupted run gives.
#include "diff/campaign_log.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "diff/generator.h"
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
  for (std::string line; std::getline(text, line);) {
    json document = json::parse(line);
    document.erase("seconds");
    document.erase("oracle_seconds");
    lines.push_back(std::move(document));
  }
  return lines;
}

std::set<std::pair<Word, Word>> findings(const std::vector<json>& lines) {
  std::set<std::pair<Word, Word>> found;
  for (const json& line : lines) {
    if (line["type"] == "finding") found.emplace(line["space"], line["access"]);
  }
  return found;
}

class Log : public testing::Test {
 protected:
  TemporaryFolder folder;
  CampaignOptions options{.seed = 3,
                          .count = 40 * accesses_per_space + 7,
                          .out = folder.file("campaign.jsonl"),
                          .spaces_per_checkpoint = 8};
};

TEST_F(Log, HoldsHeaderFindingsCheckpointsAndSummary) {
  const Totals totals = run(options);
  const auto lines = lines_of(options.out);
  EXPECT_EQ(lines.front()["type"], "campaign");
  EXPECT_EQ(lines.front()["seed"], 3);
  EXPECT_EQ(lines.back()["type"], "summary");
  EXPECT_EQ(lines.back()["accesses"], totals.accesses);
  EXPECT_EQ(findings(lines).size(), totals.unexplained);
  EXPECT_GT(totals.unexplained, 3U);
  EXPECT_EQ(std::count_if(lines.begin(), lines.end(),
                          [](const json& l) { return l["type"] == "checkpoint"; }),
            5);
}

TEST_F(Log, ResumesFromAnyByteToTheSameFile) {
  run(options);
  const std::string whole = read_text(options.out);
  const auto expected = lines_of(options.out);
  for (std::size_t cut = 0; cut < whole.size(); cut += 1 + whole.size() / 61) {
    write_text(options.out, whole.substr(0, cut));
    run(options);
    ASSERT_EQ(lines_of(options.out), expected) << "cut at byte " << cut;
  }
}

TEST_F(Log, ALineOfGarbageIsCutOff) {
  run(options);
  const auto expected = lines_of(options.out);
  const std::string whole = read_text(options.out);
  const std::size_t middle = whole.find('\n', whole.size() / 2) + 1;
  write_text(options.out,
             whole.substr(0, middle) + "{\"type\":\"check\0\xff" + '\n' + whole.substr(middle));
  run(options);
  EXPECT_EQ(lines_of(options.out), expected);
}

TEST_F(Log, ALargerCountGoesOn) {
  run(options);
  options.count *= 2;
  const Totals longer = run(options);
  options.out.clear();
  const Totals at_once = run(options);
  EXPECT_EQ(longer.accesses, at_once.accesses);
  EXPECT_EQ(longer.faults, at_once.faults);
  EXPECT_EQ(longer.unexplained, at_once.unexplained);
  EXPECT_EQ(longer.coverage, at_once.coverage);
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
  for (const json& line : lines_of(options.out)) alone += line.contains("alone");
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

TEST_F(Log, RefusesAFileItCannotWrite) {
  options.out = folder.file("no/such/folder");
  EXPECT_THROW(run(options), std::runtime_error);
  options.out = folder.file("");
  EXPECT_THROW(run(options), std::runtime_error);
}

TEST_F(Log, ShardsPartitionTheAddressSpaces) {
  options.count = 42 * accesses_per_space;
  const Totals whole = run(options);
  const auto expected = findings(lines_of(options.out));

  std::set<std::pair<Word, Word>> found;
  Totals sum;
  for (Word i = 0; i < 3; ++i) {
    CampaignOptions shard = options;
    shard.shard = {i, 3};
    shard.count = options.count / 3;
    shard.out = folder.file("shard" + std::to_string(i));
    const Totals totals = run(shard);
    sum.faults += totals.faults;
    sum.unexplained += totals.unexplained;
    found.merge(findings(lines_of(shard.out)));
  }
  EXPECT_EQ(found, expected);
  EXPECT_EQ(sum.faults, whole.faults);
  EXPECT_EQ(sum.unexplained, whole.unexplained);
}

}  // namespace
}  // namespace mmuref::diff
