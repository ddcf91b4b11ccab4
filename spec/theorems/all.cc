#include "spec/theorem.h"

namespace mmuref::spec {

std::vector<Theorem> all_theorems() {
  std::vector<Theorem> all;
  for (const auto group : {linear_address_theorems, component_theorems, walk_theorems,
                           translation_theorems, fault_theorems, rights_theorems,
                           accessed_dirty_theorems, invalidation_theorems, tlb_theorems})
    for (const Theorem& t : group()) all.push_back(t);
  return all;
}

std::vector<Defect> all_defects() {
  return {};
}

}  // namespace mmuref::spec
