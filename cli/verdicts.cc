#include "cli/verdicts.h"

#include <fmt/format.h>

namespace mmuref::cli {
namespace {

std::string colored(const spec::Verdict& v, const Style& style) {
  const std::string word = fmt::format("{:<8}", status_name(v));
  return v.passes() ? style.green(word) : style.red(word);
}

std::string second_text(const spec::Verdict& v) {
  if (!v.second) return "";
  if (v.disputed()) return "; the second solver DISAGREES";
  if (v.second->answer == spec::Satisfiable::unknown)
    return "; no second opinion: " + v.second->detail;
  return "; second solver agrees";
}

std::string summary(const spec::Verdict& v, const std::string& word) {
  std::string text = fmt::format("{} {:6.2f} s {:4} paths {:5} obligations  {}{}\n", word,
                                 v.seconds, v.paths, v.obligations, v.theorem.name, second_text(v));
  if (!v.detail.empty()) text += "         " + v.detail + "\n";
  return text;
}

std::string claim_text(const spec::Theorem& t) {
  return fmt::format("         claim: {}\n         ref:   {}\n", wrapped(t.claim, 16), t.ref);
}

std::string theorem_text(const spec::Verdict& v, const Style& style) {
  std::string text = summary(v, colored(v, style));
  if (!v.passes()) text += claim_text(v.theorem);
  if (v.counterexample) text += counterexample_text(*v.counterexample);
  return text;
}

std::string defect_text(const spec::Verdict& v, const spec::Defect& defect, const Style& style) {
  if (!v.finds()) {
    return summary(v, style.red(fmt::format("{:<8}", status_name(v)))) +
           fmt::format("         a defect of Linux {}: its claim must be refuted\n",
                       defect.kernel) +
           claim_text(v.theorem);
  }
  return summary(v, style.green(fmt::format("{:<8}", "found"))) +
         fmt::format("         in Linux {}; fixed: {}; claim that fails: {}\n", defect.kernel,
                     defect.fixed, wrapped(v.theorem.claim, 9)) +
         counterexample_text(*v.counterexample);
}

}  // namespace

std::string_view status_name(const spec::Verdict& v) {
  return spec::name(v.disputed() ? spec::Status::unknown : v.status);
}

Statements statements(std::string_view filter) {
  Statements s{spec::all_theorems(), spec::all_defects()};
  const auto other = [&](const spec::Theorem& t) {
    return t.name.find(filter) == std::string_view::npos;
  };
  std::erase_if(s.all, other);
  std::erase_if(s.defects, [&](const spec::Defect& d) { return other(d.theorem); });
  for (const spec::Defect& d : s.defects) s.all.push_back(d.theorem);
  return s;
}

std::string text_form(const spec::Verdict& v, const spec::Defect* defect, const Style& style) {
  return defect == nullptr ? theorem_text(v, style) : defect_text(v, *defect, style);
}

nlohmann::ordered_json json_form(const spec::Verdict& v, const spec::Defect* defect) {
  nlohmann::ordered_json json = {{"name", v.theorem.name},      {"status", status_name(v)},
                                 {"seconds", v.seconds},        {"paths", v.paths},
                                 {"claim", v.theorem.claim},    {"ref", v.theorem.ref},
                                 {"obligations", v.obligations}};
  if (!v.detail.empty()) json["detail"] = v.detail;
  if (v.second) {
    json["second"] = v.second->answer == spec::Satisfiable::unknown ? "unknown"
                     : v.disputed()                                 ? "disagrees"
                                                                    : "agrees";
  }
  if (v.counterexample) {
    const auto& inputs = v.counterexample->inputs;
    json["counterexample"] = {{"claim", v.counterexample->claim},
                              {"replayed", v.counterexample->replayed},
                              {"words", inputs.words},
                              {"flags", inputs.flags}};
  }
  if (defect != nullptr) {
    json["found"] = v.finds();
    json["kernel"] = defect->kernel;
    json["fixed"] = defect->fixed;
  }
  return json;
}

}  // namespace mmuref::cli
