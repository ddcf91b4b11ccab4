#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/cli/rows.h"
#include "tests/cli/scratch.h"

namespace mmuref::cli_test {
namespace {

namespace fs = std::filesystem;

const fs::path golden_folder = MMUREF_SOURCE_DIR "/tests/cli/golden";

std::string contents(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

/// What a user sees: the command, standard output, standard error, the exit code.
std::string transcript(const Row& row) {
  const std::string command =
      "cd '" + scratch().string() + "' && '" MMUREF_COMMAND "' " + row.arguments + " >out 2>err";
  const int status = std::system(command.c_str());
  const std::string code =
      WIFEXITED(status) ? "exit " + std::to_string(WEXITSTATUS(status)) : "killed by a signal";
  const std::string err = contents(scratch() / "err");
  return "$ mmuref " + row.arguments + "\n" + contents(scratch() / "out") +
         (err.empty() ? "" : "--- standard error\n" + err) + "--- " + code + "\n";
}

class Golden : public testing::TestWithParam<Row> {};

TEST_P(Golden, IsAsWritten) {
  const fs::path file = golden_folder / GetParam().name;
  const std::string now = transcript(GetParam());
  if (std::getenv("MMUREF_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(file, std::ios::binary) << now;
    GTEST_SKIP() << "wrote " << file;
  }
  ASSERT_TRUE(fs::exists(file)) << "no golden yet: run with MMUREF_UPDATE_GOLDEN=1";
  EXPECT_EQ(now, contents(file));
}

INSTANTIATE_TEST_SUITE_P(Rows, Golden, testing::ValuesIn(rows),
                         [](const auto& i) { return i.param.name; });

TEST(GoldenFolder, HoldsNothingThatNoRowWrites) {
  std::set<std::string> names;
  for (const Row& row : rows) EXPECT_TRUE(names.insert(row.name).second) << row.name;
  for (const auto& file : fs::directory_iterator(golden_folder)) {
    EXPECT_TRUE(names.contains(file.path().filename())) << file.path();
  }
}

}  // namespace
}  // namespace mmuref::cli_test
