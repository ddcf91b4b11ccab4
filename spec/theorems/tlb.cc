#include "spec/theorem.h"
namespace mmuref::spec {
std::span<const Theorem> tlb_theorems() { return {}; }
}
