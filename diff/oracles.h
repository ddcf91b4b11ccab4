// The oracles, by name.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "diff/oracle.h"
#include "diff/program_oracle.h"

namespace mmuref::diff {

/// Names that make_oracle() takes; the first is the one campaigns use by default.
const std::vector<std::string_view>& oracle_names();

/// A new oracle of that name; null when there is none. Throws what the oracle throws when it
/// cannot start.
std::unique_ptr<Oracle> make_oracle(std::string_view name);

/// The oracle of that name as one that runs programs; null when there is none, or it runs none.
std::unique_ptr<ProgramOracle> make_program_oracle(std::string_view name);

/// "spec, unicorn": for messages.
std::string oracle_list();
std::string program_oracle_list();

}  // namespace mmuref::diff
