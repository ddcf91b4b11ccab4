#include "diff/oracles/statement/statement_oracle.h"

#include "spec/statement/statement.h"

namespace mmuref::diff {
namespace {

x86::Outcome outcome_of(Word vector) {
  for (const auto outcome :
       {x86::Outcome::page_fault, x86::Outcome::general_protection, x86::Outcome::stack_fault}) {
    if (static_cast<Word>(x86::vector(outcome)) == vector) return outcome;
  }
  return x86::Outcome::translated;
}

class StatementOracle : public Oracle {
 public:
  std::string name() const override { return "spec"; }
  std::string version() const override { return MMUREF_VERSION; }

  std::string unsupported(const Processor&, const Registers& registers,
                          const Access&) const override {
    return x86::ia32e_paging(registers) ? "" : "only 4- and 5-level paging is stated";
  }

  void load(const Machine& machine) override { machine_ = machine; }

  Observation access(const Access& access) override {
    const auto s = spec::state(machine_.cpu, machine_.registers, access, machine_.memory);
    Observation o;
    o.outcome = outcome_of(s.vector);
    o.error_code = s.error_code;
    o.located = o.outcome == x86::Outcome::translated;
    o.physical_address = s.physical_address;
    if (o.outcome == x86::Outcome::page_fault) o.cr2 = access.va;

    for (int level = spec::lowest; level <= spec::highest; ++level) {
      const auto& l = s.levels[level];
      if (!l.used) continue;
      const Word after = s.after(l.address, l.value);
      if (after != l.value) machine_.memory.write(l.address, after);
    }
    return o;
  }

  Word read(Word address) const override { return machine_.memory.read(address); }

  /// There is no engine: the statement is part of the comparison.
  double seconds() const override { return 0; }

 private:
  Machine machine_;
};

}  // namespace

std::unique_ptr<Oracle> make_statement_oracle() {
  return std::make_unique<StatementOracle>();
}

}  // namespace mmuref::diff
