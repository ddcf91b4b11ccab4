// The eval contract (docs/eval.md): what is read, what is refused, what is answered.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "diff/eval.h"
#include "tests/arbitrary_case.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string reply(std::string_view line) {
  std::string out;
  append_reply(out, line);
  return out;
}

/// The contract's own example: a user read through four levels.
json example() {
  return json::parse(R"({"id":"7","maxphyaddr":46,"page1gb":true,"cr0":"0x80010033",
    "cr3":"0x1000","cr4":"0x20","efer":"0xd01","pkru":"0x0","pkrs":"0x0","cpl":3,"ac":false,
    "implicit":false,"access":"read","va":"0x7f0000001234",
    "mem":{"0x17f0":"0x2067","0x2000":"0x3067","0x3000":"0x4067","0x4008":"0x5007"}})");
}

json with(json request, const std::string& field, const json& value) {
  request[field] = value;
  return request;
}
std::string answer_to(const json& request) {
  return reply(request.dump());
}

// ── answers ──

TEST(EvalAnswer, OkNamesWhatTheAccessMustWrite) {
  EXPECT_EQ(answer_to(example()),
            R"({"id":"7","outcome":"ok","pa":"0x5234","page":"4K","writes":{"0x4008":"0x5027"}})"
            "\n");
  EXPECT_EQ(answer_to(with(example(), "access", "write")),
            R"({"id":"7","outcome":"ok","pa":"0x5234","page":"4K","writes":{"0x4008":"0x5067"}})"
            "\n");
}

TEST(EvalAnswer, OkWritesNothingThatIsSetAlready) {
  json r = example();
  r["mem"]["0x4008"] = "0x5027";
  EXPECT_EQ(answer_to(r), R"({"id":"7","outcome":"ok","pa":"0x5234","page":"4K","writes":{}})"
                          "\n");
}

TEST(EvalAnswer, LargePagesByName) {
  json r = example();
  r["mem"] = {{"0x17f0", "0x2067"}, {"0x2000", "0x3067"}, {"0x3000", "0x2000e7"}};
  EXPECT_EQ(answer_to(r), R"({"id":"7","outcome":"ok","pa":"0x201234","page":"2M","writes":{}})"
                          "\n");
  r["mem"] = {{"0x17f0", "0x2067"}, {"0x2000", "0x400000c7"}};
  EXPECT_EQ(
      answer_to(r),
      R"({"id":"7","outcome":"ok","pa":"0x40001234","page":"1G","writes":{"0x2000":"0x400000e7"}})"
      "\n");
}

TEST(EvalAnswer, APageFaultListsWhatItMayLeave) {
  json r = with(example(), "access", "write");
  r["mem"] = {
      {"0x17f0", "0x2047"}, {"0x2000", "0x3067"}, {"0x3000", "0x4047"}, {"0x4008", "0x5005"}};
  EXPECT_EQ(answer_to(r),
            R"({"id":"7","outcome":"fault","vector":14,"error_code":"0x7","cr2":"0x7f0000001234",)"
            R"("level":1,"rule":"read-only","may_write":{"0x17f0":["0x2067"],"0x3000":["0x4067"]}})"
            "\n");
}

TEST(EvalAnswer, AbsentMemoryIsNotPresent) {
  EXPECT_EQ(answer_to(with(example(), "mem", json::object())),
            R"({"id":"7","outcome":"fault","vector":14,"error_code":"0x4","cr2":"0x7f0000001234",)"
            R"("level":4,"rule":"not-present","may_write":{}})"
            "\n");
}

TEST(EvalAnswer, Cr2HoldsAll64Bits) {
  json r = with(with(example(), "va", "0xff00000000000007"), "cr4", "0x1020");
  EXPECT_EQ(json::parse(answer_to(r))["cr2"], "0xff00000000000007");
  EXPECT_EQ(json::parse(answer_to(r))["level"], 5);
}

TEST(EvalAnswer, ANonCanonicalAddressHasNoCr2AndNoLevel) {
  json r = with(example(), "va", "0x800000000000");
  EXPECT_EQ(answer_to(r), R"({"id":"7","outcome":"fault","vector":13,"error_code":"0x0",)"
                          R"("rule":"non-canonical","may_write":{}})"
                          "\n");
  EXPECT_EQ(json::parse(answer_to(with(r, "stack", true)))["vector"], 12);
}

TEST(EvalAnswer, AnEntryReachedTwiceIsOneWriteWithBothFlags) {
  json r = with(with(example(), "access", "write"), "va", "0xfffff6fb7dbed7f8");
  r["cpl"] = 0;
  r["mem"] = {{"0x1f68", "0x1003"}};
  EXPECT_EQ(answer_to(r),
            R"({"id":"7","outcome":"ok","pa":"0x17f8","page":"4K","writes":{"0x1f68":"0x1063"}})"
            "\n");
}

TEST(EvalAnswer, TheIdComesBackAsItWas) {
  for (const char* id :
       {R"("7")", R"("")", R"("a\"b\\c\nd")", R"("é")", "7", "-7", "18446744073709551615"}) {
    const std::string out = answer_to(with(example(), "id", json::parse(id)));
    EXPECT_TRUE(out.starts_with(std::string(R"({"id":)") + id + ",")) << out;
  }
}

// The examples of docs/eval.md are real: each request there is followed by its answer.
TEST(EvalDocument, ShowsRealOutput) {
  std::ifstream document(MMUREF_SOURCE_DIR "/docs/eval.md");
  int examples = 0;
  std::string request;
  for (std::string line; std::getline(document, line);) {
    if (!line.starts_with(R"({"id":)")) continue;
    if (request.empty()) {
      request = line;
    } else {
      EXPECT_EQ(reply(request), line + "\n");
      request.clear();
      ++examples;
    }
  }
  EXPECT_EQ(examples, 6);
}

// ── what is read ──

TEST(EvalRequest, OptionalFieldsMayBeLeftOut) {
  json r = example();
  r.erase("pkrs");
  r.erase("implicit");
  EXPECT_EQ(answer_to(r), answer_to(example()));
}

TEST(EvalRequest, NumbersMayBeIntegersAndHexOfEitherCase) {
  json r = example();
  r["cr3"] = 4096;
  r["maxphyaddr"] = "0x2E";
  r["efer"] = "0XD01";
  r["va"] = 0x7f0000001234;
  r["mem"]["0x4008"] = 0x5007;
  EXPECT_EQ(answer_to(r), answer_to(example()));
}

TEST(EvalRequest, VendorChoosesTheReservedBits) {
  json r = example();
  r["mem"]["0x17f0"] = "0x2167";
  EXPECT_EQ(json::parse(answer_to(r))["outcome"], "ok");
  EXPECT_EQ(json::parse(answer_to(with(r, "vendor", "intel")))["outcome"], "ok");
  EXPECT_EQ(json::parse(answer_to(with(r, "vendor", "amd")))["rule"], "reserved-global");
}

TEST(EvalRequest, MemoryAtOrAboveMaxphyaddrPlaysNoPart) {
  json r = example();
  for (const char* address : {"0x400000000000", "0xfffffffffffff8", "0xfffffffffffffff8"}) {
    r["mem"][address] = "0xffffffffffffffff";
  }
  EXPECT_EQ(answer_to(r), answer_to(example()));

  // A table whose address has a reserved bit: the entry faults, whatever the caller put there.
  r = example();
  r["mem"]["0x3000"] = "0x400000004067";
  r["mem"]["0x400000004008"] = "0x5007";
  const json answer = json::parse(answer_to(r));
  EXPECT_EQ(answer["rule"], "reserved-address");
  EXPECT_EQ(answer["level"], 2);
}

TEST(EvalRequest, BitsThatPagingDoesNotUsePlayNoPart) {
  json r = example();
  r["cr3"] = "0xffffc00000001fff";  // all beyond MAXPHYADDR, PCID
  EXPECT_EQ(answer_to(r), answer_to(example()));
  r["cr0"] = "0xffffffffffffffff";
  r["cr4"] = "0xffffffffff8fefff";  // without LA57, SMEP, SMAP and keys
  r["efer"] = "0xffffffffffffffff";
  EXPECT_EQ(answer_to(r), answer_to(example()));
}

TEST(EvalRequest, WhiteSpaceAndACarriageReturnAreHarmless) {
  EXPECT_EQ(reply("  " + example().dump() + " \r"), answer_to(example()));
}

// ── what is refused ──

struct Refusal {
  std::string field;
  json value;
  std::string error;
};

TEST(EvalRefusal, NamesTheFieldAndWhatItExpected) {
  const std::string number = R"(expected a number below 2^64, as a hex string such as "0x1f")";
  const std::vector<Refusal> refusals{
      {"maxphyaddr", 31, "maxphyaddr: expected an integer 32 to 52"},
      {"maxphyaddr", 53, "maxphyaddr: expected an integer 32 to 52"},
      {"maxphyaddr", 46.0, "maxphyaddr: expected an integer 32 to 52"},
      {"page1gb", 1, "page1gb: expected true or false"},
      {"cr0", "80010033", "cr0: " + number},
      {"cr0", "0x", "cr0: " + number},
      {"cr3", "0x10000000000000000", "cr3: " + number},
      {"cr4", "0x20 ", "cr4: " + number},
      {"efer", nullptr, "efer: " + number},
      {"efer", -1, "efer: " + number},
      {"pkru", "0x100000000",
       R"(pkru: expected a number below 2^32, as a hex string such as "0x1f")"},
      {"cpl", 4, "cpl: expected an integer 0 to 3"},
      {"cpl", -1, "cpl: expected an integer 0 to 3"},
      {"ac", "false", "ac: expected true or false"},
      {"implicit", nullptr, "implicit: expected true or false"},
      {"access", "execute", R"(access: expected "read", "write" or "fetch")"},
      {"va", {"0x0"}, "va: " + number},
      {"va", {{"0x0", 1}}, "va: " + number},
      {"vendor", "via", R"(vendor: expected "intel" or "amd")"},
      {"mem", json::array(), "mem: expected an object of addresses and values"},
      {"mem",
       {{"0x1004", "0x0"}},
       R"(mem: "0x1004" is not an 8-byte aligned physical address such as "0x1f8")"},
      {"mem",
       {{"4096", "0x0"}},
       R"(mem: "4096" is not an 8-byte aligned physical address such as "0x1f8")"},
      {"mem",
       {{"0x10000000000000000", "0x0"}},
       R"(mem: "0x10000000000000000" is not an 8-byte aligned physical address such as "0x1f8")"},
      {"mem", {{"0x1000", true}}, "mem[0x1000]: " + number},
      {"mem", {{"0x1000", {1}}}, "mem[0x1000]: " + number},
      {"memory", 1, R"(unknown field "memory")"},
      {"cr0", "0x33",
       "registers: only IA-32e paging is modelled: expected CR0.PG=1, CR0.PE=1, "
       "CR4.PAE=1 and EFER.LME=1"},
      {"cr4", "0x0",
       "registers: only IA-32e paging is modelled: expected CR0.PG=1, CR0.PE=1, "
       "CR4.PAE=1 and EFER.LME=1"},
  };
  for (const auto& [field, value, error] : refusals) {
    EXPECT_EQ(answer_to(with(example(), field, value)),
              ordered_json({{"id", "7"}, {"error", error}}).dump() + "\n");
  }
}

TEST(EvalRefusal, EveryOtherFieldIsRequired) {
  const json full = example();
  for (const auto& [field, value] : full.items()) {
    if (field == "pkrs" || field == "implicit") continue;
    json r = example();
    r.erase(field);
    const json id = field == "id" ? json() : json("7");
    EXPECT_EQ(answer_to(r),
              ordered_json({{"id", id}, {"error", field + ": missing"}}).dump() + "\n");
  }
}

TEST(EvalRefusal, TheIdIsFoundBehindTheError) {
  EXPECT_EQ(reply(R"({"what":{"id":"no","deep":[[{}]]},"id":"7"})"),
            R"({"id":"7","error":"unknown field \"what\""})"
            "\n");
}

TEST(EvalRefusal, AnIdOfAnotherTypeIsNull) {
  EXPECT_EQ(answer_to(with(example(), "id", 7.5)),
            R"({"id":null,"error":"id: expected a string or an integer"})"
            "\n");
}

TEST(EvalRefusal, AFieldOrAnAddressGivenTwice) {
  EXPECT_EQ(reply(R"({"id":"7","cpl":3,"cpl":3})"), R"({"id":"7","error":"cpl: given twice"})"
                                                    "\n");
  std::string line = example().dump();
  line.insert(line.find(R"("0x2000")"), R"("0x02000":"0x0",)");
  EXPECT_EQ(reply(line), R"({"id":"7","error":"mem: 0x2000 given twice"})"
                         "\n");
}

TEST(EvalRefusal, TextThatIsNotJsonNamesTheColumn) {
  EXPECT_EQ(reply(R"({"id":"7","cpl":})"),
            R"({"id":"7","error":"column 17: syntax error while parsing value - unexpected '}'; )"
            R"(expected '[', '{', or a literal"})"
            "\n");
  EXPECT_EQ(reply("[]"), R"({"id":null,"error":"expected an object"})"
                         "\n");
  EXPECT_EQ(json::parse(reply(example().dump() + "{}"))["id"], "7");
}

// ── hostile lines: each gets an answer that is JSON, and nothing else happens ──

TEST(EvalHostile, EveryLineGetsAnErrorThatIsJson) {
  const std::string good = example().dump();
  const std::vector<std::string> lines{
      "",
      std::string(1, '\0'),
      good + '\0',
      good + '\0' + good,
      "\xef\xbb",
      "{\"id\":\"\xc3",
      "{\"id\":\"\xc3\"}",
      "{\"\xff\xfe\":1,\"id\":\"7\"}",
      R"({"id":"\ud800"})",
      std::string(1'000'000, '['),
      R"({"id":"7","x":)" + std::string(1'000'000, '{'),
      R"({"id":"7","x":)" + std::string(100'000, '[') + std::string(100'000, ']') + "}",
      R"({"id":"7","va":1e999})",
      R"({"id":"7","va":)" + std::string(100'000, '9') + "}",
      R"({"id":"7","va":"0x)" + std::string(100'000, 'f') + "\"}",
      R"({"id":"7",")" + std::string(100'000, 'k') + "\":1}",
      good.substr(0, good.size() / 2),
  };
  for (const std::string& line : lines) {
    const std::string out = reply(line);
    ASSERT_TRUE(json::accept(out)) << out;
    EXPECT_TRUE(json::parse(out).contains("error")) << line.substr(0, 80);
    EXPECT_LT(out.size(), 1000u) << "an error quotes no more than it must";
  }
}

}  // namespace
}  // namespace mmuref::diff
