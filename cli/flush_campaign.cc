#include "cli/flush_campaign.h"

#include <fmt/format.h>

#include <memory>

#include "cli/campaign_options.h"
#include "cli/terminal.h"
#include "spec/protocol/linux/linux_4_6.h"

namespace mmuref::cli {

using namespace spec::protocol;
using nlohmann::json;

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::holds: return "holds";
    case Verdict::violated: return "violated";
    case Verdict::unknown: break;
  }
  return "unknown";
}

bool Exploration::passes(Verdict verdict) const {
  return verdict != Verdict::unknown && (!expected || verdict == *expected);
}

diff::Subject order_subject(const std::string& order, bool irqs_on, bool strict) {
  return {.order = order,
          .irqs_on = irqs_on,
          .bounds = {.cpus = 2, .mms = 2, .pages = 1},
          .strict = strict};
}

namespace {

std::vector<Exploration> shipped() {
  struct Row {
    Bounds bounds;
    bool quick = false;
  };
  constexpr Row rows[] = {{{.cpus = 2, .mms = 1, .pages = 1}},
                          {{.cpus = 2, .mms = 1, .pages = 2}, true},
                          {{.cpus = 2, .mms = 2, .pages = 1}},
                          {{.cpus = 3, .mms = 1, .pages = 1}},
                          {{.cpus = 2, .mms = 2, .pages = 2}}};
  std::vector<Exploration> all;
  for (const auto& [b, quick] : rows) {
    for (const Protocol& p : protocols()) {
      const std::string protocol(p.name);
      all.push_back({.kind = "shipped",
                     .name = fmt::format("{} {}x{}x{}", protocol, b.cpus, b.mms, b.pages),
                     .subject = {.protocol = protocol, .bounds = b},
                     .expected = Verdict::holds,
                     .quick = quick});
    }
  }
  return all;
}

std::vector<Exploration> exhibits(bool fixed) {
  const std::string kind = fixed ? "repaired" : "broken";
  std::vector<Exploration> all;
  for (const Exhibit& e : gallery()) {
    const std::string exhibit(e.name);
    all.push_back({.kind = kind,
                   .name = kind + ' ' + exhibit,
                   .subject = {.exhibit = exhibit, .fixed = fixed, .bounds = e.bounds},
                   .expected = fixed ? Verdict::holds : Verdict::violated,
                   .quick = !fixed});
  }
  return all;
}

/// What an order must come to, where that is known (docs/flush.md).
std::optional<Verdict> expected(const std::string& order, bool irqs_on, bool strict) {
  if (irqs_on) return strict ? std::optional(Verdict::violated) : std::nullopt;
  if (masks_enclose_cr3(order)) return Verdict::holds;
  return strict ? std::optional(Verdict::violated) : std::nullopt;
}

std::vector<Exploration> orders() {
  std::vector<Exploration> all;
  for (const bool irqs_on : {false, true}) {
    for (const bool strict : {false, true}) {
      const std::string kind =
          fmt::format("order{}{}", irqs_on ? ", irqs on" : "", strict ? ", strict" : "");
      for (const std::string& order : every_order()) {
        all.push_back({.kind = kind,
                       .name = kind + ": " + order,
                       .subject = order_subject(order, irqs_on, strict),
                       .expected = expected(order, irqs_on, strict)});
      }
    }
  }
  return all;
}

struct Options {
  std::string filter;
  diff::Shard shard;
  std::string out;
  bool json = false;
};

/// What was explored as a campaign's file has it.
json unit_line(std::size_t number, const Exploration& e, const SearchResult& result) {
  json line = {{"type", "unit"},
               {"unit", number},
               {"name", e.name},
               {"passed", e.passes(result.verdict)},
               {"verdict", name(result.verdict)},
               {"timing", {{"seconds", result.seconds}}}};
  if (!result.reason.empty()) line["reason"] = result.reason;
  if (!e.passes(result.verdict)) line["subject"] = json(json_of(e.subject));
  line["totals"][e.kind] = {
      {name(result.verdict), 1U}, {"states", result.states}, {"transitions", result.transitions}};
  return line;
}

void report(const json& line, const Options& options, const Style& style) {
  if (options.json) {
    print(line.dump() + '\n');
    return;
  }
  const std::string word = line["passed"].get<bool>() ? style.green("good") : style.red("BAD ");
  print(fmt::format("{}  {}: {}\n", word, line["name"].get<std::string>(),
                    line.value("verdict", "")));
}

/// The line of a unit: of the file, or of an exploration now, which the file gets if it came to an
/// end: one that reached a bound may get further elsewhere.
json explored(std::size_t number, const Exploration& e, diff::CampaignLog& log) {
  if (const json* known = log.find(number, e.name, "verdict")) return *known;
  Progress progress("flush");
  SearchOptions options;
  options.progress = [&](std::size_t seen, std::size_t waiting) {
    progress.show(fmt::format("{}: {} states, {} waiting", e.name, seen, waiting));
  };
  const SearchResult result = search(e.subject.system(), options);
  json line = unit_line(number, e, result);
  if (result.verdict != Verdict::unknown) log.write(line);
  return line;
}

int run(const Options& options) {
  std::vector<Exploration> chosen = explorations();
  std::erase_if(chosen, [&](const Exploration& e) {
    return e.name.find(options.filter) == std::string::npos;
  });
  if (chosen.empty())
    throw InputError(fmt::format(
        "flush campaign {}: expected a part of an exploration's name, such as linux-6.12",
        options.filter));
  json header = diff::campaign_header("flush campaign", chosen.size(), 1);
  header["filter"] = options.filter;
  diff::CampaignLog log(options.out, header);

  const Style style = Style::of_stdout();
  std::size_t units = 0, passed = 0;
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    if (!options.shard.holds(i)) continue;
    const json line = explored(i, chosen[i], log);
    ++units;
    passed += line["passed"].get<bool>();
    report(line, options, style);
  }
  if (!options.json) print(fmt::format("{} of {} explorations are as expected\n", passed, units));
  return passed == units ? good : violation;
}

}  // namespace

std::vector<Exploration> explorations() {
  std::vector<Exploration> all = shipped();
  for (const auto& more : {exhibits(false), exhibits(true), orders()})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

Run add_flush_campaign(CLI::App& flush) {
  CLI::App* command = flush.add_subcommand(
      "campaign", "Explores protocols as shipped, breaks, repairs, and orders of switch_mm");
  command->footer(
      "Each exploration is a unit of the campaign; one that was finished is not done again.\n"
      "Example: mmuref flush campaign order --shard 0/2 --out shard0.jsonl");
  const auto options = std::make_shared<Options>();
  command->add_option("filter", options->filter, "Only explorations whose name contains this");
  add_campaign_options(*command, options->shard, options->out);
  command->add_flag("--json", options->json, "Print one JSON object an exploration");
  return errors_are_input([options] { return run(*options); });
}

}  // namespace mmuref::cli
