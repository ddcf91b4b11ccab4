// A campaign's totals as JSON and as text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "diff/campaign.h"

namespace mmuref::diff {

/// The object of `mmuref diff --json`.
nlohmann::ordered_json report_json(const AnyOracle& oracle, const CampaignOptions& options,
                                   const Domain& domain, const Totals& totals);

/// For people: what was compared, what was found, what was not tested and why, and what the
/// accesses met, by rule and level.
std::string report_text(const AnyOracle& oracle, const CampaignOptions& options,
                        const Domain& domain, const Totals& totals);

/// What adds up of totals, as a campaign's file carries it, and back; rules never met are left out.
/// from_json throws nlohmann::json::exception.
nlohmann::json totals_json(const Totals& totals);
Totals totals_from_json(const nlohmann::json& document);

}  // namespace mmuref::diff
