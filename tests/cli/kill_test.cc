// A campaign killed at any moment loses no finished result, and resumed gives what it gives when
// nothing interrupts it: for each command that runs campaigns, with the program itself.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "diff/campaign_file.h"

namespace mmuref::cli_test {
namespace {

namespace fs = std::filesystem;

struct Row {
  const char* name;
  std::vector<std::string> command;  ///< of some ten units

  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

// The last unit of each is a small one.
const Row rows[] = {
    {"diff", {"diff", "--oracle", "spec", "--count", "491521"}},
    {"prove", {"prove", "linux-defect-", "--threads", "2"}},
    {"flush", {"flush", "campaign", "order, strict: 1a1"}},
    {"programs", {"diff", "--mode", "tlb", "--count", "7169"}},
};

std::string read_text(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

class Killed : public testing::TestWithParam<Row> {
 protected:
  Killed() {
    std::string name = (fs::temp_directory_path() / "mmuref-kill-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    folder = name;
    file = folder / "campaign.jsonl";
  }
  ~Killed() override { fs::remove_all(folder); }

  pid_t start(std::vector<std::string> words, const fs::path& output) {
    words.insert(words.begin(), MMUREF_COMMAND);
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0666);
    pid_t child = 0;
    const int error =
        posix_spawn(&child, MMUREF_COMMAND, &files, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&files);
    if (error != 0) throw std::runtime_error("cannot start " MMUREF_COMMAND);
    return child;
  }
  pid_t start_campaign(const fs::path& out) {
    std::vector<std::string> words = GetParam().command;
    words.insert(words.end(), {"--out", out.string()});
    return start(std::move(words), folder / "ignored");
  }
  int exit_code(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string merged(const fs::path& path) {
    const pid_t child = start({"merge", "--json", path.string()}, folder / "merged");
    EXPECT_EQ(exit_code(child), 0);
    return read_text(folder / "merged");
  }

  fs::path folder, file;
};

/// Waits until `path` has `count` lines, and `more`; then kills the process. False if it has ended
/// before.
bool kill_when(pid_t child, const fs::path& path, std::size_t count, useconds_t more) {
  while (waitpid(child, nullptr, WNOHANG) == 0) {
    if (lines(read_text(path)) < count) {
      usleep(200);
      continue;
    }
    usleep(more);
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status);
  }
  return false;
}

TEST_P(Killed, AgainAndAgainEndsWithTheSame) {
  ASSERT_EQ(exit_code(start_campaign(folder / "whole.jsonl")), 0);
  const std::string expected = merged(folder / "whole.jsonl");
  const std::size_t all = lines(read_text(folder / "whole.jsonl"));
  ASSERT_GE(all, 8U);

  std::size_t before = 0, kills = 0;
  for (useconds_t more = 0; before < all; more = (more + 7'300) % 40'000) {
    kills += kill_when(start_campaign(file), file, before + 1 + kills % 2, more);
    const std::string now = read_text(file);
    const std::size_t finished = lines(now);
    EXPECT_GE(finished, before) << "a finished result is lost";
    before = std::max(before, finished);
  }
  EXPECT_GE(kills, 4U);
  EXPECT_EQ(exit_code(start_campaign(file)), 0);
  EXPECT_EQ(merged(file), expected);
  EXPECT_EQ(lines(read_text(file)), all) << "a finished unit was done again";
}

/// The first three: one of programs is written as others of `diff` are.
class Torn : public Killed {};

TEST_P(Torn, AtAnyByteItEndsWithTheSame) {
  ASSERT_EQ(exit_code(start_campaign(file)), 0);
  const std::string whole = read_text(file), expected = merged(file);
  const std::size_t last = whole.rfind('\n', whole.size() - 2) + 1;
  for (std::size_t cut = last; cut < whole.size(); ++cut) {
    fs::resize_file(file, cut);
    ASSERT_EQ(exit_code(start_campaign(file)), 0) << "cut at byte " << cut;
    diff::MergedCampaign again;
    again.add("again", diff::parse_campaign(read_text(file)));
    ASSERT_EQ(again.summary().dump() + '\n', expected) << "cut at byte " << cut;
  }
  EXPECT_EQ(merged(file), expected);
}

INSTANTIATE_TEST_SUITE_P(Every, Killed, testing::ValuesIn(rows),
                         [](const auto& row) { return row.param.name; });
INSTANTIATE_TEST_SUITE_P(Every, Torn, testing::ValuesIn(rows, rows + 3),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace mmuref::cli_test
