#include "diff/campaign_file.h"

#include <fmt/format.h>

#include <algorithm>

namespace mmuref::diff {
namespace {

using nlohmann::json;

/// What a first line that was torn begins with: keys are in order of name.
constexpr std::string_view header_start = R"({"command":")";

Word natural(ObjectReader& from, std::string_view name, Word least) {
  const json& value = from.get(name);
  if (!value.is_number_unsigned() || value.get<Word>() < least)
    from.fail(std::string(name), fmt::format("expected a number from {} up", least));
  return value.get<Word>();
}

const std::string& text(ObjectReader& from, std::string_view name) {
  const json& value = from.get(name);
  if (!value.is_string()) from.fail(std::string(name), "expected a string");
  return value.get_ref<const std::string&>();
}

json parse_line(std::string_view line) {
  Document document = parse_document(line);
  if (!document.error.empty()) throw FormError(document.error);
  return std::move(document.value);
}

void check_header(const json& line) {
  ObjectReader from(line, "");
  text(from, "command");
  natural(from, "count", 1);
  natural(from, "unit", 1);
}

void check_unit(const json& line, const json& header) {
  ObjectReader from(line, "");
  const Word units = unit_count(header);
  if (natural(from, "unit", 0) >= units)
    from.fail("unit", fmt::format("expected a number below {}, the campaign's units", units));
  text(from, "name");
  if (!from.get("passed").is_boolean()) from.fail("passed", "expected true or false");
  const json& totals = from.get("totals");
  if (!totals.is_object()) from.fail("totals", "expected an object");
  json sum;
  add_totals(sum, totals);
}

/// A header behind the first: of the same campaign, or of one that it grew to.
void grow(CampaignFile& file, json header) {
  const Word count = file.header["count"].get<Word>();
  if (header["count"].get<Word>() < count) throw FormError("count: expected no smaller one");
  file.header["count"] = header["count"];
  if (const std::string other = difference(header, file.header); !other.empty())
    throw FormError(other + "; expected the same campaign as before");
  const Word unit = header["unit"].get<Word>();
  if (header["count"].get<Word>() == count) return;
  std::erase_if(file.units,
                [&](const CampaignFile::Unit& u) { return count - u.number() * unit < unit; });
}

void take_line(CampaignFile& file, std::string_view line, std::size_t number) {
  json value = parse_line(line);
  ObjectReader from(value, "");
  if (number == 1 && (from.find("type") == nullptr || value["type"] != "campaign"))
    throw FormError("expected the first line of a campaign");
  const std::string type = text(from, "type");
  if (type != "campaign" && type != "unit") from.fail("type", "expected campaign or unit");
  if (type == "unit") {
    check_unit(value, file.header);
    file.units.push_back({number, std::move(value)});
    return;
  }
  check_header(value);
  if (number == 1) {
    file.header = std::move(value);
  } else {
    grow(file, std::move(value));
  }
}

}  // namespace

Word unit_count(const json& header) {
  const Word count = header["count"].get<Word>(), unit = header["unit"].get<Word>();
  return count / unit + (count % unit != 0);
}

std::string difference(const json& header, const json& other) {
  std::set<std::string> names;
  for (const auto& [name, value] : header.items()) names.insert(name);
  for (const auto& [name, value] : other.items()) names.insert(name);
  const auto value_text = [](const json& object, const std::string& name) {
    const auto value = object.find(name);
    return value == object.end() ? "none" : value->dump();
  };
  for (const std::string& name : names) {
    const std::string ours = value_text(header, name), theirs = value_text(other, name);
    if (ours != theirs) return fmt::format("{} {}, not {}", name, ours, theirs);
  }
  return "";
}

json result_of(json line) {
  line.erase("timing");
  return line;
}

void add_totals(json& sum, const json& totals) {
  if (totals.is_object() && (sum.is_null() || sum.is_object())) {
    if (sum.is_null()) sum = json::object();
    for (const auto& [name, value] : totals.items()) add_totals(sum[name], value);
  } else if (totals.is_array() && (sum.is_null() || sum.is_array())) {
    if (sum.is_null()) sum = json::array();
    for (std::size_t i = 0; i < totals.size(); ++i) {
      if (i == sum.size()) sum.push_back(nullptr);
      add_totals(sum[i], totals[i]);
    }
  } else if (totals.is_number_unsigned() && (sum.is_null() || sum.is_number_unsigned())) {
    Word all = 0;
    const Word before = sum.is_null() ? 0 : sum.get<Word>();
    if (__builtin_add_overflow(before, totals.get<Word>(), &all))
      throw FormError("totals: expected numbers whose sum has 64 bits");
    sum = all;
  } else {
    throw FormError("totals: expected natural numbers, of one form in all units");
  }
}

CampaignFile parse_campaign(std::string_view text) {
  CampaignFile file;
  std::size_t number = 1;
  for (std::size_t end; (end = text.find('\n', file.whole)) != text.npos; ++number) {
    try {
      take_line(file, text.substr(file.whole, end - file.whole), number);
    } catch (const FormError& e) {
      throw FormError(fmt::format("line {}: {}", number, e.what()));
    }
    file.whole = end + 1;
  }
  const std::string_view rest = text.substr(file.whole);
  file.torn = !rest.empty();
  const std::size_t common = std::min(rest.size(), header_start.size());
  if (file.header.is_null() && rest.substr(0, common) != header_start.substr(0, common))
    throw FormError("line 1: expected the first line of a campaign");
  return file;
}

CampaignFile parse_campaign_file(const std::string& path, std::string_view text) {
  try {
    return parse_campaign(text);
  } catch (const FormError& e) {
    throw FormError(fmt::format("{}: {}", path, e.what()));
  }
}

void MergedCampaign::add(const std::string& path, const CampaignFile& file) {
  if (file.torn) torn_.insert(path);
  if (header_.is_null()) {
    header_ = file.header;
    first_path_ = path;
  }
  if (file.header.is_null()) return;
  if (const std::string other = difference(file.header, header_); !other.empty()) {
    throw FormError(
        fmt::format("{}: {} as in {}; expected files of one campaign", path, other, first_path_));
  }
  for (const CampaignFile::Unit& unit : file.units) {
    json result = result_of(unit.line);
    std::string line = result.dump();
    units_[unit.number()].emplace(std::move(line), std::move(result));
  }
}

nlohmann::ordered_json MergedCampaign::summary() const {
  if (header_.is_null())
    throw FormError(first_path_ + ": expected a campaign's first line, here or in another file");
  auto failed = nlohmann::ordered_json::array(), disputed = failed;
  json totals = json::object();
  for (const auto& [number, results] : units_) {
    const json& result = results.begin()->second;
    if (results.size() > 1) {
      disputed.push_back({{"unit", number}, {"name", result["name"]}, {"results", results.size()}});
      continue;
    }
    if (!result["passed"].get<bool>()) failed.push_back(nlohmann::ordered_json(result));
    add_totals(totals, result["totals"]);
  }
  const Word units = unit_count(header_), missing = units - units_.size();
  return {{"passed", missing == 0 && failed.empty() && disputed.empty()},
          {"campaign", header_},
          {"units", units},
          {"done", units_.size() - disputed.size()},
          {"missing", missing},
          {"disputed", disputed},
          {"failed", failed},
          {"torn", torn_.size()},
          {"totals", totals}};
}

std::string MergedCampaign::lines() const {
  std::string text = header_.dump() + '\n';
  for (const auto& [number, results] : units_)
    for (const auto& [line, result] : results) text += line + '\n';
  return text;
}

}  // namespace mmuref::diff
