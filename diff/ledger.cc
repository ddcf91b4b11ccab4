#include "diff/ledger.h"

#include <algorithm>

namespace mmuref::diff {

std::span<const KnownDifference> ledger() {
  return {};
}

const KnownDifference* explain(std::string_view oracle, const Difference& difference) {
  for (const KnownDifference& known : ledger()) {
    if (known.oracle == oracle && known.explains(difference)) return &known;
  }
  return nullptr;
}

const KnownDifference* find_known(std::string_view name) {
  const auto entries = ledger();
  const auto found = std::find_if(entries.begin(), entries.end(),
                                  [&](const KnownDifference& known) { return known.name == name; });
  return found == entries.end() ? nullptr : &*found;
}

}  // namespace mmuref::diff
