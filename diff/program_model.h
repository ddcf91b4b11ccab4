// The model beside an oracle that runs a program: what each step may do, and what it did.
//
// An access may have any outcome of `CachingMachine::outcomes`; what is seen picks those it can
// have been, and only their effects are taken over. A may be set at any time in any entry that a
// walk can use, and must be in those that what is cached was made from (SDM vol. 3, 4.10.2.3); D is
// set only by the write that was made.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "diff/compare.h"
#include "diff/program.h"

namespace mmuref::diff {

/// What an oracle did in one step.
struct StepEffect {
  x86::Exception exception = x86::Exception::none;  ///< of an instruction
  Effect effect;                                    ///< of an access
};

/// Where Unicorn departs from the manual, each on its own or together: docs/unicorn.md.
using Departures = unsigned;
namespace departure {
inline constexpr Departures page_fault_keeps = 1, pke_set_keeps = 2, pcide_clear_keeps = 4,
                            page1gb_always = 8, accessed_1g_early = 16, smap_implicit_ac = 32,
                            stack_non_canonical = 64, invlpg_keeps_code = 128;
}

/// The set of outcomes for an access; by default the model's own.
using Outcomes = std::function<std::vector<Possibility>(const CachingMachine&, const Access&)>;
std::vector<Possibility> model_outcomes(const CachingMachine& machine, const Access& access);

/// One step, judged.
struct Judged {
  Parts parts = 0;  ///< where what was seen leaves the set, as seen from a walk of memory
  bool access = false;
  bool stale = false;        ///< permitted, and no walk of memory
  Walk fresh;                ///< of an access: the walk of memory
  std::size_t outcomes = 0;  ///< size of the set
};

/// Follows one processor's program step by step.
class ProgramModel {
 public:
  explicit ProgramModel(const Program& program, Departures departures = 0,
                        Outcomes outcomes = model_outcomes);

  /// The entries as the oracle last showed them.
  const Memory& entries() const { return entries_; }
  const Registers& registers() const { return machine_.cpu(0).registers(); }

  /// `seen` is what the step did; whether or not it may, the program goes on from there.
  Judged step(const ProgramStep& step, const StepEffect& seen);

 private:
  Judged judge(const TableWrite& write, const StepEffect& seen);
  Judged judge(const Operation& op, const StepEffect& seen);
  Judged judge(const Access& access, const StepEffect& seen);
  std::vector<Possibility> possibilities(Access access) const;
  void drop_code(const Operation& op);
  void keep_code(const Access& access, const Effect& effect);
  void add_kept_code(const Access& access, std::vector<Possibility>& all) const;
  void add_without_keys(const Access& access, std::vector<Possibility>& all) const;
  bool matches(const Possibility& p, const Access& access, const Effect& effect) const;
  bool entries_match(const Possibility& p, const Effect& effect) const;
  bool departs(Departures which) const { return (departures_ & which) != 0; }

  Departures departures_;
  Outcomes outcomes_;
  CachingMachine machine_;
  Memory entries_;
  /// Fetches that translated since what would drop them: decoded code is found by linear address,
  /// CPL and AC.
  struct Code {
    Access access;
    Observation observed;
  };
  std::vector<Code> code_;
  bool keys_unseen_ = false;  ///< CR4.PKE was set and nothing cached has been dropped since
};

}  // namespace mmuref::diff
