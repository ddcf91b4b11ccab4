#include "diff/report.h"

#include <fmt/format.h>

#include <iterator>

#include "diff/ledger.h"

namespace mmuref::diff {
namespace {

using nlohmann::ordered_json;

ordered_json counts_json(const std::map<std::string, Word>& counts) {
  ordered_json object = ordered_json::object();
  for (const auto& [name, count] : counts) object[name] = count;
  return object;
}

std::map<std::string, Word> counts_from_json(const nlohmann::json& object) {
  return object.get<std::map<std::string, Word>>();
}

double percent(double part, double whole) {
  return whole > 0 ? 100 * part / whole : 0;
}

template <class... Values>
void line(std::string& out, fmt::format_string<Values...> format, Values&&... values) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Values>(values)...);
  out += '\n';
}

/// How often each rule answered, at each level. A row of dashes is a rule never met.
void append_coverage(std::string& out, const Totals& totals) {
  line(out, "  {:26}{:>11}{:>11}{:>11}{:>11}{:>11}{:>11}", "rule by level", "none", "PTE", "PDE",
       "PDPTE", "PML4E", "PML5E");
  for (const x86::RuleText& rule : x86::rule_texts) {
    fmt::format_to(std::back_inserter(out), "  {:26}", rule.name);
    for (const Word count : totals.coverage[static_cast<std::size_t>(rule.rule)]) {
      fmt::format_to(std::back_inserter(out), "{:>11}", count == 0 ? "-" : std::to_string(count));
    }
    out += '\n';
  }
}

void append_not_tested(std::string& out, const Domain& domain, const Totals& totals) {
  for (const auto& [reason, count] : totals.skipped)
    line(out, "  skipped {:>10}  {}", count, reason);
  for (const auto& [reason, what] : domain.excluded)
    line(out, "  not drawn: {} ({})", what, reason);
}

}  // namespace

nlohmann::json totals_json(const Totals& totals) {
  auto coverage = nlohmann::json::object();
  for (const x86::RuleText& rule : x86::rule_texts) {
    const auto& levels = totals.coverage[static_cast<std::size_t>(rule.rule)];
    if (levels != std::remove_cvref_t<decltype(levels)>{})
      coverage[std::string(rule.name)] = levels;
  }
  return {{"spaces", totals.spaces},
          {"programs", totals.programs},
          {"stale", totals.stale},
          {"accesses", totals.accesses},
          {"faults", totals.faults},
          {"located", totals.located},
          {"writes", totals.writes},
          {"unexplained", totals.unexplained},
          {"known", counts_json(totals.known)},
          {"skipped", counts_json(totals.skipped)},
          {"coverage", coverage}};
}

Totals totals_from_json(const nlohmann::json& document) {
  Totals totals;
  document.at("spaces").get_to(totals.spaces);
  document.at("programs").get_to(totals.programs);
  document.at("stale").get_to(totals.stale);
  document.at("accesses").get_to(totals.accesses);
  document.at("faults").get_to(totals.faults);
  document.at("located").get_to(totals.located);
  document.at("writes").get_to(totals.writes);
  document.at("unexplained").get_to(totals.unexplained);
  totals.known = counts_from_json(document.at("known"));
  totals.skipped = counts_from_json(document.at("skipped"));
  const nlohmann::json& coverage = document.at("coverage");
  for (const x86::RuleText& rule : x86::rule_texts) {
    if (const auto levels = coverage.find(rule.name); levels != coverage.end())
      levels->get_to(totals.coverage[static_cast<std::size_t>(rule.rule)]);
  }
  return totals;
}

ordered_json report_json(const AnyOracle& oracle, const CampaignOptions& options,
                         const Domain& domain, const Totals& totals) {
  ordered_json excluded = ordered_json::object();
  for (const auto& [reason, what] : domain.excluded) excluded[reason] = what;
  ordered_json report = {{"oracle", oracle.name()},
                         {"version", oracle.version()},
                         {"seed", options.seed},
                         {"shard", fmt::format("{}/{}", options.shard.index, options.shard.count)},
                         {"accesses", totals.accesses},
                         {"faults", totals.faults},
                         {"unexplained", totals.unexplained},
                         {"known", counts_json(totals.known)},
                         {"seconds", totals.seconds},
                         {"oracle_seconds", totals.oracle_seconds},
                         {"skipped", counts_json(totals.skipped)},
                         {"not_drawn", excluded}};
  if (totals.mode == Mode::tlb) {
    report["mode"] = "tlb";
    report["programs"] = totals.programs;
    report["stale"] = totals.stale;
  }
  return report;
}

std::string report_text(const AnyOracle& oracle, const CampaignOptions& options,
                        const Domain& domain, const Totals& totals) {
  std::string out;
  const bool programs = totals.mode == Mode::tlb;
  line(out, "{} {}, seed {}, shard {}/{}: {} accesses compared in {} {}", oracle.name(),
       oracle.version(), options.seed, options.shard.index, options.shard.count, totals.accesses,
       programs ? totals.programs : totals.spaces, programs ? "programs" : "address spaces");
  line(out, "  {} faults; {} physical addresses compared; {} accesses changed entries",
       totals.faults, totals.located, totals.writes);
  if (programs) {
    line(out, "  {} accesses ({:.1f}%) by what was cached and no longer in memory", totals.stale,
         percent(static_cast<double>(totals.stale), static_cast<double>(totals.accesses)));
  }
  const double rate = totals.seconds > 0 ? static_cast<double>(totals.timed) / totals.seconds : 0;
  line(out, "  {:.1f} s, {:.0f} {}/s, {:.0f}% of the time inside the oracle's engine",
       totals.seconds, rate, programs ? "programs" : "accesses",
       percent(totals.oracle_seconds, totals.seconds));
  append_coverage(out, totals);
  append_not_tested(out, domain, totals);
  for (const auto& [name, count] : totals.known) {
    const KnownDifference* known = find_known(name);
    line(out, "  known {:>12}  {}: {}", count, name, known == nullptr ? "" : known->cause);
  }
  if (const Word asked = share(options, totals.mode); compared(totals) < asked) {
    line(out, "  FAILED: only {} of {} {} could be compared", compared(totals), asked,
         programs ? "programs" : "accesses");
  }
  line(out, "  unexplained differences: {}", totals.unexplained);
  return out;
}

}  // namespace mmuref::diff
