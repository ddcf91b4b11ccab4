#include "diff/possibility_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diff/machine_json.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string_view name(x86::Source source) {
  switch (source) {
    case x86::Source::memory: return "memory";
    case x86::Source::structure: return "structure";
    case x86::Source::tlb: break;
  }
  return "tlb";
}

constexpr std::array<std::string_view, 11> fields{"outcome", "pa",        "page",  "writes",
                                                  "vector",  "cr2",       "level", "error_code",
                                                  "rule",    "may_write", "source"};

/// Numbers are equal in either form, digits in either case.
bool equal(const json& a, const json& b) {
  const auto number = [](const json& value, Word& word) {
    if (value.is_string()) return read_hex(value.get_ref<const std::string&>(), word);
    if (!value.is_number_unsigned()) return false;
    word = value.get<Word>();
    return true;
  };
  Word x = 0, y = 0;
  if (number(a, x) && number(b, y)) return x == y;
  return a == b;
}

bool agrees(const json& observed, const json& outcome) {
  return std::all_of(observed.items().begin(), observed.items().end(), [&](const auto& item) {
    const auto found = outcome.find(item.key());
    return found != outcome.end() && equal(item.value(), *found);
  });
}

}  // namespace

void append_possibility(std::string& out, const Possibility& possibility, const Access& access,
                        const Memory& memory) {
  out += '{';
  append_outcome(out, access, effects(possibility.walk, memory, possibility.accessed));
  out += fmt::format(R"(,"source":"{}"}})", name(possibility.source));
}

ordered_json to_json(const Possibility& possibility, const Access& access, const Memory& memory) {
  std::string text;
  append_possibility(text, possibility, access, memory);
  return ordered_json::parse(text);
}

std::vector<Possibility> agreeing(const json& observed, std::string_view place,
                                  std::span<const Possibility> outcomes, const Access& access,
                                  const Memory& memory) {
  if (observed.is_number_unsigned()) {
    const auto index = observed.get<std::uint64_t>();
    if (index < outcomes.size()) return {outcomes[index]};
    throw FormError(fmt::format("{}: expected an index below {}", place, outcomes.size()));
  }
  if (!observed.is_object() || observed.empty()) {
    throw FormError(fmt::format("{}: expected an outcome, or the index of one", place));
  }
  for (const auto& [field, value] : observed.items()) {
    if (std::find(fields.begin(), fields.end(), field) == fields.end()) {
      throw FormError(fmt::format("{}: unknown field \"{:.40}\"", place, field));
    }
  }
  std::vector<Possibility> agreeing;
  for (const Possibility& p : outcomes) {
    if (agrees(observed, json(to_json(p, access, memory)))) agreeing.push_back(p);
  }
  return agreeing;
}

}  // namespace mmuref::diff
