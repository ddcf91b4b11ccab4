// Runs what corpora/ keeps again: cases on the model, on the declarative statement and on the
// oracle they name; traces; ways through flush protocols.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "diff/case_file.h"
#include "diff/oracle.h"
#include "diff/program_oracle.h"

namespace mmuref::diff {

enum class Verdict : unsigned char {
  good,  ///< everything that ran agrees, or differs as the ledger says
  violation,
  bad_file,  ///< cannot be read, or names what does not exist
};

struct Replayed {
  Verdict verdict = Verdict::good;
  std::string message;  ///< one line that starts with the path; empty when good
  std::string skipped;  ///< why the oracle that the case names did not run; empty when it did
};

/// One oracle of each name, made when first asked for. Not to be shared between threads.
class OraclePool {
 public:
  /// Null when there is no such oracle. Throws what the oracle throws when it cannot start.
  Oracle* get(const std::string& name);
  ProgramOracle* get_programs(const std::string& name);

 private:
  std::map<std::string, std::unique_ptr<ProgramOracle>> programs_;
  std::map<std::string, std::unique_ptr<Oracle>> oracles_;
};

/// A case must get the answer it expects from the model, and no other from the statement. The
/// oracle it names must agree; where it names a ledger entry, must differ just as that says. Of a
/// program, the last step; all before it must agree. The statement runs no programs. A trace
/// (*.jsonl) must get the verdict it expects; a way through a flush protocol (*.flush) must lead
/// where it says.
Replayed replay_file(const std::string& path, OraclePool& oracles);

/// All files, `threads` at a time; the results are in the order of `paths`.
std::vector<Replayed> replay_files(const std::vector<std::string>& paths, unsigned threads);

/// The files that `arguments` name: a folder stands for every *.json, *.jsonl and *.flush below it,
/// in order of name. An argument that is no file stays as it is and fails as a bad file. Throws
/// FileError for a folder without any.
std::vector<std::string> corpus_paths(const std::vector<std::string>& arguments);

}  // namespace mmuref::diff
