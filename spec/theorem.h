// A theorem: a sentence, where the manual says it, and the function that states it.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "spec/session.h"

namespace mmuref::spec {

struct Theorem {
  std::string_view name;
  std::string_view claim;  ///< the sentence it proves
  std::string_view ref;    ///< the manual's section
  void (*symbolic)(SymbolicSession&);
  void (*concrete)(ConcreteSession&);
};

/// `body` is a captureless generic function of a session.
template <class Body>
constexpr Theorem theorem(std::string_view name, std::string_view claim, std::string_view ref,
                          Body body) {
  return {name, claim, ref, body, body};
}

/// What software must hold to and one version of it does not: the claim, stated for that version,
/// must be refuted. Among the theorems stands the same claim for the version that mended it.
struct Defect {
  Theorem theorem;
  std::string_view kernel;  ///< the version with the defect, "4.6"
  std::string_view fixed;   ///< the version without it and the change, "4.14, fd7e315988b7"
};

/// Every theorem, in the order of spec/theorems/.
std::vector<Theorem> all_theorems();

/// Every defect, likewise.
std::vector<Defect> all_defects();

// One group a file of spec/theorems/.
std::span<const Theorem> linear_address_theorems();
std::span<const Theorem> component_theorems();
std::span<const Theorem> walk_theorems();
std::span<const Theorem> translation_theorems();
std::span<const Theorem> fault_theorems();
std::span<const Theorem> rights_theorems();
std::span<const Theorem> accessed_dirty_theorems();
std::span<const Theorem> invalidation_theorems();
std::span<const Theorem> tlb_theorems();
std::span<const Theorem> tlb_change_theorems();

// Of Linux, in spec/theorems/linux/.
std::span<const Theorem> linux_address_theorems();
std::span<const Theorem> linux_layout_theorems();
std::span<const Theorem> linux_entry_theorems();
std::span<const Theorem> linux_constructor_theorems();
std::span<const Theorem> linux_protection_theorems();
std::span<const Theorem> linux_swap_theorems();
std::span<const Theorem> linux_remap_theorems();
std::span<const Theorem> linux_free_theorems();
std::span<const Theorem> linux_direct_map_theorems();
std::span<const Theorem> linux_fixmap_theorems();
std::span<const Theorem> linux_pgd_theorems();
std::span<const Theorem> linux_flush_theorems();
std::span<const Theorem> linux_switch_theorems();

std::span<const Defect> linux_address_defects();
std::span<const Defect> linux_layout_defects();
std::span<const Defect> linux_entry_defects();
std::span<const Defect> linux_constructor_defects();
std::span<const Defect> linux_protection_defects();
std::span<const Defect> linux_swap_defects();
std::span<const Defect> linux_remap_defects();
std::span<const Defect> linux_direct_map_defects();
std::span<const Defect> linux_fixmap_defects();
std::span<const Defect> linux_pgd_defects();
std::span<const Defect> linux_flush_defects();
std::span<const Defect> linux_switch_defects();

}  // namespace mmuref::spec
