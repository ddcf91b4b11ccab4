// Theorems' verdicts, for people and for programs; `prove` and `check` share them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"
#include "spec/prover.h"

namespace mmuref::cli {

/// What is to be proved, and behind it what is to be refuted: defects, as statements like others.
struct Statements {
  std::vector<spec::Theorem> all;
  std::vector<spec::Defect> defects;

  std::size_t theorem_count() const { return all.size() - defects.size(); }
  /// Null for a theorem.
  const spec::Defect* defect(std::size_t number) const {
    return number < theorem_count() ? nullptr : &defects[number - theorem_count()];
  }
  /// Whether statement `number` got the verdict that it must.
  bool passes(std::size_t number, const spec::Verdict& v) const {
    return defect(number) == nullptr ? v.passes() : v.finds();
  }
};

/// Those whose name contains `filter`.
Statements statements(std::string_view filter = "");

/// What solvers say two things of is unknown.
std::string_view status_name(const spec::Verdict& v);

/// One line, and for a refuted theorem its counterexample below it. Of a defect, which passes when
/// it is found: one line, and what shows it below. `defect` is null for a theorem.
std::string text_form(const spec::Verdict& v, const spec::Defect* defect, const Style& style);

/// The object of `prove --json`.
nlohmann::ordered_json json_form(const spec::Verdict& v, const spec::Defect* defect);

/// The counterexample's inputs; and, where it is a machine and an access, both traces of the walk,
/// the request line that repeats it and what Unicorn does with it.
std::string counterexample_text(const spec::Counterexample& c);

}  // namespace mmuref::cli
