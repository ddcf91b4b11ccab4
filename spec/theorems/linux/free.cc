#include "spec/theorem.h"
namespace mmuref::spec {
std::span<const Theorem> linux_free_theorems() {
  return {};
}
}  // namespace mmuref::spec
