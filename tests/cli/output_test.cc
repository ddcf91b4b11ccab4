// What a command writes goes where it was told to, and nothing that was there is lost.
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/cli/scratch.h"

namespace mmuref::cli_test {
namespace {

namespace fs = std::filesystem;

class Output : public testing::Test {
 protected:
  Output() {
    fs::remove_all(folder);
    fs::create_directory(folder);
    fs::copy(scratch() / "shards", folder / "shards");
    for (const char* name : {"seed2.jsonl", "failed.jsonl"})
      fs::copy_file(scratch() / name, folder / name);
  }
  ~Output() override { fs::remove_all(folder); }

  /// Runs `mmuref ARGUMENTS`, as a shell reads them, in the folder; the exit code. `said` holds
  /// standard error then.
  int run(const std::string& arguments) {
    const std::string command =
        "cd '" + folder.string() + "' && { '" MMUREF_COMMAND "' " + arguments + "; } >out 2>err";
    const int status = std::system(command.c_str());
    said = read("err");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string read(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(folder / name, std::ios::binary).rdbuf();
    return text.str();
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder / name, std::ios::binary) << text;
  }
  /// `arguments` are refused for what `name` holds, which stays.
  void expect_kept(const std::string& name, const std::string& arguments, const std::string& why) {
    const std::string before = read(name);
    EXPECT_EQ(run(arguments), 2) << arguments;
    EXPECT_NE(said.find(why), said.npos) << said;
    EXPECT_EQ(read(name), before);
    EXPECT_FALSE(fs::exists(folder / (name + ".partial")));
  }

  fs::path folder = scratch() / "output";
  std::string said;
};

constexpr const char* campaign = "flush campaign 'linux-4.6 2x1x1' --out a.jsonl ";

TEST_F(Output, ClosedStreamsAreNotTheFilesThatAreOpenedNext) {
  ASSERT_EQ(run(campaign), 0) << said;
  const std::string lines = read("a.jsonl");
  for (const char* closed : {">&-", ">&- 2>&-", "<&- >&- 2>&-"}) {
    fs::remove(folder / "a.jsonl");
    EXPECT_EQ(run(campaign + std::string(closed)), 2) << "what cannot be printed is an error";
    EXPECT_EQ(read("a.jsonl").substr(0, 20), lines.substr(0, 20)) << closed;
    EXPECT_EQ(read("a.jsonl").find("good"), std::string::npos) << closed;
  }
  fs::remove(folder / "a.jsonl");
  EXPECT_EQ(run(campaign + std::string("2>&-")), 0);
  EXPECT_EQ(read("a.jsonl").substr(0, 20), lines.substr(0, 20));
}

TEST_F(Output, HelpThatCannotBePrintedIsAnError) {
  for (const char* what : {"--help", "--version", "walk --help"})
    EXPECT_EQ(run(what + std::string(" >&-")), 2) << what;
}

TEST_F(Output, MergingLosesNothingThatTheFileHolds) {
  ASSERT_EQ(run("merge shards/0.jsonl --out a.jsonl"), 1) << said;
  EXPECT_EQ(run("merge shards/1.jsonl --out a.jsonl"), 0) << said;
  EXPECT_EQ(run("merge a.jsonl"), 0) << "the units of both";
  write("empty.jsonl", "");
  EXPECT_EQ(run("merge shards --out empty.jsonl"), 0) << said;
  EXPECT_EQ(read("empty.jsonl"), read("a.jsonl"));
}

TEST_F(Output, MergingRefusesFilesOfOthers) {
  write("notes", "precious notes\n");
  write("torn", R"({"command":"important data of mine"})");
  expect_kept("seed2.jsonl", "merge shards --out seed2.jsonl", "seed2.jsonl: seed 2, not 1");
  expect_kept("notes", "merge shards --out notes", "notes: line 1: column 1");
  expect_kept("torn", "merge shards --out torn", "torn: line 1: expected the first line");
}

TEST_F(Output, MergingRefusesAFileThatACampaignWrites) {
  ASSERT_EQ(run("merge shards --out a.jsonl"), 0) << said;
  FILE* running = std::fopen((folder / "a.jsonl").c_str(), "a");
  ASSERT_EQ(flock(fileno(running), LOCK_EX), 0);
  expect_kept("a.jsonl", "merge shards --out a.jsonl", "a.jsonl: another campaign is writing it");
  std::fclose(running);
}

TEST_F(Output, ACounterexampleOutlivesASearchThatFindsNone) {
  const std::string outputs = " --out way.flush --svg way.svg";
  ASSERT_EQ(run("flush explore --break barrier-in-page" + outputs), 1) << said;
  const std::string way = read("way.flush"), drawing = read("way.svg");
  EXPECT_EQ(run("flush explore --protocol linux-4.6" + outputs), 0);
  EXPECT_EQ(said,
            "mmuref: way.flush: not written: no counterexample was found\n"
            "mmuref: way.svg: not written: no counterexample was found\n");
  EXPECT_EQ(read("way.flush"), way);
  EXPECT_EQ(read("way.svg"), drawing);
}

TEST_F(Output, AFailedWriteLeavesTheFile) {
  write("way.svg", "drawn before");
  // A limit of one block of 512 bytes, and no signal for it: the write fails as on a full disk.
  const std::string limited = "cd '" + folder.string() + "' && trap '' XFSZ && (ulimit -f 1; '" +
                              MMUREF_COMMAND +
                              "' flush plan --function flush_tlb_all --svg way.svg) "
                              ">/dev/null 2>&1";
  EXPECT_EQ(WEXITSTATUS(std::system(limited.c_str())), 2);
  EXPECT_EQ(read("way.svg"), "drawn before");
  EXPECT_FALSE(fs::exists(folder / "way.svg.partial"));
}

TEST_F(Output, IsCheckedBeforeTheWork) {
  const std::string search = "flush explore --protocol linux-6.12 --mms 2 --pages 2 --cpus 3 ";
  for (const char* option : {"--out ", "--svg ", "--save "}) {
    EXPECT_EQ(run(search + option + "no/such/file"), 2);
    EXPECT_EQ(said, "mmuref: no/such/file: no/such is no folder\n");
    EXPECT_EQ(run(search + option + "shards"), 2);
    EXPECT_EQ(said, "mmuref: shards: is a folder; expected a file\n");
  }
  EXPECT_EQ(run("diff --count 100000000000 --save seed2.jsonl/found"), 2);
  EXPECT_EQ(said, "mmuref: --save seed2.jsonl/found: seed2.jsonl is no folder\n");
}

TEST_F(Output, ASavedSearchIsReplacedOnlyByGoingOn) {
  const std::string search = "flush explore --protocol linux-4.20 --max-states 50 ";
  ASSERT_EQ(run(search + "--save kept"), 1) << said;
  expect_kept("kept", search + "--save kept",
              "--save kept: is there already; expected a new file, or --resume kept");
  expect_kept("kept", search + "--save kept --resume seed2.jsonl", "--save kept: is there already");
  EXPECT_EQ(run("flush explore --protocol linux-4.20 --max-states 100 --save kept --resume kept"),
            1)
      << said;
}

TEST_F(Output, WhatTwoSolversSayTwoThingsOfIsNotProved) {
  write("sat", "#!/bin/sh\necho sat\n");
  fs::permissions(folder / "sat", fs::perms::owner_all);
  EXPECT_EQ(run("prove canonical --json --solver ./sat"), 1) << said;
  EXPECT_EQ(read("out").find(R"("status":"proved")"), std::string::npos);
  EXPECT_NE(read("out").find(R"("status":"unknown")"), std::string::npos);
  EXPECT_NE(read("out").find(R"("second":"disagrees")"), std::string::npos);
}

}  // namespace
}  // namespace mmuref::cli_test
