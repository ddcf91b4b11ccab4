#include "diff/campaign.h"

#include <fmt/format.h>

#include <chrono>
#include <filesystem>
#include <set>

#include "diff/campaign_log.h"
#include "diff/case_file.h"
#include "diff/generator.h"
#include "diff/ledger.h"
#include "diff/minimize.h"
#include "diff/report.h"

namespace mmuref::diff {
namespace {

constexpr Word spaces_per_progress = 64;
/// An oracle that supports nothing of so many address spaces supports nothing.
constexpr Word idle_spaces = 4096;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Identifies what a generator draws: a file written by a binary that draws something else must
/// not be resumed.
Word fingerprint(const Domain& domain, Word seed) {
  AddressSpace space;
  Word hash = 0;
  const auto mix = [&hash](Word value) { hash = (hash ^ value) * 0x9e3779b97f4a7c15 + 1; };
  for (Word index = 0; index < 16; ++index) {
    generate(domain, seed, index, space);
    mix(space.machine.cpu.maxphyaddr);
    mix(space.machine.registers.cr4);
    for (const auto& [address, value] : space.machine.memory) mix(address), mix(value);
    for (const Access& access : space.accesses) mix(access.va);
  }
  return hash;
}

nlohmann::ordered_json header(const Oracle& oracle, const Domain& domain,
                              const CampaignOptions& options) {
  return {{"type", "campaign"},
          {"mmuref", MMUREF_VERSION},
          {"oracle", oracle.name()},
          {"version", oracle.version()},
          {"seed", options.seed},
          {"shard", fmt::format("{}/{}", options.shard.index, options.shard.count)},
          {"draws", fmt::format("{:#x}", fingerprint(domain, options.seed))}};
}

class Campaign {
 public:
  Campaign(Oracle& oracle, const Domain& domain, const CampaignOptions& options)
      : oracle_(oracle),
        domain_(domain),
        options_(options),
        log_(options.out, header(oracle, domain, options)),
        totals_(log_.resumed().totals),
        classes_(log_.resumed().classes),
        seconds_before_(totals_.seconds),
        oracle_before_(totals_.oracle_seconds - oracle.seconds()) {}

  Totals run(const Progress& progress) {
    Word idle = 0;
    while (totals_.accesses < options_.count && idle < idle_spaces) {
      const Word before = totals_.accesses;
      run_space(options_.shard.index + totals_.spaces * options_.shard.count);
      idle = totals_.accesses == before ? idle + 1 : 0;
      // Only whole spaces count as finished: a later run with a larger count starts this one anew.
      if (totals_.accesses >= options_.count) break;
      ++totals_.spaces;
      if (totals_.spaces % options_.spaces_per_checkpoint == 0) log_.checkpoint(clocked());
      if (progress && totals_.spaces % spaces_per_progress == 0) progress(clocked());
    }
    log_.summary(report_json(oracle_, options_, domain_, clocked()));
    return clocked();
  }

 private:
  void run_space(Word index);
  void count(const Answer& model, const Effect& effect);
  void report_difference(Word space, std::size_t number, Parts parts, const Answer& model);
  nlohmann::ordered_json save(const std::string& class_name, Word space, std::size_t number);

  const Totals& clocked() {
    totals_.seconds = seconds_before_ + seconds_since(start_);
    totals_.oracle_seconds = oracle_before_ + oracle_.seconds();
    return totals_;
  }

  Oracle& oracle_;
  const Domain& domain_;
  const CampaignOptions& options_;
  CampaignLog log_;
  Totals totals_;
  std::set<std::string> classes_;  ///< of the differences already saved
  double seconds_before_, oracle_before_;
  Clock::time_point start_ = Clock::now();

  AddressSpace space_;
  Case question_;
  Effect effect_;
};

void Campaign::run_space(Word index) {
  generate(domain_, options_.seed, index, space_);
  question_.machine = space_.machine;
  Machine& machine = question_.machine;
  bool loaded = false;
  for (std::size_t i = 0; i < space_.accesses.size() && totals_.accesses < options_.count; ++i) {
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

/// Every difference gets a line; the first of each class is minimised and becomes a case.
void Campaign::report_difference(Word space, std::size_t number, Parts parts, const Answer& model) {
  ++totals_.unexplained;
  const std::string class_name =
      fmt::format("{}-{}-as-{}", parts_text(parts), x86::text(model.walk.rule).name,
                  x86::vector(effect_.observed.outcome));
  nlohmann::ordered_json line = {
      {"type", "finding"}, {"class", class_name}, {"space", space}, {"access", number}};
  if (classify(oracle_, question_).parts == 0) {
    // The oracle remembers something between accesses: no case can show that.
    line["alone"] = "agrees";
  } else if (classes_.insert(class_name).second) {
    line["case"] = save(class_name, space, number);
  }
  log_.finding(line);
}

nlohmann::ordered_json Campaign::save(const std::string& class_name, Word space,
                                      std::size_t number) {
  const CaseFile file =
      describe(oracle_, minimize_difference(oracle_, question_),
               fmt::format("{}-{}", oracle_.name(), class_name),
               fmt::format("mmuref diff --oracle {} --seed {}, address space {}, access {}",
                           oracle_.name(), options_.seed, space, number));
  if (!options_.save.empty()) {
    std::filesystem::create_directories(options_.save);
    write_case_file(fmt::format("{}/{}.json", options_.save, file.name), file);
  }
  return nlohmann::ordered_json::parse(to_text(file));
}

}  // namespace

Totals run_campaign(Oracle& oracle, const Domain& domain, const CampaignOptions& options,
                    const Progress& progress) {
  if (domain.processors.empty()) return {};
  return Campaign(oracle, domain, options).run(progress);
}

}  // namespace mmuref::diff
