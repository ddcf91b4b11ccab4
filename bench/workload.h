// What is translated: every page that a running Linux 6.1 mapped, in one random order.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/flat_memory.h"
#include "image/image.h"

namespace mmuref::bench {

struct Translation {
  Word va;  ///< at a random offset in its page
  Word pa;  ///< as QEMU's `info tlb` has it
};

struct Workload {
  image::Image image;
  FlatMemory flat;
  x86::Paging<Word> paging;
  std::vector<Translation> translations;
};

/// The page tables in `folder`, which is laid out as corpora/linux-6.1-kaslr-4level/ is; `seed`
/// decides order and offsets. Throws image::Error.
Workload load_workload(const std::string& folder, std::uint64_t seed);

/// Throws std::runtime_error unless our walk, the bare walk and addrxlat all give QEMU's physical
/// address for every translation, over both memories: only equal work is worth timing.
void check_agreement(const Workload& workload);

/// An access that every page of the workload permits: an explicit supervisor-mode read with
/// EFLAGS.AC=1, so that SMAP lets user pages pass.
inline x86::Access<Word> permitted_access() {
  return {.ac = true};
}

/// The flat memory as the one segment that it is.
std::vector<image::Segment> segments(const FlatMemory& memory);

}  // namespace mmuref::bench
