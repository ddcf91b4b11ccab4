// A walk as one JSON object; what `eval` says too has the same names and forms here.
#include "cli/numbers.h"
#include "cli/walk_report.h"
#include "diff/text.h"
#include "image/entry_fields.h"

namespace mmuref::cli {
namespace {

using Json = nlohmann::ordered_json;

Json registers_form(const image::Image& image) {
  constexpr const char* origins[] = {"given", "note", "assumed"};
  Json j = Json::object();
  for (const image::SourcedRegister& s : image.sources()) {
    j[std::string(s.name)] = {{"value", hex(s.value)},
                              {"from", origins[static_cast<int>(s.source)]}};
  }
  return j;
}

Json step_form(const WalkReport& r, const ReportStep& s) {
  constexpr const char* decisions[] = {"table", "leaf", "not-present", "reserved"};
  return {{"level", s.step.level},
          {"name", image::entry_name(s.step.level)},
          {"index", x86::table_index(r.access.va, s.step.level)},
          {"address", hex(s.step.address)},
          {"value", hex(s.step.value)},
          {"in_image", s.in_image},
          {"flags", image::flag_letters(s.step.value, s.step.level)},
          {"decision", decisions[static_cast<int>(s.decision)]},
          {"user", s.rights.user()},
          {"write", s.rights.writable()},
          {"exec", !s.rights.execute_disable()}};
}

Json rule_form(x86::Rule rule) {
  const auto& t = x86::text(rule);
  return {{"rule", t.name}, {"says", t.says}, {"section", t.section}};
}

void add_outcome(Json& j, const WalkReport& r) {
  const auto& w = r.walk;
  if (w.outcome == x86::Outcome::translated) {
    j["outcome"] = "ok";
    j["pa"] = hex(w.physical_address);
    j["page"] = diff::page_size(w.level);
  } else {
    j["outcome"] = "fault";
    j["vector"] = x86::vector(w.outcome);
    j["error_code"] = hex(w.error_code);
    if (w.outcome == x86::Outcome::page_fault) j["cr2"] = hex(r.access.va);
  }
  if (w.level != 0) j["level"] = w.level;
  j.update(rule_form(w.rule));
  j["denials"] = Json::array();
  for (const x86::Rule rule : denied_by(w.denials)) j["denials"].push_back(rule_form(rule));
}

}  // namespace

nlohmann::ordered_json json_form(const WalkReport& r, const image::Image& image) {
  Json j{{"va", hex(r.access.va)},
         {"access", access_name(r.access)},
         {"cpl", r.cpl},
         {"ac", r.access.ac},
         {"implicit", r.access.implicit},
         {"stack", r.access.stack},
         {"maxphyaddr", r.cpu.maxphyaddr},
         {"page1gb", r.cpu.page1gb},
         {"vendor", r.cpu.amd ? "amd" : "intel"},
         {"registers", registers_form(image)}};
  if (image.cpu()) {
    j["stopped"] = {{"rip", hex(image.cpu()->rip)}, {"cpl", image.cpu()->cpl}};
  }
  j["steps"] = Json::array();
  for (const ReportStep& s : r.steps) j["steps"].push_back(step_form(r, s));
  add_outcome(j, r);
  if (r.walk.outcome == x86::Outcome::translated) {
    j["writes"] = Json::object();
    for (const auto& [address, value] : r.writes) j["writes"][hex(address)] = hex(value);
  } else {
    j["may_write"] = Json::object();
    for (const auto& [address, values] : r.may_write) {
      for (const Word value : values) j["may_write"][hex(address)].push_back(hex(value));
    }
  }
  return j;
}

}  // namespace mmuref::cli
