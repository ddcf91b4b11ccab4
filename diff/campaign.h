// A campaign: many accesses, answered by the model and by an oracle, every difference a name or a
// failure. A pure function of (binary, seed, shard), so that it can be split, stopped and resumed.
// Its units (campaign_file.h) are so many compared accesses, or programs, each.
//
// Either single accesses, each with nothing cached before it, or programs, whose accesses find what
// earlier steps left cached.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <string>

#include "diff/campaign_log.h"
#include "diff/compare.h"
#include "diff/domain.h"
#include "diff/program_model.h"
#include "diff/program_oracle.h"

namespace mmuref::diff {

enum class Mode : bool { walk, tlb };

struct CampaignOptions {
  Word seed = 1;
  Word count = 1'000'000;  ///< accesses to compare, or programs, in all shards
  Shard shard;
  std::string out;   ///< JSON Lines file to write and resume from; none when empty
  std::string save;  ///< folder for minimised cases; none when empty
  /// Of `count`, how many a unit has. That much is done twice after a kill: with an emulator some
  /// tenths of a second.
  Word unit_accesses = 49'152;
  Word unit_programs = 1024;

  Word unit(Mode mode) const { return mode == Mode::tlb ? unit_programs : unit_accesses; }
};

/// What a campaign has done so far.
struct Totals {
  static constexpr std::size_t rules = x86::rule_texts.size();

  Mode mode = Mode::walk;
  Word spaces = 0;    ///< address spaces, or programs, drawn
  Word programs = 0;  ///< run, whether or not to their end
  Word stale = 0;     ///< accesses of programs that no walk of memory explains, but the model does
  Word accesses = 0;  ///< compared
  Word faults = 0;    ///< of them, those the model answers with an exception
  Word located = 0;   ///< those whose physical address could be compared
  Word writes = 0;    ///< those that left an entry changed
  Word unexplained = 0;
  std::map<std::string, Word> known;    ///< differences, by ledger name
  std::map<std::string, Word> skipped;  ///< accesses the oracle does not support, by reason
  std::array<std::array<Word, x86::max_level + 1>, rules> coverage{};  ///< by rule and level
  Word timed = 0;  ///< of what was compared: where no merged file left the times out
  double seconds = 0;
  double oracle_seconds = 0;  ///< of them, inside the oracle's engine
};

/// Called now and then; may print.
using Progress = std::function<void(const Totals&)>;

/// Runs until the shard's part of `options.count` accesses is compared, or until the oracle has
/// supported none in a long while. Throws std::runtime_error when `options.out` cannot be used.
Totals run_campaign(Oracle& oracle, const Domain& domain, const CampaignOptions& options,
                    const Progress& progress = {});

/// The same with programs. `outcomes` is the set that accesses are held to.
Totals run_campaign(ProgramOracle& oracle, const Domain& domain, const CampaignOptions& options,
                    const Progress& progress = {}, const Outcomes& outcomes = model_outcomes);

/// What `CampaignOptions::count` counts.
inline Word compared(const Totals& totals) {
  return totals.mode == Mode::tlb ? totals.programs : totals.accesses;
}

/// What of `CampaignOptions::count` the units of the shard come to.
Word share(const CampaignOptions& options, Mode mode);

/// Whether the campaign compared what it was asked to and found nothing unexplained.
inline bool passed(const Totals& totals, const CampaignOptions& options) {
  const Word asked = share(options, totals.mode);
  return compared(totals) == asked && (totals.accesses > 0 || asked == 0) &&
         totals.unexplained == 0;
}

}  // namespace mmuref::diff
