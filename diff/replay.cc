#include "diff/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "diff/files.h"
#include "diff/flush_trace.h"
#include "diff/ledger.h"
#include "diff/machine_json.h"
#include "diff/minimize.h"
#include "diff/oracles.h"
#include "diff/program_run.h"
#include "diff/trace_files.h"

namespace mmuref::diff {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

Replayed violation(const std::string& path, const std::string& what) {
  return {Verdict::violation, fmt::format("{}: {}", path, what), {}};
}

json without_id(json answer) {
  answer.erase("id");
  return answer;
}

/// "{want} expected, {got} found" for the first field that differs.
std::string first_difference(const json& want, const json& got) {
  for (const auto& [key, value] : want.items()) {
    if (!got.contains(key)) return fmt::format("\"{}\" expected and absent", key);
    if (got[key] != value) {
      return fmt::format("\"{}\" expected {}, found {}", key, value.dump(), got[key].dump());
    }
  }
  for (const auto& [key, value] : got.items()) {
    if (!want.contains(key)) return fmt::format("\"{}\" not expected", key);
  }
  return {};
}

/// Whether the oracle agrees, or differs as the case says it must.
Replayed judge_difference(const std::string& path, const CaseHead& file,
                          const DifferenceClass& seen) {
  const std::string& name = file.oracle;
  if (file.ledger.empty()) {
    if (seen.parts == 0) return {};
    return violation(path, fmt::format("{} differs in {}", name, parts_text(seen.parts)));
  }
  if (seen.parts == 0) {
    return violation(
        path, fmt::format("{} agrees: ledger entry {} has no witness any more", name, file.ledger));
  }
  if (seen.known != file.ledger) {
    return violation(path, fmt::format("{} differs in {}, and not as ledger entry {} says", name,
                                       parts_text(seen.parts), file.ledger));
  }
  return {};
}

Replayed replay_oracle(const std::string& path, const CaseFile& file, Oracle& oracle) {
  const Machine& machine = file.question.machine;
  Replayed result;
  result.skipped = oracle.unsupported(machine.cpu, machine.registers, file.question.access);
  if (!result.skipped.empty()) return result;

  return judge_difference(path, file, classify(oracle, file.question));
}

Replayed replay(const std::string& path, const CaseFile& file, OraclePool& oracles) {
  const json found = to_json(file.id, file.question, answer(file.question));
  const std::string wrong = first_difference(without_id(file.expect), without_id(found));
  if (!wrong.empty()) return violation(path, "model: " + wrong);

  const DifferenceClass statement = classify(*oracles.get("spec"), file.question);
  if (statement.parts != 0) {
    return violation(path, "the declarative statement differs in " + parts_text(statement.parts));
  }
  if (file.oracle.empty()) return {};
  Oracle* oracle = oracles.get(file.oracle);
  if (oracle == nullptr) {
    throw CaseFileError(fmt::format("{}: \"oracle\": expected one of {}", path, oracle_list()));
  }
  return replay_oracle(path, file, *oracle);
}

Replayed replay(const std::string& path, const ProgramCase& file, OraclePool& oracles) {
  const json found = last_outcomes(file.program);
  if (found.size() != file.expect.size()) {
    return violation(path, fmt::format("model: {} outcomes expected, found {}", file.expect.size(),
                                       found.size()));
  }
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::string wrong = first_difference(file.expect[i], found[i]);
    if (!wrong.empty()) return violation(path, fmt::format("model: outcome {}: {}", i, wrong));
  }
  if (file.oracle.empty()) return {};
  ProgramOracle* oracle = oracles.get_programs(file.oracle);
  if (oracle == nullptr) {
    throw CaseFileError(fmt::format("{}: \"oracle\": expected one that runs programs: {}", path,
                                    program_oracle_list()));
  }
  Replayed result;
  result.skipped = oracle->unsupported(file.program);
  if (!result.skipped.empty()) return result;

  const ProgramRun run = run_program(*oracle, file.program);
  const bool before = std::any_of(run.judged.begin(), run.judged.end() - 1,
                                  [](const Judged& j) { return j.parts != 0; });
  const bool reached = run.effects.size() == file.program.steps.size();
  if (before || !reached) return violation(path, file.oracle + " differs before the last step");
  return judge_difference(path, file, run.last());
}

/// A trace of the corpus expects a verdict: "clean" if its name begins with good_, and only then.
Replayed replay_trace(const std::string& path) {
  const Trace trace = read_trace_file(path);
  if (!trace.expect.contains("verdict"))
    throw TraceFileError(path + ":1: \"expect\": expected an object with a verdict");
  const bool good = fs::path(path).filename().string().starts_with("good_");
  if ((trace.expect["verdict"] == "clean") != good)
    return violation(path, "a file named good_ expects \"clean\", and no other does");
  const std::string wrong = unexpected(trace, check_trace(path, trace));
  return wrong.empty() ? Replayed{} : violation(path, wrong);
}

/// A way through a flush protocol.
Replayed replay_way(const std::string& path) {
  const auto named = [](const std::string& promise) { return promise.empty() ? "none" : promise; };
  const FlushReplay r = replay_flush_file(path);
  if (r.found == r.trace.reason) return {};
  return violation(path, fmt::format("promise broken in the end: {} expected, {} found",
                                     named(r.trace.reason), named(r.found)));
}

}  // namespace

ProgramOracle* OraclePool::get_programs(const std::string& name) {
  std::unique_ptr<ProgramOracle>& oracle = programs_[name];
  if (oracle == nullptr) oracle = make_program_oracle(name);
  return oracle.get();
}

Oracle* OraclePool::get(const std::string& name) {
  std::unique_ptr<Oracle>& oracle = oracles_[name];
  if (oracle == nullptr) oracle = make_oracle(name);
  return oracle.get();
}

Replayed replay_file(const std::string& path, OraclePool& oracles) {
  const std::string kind = fs::path(path).extension();
  try {
    if (kind == ".jsonl") return replay_trace(path);
    if (kind == ".flush") return replay_way(path);
    const json document = read_case_document(path);
    if (holds_program(document)) return replay(path, read_program_case(path, document), oracles);
    return replay(path, read_case(path, document), oracles);
  } catch (const FormError& e) {
    return {Verdict::bad_file, e.what(), {}};
  } catch (const std::exception& e) {
    return {Verdict::bad_file, fmt::format("{}: {}", path, e.what()), {}};
  }
}

std::vector<Replayed> replay_files(const std::vector<std::string>& paths, unsigned threads) {
  std::vector<Replayed> results(paths.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    OraclePool oracles;
    for (std::size_t i; (i = next++) < paths.size();) results[i] = replay_file(paths[i], oracles);
  };
  std::vector<std::jthread> workers;
  for (unsigned i = 1; i < std::min<std::size_t>(threads, paths.size()); ++i) {
    workers.emplace_back(work);
  }
  work();
  workers.clear();  // joins
  return results;
}

std::vector<std::string> corpus_paths(const std::vector<std::string>& arguments) {
  return files_below(arguments, {".json", ".jsonl", ".flush"});
}

}  // namespace mmuref::diff
