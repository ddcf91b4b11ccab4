#include <fmt/format.h>

#include "diff/campaign_loop.h"
#include "diff/program_generator.h"
#include "diff/program_run.h"

namespace mmuref::diff {
namespace {

class ProgramCampaign final : public CampaignLoop {
 public:
  ProgramCampaign(ProgramOracle& oracle, const Domain& domain, const CampaignOptions& options,
                  const Outcomes& outcomes)
      : CampaignLoop(oracle, domain, options, Mode::tlb), oracle_(oracle), outcomes_(outcomes) {}

 private:
  void run_space(Word index) override;
  void count(const Judged& judged, const Effect& effect);
  void report_difference(Word index, const ProgramRun& run);

  ProgramOracle& oracle_;
  const Outcomes& outcomes_;
  Program program_;
};

void ProgramCampaign::run_space(Word index) {
  generate(domain_, oracle_, options_.seed, index, program_);
  if (const std::string why = oracle_.unsupported(program_); !why.empty()) {
    ++totals_.skipped[why];
    return;
  }
  const ProgramRun run = run_program(oracle_, program_, outcomes_);
  ++totals_.programs;
  for (std::size_t i = 0; i < run.effects.size(); ++i) {
    if (run.judged[i].access) count(run.judged[i], run.effects[i].effect);
    if (run.known[i] != nullptr) ++totals_.known[std::string(run.known[i]->name)];
  }
  if (run.unexplained) report_difference(index, run);
}

void ProgramCampaign::count(const Judged& judged, const Effect& effect) {
  const Observation& o = effect.observed;
  ++totals_.accesses;
  totals_.faults += o.outcome != x86::Outcome::translated;
  totals_.located += o.located && o.outcome == x86::Outcome::translated;
  totals_.writes += !effect.changes.empty();
  totals_.stale += judged.stale;
  const Walk& walk = judged.fresh;
  ++totals_.coverage[static_cast<std::size_t>(walk.rule)][static_cast<std::size_t>(walk.level)];
}

/// Every program that differs is a finding; the first of each class in a unit is minimised and
/// becomes a case.
void ProgramCampaign::report_difference(Word index, const ProgramRun& run) {
  ++totals_.unexplained;
  const DifferenceClass last = run.last();
  const std::string class_name = fmt::format("{}-{}-as-{}", parts_text(last.parts),
                                             x86::text(last.rule).name, x86::vector(last.observed));
  const std::size_t step = run.effects.size() - 1;
  nlohmann::json line = {{"class", class_name}, {"program", index}, {"step", step}};
  if (first_of(class_name)) {
    Program start = program_;
    start.steps.resize(step + 1);
    const ProgramCase file =
        describe(oracle_, minimize_program(oracle_, start, outcomes_),
                 fmt::format("{}-tlb-{}", oracle_.name(), class_name),
                 fmt::format("mmuref diff --mode tlb --oracle {} --seed {}, program {}, step {}",
                             oracle_.name(), options_.seed, index, step));
    const std::string text = to_text(file);
    save_later(file.name, text);
    line["case"] = nlohmann::json::parse(text);
  }
  finding(std::move(line));
}

}  // namespace

Totals run_campaign(ProgramOracle& oracle, const Domain& domain, const CampaignOptions& options,
                    const Progress& progress, const Outcomes& outcomes) {
  Totals none;
  none.mode = Mode::tlb;
  if (domain.processors.empty()) return none;
  return ProgramCampaign(oracle, domain, options, outcomes).run(progress);
}

}  // namespace mmuref::diff
