// The contract of `mmuref tlb eval` (docs/tlb-eval.md).
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "diff/machine_json.h"
#include "diff/tlb_eval.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;

/// A user page at 0x10000 for 0x1000, by tables at 0x1000 to 0x4000.
json program(const json& steps) {
  json request = json::parse(R"({"id":"7","maxphyaddr":46,"page1gb":true,"cr0":"0x80010033",
    "cr3":"0x1000","cr4":"0x20","efer":"0xd01","pkru":"0x0",
    "mem":{"0x1000":"0x2067","0x2000":"0x3067","0x3000":"0x4067","0x4008":"0x10067"}})");
  request["steps"] = steps;
  return request;
}

json steps(const std::string& text) {
  return json::parse("[" + text + "]");
}

json reply(const json& request) {
  std::string out;
  append_tlb_reply(out, request.dump());
  return json::parse(out);
}

json outcomes(const json& request, std::size_t access) {
  return reply(request)["accesses"][access]["outcomes"];
}

json sources(const json& outcomes) {
  json all = json::array();
  for (const json& o : outcomes) all.push_back(o["source"]);
  return all;
}

const std::string use = R"({"step":"access","access":"read","va":"0x1000","cpl":3})";
const std::string unmap = R"({"step":"write","address":"0x4008","value":"0x0"})";
const std::string invlpg = R"({"step":"invlpg","va":"0x1000"})";

TEST(TlbEval, FieldsComeInTheContractsOrder) {
  std::string out;
  EXPECT_TRUE(
      append_tlb_reply(out, program(steps(use + R"(,{"step":"wrpkru","value":"0x0"})")).dump()));
  EXPECT_EQ(out, R"({"id":"7","accesses":[{"step":0,"outcomes":[{"outcome":"ok","pa":"0x10000",)"
                 R"("page":"4K","writes":{},"source":"memory"}]}],)"
                 R"("operations":[{"step":1,"exception":"#UD"}]})"
                 "\n");
}

// The first outcome of a fresh machine is what `mmuref eval` answers.
TEST(TlbEval, OneAccessIsEval) {
  json request = program(json::array());
  request.erase("steps");
  request["mem"]["0x4008"] = "0x10005";
  for (const char* access : {"read", "write", "fetch"}) {
    json single = request;
    single.erase("steps");
    single.update({{"access", access}, {"va", "0x1234"}, {"cpl", 3}, {"ac", false}});
    const Request question = parse_request(single.dump());
    json expected(to_json(question.id, question.question, answer(question.question)));
    expected.erase("id");
    expected["source"] = "memory";
    request["steps"] =
        steps(R"({"step":"access","va":"0x1234","cpl":3,"access":")" + std::string(access) + "\"}");
    EXPECT_EQ(outcomes(request, 0)[0], expected);
  }
}

TEST(TlbEval, StaleUntilInvalidated) {
  const json request = program(steps(unmap + "," + use + "," + invlpg + "," + use));
  const json before = outcomes(request, 0);
  EXPECT_EQ(sources(before), json({"memory", "tlb"}));
  EXPECT_EQ(before[0]["rule"], "not-present");
  EXPECT_EQ(before[1]["pa"], "0x10000");
  EXPECT_EQ(sources(outcomes(request, 1)), json({"memory"}));
}

TEST(TlbEval, StructuresAreASourceOfTheirOwn) {
  const json request = program(steps(R"({"step":"write","address":"0x3000","value":"0x0"},)"
                                     R"({"step":"write","address":"0x4010","value":"0x11007"},)"
                                     R"({"step":"access","access":"read","va":"0x2000","cpl":3})"));
  const json found = outcomes(request, 0);
  EXPECT_EQ(sources(found), json({"memory", "structure"}));
  EXPECT_EQ(found[1]["writes"], json::parse(R"({"0x4010":"0x11027"})"));
}

// What is cached was made by setting A where it was clear.
TEST(TlbEval, WhatIsCachedHasAccessedSet) {
  json request = program(steps(use + "," + unmap + "," + use));
  request["mem"] = {
      {"0x1000", "0x2007"}, {"0x2000", "0x3007"}, {"0x3000", "0x4007"}, {"0x4008", "0x10007"}};
  const json first = outcomes(request, 0);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0]["writes"],
            json::parse(R"({"0x1000":"0x2027","0x2000":"0x3027","0x3000":"0x4027",)"
                        R"("0x4008":"0x10027"})"));
  request["steps"].erase(0);
  const json stale = outcomes(request, 0);
  EXPECT_EQ(sources(stale), json({"memory", "tlb"}));
  EXPECT_EQ(stale[1]["writes"],
            json::parse(R"({"0x1000":"0x2027","0x2000":"0x3027","0x3000":"0x4027"})"));
}

TEST(TlbEval, AStaleFaultHasAccessedSet) {
  json request = program(steps(R"({"step":"write","address":"0x4008","value":"0x10007"},)"
                               R"({"step":"access","access":"write","va":"0x1000","cpl":3})"));
  request["mem"]["0x1000"] = "0x2007";
  request["mem"]["0x4008"] = "0x10065";
  const json found = outcomes(request, 0);
  EXPECT_EQ(sources(found), json({"memory", "tlb"}));
  EXPECT_EQ(found[1]["outcome"], "fault");
  EXPECT_EQ(found[1]["writes"], json::parse(R"({"0x1000":"0x2027"})"));
}

TEST(TlbEval, AnEntryUsedAtTwoLevelsIsOneChange) {
  json request =
      program(steps(R"({"step":"access","access":"write","va":"0x8040201000","cpl":0})"));
  request["mem"] = {{"0x1008", "0x1007"}};
  const json found = outcomes(request, 0);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0]["writes"], json::parse(R"({"0x1008":"0x1067"})"));
}

TEST(TlbEval, ProcessorsCacheForThemselves) {
  json request =
      program(steps(unmap + "," + invlpg + "," + use + "," +
                    R"({"cpu":1,"step":"access","access":"read","va":"0x1000","cpl":3})"));
  request["cpus"] = 2;
  EXPECT_EQ(sources(outcomes(request, 0)), json({"memory"}));
  EXPECT_EQ(sources(outcomes(request, 1)), json({"memory", "tlb"}));
}

TEST(TlbEval, ObservedNarrowsWhatFollows) {
  // R/W is given: the first write may fault. If it did, the second does not; nor if it did not,
  // but then the stale translation is still there.
  const auto after = [](const std::string& observed) {
    json request = program(steps(R"({"step":"write","address":"0x4008","value":"0x10067"},)"
                                 R"({"step":"access","access":"write","va":"0x1000","cpl":3)" +
                                 observed + "}," +
                                 R"({"step":"access","access":"write","va":"0x1000","cpl":3})"));
    request["mem"]["0x4008"] = "0x10065";
    return sources(outcomes(request, 1));
  };
  EXPECT_EQ(after(""), json({"memory", "tlb"}));
  EXPECT_EQ(after(R"(,"observed":0)"), json({"memory", "tlb"}));
  EXPECT_EQ(after(R"(,"observed":1)"), json({"memory"}));
  EXPECT_EQ(after(R"(,"observed":{"outcome":"fault","error_code":"0X7"})"), json({"memory"}));
}

TEST(TlbEval, InstructionsThatFaultDoNothing) {
  const json answer = reply(program(
      steps(unmap +
            R"(,{"step":"mov_cr3","value":"0x8000000000001000"},{"step":"invpcid","type":4},)"
            R"({"step":"invpcid","type":1,"pcid":"0x1"},)" +
            use)));
  EXPECT_EQ(answer["operations"], json::parse(R"j([{"step":1,"exception":"#GP(0)"
},{"step":2,"exception":"#GP(0)"},
                            {"step":3,"exception":"#GP(0)"}])j"));
  EXPECT_EQ(sources(answer["accesses"][0]["outcomes"]), json({"memory", "tlb"}));
}

TEST(TlbEval, ErrorsNameIdAndPlace) {
  const auto error = [](const json& request) { return reply(request); };
  const auto expected = [](const std::string& message) {
    return json{{"id", "7"}, {"error", message}};
  };
  json request = program(json::array());
  request["access"] = "read";
  EXPECT_EQ(error(request), expected(R"(unknown field "access")"));
  request = program(steps(use.substr(0, use.size() - 1) + R"(,"observed":1})"));
  EXPECT_EQ(error(request), expected("steps[0].observed: expected an index below 1"));
  request = program(steps(use.substr(0, use.size() - 1) + R"(,"observed":{"pa":"0x1"}})"));
  EXPECT_EQ(error(request),
            expected("steps[0].observed: expected one of the outcomes the access may have"));
  request = program(steps(R"({"step":"invlpg","va":0,"observed":1})"));
  EXPECT_EQ(error(request), expected(R"(steps[0]: unknown field "observed")"));
  request = program(json::array());
  request["id"] = 1.5;
  EXPECT_EQ(error(request),
            json({{"id", nullptr}, {"error", "id: expected a string or an integer"}}));
  std::string out;
  EXPECT_FALSE(append_tlb_reply(out, R"({"id":9,"maxphyaddr":46,"page1gb":tru})"));
  EXPECT_EQ(json::parse(out)["id"], 9);
  EXPECT_FALSE(append_tlb_reply(out = "", ""));
  EXPECT_EQ(json::parse(out)["id"], nullptr);
}

// Each access may have as many outcomes as there were writes before it.
TEST(TlbEval, OutcomesAreBounded) {
  const auto reply_to = [](int accesses) {
    json all = json::array();
    for (int i = 0; i < accesses; ++i) {
      all.push_back({{"step", "write"}, {"address", "0x4008"}, {"value", 0x100067 + 0x1000 * i}});
      all.push_back(json::parse(use));
    }
    return reply(program(all));
  };
  EXPECT_EQ(reply_to(445)["accesses"][444]["outcomes"].size(), 446U);
  EXPECT_EQ(reply_to(446)["error"],
            "steps[891]: more than 100000 outcomes; expected fewer accesses, or fewer writes that "
            "nothing invalidates");
}

TEST(TlbEval, AWriteIsToMemoryThatThereIs) {
  const json request =
      program(steps(R"({"step":"write","address":"0x400000000000","value":"0x0"})"));
  EXPECT_EQ(reply(request)["error"], "steps[0].address: expected an address below 2^46");
}

// The document's own example.
TEST(TlbEval, DocumentIsTrue) {
  std::ifstream file(MMUREF_SOURCE_DIR "/docs/tlb-eval.md");
  std::string line, request;
  while (std::getline(file, line) && !line.starts_with("{")) {
  }
  request = line;
  while (std::getline(file, line) && !line.starts_with("{")) {
  }
  std::string out;
  EXPECT_TRUE(append_tlb_reply(out, request));
  EXPECT_EQ(out, line + "\n");
}

}  // namespace
}  // namespace mmuref::diff
