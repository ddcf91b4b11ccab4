// The theorems a broken model is put to: one after another, until one is not proved.
//
//   sweep_prove --list | THEOREM…   a line each: name, or name and verdict
#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "spec/prover.h"

int main(int argc, char** argv) {
  using namespace mmuref;
  const std::vector<spec::Theorem> theorems = spec::all_theorems();
  for (const char* argument : std::span(argv + 1, static_cast<std::size_t>(argc - 1))) {
    const std::string name = argument;
    for (const spec::Theorem& t : theorems) {
      if (name == "--list") std::puts(std::string(t.name).c_str());
      if (name != t.name) continue;
      const spec::Verdict verdict = spec::prove(t, {});
      std::puts((name + " " + std::string(spec::name(verdict.status))).c_str());
      if (!verdict.passes()) return 1;
    }
  }
}
