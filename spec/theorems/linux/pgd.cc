#include "spec/theorem.h"
namespace mmuref::spec {
std::span<const Theorem> linux_pgd_theorems() {
  return {};
}
std::span<const Defect> linux_pgd_defects() {
  return {};
}
}  // namespace mmuref::spec
