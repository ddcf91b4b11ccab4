// The reduction is Lipton's (Reduction: a method of proving properties of parallel programs, 1975):
// an event is a run of right movers, one step of any kind, and then left movers. What other
// processors do in the middle of such a run could as well have been done before it or after it.
#include "spec/protocol/successors.h"

namespace mmuref::spec::protocol {
namespace {

using Mover = Machine::Mover;

/// A state on its way to the end of an event.
struct Run {
  State state;
  Event event;
  int digits = 0;  ///< of event.target
  bool moved = false;
  std::vector<Micro> steps{};

  void chose(int choice) {
    event.target = static_cast<std::uint16_t>(event.target | choice << 3 * digits);
    ++digits;
  }
};

/// Collects what can follow one state.
class Following {
 public:
  Following(const System& system, const State& state, const Options& options,
            std::vector<Successor>& out)
      : system_(system), state_(state), options_(options), out_(out) {}

  bool of_cpu(int c) {
    bool goes_on = false;
    const auto run = [&](EventKind kind) {
      return Run{.state = state_, .event = {kind, static_cast<Byte>(c), state_.cpus[c].pc, 0}};
    };
    const Machine machine(system_, copy_, c);
    if (machine.may_drain()) {
      goes_on = true;
      Run next = run(EventKind::visible);
      Machine(system_, next.state, c).drain();
      settle(next);
    }
    for (int s = 0; s < system_.cpus; ++s) {
      if (!machine.may_interrupt(s)) continue;
      goes_on = true;
      Run next = run(EventKind::interrupt);
      next.chose(s);
      Machine(system_, next.state, c).interrupt(s);
      if (options_.reduce) {
        advance(next, false);
      } else {
        finish(next);
      }
    }
    if (!machine.enabled()) return goes_on;
    const bool starts = machine.idle();
    Run next = run(EventKind::step);
    if (options_.reduce) {
      advance(next, starts);
    } else {
      each_outcome(next, [&](Run& r) { finish(r); });
    }
    return goes_on || !starts;
  }

 private:
  Machine machine(Run& run) { return {system_, run.state, run.event.cpu}; }

  void take(Run& run, int choice) {
    const Cpu& cpu = run.state.cpus[run.event.cpu];
    const Pc pc = cpu.pc;
    machine(run).take(choice);
    if (options_.record_steps) {
      const bool held = is_condition(system_.program(run.event.cpu)[pc].op) && cpu.pc == pc + 1;
      run.steps.push_back({pc, static_cast<Byte>(held ? 1 : choice)});
    }
    run.moved = true;
  }

  /// The next step taken in every way there is.
  template <class Then>
  void each_outcome(Run& run, Then then) {
    const int outcomes = machine(run).outcomes();
    if (outcomes == 1) {
      take(run, 0);
      then(run);
      return;
    }
    for (int i = 0; i < outcomes; ++i) {
      Run other = run;
      take(other, i);
      other.chose(i);
      then(other);
    }
  }

  /// Right movers, and the step after them. An operation that cannot get so far for what others
  /// do, or for stores made before, is not started: its start can wait.
  void advance(Run& run, bool starts) {
    for (;;) {
      Machine m = machine(run);
      if (!m.enabled() && run.moved && m.waits_to_drain()) {
        m.drain();
        return settle(run);
      }
      if (!m.enabled()) {
        const bool stored =
            run.state.cpus[run.event.cpu].buffered > state_.cpus[run.event.cpu].buffered;
        if (!starts || stored) settle(run);
        return;
      }
      const Mover mover = m.mover();
      // Back where it started, the next operation is another event.
      if (m.idle() && run.moved) return settle(run);
      if (m.outcomes() != 1) {
        each_outcome(run, [&](Run& r) { advance(r, starts); });
        return;
      }
      take(run, 0);
      if (mover == Mover::neither || mover == Mover::left) return settle(run);
    }
  }

  /// Left movers, that the event ends with.
  void settle(Run& run) {
    while (options_.reduce) {
      const Machine m = machine(run);
      const Mover mover = m.mover();
      if ((mover != Mover::both && mover != Mover::left) || !m.enabled()) break;
      take(run, 0);
    }
    finish(run);
  }

  void finish(Run& run) {
    machine(run).forget_dead();
    close(system_, run.state);
    out_.emplace_back(run.state, run.event, std::move(run.steps));
  }

  const System& system_;
  const State& state_;
  State copy_ = state_;  ///< to ask what can be done, which changes nothing
  const Options& options_;
  std::vector<Successor>& out_;
};

}  // namespace

bool successors(const System& system, const State& state, const Options& options,
                std::vector<Successor>& out) {
  Following following(system, state, options, out);
  bool goes_on = false;
  for (int c = 0; c < system.cpus; ++c) goes_on |= following.of_cpu(c);
  return goes_on;
}

State first(const System& system) {
  State state = system.initial;
  close(system, state);
  return state;
}

}  // namespace mmuref::spec::protocol
