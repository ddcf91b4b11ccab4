#include "diff/possibility_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diff/machine_json.h"
#include "diff/text.h"

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

bool read_number(const json& value, Word& word) {
  if (value.is_string()) return read_hex(value.get_ref<const std::string&>(), word);
  if (!value.is_number_unsigned()) return false;
  word = value.get<Word>();
  return true;
}

bool is_number(const json& value) {
  Word word = 0;
  return read_number(value, word);
}

/// Values by address, each of which `holds` accepts.
template <class Holds>
bool is_memory(const json& value, Holds holds) {
  return value.is_object() && std::ranges::all_of(value.items(), [&](const auto& item) {
           Word address = 0;
           return read_hex(item.key(), address) && holds(item.value());
         });
}

/// What a field of an outcome may hold.
struct FieldForm {
  std::string_view name;
  bool (*reads)(const json&);
  std::string_view expected;
};

constexpr std::string_view a_word = R"(a number such as "0x1f")";

constexpr std::array<FieldForm, 11> fields{{
    {"outcome", [](const json& v) { return v == "ok" || v == "fault"; }, R"("ok" or "fault")"},
    {"pa", is_number, a_word},
    {"page", [](const json& v) { return v == "4K" || v == "2M" || v == "1G"; },
     R"("4K", "2M" or "1G")"},
    {"writes", [](const json& v) { return is_memory(v, is_number); },
     "an object of addresses and values"},
    {"vector", is_number, "a number such as 14"},
    {"cr2", is_number, a_word},
    {"level",
     [](const json& v) {
       Word level = 0;
       return read_number(v, level) && level >= 1 && level <= x86::max_level;
     },
     "a number from 1 to 5"},
    {"error_code", is_number, a_word},
    {"rule",
     [](const json& v) {
       return std::ranges::any_of(x86::rule_texts,
                                  [&](const x86::RuleText& rule) { return v == rule.name; });
     },
     "the name of a rule"},
    {"may_write",
     [](const json& v) {
       return is_memory(v, [](const json& values) {
         return values.is_array() && std::ranges::all_of(values, is_number);
       });
     },
     "an object of addresses and arrays of values"},
    {"source", [](const json& v) { return v == "memory" || v == "structure" || v == "tlb"; },
     R"("memory", "structure" or "tlb")"},
}};

void check_field(const std::string& name, const json& value, std::string_view place) {
  const auto* form = std::ranges::find(fields, name, &FieldForm::name);
  if (form == fields.end())
    throw FormError(fmt::format("{}: unknown field \"{:.40}\"", place, name));
  if (!form->reads(value))
    throw FormError(fmt::format("{}.{}: expected {}", place, name, form->expected));
}

/// Numbers in one form, wherever they are: they are equal in either, digits in either case.
json as_numbers(const json& value) {
  if (Word word = 0; read_number(value, word)) return word;
  if (!value.is_structured()) return value;
  json numbers = value.is_array() ? json::array() : json::object();
  for (const auto& [key, inner] : value.items()) {
    Word address = 0;
    if (value.is_array()) {
      numbers.push_back(as_numbers(inner));
    } else {
      numbers[read_hex(key, address) ? hex(address) : key] = as_numbers(inner);
    }
  }
  return numbers;
}

bool agrees(const json& observed, const json& outcome) {
  return std::ranges::all_of(observed.items(), [&](const auto& item) {
    const auto found = outcome.find(item.key());
    return found != outcome.end() && as_numbers(item.value()) == as_numbers(*found);
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
  for (const auto& [field, value] : observed.items()) check_field(field, value, place);
  std::vector<Possibility> agreeing;
  for (const Possibility& p : outcomes) {
    if (agrees(observed, json(to_json(p, access, memory)))) agreeing.push_back(p);
  }
  return agreeing;
}

}  // namespace mmuref::diff
