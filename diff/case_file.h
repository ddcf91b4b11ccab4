// A case that replays: one JSON file of corpora/.
//
//   {"name": "…", "origin": "where it came from", "shows": "what to see in it",
//    "case": {a request of `mmuref eval`}, "expect": {its answer},
//    "oracle": "unicorn", "version": "2.1.4",          optional: an oracle that answers it too
//    "observed": {"outcome": "ok", "pa": …, "changes": {…}},   and what it did,
//    "ledger": "NAME"}                                 optional: the known difference it witnesses
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "diff/compare.h"

namespace mmuref::diff {

struct CaseFile {
  std::string name, origin, shows;
  Case question;
  nlohmann::json id;            ///< of the request
  nlohmann::json expect;        ///< the model's answer, as `mmuref eval` gives it
  std::string oracle, version;  ///< empty when the case names no oracle
  nlohmann::ordered_json observed;
  std::string ledger;  ///< empty when the oracle must agree
};

/// A file that cannot be read as a case: path, place and what was expected, on one line.
class CaseFileError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws CaseFileError.
CaseFile read_case_file(const std::string& path);

/// Indented, with a newline at the end.
std::string to_text(const CaseFile& file);

/// Replaces `path` as a whole, so that no half-written case is ever seen. Throws CaseFileError.
void write_case_file(const std::string& path, const CaseFile& file);

nlohmann::ordered_json to_json(const Effect& effect);

/// A case of what `oracle` does for `question` now; `expect` is the model's answer.
CaseFile describe(Oracle& oracle, const Case& question, std::string name, std::string origin);

}  // namespace mmuref::diff
