// Any address space and access: the model's walk against the declarative specification.
#include "fuzz/mutator.h"
#include "fuzz/space_input.h"
#include "fuzz/walk_check.h"

MMUREF_MUTATOR(mmuref::fuzz::mutate_space);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  mmuref::fuzz::walk_vs_spec(data, size);
  return 0;
}
