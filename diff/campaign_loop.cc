#include "diff/campaign_loop.h"

#include <filesystem>
#include <utility>

#include "diff/files.h"
#include "diff/report.h"

namespace mmuref::diff {
namespace {

/// Spaces are numbered from this times the unit's number on.
constexpr Word spaces_of_unit = 1'000'000'000;
/// An oracle that supports nothing of so many address spaces supports nothing.
constexpr Word idle_spaces = 4096;

nlohmann::json header(const AnyOracle& oracle, const CampaignOptions& options, Mode mode) {
  nlohmann::json line = campaign_header("diff", options.count, options.unit(mode));
  line["mode"] = mode == Mode::tlb ? "tlb" : "walk";
  line["oracle"] = oracle.name();
  line["version"] = oracle.version();
  line["seed"] = options.seed;
  return line;
}

}  // namespace

Word share(const CampaignOptions& options, Mode mode) {
  const Word unit = options.unit(mode), last = (options.count - 1) / unit;
  if (options.shard.index > last) return 0;
  const Word missing = options.shard.holds(last) ? unit - (options.count - last * unit) : 0;
  return ((last - options.shard.index) / options.shard.count + 1) * unit - missing;
}

CampaignLoop::CampaignLoop(AnyOracle& oracle, const Domain& domain, const CampaignOptions& options,
                           Mode mode)
    : domain_(domain),
      options_(options),
      asked_(oracle),
      mode_(mode),
      log_(options.out, header(oracle, options, mode)) {}

Totals CampaignLoop::run(const Progress& progress) {
  const Word units = unit_count(log_.header());
  for (Word unit = options_.shard.index; unit < units; unit += options_.shard.count) {
    if (const nlohmann::json* line = log_.find(unit, unit_name(unit))) {
      if (compared(take_over(*line)) < quota(unit)) break;
      continue;
    }
    run_unit(unit);
    if (progress) progress(so_far());
    if (!enough()) break;
  }
  return so_far();
}

Word CampaignLoop::quota(Word unit) const {
  const Word size = options_.unit(mode_);
  return std::min(size, options_.count - unit * size);
}

std::string CampaignLoop::unit_name(Word unit) const {
  const Word first = unit * options_.unit(mode_);
  return fmt::format("{} {} to {}", mode_ == Mode::tlb ? "programs" : "accesses", first,
                     first + quota(unit) - 1);
}

void CampaignLoop::run_unit(Word unit) {
  const auto start = std::chrono::steady_clock::now();
  const double oracle_before = asked_.seconds();
  asked_.restart();
  totals_ = Totals{.mode = mode_};
  quota_ = quota(unit);
  findings_ = nlohmann::json::array();
  classes_.clear();
  for (Word idle = 0; !enough() && idle < idle_spaces;) {
    const Word before = compared(totals_);
    run_space(unit * spaces_of_unit + totals_.spaces++);
    idle = compared(totals_) == before ? idle + 1 : 0;
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const nlohmann::json line = {
      {"type", "unit"},
      {"unit", unit},
      {"name", unit_name(unit)},
      {"passed", enough() && totals_.unexplained == 0},
      {"totals", totals_json(totals_)},
      {"findings", findings_},
      {"timing",
       {{"seconds", seconds.count()}, {"oracle_seconds", asked_.seconds() - oracle_before}}}};
  log_.write(line);
  add(line, totals_);
  for (const auto& [name, text] : std::exchange(cases_, {})) save(name, text);
}

Totals CampaignLoop::take_over(const nlohmann::json& line) {
  try {
    Totals totals = totals_from_json(line["totals"]);
    totals.mode = mode_;
    const bool whole = compared(totals) >= quota(line["unit"].get<Word>());
    if (line["passed"] != (whole && totals.unexplained == 0))
      throw std::runtime_error(fmt::format("{}: unit {}: \"passed\": expected what its totals say",
                                           options_.out, line["unit"].dump()));
    add(line, totals);
    return totals;
  } catch (const nlohmann::json::exception&) {
    throw std::runtime_error(fmt::format("{}: unit {}: expected the totals that `diff` writes",
                                         options_.out, line["unit"].dump()));
  }
}

void CampaignLoop::add(const nlohmann::json& line, const Totals& totals) {
  add_totals(sum_, line["totals"]);
  if (!line.contains("timing")) return;  // of a merged file
  timed_ += compared(totals);
  seconds_ += line["timing"].at("seconds").get<double>();
  oracle_seconds_ += line["timing"].at("oracle_seconds").get<double>();
}

Totals CampaignLoop::so_far() const {
  Totals totals = sum_.is_null() ? Totals{} : totals_from_json(sum_);
  totals.mode = mode_;
  totals.timed = timed_;
  totals.seconds = seconds_;
  totals.oracle_seconds = oracle_seconds_;
  return totals;
}

void CampaignLoop::save(const std::string& name, const std::string& text) {
  if (options_.save.empty() || !saved_.insert(name).second) return;
  std::filesystem::create_directories(options_.save);
  for (std::size_t number = 1;; ++number) {
    const std::string path = number == 1
                                 ? fmt::format("{}/{}.json", options_.save, name)
                                 : fmt::format("{}/{}-{}.json", options_.save, name, number);
    if (!std::filesystem::exists(path)) return write_file(path, text);
    if (content_of_file(path) == text) return;
  }
}

}  // namespace mmuref::diff
