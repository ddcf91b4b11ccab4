#include "fuzz/rule_report.h"

#include <cstdio>
#include <cstdlib>

#include "fuzz/require.h"

namespace mmuref::fuzz {
namespace {

constexpr std::uint16_t cannot_occur = 0xffff;
constexpr std::size_t counters = 16384;

#ifdef MMUREF_FUZZING_ENGINE
// libFuzzer treats these like edges: an input that exercises a new combination is kept.
__attribute__((section("__libfuzzer_extra_counters"))) std::uint8_t exercised_now[counters];
#else
std::uint8_t exercised_now[counters];
#endif

void print();

struct Notes {
  diff::RuleCoverage coverage;
  std::vector<std::uint16_t> counter;  ///< by number, dense over what can occur

  Notes() {
    std::uint16_t next = 0;
    for (const diff::Combination& c : diff::all_combinations())
      counter.push_back(diff::unreachable(c) == nullptr ? next++ : cannot_occur);
    require(next <= counters, "each reachable combination has a counter");
    std::atexit(print);
  }
};

/// Never destroyed: it is read at the very end.
Notes& notes() {
  static Notes* const made = new Notes;
  return *made;
}

void print() {
  const char* const limit = std::getenv("MMUREF_RULES");
  const std::string lines =
      diff::report(notes().coverage, limit == nullptr ? 20 : std::strtoul(limit, nullptr, 10));
  std::fputs(lines.c_str(), stderr);
}

}  // namespace

void note(const diff::Exercised& seen) {
  Notes& n = notes();
  for (const std::uint32_t number : seen) {
    const std::uint16_t counter = n.counter[number];
    require(counter != cannot_occur, "what is said to be unreachable does not occur");
    exercised_now[counter] = 1;
  }
  n.coverage.add(seen);
}

void do_not_expect(std::size_t number) {
  notes().coverage.exclude(number);
}

}  // namespace mmuref::fuzz
