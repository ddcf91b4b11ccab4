// The explorations of flush protocols that are kept: what `mmuref flush campaign` runs, `mmuref
// check` takes the quick ones of, and what each must come to.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "diff/flush_trace.h"
#include "spec/protocol/search.h"

namespace mmuref::cli {

std::string_view name(spec::protocol::Verdict verdict);

struct Exploration {
  std::string kind;  ///< shipped, broken, repaired, or an order of some mode
  std::string name;  ///< of its own
  diff::Subject subject;
  /// Nothing where both are possible; the verdict is kept then, and not judged.
  std::optional<spec::protocol::Verdict> expected;
  bool quick = false;  ///< takes seconds at most, and is explored by `mmuref check`

  /// Whether `verdict` is what it must be; `unknown` never is.
  bool passes(spec::protocol::Verdict verdict) const;
};

/// Every protocol as shipped, at bounds of its own; every break of the gallery, and its repair;
/// every order of 4.6's switch_mm.
std::vector<Exploration> explorations();

/// An order of 4.6's switch_mm, at the bounds that tell orders apart.
diff::Subject order_subject(const std::string& order, bool irqs_on, bool strict);

/// Adds `flush campaign` to the subcommand `flush`.
Run add_flush_campaign(CLI::App& flush);

}  // namespace mmuref::cli
