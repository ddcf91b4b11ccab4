// Each defect of Linux fails its claim on the inputs that corpora/linux-defects/ keeps for it, run
// concretely: without a solver, and whatever a solver would find today.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "spec/theorem.h"

namespace mmuref::spec {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

const fs::path folder = MMUREF_SOURCE_DIR "/corpora/linux-defects";

fs::path file_of(const Defect& defect) {
  return folder / (std::string(defect.theorem.name) + ".defect");
}

std::uint64_t number(const json& text) {
  return std::stoull(text.get<std::string>(), nullptr, 0);
}

Assignment inputs(const json& file) {
  Assignment a;
  for (const auto& [name, value] : file.at("words").items()) a.words[name] = number(value);
  a.flags = file.at("flags").get<std::map<std::string, bool>>();
  return a;
}

class DefectTest : public testing::TestWithParam<Defect> {};

TEST_P(DefectTest, FailsItsClaimOnTheInputsKept) {
  const Defect& defect = GetParam();
  std::ifstream stream(file_of(defect));
  ASSERT_TRUE(stream) << file_of(defect) << ": expected a file for each defect";
  const json file = json::parse(stream);
  EXPECT_EQ(file.at("name"), defect.theorem.name);
  EXPECT_EQ(file.at("kernel"), defect.kernel);
  EXPECT_EQ(file.at("fixed"), defect.fixed);
  const Assignment kept = inputs(file);
  Fixed source(kept);
  ConcreteSession session(source);
  ASSERT_NO_THROW(defect.theorem.concrete(session)) << "outside the theorem's assumptions";
  EXPECT_EQ(session.failed(), file.at("claim"));
  // No input of another name: a file that outlives its theorem's inputs says nothing.
  for (const auto& [name, value] : kept.words) EXPECT_TRUE(session.seen().words.contains(name));
  for (const auto& [name, value] : kept.flags) EXPECT_TRUE(session.seen().flags.contains(name));
}

TEST_P(DefectTest, SaysWhereItIsAndWhereNot) {
  const Defect& defect = GetParam();
  EXPECT_FALSE(defect.kernel.empty());
  EXPECT_FALSE(defect.fixed.empty());
  EXPECT_TRUE(defect.theorem.claim.ends_with(".")) << defect.theorem.claim;
}

INSTANTIATE_TEST_SUITE_P(Every, DefectTest, testing::ValuesIn(all_defects()),
                         [](const auto& param) {
                           std::string name(param.param.theorem.name);
                           for (char& c : name)
                             if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
                           return name;
                         });

TEST(Defects, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const Theorem& t : all_theorems()) names.insert(t.name);
  for (const Defect& d : all_defects()) {
    EXPECT_TRUE(names.insert(d.theorem.name).second) << d.theorem.name;
  }
}

TEST(Defects, EveryFileIsOfADefect) {
  std::set<fs::path> expected, found;
  for (const Defect& d : all_defects()) expected.insert(file_of(d));
  for (const auto& entry : fs::directory_iterator(folder)) found.insert(entry.path());
  EXPECT_EQ(found, expected);
}

}  // namespace
}  // namespace mmuref::spec
