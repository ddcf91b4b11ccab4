#include "spec/protocol/machine.h"

#include <algorithm>

namespace mmuref::spec::protocol {
namespace {

constexpr Byte bit_of(int n) {
  return static_cast<Byte>(1u << n);
}

/// One processor of one state, and what its steps do.
class Machine {
 public:
  Machine(const System& system, State& state, int cpu)
      : system_(system), state_(state), cpu_(state.cpus[cpu]), id_(static_cast<Byte>(cpu)) {}

  const Program& program() const {
    return system_.programs[static_cast<std::size_t>(system_.runs[id_])];
  }
  const Step& next() const { return program()[cpu_.pc]; }

  /// Whether the next step can be taken now.
  bool enabled() const;
  /// Takes it, jumping to target `choice` (0: none) if it is a choice.
  void take(int choice);

  void make_visible();
  void interrupt(int sender);

  /// Whether the next step commutes with all that others do, and cannot be told to have happened.
  bool is_local() const;

 private:
  Byte value(const Operand& o) const;
  Byte& variable(const Operand& o);
  bool steady(const Operand& o) const;
  std::size_t place(const At& at) const;
  std::size_t pte(int mm, int page) const {
    return static_cast<std::size_t>(offset(Place::pte) + mm * max_pages + page);
  }
  Byte read(std::size_t place) const;
  void write_now(std::size_t place, Byte v) { state_.memory[place] = v; }
  Slot& slot() { return cpu_.slots[cpu_.pcid]; }
  void jump(const Step& step, bool taken, std::size_t target = 0);
  void load_cr3(const Step& step, bool drop);
  void ghost(const Step& step);
  void memory_step(const Step& step);
  void interrupt_step(const Step& step);

  const System& system_;
  State& state_;
  Cpu& cpu_;
  Byte id_;
};

Byte Machine::value(const Operand& o) const {
  switch (o.kind) {
    case Operand::Kind::constant: return o.value;
    case Operand::Kind::self: return id_;
    case Operand::Kind::reg: return cpu_.registers[o.value];
    case Operand::Kind::own: return cpu_.own[o.value];
    case Operand::Kind::payload: return state_.cpus[cpu_.sender - 1].payload[o.value];
  }
  return 0;
}

Byte& Machine::variable(const Operand& o) {
  if (o.kind == Operand::Kind::own) return cpu_.own[o.value];
  if (o.kind == Operand::Kind::payload) return cpu_.payload[o.value];
  return cpu_.registers[o.value];
}

/// An interrupt's handler may change the processor's own variables, never its registers.
bool Machine::steady(const Operand& o) const {
  return o.kind != Operand::Kind::own || cpu_.irq_off != 0 || cpu_.sender != 0;
}

bool Machine::is_local() const {
  const Step& step = next();
  switch (step.op) {
    case Op::set:
    case Op::jump:
    case Op::jump_equal:
    case Op::jump_bit:
    case Op::jump_other: return steady(step.a) && steady(step.b) && steady(step.to);
    case Op::tell: return steady(step.a);
    // Being late with these only takes away from what can happen.
    case Op::enable: return true;
    case Op::load: return step.locked && steady(step.to);
    // A promise is checked in every state from the first that holds it. It is made as early as
    // can be, and taken back early too: what breaks it was there when it was made.
    case Op::forbid:
    case Op::permit:
    case Op::free_frame:
    case Op::own_frame:
    case Op::free_table:
    case Op::own_table: return true;
    default: return false;
  }
}

std::size_t Machine::place(const At& at) const {
  int index = value(at.index);
  if (at.place == Place::pte) index = index * max_pages + value(at.page);
  return static_cast<std::size_t>(offset(at.place) + index);
}

Byte Machine::read(std::size_t place) const {
  for (int i = cpu_.buffered; i-- > 0;)
    if (cpu_.buffer_place[i] == place) return cpu_.buffer_value[i];
  return state_.memory[place];
}

bool Machine::enabled() const {
  const Step& step = next();
  switch (step.op) {
    case Op::store:
    case Op::release: return cpu_.buffered < buffer_size;
    case Op::set_bit:
    case Op::clear_bit:
    case Op::exchange:
    case Op::increment:
    case Op::barrier:
    case Op::load_cr3:
    case Op::keep_cr3:
    case Op::invlpg:
    case Op::iret:
    case Op::send: return cpu_.buffered == 0;
    case Op::acquire: return cpu_.buffered == 0 && state_.memory[place(step.at)] == 0;
    case Op::wait: return cpu_.waiting == 0;
    case Op::stop: return false;
    default: return true;
  }
}

void Machine::jump(const Step& step, bool taken, std::size_t target) {
  cpu_.pc = taken ? step.targets[target] : static_cast<Byte>(cpu_.pc + 1);
}

void Machine::load_cr3(const Step& step, bool drop) {
  cpu_.pcid = value(step.b);
  const Byte mm = value(step.a);
  if (drop || slot().mm != mm) slot() = Slot{};
  slot().mm = mm;
}

void Machine::ghost(const Step& step) {
  const Byte a = value(step.a), b = value(step.b);
  const auto frame = [&] { return bit_of(b * 2 + frame_of(a)); };
  switch (step.op) {
    case Op::forbid: {
      // As this processor sees the entry: its store may not be visible yet.
      const Byte now = read(place(step.at));
      const Byte kept = now == none ? Byte{0} : bit_of(now);
      state_.forbidden[place(step.at)] = static_cast<Byte>(every_value & ~kept);
      break;
    }
    case Op::permit: state_.forbidden[place(step.at)] &= static_cast<Byte>(~bit_of(a)); break;
    case Op::free_frame:
      if (a != none) state_.freed_frames |= frame();
      break;
    case Op::own_frame:
      if (a != none) state_.freed_frames &= static_cast<Byte>(~frame());
      break;
    case Op::free_table: state_.freed_tables |= bit_of(a); break;
    default: state_.freed_tables &= static_cast<Byte>(~bit_of(a)); break;
  }
}

void Machine::memory_step(const Step& step) {
  const std::size_t at = place(step.at);
  const Byte mine = bit_of(id_);
  switch (step.op) {
    case Op::load: variable(step.to) = read(at); break;
    case Op::set_bit: write_now(at, state_.memory[at] | mine); break;
    case Op::clear_bit: write_now(at, state_.memory[at] & static_cast<Byte>(~mine)); break;
    case Op::exchange: {
      const Byte old = state_.memory[at];
      write_now(at, value(step.a));
      variable(step.to) = old;
      break;
    }
    case Op::increment:
      write_now(at, static_cast<Byte>(state_.memory[at] + 1));
      variable(step.to) = state_.memory[at];
      break;
    case Op::acquire: write_now(at, 1); break;
    default:  // store, release
      cpu_.buffer_place[cpu_.buffered] = static_cast<Byte>(at);
      cpu_.buffer_value[cpu_.buffered] = step.op == Op::release ? Byte{0} : value(step.a);
      ++cpu_.buffered;
      break;
  }
}

void Machine::interrupt_step(const Step& step) {
  switch (step.op) {
    case Op::send:
      cpu_.waiting = value(step.a) & static_cast<Byte>(~bit_of(id_));
      for (int i = 0; i < system_.cpus; ++i)
        if ((cpu_.waiting & bit_of(i)) != 0) state_.cpus[i].pending |= bit_of(id_);
      break;
    case Op::iret:
      state_.cpus[cpu_.sender - 1].waiting &= static_cast<Byte>(~bit_of(id_));
      cpu_.sender = 0;
      cpu_.pc = cpu_.resume;
      cpu_.resume = 0;
      for (int i = 0; i < register_count; ++i) {
        cpu_.registers[i] = cpu_.saved[i];
        cpu_.saved[i] = 0;
      }
      break;
    case Op::disable: cpu_.irq_off = 1; break;
    case Op::enable: cpu_.irq_off = 0; break;
    default: break;
  }
}

void Machine::take(int choice) {
  const Step& step = next();
  const Byte a = value(step.a), b = value(step.b);
  switch (step.op) {
    case Op::jump: return jump(step, true);
    case Op::jump_equal: return jump(step, a == b);
    case Op::jump_bit: return jump(step, (a & bit_of(b)) != 0);
    case Op::jump_other: return jump(step, (a & ~bit_of(id_)) != 0);
    case Op::choose:
      return jump(step, choice != 0, choice != 0 ? static_cast<std::size_t>(choice - 1) : 0);
    case Op::iret: return interrupt_step(step);
    case Op::set:
    case Op::tell: variable(step.to) = a; break;
    case Op::load_cr3: load_cr3(step, true); break;
    case Op::keep_cr3: load_cr3(step, false); break;
    case Op::invlpg:
      slot().pages[a] = 0;
      slot().table = 0;
      break;
    case Op::disable:
    case Op::enable:
    case Op::send:
    case Op::wait:
    case Op::barrier: interrupt_step(step); break;
    case Op::forbid:
    case Op::permit:
    case Op::free_frame:
    case Op::own_frame:
    case Op::free_table:
    case Op::own_table: ghost(step); break;
    case Op::stop: return;
    default: memory_step(step); break;
  }
  ++cpu_.pc;
}

void Machine::make_visible() {
  write_now(cpu_.buffer_place[0], cpu_.buffer_value[0]);
  for (int i = 1; i < buffer_size; ++i) {
    cpu_.buffer_place[i - 1] = cpu_.buffer_place[i];
    cpu_.buffer_value[i - 1] = cpu_.buffer_value[i];
  }
  cpu_.buffer_place[buffer_size - 1] = cpu_.buffer_value[buffer_size - 1] = 0;
  --cpu_.buffered;
}

void Machine::interrupt(int sender) {
  cpu_.pending &= static_cast<Byte>(~bit_of(sender));
  cpu_.sender = static_cast<Byte>(sender + 1);
  cpu_.resume = cpu_.pc;
  cpu_.pc = program().interrupt_entry();
  for (int i = 0; i < register_count; ++i) {
    cpu_.saved[i] = cpu_.registers[i];
    cpu_.registers[i] = 0;
  }
}

/// Every processor may walk the tables it can reach, at any moment: what it may find joins what it
/// may have cached. A table is found from CR3 or from a paging-structure entry kept for it.
void close(const System& system, State& state) {
  for (int c = 0; c < system.cpus; ++c) {
    Cpu& cpu = state.cpus[c];
    Slot& slot = cpu.slots[cpu.pcid < slot_count ? cpu.pcid : 0];
    if (slot.mm >= no_mm) continue;
    if (state.memory[offset(Place::pmd) + slot.mm] != 0) slot.table = 1;
    if (slot.table == 0) continue;
    for (int p = 0; p < std::min(system.pages, max_pages); ++p) {
      const Byte v = state.memory[offset(Place::pte) + slot.mm * max_pages + p];
      if (v != none) slot.pages[p] |= bit_of(v);
    }
  }
}

/// Takes the local steps that follow, so that they are no states of their own. After a choice that
/// goes for the step that disables interrupts too: one that comes before it might as well come
/// before the choice.
void run_on(const System& system, State& state, int cpu, bool chose) {
  Machine machine(system, state, cpu);
  while (machine.is_local() || (chose && machine.next().op == Op::disable)) machine.take(0);
}

}  // namespace

State first(const System& system, const Options& options) {
  State state = system.initial;
  if (options.reduce)
    for (int c = 0; c < system.cpus; ++c) run_on(system, state, c, false);
  close(system, state);
  return state;
}

namespace {

/// Collects what can follow one state.
class Following {
 public:
  Following(const System& system, const State& state, const Options& options,
            std::vector<Successor>& out)
      : system_(system), state_(state), options_(options), out_(out) {}

  void of_cpu(int c) {
    const Cpu& cpu = state_.cpus[c];
    if (cpu.buffered != 0)
      add(c, EventKind::visible, cpu.buffer_place[0], [](Machine& m) { m.make_visible(); });
    if (cpu.irq_off == 0 && cpu.sender == 0) {
      for (int s = 0; s < system_.cpus; ++s)
        if ((cpu.pending & bit_of(s)) != 0)
          add(c, EventKind::interrupt, static_cast<Byte>(s), [s](Machine& m) { m.interrupt(s); });
    }
    State copy = state_;
    const Machine machine(system_, copy, c);
    if (!machine.enabled()) return;
    if (machine.next().op == Op::choose) {
      choose(copy, c, 0, 1);
    } else {
      add(c, EventKind::step, 0, [](Machine& m) { m.take(0); });
    }
  }

 private:
  template <class Act>
  void add(int c, EventKind kind, std::uint16_t target, Act act) {
    State next = state_;
    Machine machine(system_, next, c);
    act(machine);
    finish(next, c, {kind, static_cast<Byte>(c), state_.cpus[c].pc, target}, false);
  }

  /// Every outcome of a choice, and of the choices that follow it at once. `target` numbers the
  /// outcomes: digits in base 8.
  void choose(const State& from, int c, int target, int unit) {
    State looked_at = from;
    const auto choices = Machine(system_, looked_at, c).next().targets.size();
    for (std::size_t i = 0; i <= choices; ++i) {
      State next = from;
      Machine machine(system_, next, c);
      machine.take(static_cast<int>(i));
      const int outcome = target + static_cast<int>(i) * unit;
      if (options_.reduce) run_on(system_, next, c, true);
      // Back where it started, the next operation is another event.
      const bool more = machine.next().op == Op::choose && next.cpus[c].pc != state_.cpus[c].pc;
      if (options_.reduce && more) {
        choose(next, c, outcome, unit * 8);
      } else {
        const Byte pc = state_.cpus[c].pc;
        finish(next, c,
               {EventKind::step, static_cast<Byte>(c), pc, static_cast<std::uint16_t>(outcome)},
               true);
      }
    }
  }

  void finish(State& next, int c, const Event& event, bool chose) {
    if (options_.reduce) run_on(system_, next, c, chose);
    close(system_, next);
    Successor& s = out_.emplace_back();
    s.state = next;
    s.event = event;
  }

  const System& system_;
  const State& state_;
  const Options& options_;
  std::vector<Successor>& out_;
};

}  // namespace

void successors(const System& system, const State& state, const Options& options,
                std::vector<Successor>& out) {
  Following following(system, state, options, out);
  for (int c = 0; c < system.cpus; ++c) following.of_cpu(c);
}

namespace {

std::string cpu_name(int c) {
  return "CPU " + std::to_string(c);
}

/// T1 and T3: nothing that a flush removed may be used any more.
std::string stale(const System& system, const State& state, int c) {
  const Cpu& cpu = state.cpus[c];
  const Slot& slot = cpu.slots[cpu.pcid];
  if (slot.mm == no_mm) return {};
  if (slot.table != 0 && (state.freed_tables & bit_of(slot.mm)) != 0)
    return "T3: " + cpu_name(c) + " may walk a page table of mm " + std::to_string(slot.mm) +
           " that was freed";
  for (int p = 0; p < system.pages; ++p) {
    const Byte held = slot.pages[p];
    const std::string page = "page " + std::to_string(p) + " of mm " + std::to_string(slot.mm);
    if ((held & state.forbidden[slot.mm * max_pages + p]) != 0)
      return "T1: " + cpu_name(c) + " may use a translation of " + page + " after its flush";
    for (Byte v = 1; v < pte_values; ++v) {
      if ((held & bit_of(v)) == 0) continue;
      if ((state.freed_frames & bit_of(slot.mm * 2 + frame_of(v))) != 0)
        return "T3: " + cpu_name(c) + " may use a translation of " + page +
               " to a frame that was freed";
    }
  }
  return {};
}

/// T2: a processor outside an mm's mask is not told of its flushes, so it must not use its tables.
std::string unmasked(const System& system, const State& state, int c) {
  const Cpu& cpu = state.cpus[c];
  const Program& program = system.programs[static_cast<std::size_t>(system.runs[c])];
  const Byte pc = cpu.sender != 0 ? cpu.resume : cpu.pc;
  const Byte mm = cpu.slots[cpu.pcid].mm;
  if (mm == no_mm || program[pc].switching || program[cpu.pc].switching) return {};
  if ((state.memory[offset(Place::mask) + mm] & bit_of(c)) != 0) return {};
  return "T2: " + cpu_name(c) + " uses the tables of mm " + std::to_string(mm) +
         " and is not in its mm_cpumask";
}

}  // namespace

std::string violation(const System& system, const State& state, bool blocked) {
  for (int c = 0; c < system.cpus; ++c) {
    if (std::string s = stale(system, state, c); !s.empty()) return s;
    if (std::string s = unmasked(system, state, c); !s.empty()) return s;
  }
  if (!blocked) return {};
  for (int c = 0; c < system.cpus; ++c) {
    State copy = state;
    const Machine machine(system, copy, c);
    if (machine.next().op != Op::stop) return "deadlock: " + cpu_name(c) + " waits for ever";
  }
  return {};
}

}  // namespace mmuref::spec::protocol
