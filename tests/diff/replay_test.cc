// Replaying cases: what passes, what fails, and what each bad file is told.
#include "diff/replay.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "diff/files.h"
#include "diff/machine_json.h"
#include "tests/diff/support.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;

class Replay : public testing::Test {
 protected:
  /// A case that passes; tests change it.
  static json good_case() {
    const Case c = user_read();
    return {{"name", "a user read"},
            {"origin", "this test"},
            {"shows", "four levels"},
            {"case", to_json(Request{"7", c})},
            {"expect", to_json("7", c, answer(c))}};
  }

  Replayed replay(const json& document) { return replay_text(document.dump()); }
  Replayed replay_text(const std::string& text) {
    write_text(path, text);
    OraclePool oracles;
    return replay_file(path, oracles);
  }
  void expect_bad(const json& document, const std::string& message) {
    const Replayed r = replay(document);
    EXPECT_EQ(r.verdict, Verdict::bad_file);
    EXPECT_EQ(r.message, path + ": " + message);
  }
  void expect_violation(const json& document, const std::string& message) {
    const Replayed r = replay(document);
    EXPECT_EQ(r.verdict, Verdict::violation);
    EXPECT_EQ(r.message, path + ": " + message);
  }

  TemporaryFolder folder;
  std::string path = folder.file("case.json");
};

TEST_F(Replay, ACaseWithOnlyAnExpectationPasses) {
  const Replayed r = replay(good_case());
  EXPECT_EQ(r.verdict, Verdict::good) << r.message;
  EXPECT_EQ(r.skipped, "");
}

TEST_F(Replay, TheModelMustGiveTheExpectedAnswer) {
  json c = good_case();
  c["expect"]["pa"] = "0x1";
  expect_violation(c, R"(model: "pa" expected "0x1", found "0x5234")");
  c = good_case();
  c["expect"].erase("page");
  expect_violation(c, R"(model: "page" not expected)");
  c = good_case();
  c["expect"]["rule"] = "smap";
  expect_violation(c, R"(model: "rule" expected and absent)");
}

TEST_F(Replay, TheOracleMustAgree) {
  json c = good_case();
  c["oracle"] = "spec";
  c["version"] = "0";
  EXPECT_EQ(replay(c).verdict, Verdict::good);
  // Unicorn maps 1-GByte pages whatever is enumerated: without the ledger's name a violation.
  json known = json::parse(read_text(MMUREF_SOURCE_DIR "/corpora/ledger/page1gb-always.json"));
  EXPECT_EQ(replay(known).verdict, Verdict::good);
  known.erase("ledger");
  expect_violation(known, "unicorn differs in outcome");
}

TEST_F(Replay, ALedgerWitnessMustStillDifferAsItsEntrySays) {
  json c = json::parse(read_text(MMUREF_SOURCE_DIR "/corpora/ledger/page1gb-always.json"));
  json other = c;
  other["ledger"] = "smap-implicit-ac";
  expect_violation(other,
                   "unicorn differs in outcome, and not as ledger entry smap-implicit-ac says");

  json agrees = good_case();
  agrees["case"]["maxphyaddr"] = 40;
  agrees["oracle"] = "unicorn";
  agrees["version"] = "2.1.4";
  EXPECT_EQ(replay(agrees).verdict, Verdict::good);
  agrees["ledger"] = "page1gb-always";
  expect_violation(agrees, "unicorn agrees: ledger entry page1gb-always has no witness any more");
}

TEST_F(Replay, WhatAnOracleDoesNotHaveIsSkippedAndSaid) {
  json c = good_case();
  c["oracle"] = "unicorn";
  c["version"] = "2.1.4";
  const Replayed r = replay(c);  // 52 bits
  EXPECT_EQ(r.verdict, Verdict::good);
  EXPECT_EQ(r.skipped, "a MAXPHYADDR other than 40");
}

TEST_F(Replay, BadFilesGetOneLine) {
  json c = good_case();
  c["nmae"] = "x";
  expect_bad(c, R"(unknown field "nmae")");
  c = good_case();
  c.erase("origin");
  expect_bad(c, R"("origin": expected a string)");
  c = good_case();
  c["expect"] = 3;
  expect_bad(c, R"("expect": expected an object)");
  c = good_case();
  c["oracle"] = "delphi";
  c["version"] = "1";
  expect_bad(c, R"("oracle": expected one of unicorn, spec)");
  c = good_case();
  c["ledger"] = "nothing";
  expect_bad(c, R"("ledger": no entry nothing)");
  c["ledger"] = "page1gb-always";
  expect_bad(c, R"("oracle": expected "unicorn", whose difference page1gb-always is)");
  expect_bad(json::array(), "expected a JSON object");
  c = good_case();
  c["case"]["maxphyaddr"] = 53;
  const Replayed r = replay(c);
  EXPECT_EQ(r.verdict, Verdict::bad_file);
  EXPECT_EQ(r.message.find(path + R"(: "case": )"), 0U) << r.message;
}

TEST_F(Replay, CasesAreReadStrictly) {
  const auto bad = [&](const std::string& text) {
    const Replayed r = replay_text(text);
    EXPECT_EQ(r.verdict, Verdict::bad_file);
    return r.message.substr(path.size());
  };
  const std::string deep(400'000, '[');
  EXPECT_EQ(bad(deep), ": expected at most 8 levels of nesting");
  EXPECT_EQ(bad(deep + std::string(deep.size(), ']')), ": expected at most 8 levels of nesting");
  const std::string good = good_case().dump();
  std::string text = good;
  EXPECT_EQ(bad(text.replace(1, 0, R"("expect":{"outcome":"ok"},)")), ": expect: given twice");
  EXPECT_EQ(bad(good + std::string(1, '\0')), ": a NUL byte where JSON text was expected");
  EXPECT_EQ(bad(good_case().dump(1) + "}").substr(0, 7), ": line ") << "a place in many lines";
  json control = good_case();
  control["x\n\x1b[31m"] = 1;
  EXPECT_EQ(bad(control.dump()), R"(: unknown field "x??[31m")");
}

TEST_F(Replay, AFileWithoutEndIsNotRead) {
  OraclePool oracles;
  EXPECT_EQ(replay_file("/dev/zero", oracles).message, "/dev/zero: expected a regular file");
}

TEST_F(Replay, TornFilesAreBadAtEveryByte) {
  const std::string whole = good_case().dump();
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const Replayed r = replay_text(whole.substr(0, cut));
    ASSERT_EQ(r.verdict, Verdict::bad_file) << cut;
    ASSERT_EQ(r.message.find('\n'), std::string::npos);
  }
}

TEST_F(Replay, AMissingFileIsNamed) {
  OraclePool oracles;
  const Replayed r = replay_file(folder.file("absent"), oracles);
  EXPECT_EQ(r.verdict, Verdict::bad_file);
  EXPECT_EQ(r.message, folder.file("absent") + ": No such file or directory");
}

TEST_F(Replay, OthersRunBesideABadFile) {
  json wrong = good_case();
  wrong["expect"]["page"] = "2M";
  write_text(folder.file("a.json"), "{");
  write_text(folder.file("b.json"), good_case().dump());
  write_text(folder.file("c.json"), wrong.dump());
  const auto paths = corpus_paths({folder.file("")});
  ASSERT_EQ(paths.size(), 3U);
  for (const unsigned threads : {1U, 2U, 8U}) {
    const auto results = replay_files(paths, threads);
    EXPECT_EQ(results[0].verdict, Verdict::bad_file);
    EXPECT_EQ(results[1].verdict, Verdict::good);
    EXPECT_EQ(results[2].verdict, Verdict::violation);
  }
}

TEST_F(Replay, AFolderWithoutCasesIsBad) {
  try {
    corpus_paths({folder.file("")});
    FAIL();
  } catch (const FileError& e) {
    EXPECT_EQ(e.what(), folder.file("") + ": expected *.json, *.jsonl, *.flush in this folder");
  }
}

TEST_F(Replay, WrittenCasesReadBackTheSame) {
  const auto oracle = make_statement_oracle();
  const CaseFile written = describe(*oracle, user_read(), "name", "origin");
  write_file(path, to_text(written));
  const CaseFile read = read_case_file(path);
  EXPECT_EQ(json::parse(to_text(read)), json::parse(to_text(written)));
  EXPECT_EQ(read.question.machine.memory, written.question.machine.memory);
  OraclePool oracles;
  EXPECT_EQ(replay_file(path, oracles).verdict, Verdict::good);
}

TEST_F(Replay, ACaseThatCannotBeWrittenIsSaid) {
  const auto oracle = make_statement_oracle();
  const CaseFile file = describe(*oracle, user_read(), "name", "origin");
  const std::string nowhere = folder.file("no/such.json");
  try {
    write_file(nowhere, to_text(file));
    FAIL();
  } catch (const FileError& e) {
    EXPECT_EQ(e.what(), nowhere + ": No such file or directory");
  }
}

TEST(Corpus, IsAsItSays) {
  const auto paths = corpus_paths({MMUREF_SOURCE_DIR "/corpora"});
  std::map<std::string, int> kinds;
  for (const std::string& path : paths) ++kinds[std::filesystem::path(path).extension()];
  EXPECT_GT(kinds[".json"], 12);
  EXPECT_GT(kinds[".jsonl"], 60);
  EXPECT_GT(kinds[".flush"], 120);
  for (const Replayed& r : replay_files(paths, 2)) EXPECT_EQ(r.message, "");
}

TEST_F(Replay, ATraceThatGetsAnotherVerdictIsAViolation) {
  OraclePool oracles;
  const std::string good =
      read_text(MMUREF_SOURCE_DIR "/corpora/traces/good_accessed_cleared.jsonl");
  write_text(folder.file("bad_name.jsonl"), good);
  EXPECT_EQ(
      replay_file(folder.file("bad_name.jsonl"), oracles).message,
      folder.file("bad_name.jsonl") + ": a file named good_ expects \"clean\", and no other does");
  std::string stale = good;
  stale.replace(stale.find("\"clean\""), 7, "\"stale\"");
  write_text(folder.file("wrong.jsonl"), stale);
  EXPECT_EQ(replay_file(folder.file("wrong.jsonl"), oracles).verdict, Verdict::violation);
  write_text(folder.file("torn.jsonl"), good.substr(0, good.size() / 2));
  EXPECT_EQ(replay_file(folder.file("torn.jsonl"), oracles).verdict, Verdict::bad_file);
}

TEST_F(Replay, AWayThatLeadsElsewhereIsAViolation) {
  OraclePool oracles;
  json way = json::parse(read_text(MMUREF_SOURCE_DIR "/corpora/flush/tests-switching.flush"));
  const auto replayed = [&] {
    write_text(folder.file("way.flush"), way.dump());
    return replay_file(folder.file("way.flush"), oracles);
  };
  EXPECT_EQ(replayed().message, "");
  json whole = way;
  way["trace"].erase(way["trace"].size() - 1);
  const Replayed r = replayed();
  EXPECT_EQ(r.verdict, Verdict::violation);
  EXPECT_EQ(r.message, folder.file("way.flush") + ": promise broken in the end: " +
                           whole["reason"].get<std::string>() + " expected, none found");
  way["trace"][0]["step"] = 65535;
  EXPECT_EQ(replayed().verdict, Verdict::bad_file);
  way["trace"] = 3;
  EXPECT_EQ(replayed().message, folder.file("way.flush") + ": trace: expected an array");
}

}  // namespace
}  // namespace mmuref::diff
