// The theorems a broken model is put to, in a program small enough to rebuild for every break.
//
//   mutant_prove [THEOREM…]   a line each, name and verdict; all theorems when none is named
#include <algorithm>
#include <cstdio>
#include <span>
#include <string>
#include <thread>

#include "spec/prover.h"

int main(int argc, char** argv) {
  using namespace mmuref;
  const std::span names(argv + 1, static_cast<std::size_t>(argc - 1));
  std::vector<spec::Theorem> theorems = spec::all_theorems();
  std::erase_if(theorems, [&](const spec::Theorem& t) {
    return !names.empty() && std::find(names.begin(), names.end(), t.name) == names.end();
  });
  const unsigned threads = std::max(1U, std::thread::hardware_concurrency());
  for (const spec::Verdict& v : spec::prove(theorems, {.threads = threads})) {
    const std::string line = std::string(v.theorem.name) + " " + std::string(spec::name(v.status));
    std::puts(line.c_str());
  }
}
