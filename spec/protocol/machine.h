// One processor of a state, and what each of its steps does.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "spec/protocol/program.h"
#include "spec/protocol/state.h"

namespace mmuref::spec::protocol {

/// What a protocol promises of what is cached. The older ones tell every processor of every flush
/// and promise it all.
struct Promises {
  /// A processor that runs no user task of the mm, because it is lazy, may keep what is stale: it
  /// makes no access by it. It may never walk a freed table.
  bool of_users_only = false;
  /// They hold within a switch too.
  bool while_switching = false;
};

/// A protocol to explore: who runs what, from where.
struct System {
  std::string name;
  int cpus = 2, mms = 1, pages = 1;
  int asids = 1;  ///< PCIDs a processor uses
  std::vector<Program> programs;
  std::array<int, max_cpus> runs{};  ///< which program each processor runs
  State initial;
  Promises promises;
  bool generations = false;  ///< tlb_gen is in use
  bool same_mms = false;     ///< programs treat all mms alike
  /// Processors whose TLBs are kept, the first ones. What a processor has cached, and what it notes
  /// of that, changes nothing that another can see.
  int observed_cpus = max_cpus;
  /// Mms whose PTEs and generations are kept, the first ones. Of others nothing is cached that a
  /// promise speaks of, so that it does not matter when it is dropped.
  int observed_mms = max_mms;

  const Program& program(int cpu) const {
    return programs[static_cast<std::size_t>(runs[static_cast<std::size_t>(cpu)])];
  }
};

class Machine {
 public:
  Machine(const System& system, State& state, int cpu)
      : observed_(cpu < system.observed_cpus),
        system_(system),
        program_(system.program(cpu)),
        state_(state),
        cpu_(state.cpus[cpu]),
        id_(static_cast<Byte>(cpu)) {}

  const Step& next() const { return program_[cpu_.pc]; }
  bool idle() const { return cpu_.pc == Program::idle && cpu_.sender == 0; }

  /// Whether the next step can be taken now.
  bool enabled() const;
  /// How many ways there are to take it.
  int outcomes() const;
  /// Takes it: of a choice the option `choice`, of `pick` the processor after as many others.
  void take(int choice = 0);

  bool may_drain() const { return cpu_.buffered != 0; }
  /// Nothing else can happen here before the only buffered store becomes visible.
  bool waits_to_drain() const {
    return cpu_.buffered == 1 && cpu_.uninterrupted() && !enabled() && next().op != Op::acquire &&
           next().op != Op::wait;
  }
  /// The oldest store becomes visible.
  void drain();
  bool may_interrupt(int sender) const {
    return !cpu_.uninterrupted() && (cpu_.pending & bit_of(sender)) != 0;
  }
  void interrupt(int sender);

  /// How the next step commutes with what other processors do, and with an interrupt here.
  enum class Mover : Byte {
    neither,
    right,  ///< whatever comes between it and the next step could have come before it
    left,   ///< whatever came between it and the step before could come after it
    both,
  };
  Mover mover() const;

  /// Registers that no step will read before it is set.
  void forget_dead();

 private:
  Byte value(const Operand& o) const;
  Byte& variable(const Operand& o);
  bool steady(const Operand& o) const;
  bool unheard(const Operand& to) const;
  bool steady(const At& at) const;
  Byte place(const At& at) const { return protocol::at(at.place, value(at.index), value(at.page)); }
  Slot& slot() { return cpu_.slots[cpu_.pcid]; }
  void jump_unless(const Step& step, bool condition);
  bool steer(const Step& step, Byte a, Byte b, int choice);
  void memory_step(const Step& step, Byte a);
  void store(Byte place, Byte v);
  bool is_idle_talk(const Step& step) const;
  void tlb_step(const Step& step, Byte a, Byte b);
  void load_cr3(Byte mm, Byte pcid, bool drop);
  void slot_step(const Step& step, Byte a, Byte b);
  void interrupt_step(const Step& step, Byte a);
  void return_from_interrupt();
  Byte allocate(Byte mm);
  void ghost(const Step& step, Byte a, Byte b);

  bool observed_;  ///< the TLB is kept
  const System& system_;
  const Program& program_;
  State& state_;
  Cpu& cpu_;
  Byte id_;
};

/// Every processor may walk the tables it can reach, at any moment: what it may find joins what it
/// may have cached. A table is found from CR3 or from a paging-structure entry kept for it.
void close(const System& system, State& state);

}  // namespace mmuref::spec::protocol
