#include "diff/strict_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "diff/text.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;

constexpr int max_depth = 8;

/// Byte `number`, from 1: "column 7"; with its line where there are several.
std::string place_of(std::string_view text, std::size_t number) {
  const std::string_view before = text.substr(0, std::max<std::size_t>(number, 1) - 1);
  const auto lines = std::ranges::count(before, '\n');
  const std::size_t column = before.size() - (lines == 0 ? 0 : before.rfind('\n') + 1) + 1;
  return lines == 0 ? fmt::format("column {}", column)
                    : fmt::format("line {}, column {}", lines + 1, column);
}

/// Watches a parser: keeps the names of the objects that are open.
class Watcher {
 public:
  explicit Watcher(Document& document) : document_(document) {}

  bool operator()(int depth, json::parse_event_t event, json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start: names_.emplace_back(); [[fallthrough]];
      case json::parse_event_t::array_start:
        if (depth < max_depth) return true;
        fail(fmt::format("expected at most {} levels of nesting", max_depth));
        return false;
      case json::parse_event_t::object_end: names_.pop_back(); return true;
      case json::parse_event_t::array_end: return true;
      case json::parse_event_t::key: key(depth, parsed.get_ref<const std::string&>()); return true;
      case json::parse_event_t::value:
        if (at_id_ && depth == 1 && (parsed.is_string() || parsed.is_number_integer()))
          document_.id = parsed;
        return true;
    }
    return true;
  }

  void fail(const std::string& message) {
    if (document_.error.empty()) document_.error = message.substr(0, 200);
  }

 private:
  void key(int depth, const std::string& name) {
    if (!names_.back().insert(name).second) fail(fmt::format("{:.40}: given twice", name));
    if (depth == 1) at_id_ = name == "id";
  }

  Document& document_;
  std::vector<std::set<std::string>> names_;
  bool at_id_ = false;
};

}  // namespace

FormError::FormError(const std::string& message) : std::runtime_error(printable(message)) {}

Document parse_document(std::string_view text) {
  Document document;
  Watcher watcher(document);
  // The parser takes a NUL byte for the end of its input.
  if (text.find('\0') != text.npos) watcher.fail("a NUL byte where JSON text was expected");
  try {
    const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
      return watcher(depth, event, parsed);
    };
    document.value = json::parse(text.begin(), text.end(), watch);
  } catch (const json::parse_error& e) {
    // "[name] parse error at line L, column C: what".
    const std::string_view message = e.what();
    const auto place = message.find(": ");
    watcher.fail(fmt::format("{}: {}", place_of(text, e.byte),
                             place == message.npos ? message : message.substr(place + 2)));
  } catch (const json::out_of_range&) {
    // A number that is too large is no parse error to the library.
    watcher.fail("a number beyond the range of a double");
  }
  return document;
}

Value value_of(const json& value) {
  switch (value.type()) {
    case json::value_t::boolean: return value.get<bool>();
    case json::value_t::number_integer: return value.get<std::int64_t>();
    case json::value_t::number_unsigned: return value.get<std::uint64_t>();
    case json::value_t::string: return std::string_view(value.get_ref<const std::string&>());
    default: return {};
  }
}

ObjectReader::ObjectReader(const json& value, std::string_view place)
    : object_(value), place_(place) {
  if (value.is_object()) return;
  throw FormError(place.empty() ? "expected an object"
                                : fmt::format("{}: expected an object", place));
}

const json* ObjectReader::find(std::string_view name) {
  known_.emplace(name);
  const auto found = object_.find(name);
  return found == object_.end() ? nullptr : &*found;
}

const json& ObjectReader::get(std::string_view name) {
  if (const json* found = find(name)) return *found;
  fail(std::string(name), "missing");
}

void ObjectReader::fail(const std::string& name, const std::string& what) const {
  throw FormError(fmt::format("{}{}{}: {}", place_, place_.empty() ? "" : ".", name, what));
}

void ObjectReader::finish() const {
  for (const auto& [name, value] : object_.items()) {
    if (known_.contains(name)) continue;
    throw FormError(
        fmt::format("{}{}unknown field \"{:.40}\"", place_, place_.empty() ? "" : ": ", name));
  }
}

}  // namespace mmuref::diff
