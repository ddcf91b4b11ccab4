// Any bytes as a case or a case of a program: refused in one line, or it reads back. Nothing is put
// to an oracle.
#include "diff/case_file.h"

#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz/line_mutator.h"
#include "fuzz/mutator.h"
#include "fuzz/require.h"

namespace {

using namespace mmuref::diff;
using mmuref::fuzz::require;

constexpr const char* name = "input";

/// Steps that a run of the fuzzer can afford: what the last may do is found by running all.
constexpr std::size_t max_program_steps = 200;

/// What is written of a case is a case, has what people and oracles said of it, and is written so
/// again.
template <class Read>
void reads_back(const nlohmann::json& document, const std::string& text, Read read) {
  const nlohmann::json written = parse_case(name, text);
  require(to_text(read(name, written)) == text, "a case reads back");
  const bool oracle = document.value("oracle", "") != "";
  for (const char* field : {"name", "origin", "shows", "oracle", "version", "observed", "ledger"}) {
    const bool said = document.contains(field) && document[field] != "";
    if (said && (oracle || field != std::string_view("version")))
      require(written.contains(field) && written[field] == document[field], "nothing is lost");
  }
}

void use(std::string_view text) {
  const nlohmann::json document = parse_case(name, text);
  if (!holds_program(document)) {
    reads_back(document, to_text(read_case(name, document)), read_case);
    return;
  }
  const ProgramCase file = read_program_case(name, document);
  if (file.program.steps.size() <= max_program_steps)
    reads_back(document, to_text(file), read_program_case);
}

}  // namespace

MMUREF_MUTATOR(mmuref::fuzz::mutate_lines);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    use({reinterpret_cast<const char*>(data), size});
  } catch (const CaseFileError& e) {
    mmuref::fuzz::require_line(e.what(), "input: ");
  }
  return 0;
}
