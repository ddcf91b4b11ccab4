#include "diff/campaign.h"

#include <fmt/format.h>

#include "diff/campaign_loop.h"
#include "diff/generator.h"
#include "diff/ledger.h"
#include "diff/minimize.h"

namespace mmuref::diff {
namespace {

class Campaign final : public CampaignLoop {
 public:
  Campaign(Oracle& oracle, const Domain& domain, const CampaignOptions& options)
      : CampaignLoop(oracle, domain, options, Mode::walk), oracle_(oracle) {}

 private:
  void run_space(Word index) override;
  void count(const Answer& model, const Effect& effect);
  void report_difference(Word space, std::size_t number, Parts parts, const Answer& model);
  nlohmann::json save_case(const std::string& class_name, Word space, std::size_t number);

  Oracle& oracle_;
  AddressSpace space_;
  Case question_;
  Effect effect_;
};

void Campaign::run_space(Word index) {
  generate(domain_, options_.seed, index, space_);
  question_.machine = space_.machine;
  Machine& machine = question_.machine;
  bool loaded = false;
  for (std::size_t i = 0; i < space_.accesses.size() && !enough(); ++i) {
    question_.access = space_.accesses[i];
    if (std::string why = oracle_.unsupported(machine.cpu, machine.registers, question_.access);
        !why.empty()) {
      ++totals_.skipped[why];
      continue;
    }
    if (!loaded) oracle_.load(machine);
    loaded = true;

    const Answer model = answer(question_);
    run_access(oracle_, question_, model, effect_);
    count(model, effect_);
    const Parts parts = compare(question_, model, effect_);
    if (parts != 0) {
      if (const auto* known = explain(oracle_.name(), {question_, model, effect_})) {
        ++totals_.known[std::string(known->name)];
      } else {
        report_difference(index, i, parts, model);
        // What it left is not to be trusted: go on from what the manual requires.
        effect_.changes.assign(model.writes.begin(), model.writes.end());
        loaded = false;
      }
    }
    for (const auto& [address, value] : effect_.changes) machine.memory.write(address, value);
  }
}

void Campaign::count(const Answer& model, const Effect& effect) {
  const Walk& walk = model.walk;
  ++totals_.accesses;
  totals_.faults += walk.outcome != x86::Outcome::translated;
  totals_.located += effect.observed.located && walk.outcome == x86::Outcome::translated;
  totals_.writes += !effect.changes.empty();
  ++totals_.coverage[static_cast<std::size_t>(walk.rule)][static_cast<std::size_t>(walk.level)];
}

/// Every difference is a finding; the first of each class in a unit is minimised and becomes a
/// case.
void Campaign::report_difference(Word space, std::size_t number, Parts parts, const Answer& model) {
  ++totals_.unexplained;
  const std::string class_name =
      fmt::format("{}-{}-as-{}", parts_text(parts), x86::text(model.walk.rule).name,
                  x86::vector(effect_.observed.outcome));
  nlohmann::json line = {{"class", class_name}, {"space", space}, {"access", number}};
  if (classify(oracle_, question_).parts == 0) {
    // The oracle remembers something between accesses: no case can show that.
    line["alone"] = "agrees";
  } else if (first_of(class_name)) {
    line["case"] = save_case(class_name, space, number);
  }
  finding(std::move(line));
}

nlohmann::json Campaign::save_case(const std::string& class_name, Word space, std::size_t number) {
  const CaseFile file =
      describe(oracle_, minimize_difference(oracle_, question_),
               fmt::format("{}-{}", oracle_.name(), class_name),
               fmt::format("mmuref diff --oracle {} --seed {}, address space {}, access {}",
                           oracle_.name(), options_.seed, space, number));
  const std::string text = to_text(file);
  save_later(file.name, text);
  return nlohmann::json::parse(text);
}

}  // namespace

Totals run_campaign(Oracle& oracle, const Domain& domain, const CampaignOptions& options,
                    const Progress& progress) {
  if (domain.processors.empty()) return {};
  return Campaign(oracle, domain, options).run(progress);
}

}  // namespace mmuref::diff
