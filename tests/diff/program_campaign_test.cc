// Campaigns of programs: what is drawn, what is found, and that what is wrong is found.
#include <gtest/gtest.h>

#include "diff/files.h"
#include "diff/oracles.h"
#include "diff/program_generator.h"
#include "diff/program_json.h"
#include "diff/program_run.h"
#include "diff/replay.h"
#include "diff/report.h"
#include "tests/diff/support.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;
using x86::Outcome;
using x86::Source;

class Programs : public testing::Test {
 protected:
  Programs() : domain(domain_of(*oracle)) {}
  Program draw(Word seed, Word index) {
    Program program;
    generate(domain, *oracle, seed, index, program);
    return program;
  }
  Totals run(const CampaignOptions& options, const Outcomes& outcomes = model_outcomes) {
    return run_campaign(*oracle, domain, options, {}, outcomes);
  }

  std::unique_ptr<ProgramOracle> oracle = make_program_oracle("unicorn");
  Domain domain;
};

TEST_F(Programs, AreAFunctionOfSeedAndIndex) {
  for (Word index = 0; index < 50; ++index) {
    const std::string text = to_json(draw(3, index)).dump();
    EXPECT_EQ(text, to_json(draw(3, index)).dump());
    EXPECT_NE(text, to_json(draw(4, index)).dump());
    EXPECT_NE(text, to_json(draw(3, index + 1)).dump());
  }
  // Pinned: a seed means the same everywhere.
  const Program pinned = draw(1, 0);
  EXPECT_EQ(pinned.machine.registers.cr3 & bits(11, 0), 0U);
  EXPECT_EQ(to_json(pinned).dump(), to_json(parse_program(to_json(pinned).dump())).dump());
}

TEST_F(Programs, HaveTwentyToSixtyStepsThatTheOracleHas) {
  std::map<std::size_t, int> kinds;
  std::map<x86::OperationKind, int> operations;
  for (Word index = 0; index < 500; ++index) {
    const Program program = draw(5, index);
    EXPECT_EQ(oracle->unsupported(program), "") << index;
    EXPECT_GE(program.steps.size(), min_program_steps);
    EXPECT_LE(program.steps.size(), max_program_steps);
    for (const ProgramStep& step : program.steps) {
      ++kinds[step.action.index()];
      if (const auto* op = std::get_if<Operation>(&step.action)) ++operations[op->kind];
    }
  }
  for (const std::size_t kind : {0U, 1U, 2U}) EXPECT_GT(kinds[kind], 500);
  using enum x86::OperationKind;
  for (const auto kind : {mov_cr0, mov_cr3, mov_cr4, wrmsr_efer, wrpkru, invlpg}) {
    EXPECT_GT(operations[kind], 20) << static_cast<int>(kind);
  }
}

TEST_F(Programs, FindStaleTranslationsAndNothingUnexplained) {
  const CampaignOptions options{.count = 2000};
  const Totals totals = run(options);
  EXPECT_TRUE(passed(totals, options));
  EXPECT_EQ(totals.programs, 2000U);
  EXPECT_EQ(totals.unexplained, 0U);
  EXPECT_GT(totals.stale * 20, totals.accesses);
  EXPECT_GT(totals.known.at("page-fault-keeps"), 100U);
}

struct Broken {
  const char* name;
  Outcomes outcomes;
};

/// The model's set without some of it.
Outcomes without(std::function<bool(const Possibility&)> left_out) {
  return [=](const CachingMachine& machine, const Access& access) {
    auto all = model_outcomes(machine, access);
    for (std::size_t i = all.size(); i-- > 1;) {
      if (left_out(all[i])) all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
    }
    return all;
  };
}

const Broken broken[] = {
    {"nothing is cached", without([](const Possibility&) { return true; })},
    {"large pages are not cached", without([](const Possibility& p) {
       return p.walk.outcome == Outcome::translated && p.walk.level > 1;
     })},
    {"what is cached has no rights",
     [](const CachingMachine& machine, const Access& access) {
       auto all = model_outcomes(machine, access);
       for (Possibility& p : all) {
         if (p.source != Source::memory) p.walk.outcome = Outcome::page_fault;
       }
       return all;
     }},
    {"the fresh walk's frame is off",
     [](const CachingMachine& machine, const Access& access) {
       auto all = model_outcomes(machine, access);
       if (all[0].walk.level == 2) all[0].walk.physical_address ^= bit(21);
       return all;
     }},
};

TEST_F(Programs, ABrokenModelIsFoundAndSavedAsASmallProgram) {
  for (const Broken& model : broken) {
    SCOPED_TRACE(model.name);
    TemporaryFolder folder;
    const CampaignOptions options{.count = 200, .save = folder.file("found")};
    const Totals totals = run(options, model.outcomes);
    EXPECT_GT(totals.unexplained, 0U);
    EXPECT_FALSE(passed(totals, options));
    std::size_t files = 0;
    for (const auto& file : std::filesystem::directory_iterator(options.save)) {
      const std::string path = file.path();
      const ProgramCase saved = read_program_case(path, read_case_document(path));
      EXPECT_LE(saved.program.steps.size(), 10U) << path;
      EXPECT_TRUE(std::holds_alternative<Access>(saved.program.steps.back().action)) << path;
      ++files;
    }
    EXPECT_GT(files, 0U);
  }
}

TEST_F(Programs, AreResumedToTheSameTotals) {
  TemporaryFolder folder;
  CampaignOptions options{.seed = 3, .count = 60, .out = folder.file("log"), .unit_programs = 8};
  const auto without_clock = [](const Totals& totals) { return totals_json(totals).dump(); };
  const std::string whole = without_clock(run(options));
  const std::string log = read_text(options.out);
  EXPECT_NE(log.find(R"("mode":"tlb")"), log.npos);
  for (std::size_t cut = 0; cut < log.size(); cut += 1 + log.size() / 7) {
    write_text(options.out, log.substr(0, cut));
    EXPECT_EQ(without_clock(run(options)), whole) << cut;
  }
  // A campaign of single accesses does not go on in this file.
  const auto walks = make_oracle("unicorn");
  EXPECT_THROW(run_campaign(*walks, domain_of(*walks), options), std::runtime_error);
}

TEST_F(Programs, ShardsAddUp) {
  const Totals all = run({.count = 42, .unit_programs = 5});
  Totals sum;
  for (Word i = 0; i < 4; ++i) {
    const CampaignOptions options{.count = 42, .shard = {i, 4}, .unit_programs = 5};
    const Totals part = run(options);
    EXPECT_TRUE(passed(part, options));
    sum.programs += part.programs;
    sum.accesses += part.accesses;
    sum.stale += part.stale;
  }
  EXPECT_EQ(sum.programs, 42U);
  EXPECT_EQ(sum.accesses, all.accesses);
  EXPECT_EQ(sum.stale, all.stale);
}

/// The first program in which `known` explains a step, as a case: how the witnesses were made.
ProgramCase find_witness(ProgramOracle& oracle, const Domain& domain,
                         const KnownDifference& known) {
  Program program;
  for (Word index = 0; index < 20'000; ++index) {
    generate(domain, oracle, 1, index, program);
    if (!oracle.unsupported(program).empty()) continue;
    const ProgramRun run = run_program(oracle, program);
    for (std::size_t i = 0; i < run.known.size(); ++i) {
      if (run.known[i] != &known) continue;
      program.steps.resize(i + 1);
      return describe(oracle, minimize_program(oracle, program), std::string(known.name),
                      "mmuref diff --mode tlb --seed 1, program " + std::to_string(index));
    }
  }
  return {};
}

TEST_F(Programs, MinimisingKeepsTheDifferenceAndEveryStepCounts) {
  const KnownDifference& known = *find_known("page-fault-keeps");
  const ProgramCase witness = find_witness(*oracle, domain, known);
  EXPECT_EQ(witness.ledger, known.name);
  // Cached, removed, faulted, used.
  EXPECT_LE(witness.program.steps.size(), 6U);
  const DifferenceClass wanted = run_program(*oracle, witness.program).last();
  EXPECT_EQ(wanted.known, known.name);
  for (std::size_t i = 0; i + 1 < witness.program.steps.size(); ++i) {
    Program shorter = witness.program;
    shorter.steps.erase(shorter.steps.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(run_program(*oracle, shorter).last() == wanted) << i;
  }
}

class ProgramLedgerTest : public testing::TestWithParam<const char*> {};

TEST_P(ProgramLedgerTest, ExplainsItsWitnessAndNothingElseOfIt) {
  const std::string path = MMUREF_SOURCE_DIR "/corpora/ledger/" + std::string(GetParam()) + ".json";
  const KnownDifference& known = *find_known(GetParam());
  if (std::getenv("MMUREF_WRITE_WITNESSES") != nullptr) {
    const auto oracle = make_program_oracle("unicorn");
    write_file(path, to_text(find_witness(*oracle, domain_of(*oracle), known)));
  }
  OraclePool oracles;
  const Replayed replayed = replay_file(path, oracles);
  EXPECT_EQ(replayed.verdict, Verdict::good) << replayed.message;
  EXPECT_EQ(replayed.skipped, "");

  const ProgramCase file = read_program_case(path, read_case_document(path));
  EXPECT_EQ(file.ledger, known.name);
  const ProgramRun run = run_program(*oracles.get_programs("unicorn"), file.program);
  const auto explains = [&](const std::function<void(StepEffect&)>& change) {
    auto effects = run.effects;
    change(effects.back());
    return ProgramLedger(file.program, "unicorn").explain(effects) == &known;
  };
  EXPECT_TRUE(explains([](StepEffect&) {}));
  // A fetch by decoded code that no table leads to any more cannot be located.
  if (run.effects.back().effect.observed.located) {
    EXPECT_FALSE(explains([](StepEffect& e) { e.effect.observed.physical_address ^= bit(39); }));
  }
  EXPECT_FALSE(explains([](StepEffect& e) { e.effect.observed.outcome = Outcome::stack_fault; }));
  EXPECT_FALSE(explains([](StepEffect& e) { e.effect.changes.push_back({0xfff000, 1}); }));
  EXPECT_EQ(ProgramLedger(file.program, "spec").explain(run.effects), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Every, ProgramLedgerTest,
                         testing::Values("page-fault-keeps", "pke-set-keeps", "pcide-clear-keeps",
                                         "invlpg-keeps-code"),
                         [](const testing::TestParamInfo<const char*>& entry) {
                           std::string name(entry.param);
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_F(Programs, ReplayFindsAModelThatChanged) {
  TemporaryFolder folder;
  const std::string source = MMUREF_SOURCE_DIR "/corpora/ledger/page-fault-keeps.json";
  json document = json::parse(read_text(source));
  OraclePool oracles;
  const auto verdict = [&](const json& changed) {
    write_text(folder.file("case.json"), changed.dump());
    return replay_file(folder.file("case.json"), oracles).verdict;
  };
  EXPECT_EQ(verdict(document), Verdict::good);
  json fewer = document;
  fewer["expect"].erase(0);
  EXPECT_EQ(verdict(fewer), Verdict::violation);
  json unnamed = document;
  unnamed.erase("ledger");
  EXPECT_EQ(verdict(unnamed), Verdict::violation);
  json other = document;
  other["ledger"] = "pke-set-keeps";
  EXPECT_EQ(verdict(other), Verdict::violation);
  json steps = document;
  steps["program"]["steps"].erase(0);
  EXPECT_EQ(verdict(steps), Verdict::violation);
  json empty = document;
  empty["program"]["steps"] = json::array();
  EXPECT_EQ(verdict(empty), Verdict::bad_file);
  json nobody = document;
  nobody["oracle"] = "spec";
  EXPECT_EQ(verdict(nobody), Verdict::bad_file);
}

}  // namespace
}  // namespace mmuref::diff
