#include "spec/theorem.h"
namespace mmuref::spec {
std::span<const Theorem> linux_direct_map_theorems() {
  return {};
}
std::span<const Defect> linux_direct_map_defects() {
  return {};
}
}  // namespace mmuref::spec
