// Accesses with the outcome that kvm-unit-tests' access test expects of a long-mode processor:
// ../shared/vectors, whose README.md states the format.
#include <gtest/gtest.h>
#include <zlib.h>

#include <array>
#include <filesystem>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "tests/model/scene.h"

namespace mmuref::x86::test {
namespace {

struct VectorFile {
  const char* name;
  Word maxphyaddr;
  int lines;
};
constexpr std::array files{VectorFile{"access-m40_20k.txt.gz", 40, 20000},
                           VectorFile{"access-m36_5k.txt.gz", 36, 5000},
                           VectorFile{"access-subtests-4level.txt", 36, 17},
                           VectorFile{"access-subtests-5level.txt", 36, 17}};
void PrintTo(const VectorFile& file, std::ostream* os) {
  *os << file.name;
}

/// One line: `name=value` fields; entries are `eN=address:value`, or `e1=-`.
class Line {
 public:
  explicit Line(const std::string& text) {
    std::istringstream words(text);
    for (std::string word; words >> word;) {
      const auto equals = word.find('=');
      if (equals != word.npos) fields_[word.substr(0, equals)] = word.substr(equals + 1);
    }
  }
  bool has(const std::string& name) const {
    return fields_.contains(name) && fields_.at(name) != "-";
  }
  const std::string& operator[](const std::string& name) const { return fields_.at(name); }
  Word number(const std::string& name) const { return std::stoull(fields_.at(name), nullptr, 16); }
  bool flag(const std::string& name) const { return number(name) != 0; }
  Word address(const std::string& name) const { return number(name); }
  Word value(const std::string& name) const {
    const std::string& text = fields_.at(name);
    return std::stoull(text.substr(text.find(':') + 1), nullptr, 16);
  }

 private:
  std::map<std::string, std::string> fields_;
};

Paging<Word> paging_of(const Line& line, Word maxphyaddr) {
  const auto flag = [&](const char* name, Word value) { return line.flag(name) ? value : 0; };
  Registers<Word> r;
  r.cr0 = cr0::PE | cr0::PG | flag("wp", cr0::WP);
  r.cr3 = line.number("cr3");
  r.cr4 =
      cr4::PAE | flag("smep", cr4::SMEP) | flag("pke", cr4::PKE) | (line.has("e5") ? cr4::LA57 : 0);
  r.efer = efer::LME | efer::LMA | flag("nxe", efer::NXE);
  r.pkru = line.number("pkru");
  return paging(Processor<Word>{.maxphyaddr = maxphyaddr}, r);
}

/// The memories that an access may leave: one if it translates, one a prefix if it faults.
std::vector<TinyMemory> memories_after(const Walk<Word>& w, const TinyMemory& before) {
  if (w.outcome == Outcome::translated) {
    TinyMemory after = before;
    write_back(w, after);
    return {after};
  }
  std::vector<TinyMemory> all;
  for (int prefix = 0; prefix <= accessed_limit(w); ++prefix) {
    all.push_back(before);
    write_back_prefix(w, prefix, all.back());
  }
  return all;
}

bool entries_as_expected(const Line& line, const TinyMemory& after) {
  const Word judged = ~line.number("ign");
  if (((after.read(line.address("e2")) ^ line.number("pde")) & judged) != 0) return false;
  return !line.has("pte") || after.read(line.address("e1")) == line.number("pte");
}

/// Whether the model allows what the line expects; a difference is a failure that shows both.
void check(const Line& line, Word maxphyaddr) {
  const Paging<Word> p = paging_of(line, maxphyaddr);
  TinyMemory memory;
  for (const char* name : {"e5", "e4", "e3", "e2", "e1"}) {
    if (line.has(name)) memory.write(line.address(name), line.value(name));
  }
  const Word va = line.number("va");
  std::vector<TinyMemory> starts{memory};
  if (line.flag("twice")) starts = memories_after(walk(p, Access<Word>{.va = va}, memory), memory);

  bool entries_allowed = false;
  for (const TinyMemory& start : starts) {
    const Access<Word> access{.va = va,
                              .write = line["acc"] == "w",
                              .fetch = line["acc"] == "x",
                              .cpl3 = line["us"] == "u"};
    const auto w = walk(p, access, start);
    ASSERT_EQ(w.outcome == Outcome::page_fault, line.flag("fault")) << text(w.rule).name;
    ASSERT_NE(w.outcome, Outcome::general_protection);
    if (line.flag("fault")) {
      ASSERT_EQ(w.error_code, line.number("err")) << text(w.rule).name;
    }
    for (const TinyMemory& after : memories_after(w, start)) {
      entries_allowed |= entries_as_expected(line, after);
    }
  }
  EXPECT_TRUE(entries_allowed) << "the PDE or PTE afterwards";
}

class Vectors : public testing::TestWithParam<VectorFile> {};
INSTANTIATE_TEST_SUITE_P(Files, Vectors, testing::ValuesIn(files));

TEST_P(Vectors, TheModelAgreesWithEveryLine) {
  const auto [name, maxphyaddr, lines] = GetParam();
  const auto path = std::filesystem::path(MMUREF_SOURCE_DIR) / ".." / "shared" / "vectors" / name;
  if (!exists(path)) GTEST_SKIP() << path << " is not there: nothing was compared";

  // Reads files that are not compressed as they are.
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "r"), gzclose);
  ASSERT_NE(file, nullptr) << path;
  int checked = 0;
  for (std::array<char, 1024> buffer; gzgets(file.get(), buffer.data(), buffer.size());) {
    SCOPED_TRACE(buffer.data());
    check(Line(buffer.data()), maxphyaddr);
    if (HasFailure()) return;
    ++checked;
  }
  EXPECT_EQ(checked, lines);
}

}  // namespace
}  // namespace mmuref::x86::test
