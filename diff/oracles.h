// The oracles, by name.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "diff/oracle.h"

namespace mmuref::diff {

/// Names that make_oracle() takes; the first is the one campaigns use by default.
const std::vector<std::string_view>& oracle_names();

/// A new oracle of that name; null when there is none. Throws what the oracle throws when it
/// cannot start.
std::unique_ptr<Oracle> make_oracle(std::string_view name);

/// "spec, unicorn": for messages.
std::string oracle_list();

}  // namespace mmuref::diff
