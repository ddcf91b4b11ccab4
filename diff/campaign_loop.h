// What every campaign does, whatever it draws: counting, checkpoints, findings, the summary.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <set>
#include <utility>
#include <vector>

#include "diff/campaign.h"
#include "diff/campaign_log.h"
#include "diff/case_file.h"

namespace mmuref::diff {

/// Runs units: numbered address spaces, each a pure function of its number, until enough is
/// compared.
class CampaignLoop {
 public:
  Totals run(const Progress& progress);

 protected:
  CampaignLoop(AnyOracle& oracle, const Domain& domain, const CampaignOptions& options, Mode mode);
  ~CampaignLoop() = default;

  /// Adds what space `index` holds to `totals_`; may stop within it when enough is compared.
  virtual void run_space(Word index) = 0;
  bool enough() const { return compared(totals_) >= quota_; }
  /// Whether `class_name` is met for the first time in this unit.
  bool first_of(const std::string& class_name) { return classes_.insert(class_name).second; }
  void finding(nlohmann::json line) { findings_.push_back(std::move(line)); }
  /// Writes a case to the folder for minimised cases, if there is one and it is the first, once
  /// the unit is finished.
  void save_later(const std::string& name, const std::string& text) {
    cases_.emplace_back(name, text);
  }

  const Domain& domain_;
  const CampaignOptions& options_;
  Totals totals_;  ///< of this unit

 private:
  Word quota(Word unit) const;
  std::string unit_name(Word unit) const;
  void run_unit(Word unit);
  Totals take_over(const nlohmann::json& line);
  /// `totals` are the line's.
  void add(const nlohmann::json& line, const Totals& totals);
  /// Beside whatever the folder has, which somebody may have corrected.
  void save(const std::string& name, const std::string& text);
  Totals so_far() const;

  AnyOracle& asked_;
  const Mode mode_;
  CampaignLog log_;
  Word quota_ = 0;                                          ///< to compare in this unit
  nlohmann::json findings_;                                 ///< of this unit
  std::set<std::string> classes_;                           ///< of the differences in this unit
  std::vector<std::pair<std::string, std::string>> cases_;  ///< to be saved: names and texts
  std::set<std::string> saved_;                             ///< names of cases
  nlohmann::json sum_;                       ///< totals of the units that are finished
  Word timed_ = 0;                           ///< what was compared in those with times
  double seconds_ = 0, oracle_seconds_ = 0;  ///< of these
};

}  // namespace mmuref::diff
