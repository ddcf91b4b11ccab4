#include "diff/case_file.h"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

#include "diff/ledger.h"
#include "diff/machine_json.h"
#include "diff/minimize.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::array<std::string_view, 9> fields{"name",   "origin",  "shows",    "case",  "expect",
                                                 "oracle", "version", "observed", "ledger"};

std::string hex(Word value) {
  return fmt::format("{:#x}", value);
}

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw CaseFileError(fmt::format("{}: {}", path, what));
}

std::string text_field(const std::string& path, const json& document, const char* name,
                       bool required) {
  const auto found = document.find(name);
  if (found == document.end() && !required) return {};
  if (found == document.end() || !found->is_string()) {
    refuse(path, fmt::format("\"{}\": expected a string", name));
  }
  return found->get<std::string>();
}

json parse(const std::string& path) {
  if (std::filesystem::is_directory(path)) refuse(path, "no *.json case in this folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) refuse(path, std::strerror(errno));
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) refuse(path, "cannot be read");
  try {
    return json::parse(content);
  } catch (const json::parse_error& e) {
    refuse(path, fmt::format("byte {}: expected a JSON object", e.byte));
  }
}

const json& object_field(const std::string& path, const json& document, const char* name) {
  const auto found = document.find(name);
  if (found == document.end() || !found->is_object()) {
    refuse(path, fmt::format("\"{}\": expected an object", name));
  }
  return *found;
}

void check_fields(const std::string& path, const json& document) {
  if (!document.is_object()) refuse(path, "expected a JSON object");
  for (const auto& [key, value] : document.items()) {
    if (std::find(fields.begin(), fields.end(), key) == fields.end()) {
      refuse(path, fmt::format("unknown field \"{}\"", key));
    }
  }
}

}  // namespace

CaseFile read_case_file(const std::string& path) {
  const json document = parse(path);
  check_fields(path, document);
  CaseFile file;
  file.name = text_field(path, document, "name", true);
  file.origin = text_field(path, document, "origin", true);
  file.shows = text_field(path, document, "shows", true);
  try {
    Request request = read_request(object_field(path, document, "case"));
    file.id = std::move(request.id);
    file.question = std::move(request.question);
  } catch (const RequestError& e) {
    refuse(path, fmt::format("\"case\": {}", e.what()));
  }
  file.expect = object_field(path, document, "expect");
  file.oracle = text_field(path, document, "oracle", false);
  file.version = text_field(path, document, "version", !file.oracle.empty());
  file.ledger = text_field(path, document, "ledger", false);
  if (document.contains("observed")) file.observed = object_field(path, document, "observed");
  if (!file.ledger.empty()) {
    const KnownDifference* known = find_known(file.ledger);
    if (known == nullptr) refuse(path, fmt::format("\"ledger\": no entry {}", file.ledger));
    if (known->oracle != file.oracle) {
      refuse(path, fmt::format("\"oracle\": expected \"{}\", whose difference {} is", known->oracle,
                               file.ledger));
    }
  }
  return file;
}

std::string to_text(const CaseFile& file) {
  ordered_json document = {{"name", file.name}, {"origin", file.origin}, {"shows", file.shows}};
  document["case"] = to_json(Request{file.id, file.question});
  document["expect"] = to_json(file.id, file.question, answer(file.question));
  if (!file.oracle.empty()) {
    document["oracle"] = file.oracle;
    document["version"] = file.version;
  }
  if (!file.observed.is_null()) document["observed"] = file.observed;
  if (!file.ledger.empty()) document["ledger"] = file.ledger;
  return document.dump(1) + '\n';
}

void write_case_file(const std::string& path, const CaseFile& file) {
  const std::string partial = path + ".partial";
  {
    std::ofstream out(partial, std::ios::binary);
    if (!out) refuse(path, std::strerror(errno));
    out << to_text(file);
    if (!out.flush()) refuse(partial, std::strerror(errno));
  }
  std::error_code error;
  std::filesystem::rename(partial, path, error);
  if (error) refuse(path, error.message());
}

ordered_json to_json(const Effect& effect) {
  const Observation& o = effect.observed;
  ordered_json object;
  if (o.outcome == x86::Outcome::translated) {
    object["outcome"] = "ok";
    if (o.located) object["pa"] = hex(o.physical_address);
  } else {
    object["outcome"] = "fault";
    object["vector"] = x86::vector(o.outcome);
    object["error_code"] = hex(o.error_code);
    if (o.outcome == x86::Outcome::page_fault) object["cr2"] = hex(o.cr2);
  }
  ordered_json changes = ordered_json::object();
  for (const auto& [address, value] : effect.changes) changes[hex(address)] = hex(value);
  object["changes"] = changes;
  return object;
}

CaseFile describe(Oracle& oracle, const Case& question, std::string name, std::string origin) {
  const Answer model = answer(question);
  Effect effect;
  oracle.load(question.machine);
  run_access(oracle, question, model, effect);

  CaseFile file;
  file.id = name;
  file.name = std::move(name);
  file.origin = std::move(origin);
  const Parts parts = compare(question, model, effect);
  file.question = question;
  file.expect = to_json(file.id, question, model);
  file.oracle = oracle.name();
  file.version = oracle.version();
  file.observed = to_json(effect);
  const std::string_view rule = x86::text(model.walk.rule).name;
  if (parts == 0) {
    file.shows = fmt::format("agreement on {}", rule);
  } else if (const auto* known = explain(file.oracle, {question, model, effect})) {
    file.ledger = known->name;
    file.shows = known->cause;
  } else {
    file.shows = fmt::format("{} differs; the model answers by {}", parts_text(parts), rule);
  }
  return file;
}

}  // namespace mmuref::diff
