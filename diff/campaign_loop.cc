#include "diff/campaign_loop.h"

namespace mmuref::diff {
namespace {

constexpr Word spaces_per_progress = 64;
/// An oracle that supports nothing of so many address spaces supports nothing.
constexpr Word idle_spaces = 4096;

nlohmann::ordered_json header(const AnyOracle& oracle, const CampaignOptions& options, Mode mode,
                              const std::string& draws) {
  nlohmann::ordered_json line = {
      {"type", "campaign"},
      {"mmuref", MMUREF_VERSION},
      {"oracle", oracle.name()},
      {"version", oracle.version()},
      {"seed", options.seed},
      {"shard", fmt::format("{}/{}", options.shard.index, options.shard.count)},
      {"draws", draws}};
  if (mode == Mode::tlb) line["mode"] = "tlb";
  return line;
}

}  // namespace

CampaignLoop::CampaignLoop(const AnyOracle& oracle, const Domain& domain,
                           const CampaignOptions& options, Mode mode, const std::string& draws)
    : domain_(domain),
      options_(options),
      asked_(oracle),
      log_(options.out, header(oracle, options, mode, draws)),
      classes_(log_.resumed().classes) {
  totals_ = log_.resumed().totals;
  totals_.mode = mode;
  seconds_before_ = totals_.seconds;
  oracle_before_ = totals_.oracle_seconds - oracle.seconds();
}

Totals CampaignLoop::run(const Progress& progress) {
  Word idle = 0;
  while (!enough() && idle < idle_spaces) {
    const Word before = compared(totals_);
    run_space(options_.shard.index + totals_.spaces * options_.shard.count);
    idle = compared(totals_) == before ? idle + 1 : 0;
    // Only whole spaces count as finished: a later run with a larger count starts this one anew.
    if (enough()) break;
    ++totals_.spaces;
    if (totals_.spaces % options_.spaces_per_checkpoint == 0) log_.checkpoint(clocked());
    if (progress && totals_.spaces % spaces_per_progress == 0) progress(clocked());
  }
  log_.summary(report_json(asked_, options_, domain_, clocked()));
  return clocked();
}

void CampaignLoop::save(const std::string& name, const std::string& text) const {
  if (options_.save.empty()) return;
  std::filesystem::create_directories(options_.save);
  write_text_file(fmt::format("{}/{}.json", options_.save, name), text);
}

const Totals& CampaignLoop::clocked() {
  const std::chrono::duration<double> since = std::chrono::steady_clock::now() - start_;
  totals_.seconds = seconds_before_ + since.count();
  totals_.oracle_seconds = oracle_before_ + asked_.seconds();
  return totals_;
}

}  // namespace mmuref::diff
