#include "spec/theorem.h"

namespace mmuref::spec {

std::vector<Theorem> all_theorems() {
  std::vector<Theorem> all;
  for (const auto group : {linear_address_theorems,
                           component_theorems,
                           walk_theorems,
                           translation_theorems,
                           fault_theorems,
                           rights_theorems,
                           accessed_dirty_theorems,
                           invalidation_theorems,
                           tlb_theorems,
                           tlb_change_theorems,
                           linux_address_theorems,
                           linux_layout_theorems,
                           linux_entry_theorems,
                           linux_constructor_theorems,
                           linux_protection_theorems,
                           linux_swap_theorems,
                           linux_remap_theorems,
                           linux_free_theorems,
                           linux_direct_map_theorems,
                           linux_fixmap_theorems,
                           linux_pgd_theorems,
                           linux_flush_theorems,
                           linux_switch_theorems})
    for (const Theorem& t : group()) all.push_back(t);
  return all;
}

std::vector<Defect> all_defects() {
  std::vector<Defect> all;
  for (const auto group :
       {linux_address_defects, linux_layout_defects, linux_entry_defects, linux_constructor_defects,
        linux_protection_defects, linux_swap_defects, linux_remap_defects, linux_direct_map_defects,
        linux_fixmap_defects, linux_pgd_defects, linux_flush_defects, linux_switch_defects})
    for (const Defect& d : group()) all.push_back(d);
  return all;
}

}  // namespace mmuref::spec
