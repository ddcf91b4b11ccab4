// An outcome that an access may have, as JSON; and what was observed, held against all of them.
#pragma once

#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "diff/program.h"
#include "diff/strict_json.h"

namespace mmuref::diff {

/// An answer of `mmuref eval` without an id, and "source": "memory", "structure" or "tlb". `memory`
/// is what was certain of memory before the access.
nlohmann::ordered_json to_json(const Possibility& possibility, const Access& access,
                               const Memory& memory);

/// Appends the text of it.
void append_possibility(std::string& out, const Possibility& possibility, const Access& access,
                        const Memory& memory);

/// The outcomes that agree with what was observed: `observed` is an index into `outcomes`, or an
/// object whose fields the outcome's must equal. Empty when none agrees; `place` names `observed`
/// in errors. Throws FormError.
std::vector<Possibility> agreeing(const nlohmann::json& observed, std::string_view place,
                                  std::span<const Possibility> outcomes, const Access& access,
                                  const Memory& memory);

}  // namespace mmuref::diff
