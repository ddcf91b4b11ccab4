// Theorems' verdicts, for people and for programs; `prove` and `check` share them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/terminal.h"
#include "spec/prover.h"

namespace mmuref::cli {

/// One line, and for a refuted theorem its counterexample below it.
std::string text_form(const spec::Verdict& v, const Style& style);

/// Of a defect, which passes when it is found: one line, and what shows it below.
std::string text_form(const spec::Verdict& v, const spec::Defect& defect, const Style& style);

/// The object of `prove --json`.
nlohmann::ordered_json json_form(const spec::Verdict& v);
nlohmann::ordered_json json_form(const spec::Verdict& v, const spec::Defect& defect);

/// The counterexample's inputs; and, where it is a machine and an access, both traces of the walk,
/// the request line that repeats it and what Unicorn does with it.
std::string counterexample_text(const spec::Counterexample& c);

}  // namespace mmuref::cli
