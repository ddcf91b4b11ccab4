#include "spec/theorem.h"
namespace mmuref::spec {
std::span<const Theorem> linux_fixmap_theorems() {
  return {};
}
std::span<const Defect> linux_fixmap_defects() {
  return {};
}
}  // namespace mmuref::spec
