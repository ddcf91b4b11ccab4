// mmuref merge: adds up what shards of a campaign wrote.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/terminal.h"
#include "diff/campaign_file.h"
#include "diff/campaign_log.h"
#include "diff/files.h"
#include "diff/text.h"

namespace mmuref::cli {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct Options {
  std::vector<std::string> files;
  std::string out;
  bool json = false;
};

/// Names and numbers, "known.smap-implicit-ac" and "12"; of an array all its numbers.
using Rows = std::vector<std::pair<std::string, std::string>>;

void append_totals(Rows& rows, const ordered_json& totals, const std::string& name) {
  if (totals.is_object()) {
    for (const auto& [key, value] : totals.items())
      append_totals(rows, value, name.empty() ? key : name + '.' + key);
    return;
  }
  std::string numbers = totals.dump();
  std::erase_if(numbers, [](char c) { return c == '[' || c == ']'; });
  std::ranges::replace(numbers, ',', ' ');
  rows.emplace_back(name, numbers);
}

/// What a file says goes on a line of ours.
std::string text_of(const ordered_json& value) {
  return diff::printable(value.get<std::string>());
}

std::string text_form(const Rows& rows) {
  std::size_t width = 0;
  for (const auto& [name, numbers] : rows) width = std::max(width, name.size());
  std::string out;
  for (const auto& [name, numbers] : rows)
    out += fmt::format("  {:<{}}  {}\n", diff::printable(name), width, numbers);
  return out;
}

std::string text_form(const ordered_json& summary) {
  const Style style = Style::of_stdout();
  std::string out;
  for (const auto& [name, value] : summary["campaign"].items()) {
    if (name == "type" || name == "program" || value == "") continue;
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name,
                       value.is_string() ? text_of(value) : value.dump());
  }
  out += '\n';
  Rows rows;
  append_totals(rows, summary["totals"], "");
  out += text_form(rows);
  for (const auto& unit : summary["failed"])
    out += fmt::format("  {} unit {}, {}\n", style.red("FAILED  "), unit["unit"].dump(),
                       text_of(unit["name"]));
  for (const auto& unit : summary["disputed"])
    out += fmt::format("  {} unit {}, {}: {} different results\n", style.red("DISPUTED"),
                       unit["unit"].dump(), text_of(unit["name"]), unit["results"].dump());
  const std::string counts =
      fmt::format("{} of {} units, {} missing, {} failed, {} disputed; torn last lines ignored: {}",
                  summary["done"].dump(), summary["units"].dump(), summary["missing"].dump(),
                  summary["failed"].size(), summary["disputed"].size(), summary["torn"].dump());
  const bool passed = summary["passed"].get<bool>();
  return out + (passed ? style.green("good") : style.red("BAD ")) + "  " + counts + '\n';
}

/// What is replaced is one more file of the campaign, so that nothing in it is lost.
void add_held(diff::MergedCampaign& merged, const std::string& path, const std::string& content) {
  const diff::CampaignFile file = diff::parse_campaign_file(path, content);
  merged.add(path, file);
  if (file.header.is_null() && !merged.lines().starts_with(content))
    throw InputError(path + ": line 1: expected the first line of this campaign");
}

int run(const Options& options) {
  diff::MergedCampaign merged;
  for (const std::string& path : diff::files_below(options.files, {".jsonl"}))
    merged.add(path, diff::parse_campaign_file(path, diff::content_of_file(path)));
  std::optional<diff::CampaignLock> lock;  // until it is replaced
  if (!options.out.empty()) {
    diff::require_writable(options.out);
    if (std::filesystem::is_regular_file(options.out)) {
      lock.emplace(options.out, O_RDONLY);
      add_held(merged, options.out, diff::content_of_file(options.out));
    }
  }
  const ordered_json summary = merged.summary();
  if (!options.out.empty()) diff::write_file(options.out, merged.lines());
  print(options.json ? summary.dump() + '\n' : text_form(summary));
  return summary["passed"].get<bool>() ? good : violation;
}

}  // namespace

Run add_merge(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("merge", "Add up what shards of one campaign wrote with --out");
  command->footer(
      "Exits with 0 when every unit of the campaign is there, once or with the same result, and\n"
      "passed. Files may overlap and be given twice, in any order.\n"
      "Example: mmuref merge shards/ --out campaign.jsonl");
  const auto options = std::make_shared<Options>();
  command
      ->add_option("FILE", options->files,
                   "Files of `diff`, `prove` or `flush campaign`, and folders of them (*.jsonl)")
      ->required();
  command
      ->add_option("--out", options->out,
                   "Write all finished units here, those that it has too; it merges again")
      ->type_name("FILE");
  command->add_flag("--json", options->json, "Print one JSON object");
  return errors_are_input([options] { return run(*options); });
}

}  // namespace mmuref::cli
