// What every campaign does, whatever it draws: counting, checkpoints, findings, the summary.
#pragma once

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <set>

#include "diff/campaign.h"
#include "diff/campaign_log.h"
#include "diff/case_file.h"
#include "diff/report.h"

namespace mmuref::diff {

/// Identifies what a generator draws: a file written by a binary that draws something else must
/// not be resumed.
class Fingerprint {
 public:
  void mix(Word value) { hash_ = (hash_ ^ value) * 0x9e3779b97f4a7c15 + 1; }
  void mix(const Machine& machine) {
    mix(machine.cpu.maxphyaddr);
    mix(machine.registers.cr4);
    for (const auto& [address, value] : machine.memory) mix(address), mix(value);
  }
  std::string text() const { return fmt::format("{:#x}", hash_); }

 private:
  Word hash_ = 0;
};

/// Runs numbered spaces, each a pure function of its number, until enough is compared.
class CampaignLoop {
 public:
  Totals run(const Progress& progress);

 protected:
  /// `draws` is the fingerprint of the first spaces.
  CampaignLoop(const AnyOracle& oracle, const Domain& domain, const CampaignOptions& options,
               Mode mode, const std::string& draws);
  ~CampaignLoop() = default;

  /// Adds what space `index` holds to `totals_`; may stop within it when enough is compared.
  virtual void run_space(Word index) = 0;
  bool enough() const { return compared(totals_) >= options_.count; }
  /// Whether `class_name` is met for the first time.
  bool first_of(const std::string& class_name) { return classes_.insert(class_name).second; }
  void finding(const nlohmann::ordered_json& line) { log_.finding(line); }
  /// Writes a case to the folder for minimised cases, if there is one.
  void save(const std::string& name, const std::string& text) const;

  const Domain& domain_;
  const CampaignOptions& options_;
  Totals totals_;

 private:
  const Totals& clocked();

  const AnyOracle& asked_;
  CampaignLog log_;
  std::set<std::string> classes_;  ///< of the differences already saved
  double seconds_before_, oracle_before_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace mmuref::diff
