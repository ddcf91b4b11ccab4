// What a search keeps on disk, to be gone on with.
#pragma once

#include <string>

#include "spec/protocol/machine.h"
#include "spec/protocol/search.h"
#include "spec/protocol/seen.h"
#include "spec/protocol/waiting.h"

namespace mmuref::spec::protocol {

/// A number for all that a search's states depend on.
std::uint64_t identity(const System& system, const SearchOptions& options);

/// Between two levels of a search.
struct Checkpoint {
  std::uint64_t identity = 0;
  std::size_t transitions = 0, depth = 0;
  double seconds = 0;
  Waiting waiting;
};

/// Writes beside `path` first, so that an interrupted run leaves what was there. Throws
/// std::runtime_error.
void save(const std::string& path, Checkpoint& checkpoint, const Fingerprints& seen,
          const Ways& ways);
/// Throws std::runtime_error for what is not a checkpoint, whole, of this `identity`.
Checkpoint load(const std::string& path, std::uint64_t identity, Fingerprints& seen, Ways& ways);

}  // namespace mmuref::spec::protocol
