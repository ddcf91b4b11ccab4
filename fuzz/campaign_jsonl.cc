// Any bytes as the file of a campaign: refused in one line; or merged, whatever it is cut into, to
// one result, whose totals are the sums of its units.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "diff/campaign_file.h"
#include "fuzz/line_mutator.h"
#include "fuzz/lines.h"
#include "fuzz/mutator.h"
#include "fuzz/require.h"

namespace {

using namespace mmuref::diff;
using mmuref::fuzz::require;

/// The lines behind the first in two files, every other one in both, from the last to the first.
MergedCampaign dealt_out(std::string_view text, const CampaignFile& whole) {
  const std::string header = whole.header.dump() + '\n';
  std::string files[2] = {header, header};
  for (std::size_t i = whole.units.size(); i-- > 0;) {
    const std::string line = whole.units[i].line.dump() + '\n';
    files[i % 2] += line;
    if (i % 3 == 0) files[1 - i % 2] += line;
  }
  if (whole.torn) files[0] += text.substr(whole.whole);
  MergedCampaign merged;
  merged.add("odd", parse_campaign(files[1]));
  merged.add("even", parse_campaign(files[0]));
  return merged;
}

/// The number at the top of each unit's totals, added up here: each unit once, the disputed not.
void adds_up(const CampaignFile& file, const nlohmann::ordered_json& summary) {
  std::map<Word, std::map<std::string, const nlohmann::json*>> results;
  for (const CampaignFile::Unit& unit : file.units)
    results[unit.number()][result_of(unit.line).dump()] = &unit.line["totals"];
  std::map<std::string, Word> sums;
  for (const auto& [number, totals] : results) {
    if (totals.size() > 1) continue;
    for (const auto& [name, value] : totals.begin()->second->items())
      if (value.is_number_unsigned()) sums[name] += value.get<Word>();
  }
  for (const auto& [name, sum] : sums)
    require(summary["totals"][name] == sum, "a total is the sum of its units");
}

void check(std::string_view text) {
  const CampaignFile file = parse_campaign(text);
  require(file.whole <= text.size() && file.torn == (file.whole < text.size()),
          "what is not whole is torn");
  if (file.header.is_null()) return;
  MergedCampaign merged;
  merged.add("input", file);
  const auto summary = merged.summary();
  require(!summary["passed"].get<bool>() ||
              (summary["done"] == summary["units"] && summary["failed"].empty()),
          "only a whole campaign passes");
  adds_up(file, summary);
  require(dealt_out(text, file).summary() == summary, "files add up to what was dealt out");
  merged.add("input", file);
  require(merged.summary() == summary, "a file given twice counts once");

  MergedCampaign again;
  again.add("merged", parse_campaign(merged.lines()));
  require(again.lines() == merged.lines(), "what was merged merges again");
}

}  // namespace

MMUREF_MUTATOR(mmuref::fuzz::mutate_lines);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    check({reinterpret_cast<const char*>(data), size});
  } catch (const FormError& e) {
    mmuref::fuzz::require_line(e.what());
  }
  return 0;
}
