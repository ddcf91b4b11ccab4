#include "spec/theorem.h"

namespace mmuref::spec {

std::vector<Theorem> all_theorems() {
  std::vector<Theorem> all;
  for (const auto group : {walk_theorems})
    for (const Theorem& t : group()) all.push_back(t);
  return all;
}

}  // namespace mmuref::spec
