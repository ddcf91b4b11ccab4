#include "fuzz/walk_seeds.h"

#include "diff/rule_coverage.h"
#include "fuzz/space_input.h"

namespace mmuref::fuzz {

std::vector<std::vector<std::uint8_t>> walk_seeds() {
  std::vector<std::vector<std::uint8_t>> seeds;
  for (const diff::Combination& c : diff::all_combinations())
    if (diff::unreachable(c) == nullptr) seeds.push_back(encode(diff::witness(c)));
  return seeds;
}

}  // namespace mmuref::fuzz
