#include "diff/trace.h"

#include <gtest/gtest.h>

#include "diff/trace_files.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;

const std::string machine =
    R"("maxphyaddr":46,"page1gb":true,"cr0":"0x80010033","cr3":"0x1000","cr4":"0x20",)"
    R"("efer":"0xd01","pkru":"0x0","mem":{"0x1000":"0x2067","0x2000":"0x3067","0x3000":"0x4067",)"
    R"("0x4008":"0x10067","0x4010":"0x11067"})";

std::string header(const std::string& more = "") {
  return "{" + more + machine + "}\n";
}
const std::string use = R"({"step":"access","access":"read","va":"0x1000","cpl":3})";
const std::string unmap = R"({"step":"write","address":"0x4008","value":"0x0"})";

/// A trace of one access that was seen to do `what`.
std::string seen(const std::string& what) {
  return header() + use.substr(0, use.size() - 1) + ",\"observed\":" + what + "}\n";
}

std::string error_of(const std::string& text) {
  try {
    check(parse_trace(text));
  } catch (const FormError& e) {
    return e.what();
  }
  return "";
}

json verdict_of(const std::string& text) {
  const Trace trace = parse_trace(text);
  return to_json(trace, check(trace));
}

TEST(Trace, ReadsBack) {
  const std::string text =
      header(R"("expect":{"verdict":"clean"},)") + use + "\n" + unmap + "\n" +
      R"({"step":"free","page":"0x5000"})" + "\n" +
      R"({"step":"access","access":"read","va":"0x1000","cpl":3,"observed":0})" + "\n";
  EXPECT_EQ(json::parse(to_text(parse_trace(text)).substr(0, text.find('\n'))),
            json::parse(text.substr(0, text.find('\n'))));
  EXPECT_EQ(to_text(parse_trace(to_text(parse_trace(text)))), to_text(parse_trace(text)));
  EXPECT_EQ(to_text(parse_trace(text)).substr(text.find('\n')), text.substr(text.find('\n')));
  const Trace trace = parse_trace(text);
  EXPECT_EQ(trace.steps.size(), 4U);
  EXPECT_EQ(std::get<FreePage>(trace.steps[2].action).page, 0x5000U);
  EXPECT_EQ(trace.steps[3].observed, 0);
}

TEST(Trace, SaysLineAndWhatWasExpected) {
  struct Row {
    std::string text, error;
  };
  const Row rows[] = {
      {"", "line 1: expected the machine, a JSON object"},
      {"\n", "line 1: expected the machine, a JSON object"},
      {std::string(max_line_bytes + 1, ' '), "line 1: a line longer than 16777216 bytes"},
      {"{}\n", "line 1: maxphyaddr: missing"},
      {header(R"("step":"free",)"), R"(line 1: unknown field "step")"},
      {header(R"("expect":3,)"), "line 1: expect: expected an object"},
      {header(R"("expect":{"verdict":"clean","colour":1},)"),
       R"(line 1: expect: unknown field "colour")"},
      {header(R"("lazy_pcids":3,)"), "line 1: lazy_pcids: expected true or false"},
      {header(R"("note":3,)"), "line 1: note: expected a string"},
      {header() + "\n", "line 2: column 1: "},
      {header() + use + "\n" + R"({"step":"free"})", "line 3: page: missing"},
      {header() + R"({"step":"free","page":"0x5008"})",
       R"(line 2: page: expected the physical address of a page such as "0x5000")"},
      {header() + R"({"step":"free","page":"0x5000","observed":1})",
       R"(line 2: unknown field "observed")"},
      {header() + R"({"cpu":1,"step":"free","page":"0x5000"})",
       "line 2: cpu: expected an integer 0 to 0"},
      {header() + R"({"step":"free\u000a","page":"0x5000"})",
       R"(line 2: step: expected "free", "write", )"},
      {header() + R"({"step":"free","page":"0x400000000000"})",
       "line 2: page: expected an address below 2^46"},
      {header() + R"({"step":"write","address":"0x400000000000","value":0})",
       "line 2: address: expected an address below 2^46"},
      {seen("5"), "line 2: observed: expected an index below 1"},
      {header() + R"({"step":"free","pa\u000age":"0x5000"})", R"(line 2: page: missing)"},
      {header() + R"({"step":"invlpg","va":0,"x\u000a":0})", R"(line 2: unknown field "x?")"},
      {seen("true"), "line 2: observed: expected an outcome, or the index of one"},
      {seen(R"({"colour":1})"), R"(line 2: observed: unknown field "colour")"},
      {seen(R"({"outcome":"OK"})"), R"(line 2: observed.outcome: expected "ok" or "fault")"},
      {seen(R"({"outcome":5})"), R"(line 2: observed.outcome: expected "ok" or "fault")"},
      {seen(R"({"page":"4k"})"), R"(line 2: observed.page: expected "4K", "2M" or "1G")"},
      {seen(R"({"pa":"1000"})"), R"(line 2: observed.pa: expected a number such as "0x1f")"},
      {seen(R"({"cr2":-1})"), R"(line 2: observed.cr2: expected a number such as "0x1f")"},
      {seen(R"({"level":"PTE"})"), "line 2: observed.level: expected a number from 1 to 5"},
      {seen(R"({"level":6})"), "line 2: observed.level: expected a number from 1 to 5"},
      {seen(R"({"rule":"readonly"})"), "line 2: observed.rule: expected the name of a rule"},
      {seen(R"({"source":"cache"})"), "line 2: observed.source: expected \"memory\", "},
      {seen(R"({"writes":[]})"), "line 2: observed.writes: expected an object of addresses and v"},
      {seen(R"({"writes":{"4008":"0x1"}})"), "line 2: observed.writes: expected an object of"},
      {seen(R"({"may_write":{"0x4008":"0x1"}})"), "line 2: observed.may_write: expected an object"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(error_of(row.text).substr(0, row.error.size()), row.error) << row.text;
  }
}

// The smallest trace of all, with everything the verdict says of it.
TEST(Trace, NamesStepWriteAndInvalidation) {
  const json verdict = verdict_of(header() + use + "\n" + unmap + "\n" + use + "\n");
  EXPECT_EQ(verdict["verdict"], "stale");
  EXPECT_EQ(verdict["kind"], "grants");
  EXPECT_EQ(verdict["step"], 2);
  EXPECT_EQ(verdict["cpu"], 0);
  EXPECT_EQ(verdict["va"], "0x1000");
  EXPECT_EQ(verdict["by"], "tlb");
  EXPECT_EQ(verdict["level"], 1);
  EXPECT_EQ(verdict["removed_by"], 1);
  ASSERT_EQ(verdict["missing"].size(), 6U);
  EXPECT_EQ(verdict["missing"][0],
            json::parse(R"({"after":1,"step":{"step":"invlpg","va":"0x1000"}})"));
  EXPECT_EQ(verdict["missing"][2],
            json::parse(R"({"after":1,"step":{"step":"mov_cr3","value":"0x1000"}})"));
}

// Each missing invalidation, put where it belongs, prevents the finding on its processor.
TEST(Trace, WhatIsMissingHelps) {
  std::size_t tried = 0;
  for (const std::string& path : trace_paths({MMUREF_SOURCE_DIR "/corpora/traces"})) {
    const Trace trace = read_trace_file(path);
    const TraceVerdict verdict = check(trace);
    if (!verdict.finding) continue;
    const Finding& f = *verdict.finding;
    for (const Invalidation& i : f.missing) {
      Trace repaired = trace;
      repaired.steps.insert(repaired.steps.begin() + static_cast<std::ptrdiff_t>(i.after) + 1,
                            TraceStep{.cpu = f.cpu, .action = i.operation, .observed = {}});
      const TraceVerdict again = check(repaired);
      EXPECT_TRUE(!again.finding || again.finding->step > f.step + 1 || again.finding->cpu != f.cpu)
          << path;
      ++tried;
    }
  }
  EXPECT_GT(tried, 100U);
}

TEST(Trace, ObservedOutcomes) {
  EXPECT_EQ(verdict_of(seen("0"))["verdict"], "clean");
  EXPECT_EQ(verdict_of(seen(R"({"pa":"0X10000"})"))["verdict"], "clean");
  EXPECT_EQ(verdict_of(seen(R"({"outcome":"fault"})"))["verdict"], "impossible");
  EXPECT_EQ(verdict_of(seen(R"({"level":"0x1","writes":{}})"))["verdict"], "impossible");
}

// A fault that was seen has dropped what it used: the next access cannot have it again.
TEST(Trace, WhatWasObservedSettlesWhatIsCached) {
  const std::string text = header() + R"({"step":"write","address":"0x4008","value":"0x10065"})" +
                           "\n" + use + "\n" +
                           R"({"step":"write","address":"0x4008","value":"0x10067"})" + "\n";
  const std::string write = R"({"step":"access","access":"write","va":"0x1000","cpl":3)";
  const auto faults = [&](const std::string& observed) {
    return verdict_of(text + R"({"step":"invlpg","va":"0x2000"})" + "\n" + write + observed +
                      "}\n" + write + "}\n")["spurious_faults"];
  };
  EXPECT_EQ(faults(""), json::parse("[4,5]"));
  EXPECT_EQ(faults(R"(,"observed":{"outcome":"fault"})"), json::parse("[4]"));
}

json verdict_of_steps(const std::vector<std::string>& steps) {
  std::string text = header();
  for (const std::string& step : steps) text += step + '\n';
  return verdict_of(text);
}

TEST(Trace, APageInALargeOneThatIsFreed) {
  const json verdict =
      verdict_of_steps({R"({"step":"write","address":"0x3008","value":"0x2000e7"})",
                        R"({"step":"write","address":"0x3008","value":"0x0"})",
                        R"({"step":"free","page":"0x234000"})"});
  EXPECT_EQ(verdict["kind"], "held-translation");
  EXPECT_EQ(verdict["va"], "0x234000");
  EXPECT_EQ(verdict["level"], 2);
}

TEST(Trace, APageOfTheUpperHalfThatIsFreed) {
  const json verdict = verdict_of_steps({R"({"step":"write","address":"0x1800","value":"0x2067"})",
                                         R"({"step":"write","address":"0x1000","value":"0x0"})",
                                         R"({"step":"invpcid","type":2})",
                                         R"({"step":"write","address":"0x4008","value":"0x0"})",
                                         R"({"step":"free","page":"0x10000"})"});
  EXPECT_EQ(verdict["kind"], "held-translation");
  EXPECT_EQ(verdict["va"], "0xffff800000001000");
}

// Whatever is in a file, no more of a line is read than one may have.
TEST(TraceFile, ALineWithoutEndIsRefused) {
  try {
    read_trace_file("/dev/zero");
    FAIL();
  } catch (const TraceFileError& e) {
    EXPECT_STREQ(e.what(), "/dev/zero:1: a line longer than 16777216 bytes");
  }
}

TEST(Trace, PageInUseAgainIsNotFreed) {
  const std::string freed = unmap + "\n" + R"({"step":"invlpg","va":"0x1000"})" + "\n" +
                            R"({"step":"free","page":"0x10000"})" + "\n";
  const std::string reload = R"({"step":"mov_cr3","value":"0x1000"})";
  const std::string map = R"({"step":"write","address":"0x4018","value":"0x10067"})";
  EXPECT_EQ(verdict_of(header() + freed + map + "\n" + reload)["verdict"], "clean");
}

TEST(Trace, TooManyWaysToAPage) {
  std::string memory;
  for (int i = 0; i < 512; ++i)
    memory += R"(,"0x)" + json(nullptr).dump().substr(0, 0) + [&] {
      char text[32];
      std::snprintf(text, sizeof text, "%x", 0x1000 + 8 * i);
      return std::string(text);
    }() + R"(":"0x1067")";
  const std::string text = R"({"maxphyaddr":46,"page1gb":true,"cr0":"0x80010033","cr3":"0x1000",)"
                           R"("cr4":"0x20","efer":"0xd01","pkru":"0x0","mem":{)" +
                           memory.substr(1) + "}}\n" + R"({"step":"free","page":"0x1000"})";
  EXPECT_EQ(verdict_of(text)["kind"], "held-root");
  std::string other = text;
  other.replace(other.find(R"("page":"0x1000")"), 15, R"("page":"0x9000")");
  other.replace(other.find(R"("0x1000":"0x1067")"), 17, R"("0x1000":"0x9067")");
  EXPECT_EQ(error_of(other),
            "line 2: page: expected one that at most 4096 linear addresses lead to");
}

}  // namespace
}  // namespace mmuref::diff
