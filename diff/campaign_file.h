// The files of campaigns: JSON Lines whose results add up.
//
// A campaign is a numbered list of units of work, each a pure function of the campaign and of its
// number, whatever the command: so many accesses, a theorem, an exploration.
//
//   {"type":"campaign","command":"diff","count":200000,"unit":49152,…}    what identifies it
//   {"type":"unit","unit":3,"name":"…","passed":true,"totals":{…},"timing":{…},…}    a unit's
//   result
//
// "count" is divided among units of "unit" each; "totals" holds natural numbers, which add up over
// units; "timing" is no part of the result; every other field of a unit is its command's. Units
// may come in any order behind the first line, and more than once.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "diff/strict_json.h"

namespace mmuref::diff {

/// The units of a campaign: all of `unit` but the last, which may be smaller. `header` is a first
/// line, read or to be written.
Word unit_count(const nlohmann::json& header);

/// How the first lines of two campaigns differ, "seed 3, not 4"; empty when they do not.
std::string difference(const nlohmann::json& header, const nlohmann::json& other);

/// What two lines of one unit must agree in.
nlohmann::json result_of(nlohmann::json line);

/// Adds up natural numbers in objects and arrays of one form; null is the sum of nothing. Throws
/// FormError where the forms differ or a sum has more than 64 bits.
void add_totals(nlohmann::json& sum, const nlohmann::json& totals);

/// What one file holds.
struct CampaignFile {
  struct Unit {
    std::size_t line_number = 0;  ///< from 1
    nlohmann::json line;
    Word number() const { return line["unit"].get<Word>(); }
  };

  nlohmann::json header;  ///< null when there is no line but a torn one
  std::vector<Unit> units;
  std::size_t whole = 0;  ///< bytes of the lines that are whole
  bool torn = false;      ///< a writer was killed within the line behind them
};

/// Reads a file. A header may come again, with a larger count when the campaign grew: then the last
/// unit, if it was a smaller one, counts no more. Throws FormError naming the line.
CampaignFile parse_campaign(std::string_view text);
/// The same of what the file `path` holds, which errors name.
CampaignFile parse_campaign_file(const std::string& path, std::string_view text);

/// The union of the results in files of one campaign; the order in which they come does not matter.
class MergedCampaign {
 public:
  /// Throws FormError, which names the file, when it is of another campaign.
  void add(const std::string& path, const CampaignFile& file);

  /// Of all that was added, as `mmuref merge --json` gives it. Throws FormError when totals do not
  /// add up, or when no file has a first line.
  nlohmann::ordered_json summary() const;
  /// A file of the same results, without timing. The same text for the same results.
  std::string lines() const;

 private:
  /// A unit's results, as text; there should be one.
  using Results = std::map<std::string, nlohmann::json>;

  nlohmann::json header_;
  std::string first_path_;  ///< where the header is from; the last file while there is none
  std::map<Word, Results> units_;
  std::set<std::string> torn_;  ///< files whose last line is
};

}  // namespace mmuref::diff
