// A case that replays: one JSON file of corpora/.
//
//   {"name": "…", "origin": "where it came from", "shows": "what to see in it",
//    "case": {a request of `mmuref eval`}, "expect": {its answer},
//    "oracle": "unicorn", "version": "2.1.4",          optional: an oracle that answers it too
//    "observed": {"outcome": "ok", "pa": …, "changes": {…}},   and what it did,
//    "ledger": "NAME"}                                 optional: the known difference it witnesses
//
// Or a program (diff/program_json.h), whose last step is what it is about:
//
//   {"name": …, "origin": …, "shows": …, "program": {…},
//    "expect": [every outcome the last step may have, as `mmuref tlb eval` gives it],
//    "oracle": …, "version": …, "observed": …, "ledger": …}
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "diff/compare.h"
#include "diff/program.h"
#include "diff/strict_json.h"

namespace mmuref::diff {

/// What both kinds of case say.
struct CaseHead {
  std::string name, origin, shows;
  std::string oracle, version;  ///< empty when the case names no oracle
  nlohmann::ordered_json observed;
  std::string ledger;  ///< empty when the oracle must agree
};

struct CaseFile : CaseHead {
  Case question;
  nlohmann::json id;      ///< of the request
  nlohmann::json expect;  ///< the model's answer, as `mmuref eval` gives it
};

struct ProgramCase : CaseHead {
  Program program;
  nlohmann::json expect;  ///< the model's outcomes for the last step; empty when it is no access
};

/// A file that cannot be read as a case: path, place and what was expected.
class CaseFileError : public FormError {
  using FormError::FormError;
};

/// The JSON of what the file `path` holds, which errors name. Throws CaseFileError.
nlohmann::json parse_case(const std::string& path, std::string_view text);
/// The same of the file. Throws FileError too.
nlohmann::json read_case_document(const std::string& path);
/// Whether that is a case of a program.
bool holds_program(const nlohmann::json& document);

/// A document of `path`, which errors name. Throw CaseFileError.
CaseFile read_case(const std::string& path, const nlohmann::json& document);
ProgramCase read_program_case(const std::string& path, const nlohmann::json& document);
/// Throws CaseFileError, FileError.
CaseFile read_case_file(const std::string& path);

/// Indented, with a newline at the end.
std::string to_text(const CaseFile& file);
std::string to_text(const ProgramCase& file);

/// What `mmuref tlb eval` answers to the last step when nothing is known of the others; an empty
/// array when it is no access.
nlohmann::ordered_json last_outcomes(const Program& program);

nlohmann::ordered_json to_json(const Effect& effect);

/// A case of what `oracle` does for `question` now; `expect` is the model's answer.
CaseFile describe(Oracle& oracle, const Case& question, std::string name, std::string origin);

}  // namespace mmuref::diff
