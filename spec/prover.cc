#include "spec/prover.h"

#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <thread>

#include "spec/minimize.h"

namespace mmuref::spec {
namespace {

/// Inputs as the solver's current model has them.
class ModelValuation : public Valuation {
 public:
  explicit ModelValuation(Context& context) : context_(context) {}
  std::uint64_t word(const std::string& name) override {
    return context_.value(context_.word(name));
  }
  bool flag(const std::string& name) override { return context_.value(context_.flag(name)) != 0; }
  std::uint64_t memory(const std::string& name, std::uint64_t address) override {
    return context_.value(SymMemory(context_.function(name)).read(address).term());
  }

 private:
  Context& context_;
};

Counterexample counterexample(const Theorem& theorem, const std::string& claim, Context& context) {
  ModelValuation model(context);
  ConcreteSession session(model);
  try {
    theorem.concrete(session);
  } catch (const ConcreteSession::Excluded&) {
    return {claim, session.seen(), false};
  }
  if (session.failed().empty()) return {claim, session.seen(), false};
  return {session.failed(), minimize(theorem, session.seen()), true};
}

void explore(const Theorem& theorem, const ProveOptions& options, Verdict& verdict) {
  Context context(options.timeout_seconds);
  Explorer explorer(context);
  SymbolicSession session(context, explorer);
  try {
    explorer.explore([&] { theorem.symbolic(session); });
    verdict.paths = explorer.paths();
    verdict.obligations = session.obligations();
    const bool wanted = options.scripts || !options.second_solver.empty();
    if (wanted && session.obligations() > 0)
      verdict.script = session.script(std::string(theorem.name));
    const auto missing = session.missing_witnesses();
    if (session.obligations() == 0) {
      verdict.status = Status::vacuous;
      verdict.detail = "no feasible path reaches a claim";
    } else if (const auto claim = session.refute()) {
      verdict.status = Status::refuted;
      verdict.counterexample = counterexample(theorem, *claim, context);
    } else if (!missing.empty()) {
      verdict.status = Status::vacuous;
      verdict.detail = "never possible: " + missing.front();
    } else {
      verdict.status = Status::proved;
    }
  } catch (const SolverGaveUp&) {
    verdict.status = Status::unknown;
    verdict.detail = "the solver gave up on a query";
  }
}

}  // namespace

std::string_view name(Status status) {
  switch (status) {
    case Status::proved: return "proved";
    case Status::refuted: return "refuted";
    case Status::unknown: return "unknown";
    case Status::vacuous: return "vacuous";
  }
  return "unknown";
}

bool Verdict::disputed() const {
  if (!second || second->answer == Satisfiable::unknown) return false;
  if (status == Status::refuted) return second->answer == Satisfiable::no;
  return second->answer == Satisfiable::yes;
}

Verdict prove(const Theorem& theorem, const ProveOptions& options) {
  Verdict verdict{.theorem = theorem};
  const auto start = std::chrono::steady_clock::now();
  try {
    explore(theorem, options, verdict);
    if (!options.second_solver.empty() && !verdict.script.empty())
      verdict.second =
          second_opinion(options.second_solver, verdict.script, options.timeout_seconds);
  } catch (const std::exception& e) {
    verdict.status = Status::unknown;
    verdict.detail = e.what();
  }
  verdict.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return verdict;
}

std::vector<Verdict> prove(std::span<const Theorem> theorems, const ProveOptions& options) {
  std::vector<Verdict> verdicts(theorems.size());
  std::atomic<std::size_t> next = 0;
  std::mutex reporting;
  const auto work = [&] {
    for (std::size_t i = next++; i < theorems.size(); i = next++) {
      verdicts[i] = prove(theorems[i], options);
      const std::lock_guard lock(reporting);
      if (options.done) options.done(verdicts[i]);
    }
  };
  std::vector<std::jthread> pool;
  for (unsigned i = 1; i < options.threads; ++i) pool.emplace_back(work);
  work();
  pool.clear();
  return verdicts;
}

}  // namespace mmuref::spec
