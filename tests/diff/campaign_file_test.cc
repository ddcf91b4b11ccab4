// However the lines of a campaign are dealt out to files, the files add up to the same.
#include "diff/campaign_file.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "diff/campaign_log.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;

json header(Word count = 7, Word unit = 1) {
  json line = campaign_header("test", count, unit);
  line["seed"] = 3;
  return line;
}

json unit_line(Word number, Word value = 1, bool passed = true) {
  return {{"type", "unit"},
          {"unit", number},
          {"name", "unit " + std::to_string(number)},
          {"passed", passed},
          {"totals", {{"value", value}, {"rows", {{"a", {value, 0U}}}}}},
          {"timing", {{"seconds", 0.25 * static_cast<double>(value)}}}};
}

std::string text_of(const std::vector<json>& lines) {
  std::string text;
  for (const json& line : lines) text += line.dump() + '\n';
  return text;
}

MergedCampaign merged(const std::vector<std::string>& files) {
  MergedCampaign all;
  for (std::size_t i = 0; i < files.size(); ++i)
    all.add("file" + std::to_string(i), parse_campaign(files[i]));
  return all;
}

std::string error_of(const std::vector<std::string>& files) {
  try {
    merged(files).summary();
  } catch (const FormError& e) {
    return e.what();
  }
  return "";
}

// Units done and not done, passed and failed; each in one to three of the files, with timings of
// its own; in any order.
RC_GTEST_PROP(Merge, AnyPartitionInAnyOrderWithRepeatsAddsUpToTheSame, ()) {
  const auto units = *rc::gen::inRange<Word>(1, 12);
  const auto file_count = *rc::gen::inRange<std::size_t>(1, 5);
  std::vector<json> all;
  std::vector<std::vector<json>> files(file_count);
  for (Word number = 0; number < units; ++number) {
    if (*rc::gen::weightedElement<bool>({{1, true}, {5, false}})) continue;
    const json line = unit_line(number, *rc::gen::inRange<Word>(0, 9),
                                *rc::gen::weightedElement<bool>({{1, false}, {5, true}}));
    all.push_back(line);
    for (auto times = *rc::gen::inRange(1, 4); times > 0; --times) {
      json again = line;
      again["timing"]["seconds"] = *rc::gen::inRange(0, 9);
      auto& file = files[*rc::gen::inRange<std::size_t>(0, file_count)];
      file.insert(file.begin() + *rc::gen::inRange<std::ptrdiff_t>(
                                     0, static_cast<std::ptrdiff_t>(file.size()) + 1),
                  std::move(again));
    }
  }
  std::vector<std::string> texts;
  for (auto& file : files) {
    file.insert(file.begin(), header(units));
    texts.push_back(text_of(file));
  }
  all.insert(all.begin(), header(units));
  const MergedCampaign expected = merged({text_of(all)}), found = merged(texts);
  RC_ASSERT(found.summary() == expected.summary());
  RC_ASSERT(found.lines() == expected.lines());
  RC_ASSERT(merged({found.lines()}).summary() == expected.summary());
  RC_ASSERT(found.summary()["missing"] == units + 1 - all.size());
}

TEST(Merge, AddsUpTotals) {
  const auto summary = merged({text_of({header(3), unit_line(0, 5), unit_line(2, 7)}),
                               text_of({header(3), unit_line(1, 11)})})
                           .summary();
  EXPECT_EQ(summary["totals"], json::parse(R"({"value":23,"rows":{"a":[23,0]}})"));
  EXPECT_EQ(summary["passed"], true);
  EXPECT_EQ(summary["done"], 3);
}

TEST(Merge, WhatIsMissingFailedOrDisputedIsNoPass) {
  const json first = unit_line(0), second = unit_line(1);
  EXPECT_TRUE(merged({text_of({header(2), first, second})}).summary()["passed"]);

  const auto missing = merged({text_of({header(2), first})}).summary();
  EXPECT_FALSE(missing["passed"]);
  EXPECT_EQ(missing["missing"], 1);

  const auto failed = merged({text_of({header(2), first, unit_line(1, 1, false)})}).summary();
  EXPECT_FALSE(failed["passed"]);
  EXPECT_EQ(failed["failed"][0]["name"], "unit 1");

  const MergedCampaign both =
      merged({text_of({header(2), first, second}), text_of({header(2), unit_line(1, 2)})});
  const auto disputed = both.summary();
  EXPECT_FALSE(disputed["passed"]);
  EXPECT_EQ(disputed["disputed"][0]["name"], "unit 1");
  EXPECT_EQ(disputed["done"], 1);
  EXPECT_EQ(disputed["totals"]["value"], 1);
  EXPECT_EQ(merged({both.lines()}).summary(), disputed) << "neither result is lost";
}

TEST(Merge, ATornLastLineIsIgnoredAndCounted) {
  const std::string whole = text_of({header(2), unit_line(0), unit_line(1)});
  const std::size_t last = whole.rfind('{', whole.size() - 2);
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const std::string torn = whole.substr(0, cut);
    const CampaignFile file = parse_campaign(torn);
    EXPECT_EQ(file.torn, !torn.empty() && torn.back() != '\n') << cut;
    if (file.header.is_null()) continue;
    const auto summary = merged({torn}).summary();
    EXPECT_EQ(summary["torn"], file.torn ? 1 : 0) << cut;
    EXPECT_FALSE(summary["passed"]) << cut;
    EXPECT_TRUE(cut < last || summary["missing"] == 1) << cut;
  }
  EXPECT_EQ(error_of({R"({"command":"te)"}),
            "file0: expected a campaign's first line, here or in another file");
}

TEST(Merge, OtherLinesAreRefusedWithTheirPlace) {
  const std::string start = text_of({header(3), unit_line(0)});
  json beyond = unit_line(3), negative = unit_line(1), nameless = unit_line(1),
       unsure = unit_line(1), other_type = unit_line(1), no_totals = unit_line(1);
  negative["totals"]["value"] = -1;
  nameless.erase("name");
  unsure["passed"] = 1;
  other_type["type"] = "checkpoint";
  no_totals["totals"] = 4U;
  const std::vector<std::pair<std::string, std::string>> rows{
      {start + "\n", "line 3: column"},
      {start + "{\"type\":\n" + unit_line(1).dump() + '\n', "line 3: column"},
      {start + "{}\n", "line 3: type: missing"},
      {start + "{\"type\":\"unit\",\"type\":\"unit\"}\n", "line 3: type: given twice"},
      {start + beyond.dump() + '\n', "line 3: unit: expected a number below 3"},
      {start + negative.dump() + '\n', "line 3: totals: expected natural numbers"},
      {start + nameless.dump() + '\n', "line 3: name: missing"},
      {start + unsure.dump() + '\n', "line 3: passed: expected true or false"},
      {start + other_type.dump() + '\n', "line 3: type: expected campaign or unit"},
      {start + no_totals.dump() + '\n', "line 3: totals: expected an object"},
      {start + header(2).dump() + '\n', "line 3: count: expected no smaller one"},
      {text_of({unit_line(0)}), "line 1: expected the first line of a campaign"},
      {"precious notes", "line 1: expected the first line of a campaign"},
      {text_of({header(0)}), "line 1: count: expected a number from 1 up"},
      {text_of({header(7, 0)}), "line 1: unit: expected a number from 1 up"},
  };
  for (const auto& [text, expected] : rows) {
    EXPECT_TRUE(error_of({text}).starts_with(expected)) << error_of({text}) << " for\n" << text;
    EXPECT_EQ(error_of({text}).find('\n'), std::string::npos);
  }
}

TEST(Merge, FilesOfTwoCampaignsAreRefused) {
  for (const char* name : {"command", "count", "unit", "seed", "mmuref", "program"}) {
    json other = header();
    other[name] = name == std::string("unit") ? json(2U) : json(9U);
    if (name == std::string("command")) other[name] = "prove";
    const std::string error = error_of({text_of({header()}), text_of({other})});
    EXPECT_TRUE(error.starts_with("file1: " + std::string(name))) << error;
  }
}

TEST(Merge, TotalsOfTwoFormsOrBeyond64BitsAreRefused) {
  json large = unit_line(1);
  large["totals"]["value"] = ~Word{0};
  EXPECT_NE(error_of({text_of({header(), unit_line(0), large})}), "");
  json form = unit_line(1);
  form["totals"]["value"] = {1U};
  EXPECT_NE(error_of({text_of({header(), unit_line(0), form})}), "");
}

TEST(Merge, AGrownCampaignKeepsItsWholeUnits) {
  // Ten in units of four: 4, 4 and 2. With eleven the third unit is another one.
  const std::string grown =
      text_of({header(10, 4), unit_line(0), unit_line(1), unit_line(2, 5), header(11, 4)});
  EXPECT_EQ(merged({grown}).summary()["missing"], 1);
  EXPECT_EQ(merged({grown + text_of({unit_line(2, 6)})}).summary()["totals"]["value"], 8);
}

}  // namespace
}  // namespace mmuref::diff
