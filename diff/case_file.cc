#include "diff/case_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diff/files.h"
#include "diff/ledger.h"
#include "diff/machine_json.h"
#include "diff/minimize.h"
#include "diff/possibility_json.h"
#include "diff/program_json.h"
#include "diff/text.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::array<std::string_view, 8> fields{"name",   "origin",  "shows",    "expect",
                                                 "oracle", "version", "observed", "ledger"};

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

}  // namespace

json parse_case(const std::string& path, std::string_view text) {
  Document document = parse_document(text);
  if (!document.error.empty()) refuse(path, document.error);
  return std::move(document.value);
}

json read_case_document(const std::string& path) {
  return parse_case(path, content_of_file(path));
}

bool holds_program(const json& document) {
  return document.is_object() && document.contains("program");
}

namespace {

const json& object_field(const std::string& path, const json& document, const char* name) {
  const auto found = document.find(name);
  if (found == document.end() || !found->is_object()) {
    refuse(path, fmt::format("\"{}\": expected an object", name));
  }
  return *found;
}

/// `question` is the one field that the kinds of case do not share.
void check_fields(const std::string& path, const json& document, std::string_view question) {
  if (!document.is_object()) refuse(path, "expected a JSON object");
  for (const auto& [key, value] : document.items()) {
    if (key != question && std::find(fields.begin(), fields.end(), key) == fields.end()) {
      refuse(path, fmt::format("unknown field \"{}\"", key));
    }
  }
}

void read_head(const std::string& path, const json& document, CaseHead& head) {
  head.name = text_field(path, document, "name", true);
  head.origin = text_field(path, document, "origin", true);
  head.shows = text_field(path, document, "shows", true);
  head.oracle = text_field(path, document, "oracle", false);
  head.version = text_field(path, document, "version", !head.oracle.empty());
  head.ledger = text_field(path, document, "ledger", false);
  if (document.contains("observed")) head.observed = object_field(path, document, "observed");
  if (head.ledger.empty()) return;
  const KnownDifference* known = find_known(head.ledger);
  if (known == nullptr) refuse(path, fmt::format("\"ledger\": no entry {}", head.ledger));
  if (known->oracle != head.oracle) {
    refuse(path, fmt::format("\"oracle\": expected \"{}\", whose difference {} is", known->oracle,
                             head.ledger));
  }
}

/// The fields behind the question and what is expected.
void append_tail(ordered_json& document, const CaseHead& head) {
  if (!head.oracle.empty()) {
    document["oracle"] = head.oracle;
    document["version"] = head.version;
  }
  if (!head.observed.is_null()) document["observed"] = head.observed;
  if (!head.ledger.empty()) document["ledger"] = head.ledger;
}

}  // namespace

CaseFile read_case(const std::string& path, const json& document) {
  check_fields(path, document, "case");
  CaseFile file;
  read_head(path, document, file);
  try {
    Request request = read_request(object_field(path, document, "case"));
    file.id = std::move(request.id);
    file.question = std::move(request.question);
  } catch (const RequestError& e) {
    refuse(path, fmt::format("\"case\": {}", e.what()));
  }
  file.expect = object_field(path, document, "expect");
  return file;
}

ProgramCase read_program_case(const std::string& path, const json& document) {
  check_fields(path, document, "program");
  ProgramCase file;
  read_head(path, document, file);
  try {
    file.program = read_program(document.at("program"));
  } catch (const FormError& e) {
    refuse(path, fmt::format("\"program\": {}", e.what()));
  }
  if (file.program.steps.empty()) refuse(path, "\"program\": expected at least one step");
  const auto expect = document.find("expect");
  if (expect == document.end() || !expect->is_array()) {
    refuse(path, "\"expect\": expected an array");
  }
  file.expect = *expect;
  return file;
}

CaseFile read_case_file(const std::string& path) {
  return read_case(path, read_case_document(path));
}

ordered_json last_outcomes(const Program& program) {
  CachingMachine machine = start(program);
  ordered_json outcomes = ordered_json::array();
  for (const ProgramStep& step : program.steps) {
    outcomes.clear();
    if (const auto* write = std::get_if<TableWrite>(&step.action)) {
      machine.write(write->address, write->value);
    } else if (const auto* op = std::get_if<Operation>(&step.action)) {
      machine.execute(step.cpu, *op);
    } else {
      const Access& access = std::get<Access>(step.action);
      const auto all = machine.outcomes(step.cpu, access);
      for (const Possibility& p : all) outcomes.push_back(to_json(p, access, machine.memory()));
      machine.settle(step.cpu, access, all);
    }
  }
  return outcomes;
}

std::string to_text(const ProgramCase& file) {
  ordered_json document = {{"name", file.name}, {"origin", file.origin}, {"shows", file.shows}};
  document["program"] = to_json(file.program);
  document["expect"] = last_outcomes(file.program);
  append_tail(document, file);
  return document.dump(1) + '\n';
}

std::string to_text(const CaseFile& file) {
  ordered_json document = {{"name", file.name}, {"origin", file.origin}, {"shows", file.shows}};
  document["case"] = to_json(Request{file.id, file.question});
  document["expect"] = to_json(file.id, file.question, answer(file.question));
  append_tail(document, file);
  return document.dump(1) + '\n';
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
