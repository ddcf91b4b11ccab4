#include "spec/protocol/machine.h"

#include <algorithm>
#include <bit>

namespace mmuref::spec::protocol {

Byte Machine::value(const Operand& o) const {
  switch (o.kind) {
    case Operand::Kind::constant: return o.value;
    case Operand::Kind::self: return id_;
    case Operand::Kind::reg: return cpu_.registers[o.value];
    case Operand::Kind::own: return cpu_.own[o.value];
    case Operand::Kind::payload:
      // Outside a handler, of the processor's own.
      return cpu_.sender == 0 ? cpu_.payload[o.value]
                              : state_.cpus[cpu_.sender - 1].payload[o.value];
    case Operand::Kind::slot_generation:
      return observed_ ? cpu_.slots[cpu_.own[static_cast<int>(Own::asid)]].generation : Byte{0};
  }
  return 0;
}

Byte& Machine::variable(const Operand& o) {
  if (o.kind == Operand::Kind::own) return cpu_.own[o.value];
  if (o.kind == Operand::Kind::payload) return cpu_.payload[o.value];
  return cpu_.registers[o.value];
}

/// Whether an interrupt here leaves it as it is: a handler may change the processor's own
/// variables, never its registers.
bool Machine::steady(const Operand& o) const {
  if (cpu_.uninterrupted()) return true;
  if (o.kind == Operand::Kind::slot_generation) return false;
  return o.kind != Operand::Kind::own || !program_.handler_writes(static_cast<Own>(o.value));
}

/// And whether an interrupt here cannot tell if it was written.
bool Machine::unheard(const Operand& to) const {
  if (!steady(to)) return false;
  if (cpu_.uninterrupted()) return true;
  return to.kind != Operand::Kind::own || !program_.handler_reads(static_cast<Own>(to.value));
}

/// Whether only this processor writes the variable, and no handler here does between.
bool Machine::steady(const At& at) const {
  if (at.place != Place::lazy && at.place != Place::loaded) return false;
  if (at.index.kind != Operand::Kind::self) return false;
  return cpu_.uninterrupted() || !program_.handler_stores(at.place);
}

/// A generation that only decides what is dropped here, where nobody looks.
bool Machine::is_idle_talk(const Step& step) const {
  return !observed_ && step.op == Op::load && step.at.place == Place::generation;
}

Machine::Mover Machine::mover() const {
  const Step& s = next();
  const auto both_if = [](bool condition) { return condition ? Mover::both : Mover::neither; };
  switch (s.op) {
    case Op::set:
    case Op::add_bits:
    case Op::drop_bit:
    case Op::jump:
    case Op::unless_equal:
    case Op::unless_less:
    case Op::unless_next:
    case Op::unless_bit:
    case Op::unless_other: return both_if(steady(s.a) && steady(s.b) && unheard(s.to));
    case Op::tell: return both_if(steady(s.a));
    case Op::choose_slot:
    case Op::note_slot:
    case Op::note_asid: return both_if(cpu_.uninterrupted());
    case Op::load: return both_if((s.locked || steady(s.at) || is_idle_talk(s)) && unheard(s.to));
    // Nobody but an interrupt's handler, which waits for the buffer, can tell a store that is
    // buffered from one that is not; but it may become visible before the next step.
    case Op::store: return cpu_.uninterrupted() ? Mover::left : Mover::neither;
    case Op::load_cr3:
    case Op::keep_cr3:
    case Op::invlpg: return both_if(!observed_);
    // What these need does not go away once it is there.
    case Op::barrier:
    case Op::wait: return Mover::both;
    // Being told early, finding a lock free and interrupts enabled early, takes nothing away; being
    // late does.
    case Op::release: return cpu_.buffered == 0 ? Mover::left : Mover::neither;
    case Op::enable:
    case Op::send:
    case Op::iret: return Mover::left;
    // A promise is checked in every state from the first that holds it. It is made as early as
    // can be, and taken back early too: what breaks it was there when it was made.
    case Op::forbid:
    case Op::forbid_one:
    case Op::permit:
    case Op::free_frame:
    case Op::own_frame:
    case Op::free_table:
    case Op::own_table: return Mover::both;
    case Op::choose:
    case Op::pick:
    case Op::disable: return Mover::right;
    case Op::acquire: return s.locked ? Mover::neither : Mover::right;
    default: return Mover::neither;
  }
}

int Machine::outcomes() const {
  const Step& s = next();
  if (s.op == Op::choose) return s.target_count + 1;
  return s.op == Op::pick ? std::popcount(value(s.a)) : 1;
}

bool Machine::enabled() const {
  const Step& s = next();
  switch (s.op) {
    case Op::store:
    case Op::release: return cpu_.buffered < buffer_size;
    case Op::set_bit:
    case Op::clear_bit:
    case Op::exchange:
    case Op::increment:
    case Op::decrement:
    case Op::barrier:
    case Op::load_cr3:
    case Op::keep_cr3:
    case Op::invlpg:
    case Op::iret:
    case Op::send: return cpu_.buffered == 0;
    case Op::acquire: return cpu_.buffered == 0 && state_.memory[place(s.at)] == 0;
    case Op::wait: return cpu_.waiting == 0;
    default: return true;
  }
}

void Machine::jump_unless(const Step& step, bool condition) {
  cpu_.pc = condition ? static_cast<Pc>(cpu_.pc + 1) : step.targets[0];
}

/// Steps that say where to go on; whether `step` is one.
bool Machine::steer(const Step& step, Byte a, Byte b, int choice) {
  switch (step.op) {
    case Op::jump: jump_unless(step, false); return true;
    case Op::unless_equal: jump_unless(step, a == b); return true;
    case Op::unless_less: jump_unless(step, a < b); return true;
    case Op::unless_next: jump_unless(step, a == b + 1); return true;
    case Op::unless_bit: jump_unless(step, (a & bit_of(b)) != 0); return true;
    case Op::unless_other: jump_unless(step, (a & ~bit_of(id_)) != 0); return true;
    case Op::choose:
      cpu_.pc = choice == 0 ? static_cast<Pc>(cpu_.pc + 1)
                            : step.targets[static_cast<std::size_t>(choice - 1)];
      return true;
    case Op::iret: return_from_interrupt(); return true;
    default: return false;
  }
}

void Machine::take(int choice) {
  const Step& s = next();
  const Byte a = value(s.a), b = value(s.b);
  if (steer(s, a, b, choice)) return;
  switch (s.op) {
    case Op::set: variable(s.to) = a; break;
    case Op::tell: cpu_.payload[s.to.value] = a; break;
    case Op::add_bits: variable(s.to) |= a; break;
    case Op::pick: {
      Byte& left = variable(s.a);
      for (; choice > 0; --choice) left &= static_cast<Byte>(left - 1);
      const int cpu = std::countr_zero(left);
      variable(s.to) = static_cast<Byte>(cpu);
      left = a & static_cast<Byte>(~bit_of(cpu));
      break;
    }
    case Op::drop_bit: variable(s.to) &= static_cast<Byte>(~bit_of(b)); break;
    case Op::choose_slot:
    case Op::note_slot:
    case Op::note_asid: slot_step(s, a, b); break;
    case Op::load_cr3:
    case Op::keep_cr3:
    case Op::invlpg:
      if (observed_) tlb_step(s, a, b);
      break;
    case Op::disable:
    case Op::enable:
    case Op::send: interrupt_step(s, a); break;
    case Op::wait:
    case Op::barrier: break;
    case Op::forbid:
    case Op::forbid_one:
    case Op::permit:
    case Op::free_frame:
    case Op::own_frame:
    case Op::free_table:
    case Op::own_table: ghost(s, a, b); break;
    case Op::allocate: variable(s.to) = allocate(b); break;
    default: memory_step(s, a); break;
  }
  ++cpu_.pc;
}

void Machine::store(Byte place, Byte v) {
  cpu_.buffer_place[cpu_.buffered] = place;
  cpu_.buffer_value[cpu_.buffered] = v;
  ++cpu_.buffered;
}

void Machine::memory_step(const Step& step, Byte a) {
  const Byte at = place(step.at), mine = bit_of(id_);
  Byte& now = state_.memory[at];
  switch (step.op) {
    case Op::load:
      variable(step.to) = is_idle_talk(step) ? Byte{0} : state_.seen_by(id_, at);
      break;
    case Op::set_bit: now |= mine; break;
    case Op::clear_bit: now &= static_cast<Byte>(~mine); break;
    case Op::exchange: {
      const Byte old = now;
      now = a;
      variable(step.to) = old;
      break;
    }
    case Op::increment:
      if (step.at.place != Place::generation || value(step.at.index) < system_.observed_mms) ++now;
      variable(step.to) = now;
      break;
    case Op::decrement: --now; break;
    case Op::acquire: now = 1; break;
    case Op::release:
      // With nothing before it, it might as well be visible at once: others may take their time.
      if (cpu_.buffered == 0) {
        now = 0;
      } else {
        store(at, 0);
      }
      break;
    default: store(at, a); break;
  }
}

void Machine::drain() {
  do {
    state_.memory[cpu_.buffer_place[0]] = cpu_.buffer_value[0];
    for (int i = 1; i < buffer_size; ++i) {
      cpu_.buffer_place[i - 1] = cpu_.buffer_place[i];
      cpu_.buffer_value[i - 1] = cpu_.buffer_value[i];
    }
    cpu_.buffer_place[buffer_size - 1] = cpu_.buffer_value[buffer_size - 1] = 0;
    --cpu_.buffered;
  } while (cpu_.buffered != 0 && within(cpu_.buffer_place[0], Place::lock));
}

void Machine::tlb_step(const Step& step, Byte a, Byte b) {
  if (step.op != Op::invlpg) return load_cr3(a, b, step.op == Op::load_cr3);
  if (b == 0) slot().pages[a] = 0;
  slot().table = 0;
}

void Machine::load_cr3(Byte mm, Byte pcid, bool drop) {
  cpu_.cr3 = mm;
  cpu_.pcid = pcid;
  Slot& s = slot();
  if (drop) {
    std::fill(std::begin(s.pages), std::end(s.pages), Byte{0});
    s.table = 0;
  }
  bool anything = s.table != 0;
  for (const Byte values : s.pages) anything = anything || values != 0;
  if (anything && s.mm != mm) state_.broken = Broken::slot_of_another;
  s.mm = mm;
}

void Machine::slot_step(const Step& step, Byte a, Byte b) {
  if (!observed_) {
    if (step.op == Op::choose_slot) variable(step.to) = 0;
    return;
  }
  switch (step.op) {
    case Op::choose_slot: {
      Byte& flush = cpu_.registers[static_cast<int>(Register::flag)];
      if (system_.asids == 1) {  // no PCIDs
        variable(step.to) = 0;
        flush = 1;
        return;
      }
      for (Byte i = 0; i < system_.asids; ++i) {
        if (cpu_.slots[i].context != a) continue;
        variable(step.to) = i;
        flush = cpu_.slots[i].generation < b ? 1 : 0;
        return;
      }
      Byte& following = cpu_.own[static_cast<int>(Own::next_asid)];
      variable(step.to) = following;
      following = static_cast<Byte>((following + 1) % system_.asids);
      flush = 1;
      break;
    }
    case Op::note_slot: {
      Slot& s = cpu_.slots[value(step.to)];
      if (s.context == a && b < s.generation) state_.broken = Broken::generation_went_back;
      s.context = a;
      s.generation = b;
      break;
    }
    default: cpu_.own[static_cast<int>(Own::asid)] = a; break;
  }
}

void Machine::interrupt(int sender) {
  cpu_.pending &= static_cast<Byte>(~bit_of(sender));
  cpu_.sender = static_cast<Byte>(sender + 1);
  cpu_.resume = cpu_.pc;
  cpu_.pc = program_.interrupt_entry();
  std::copy(std::begin(cpu_.registers), std::end(cpu_.registers), cpu_.saved);
  std::fill(std::begin(cpu_.registers), std::end(cpu_.registers), Byte{0});
}

void Machine::return_from_interrupt() {
  Cpu& sender = state_.cpus[cpu_.sender - 1];
  sender.waiting &= static_cast<Byte>(~bit_of(id_));
  if (sender.waiting == 0) sender.forget_payload();
  cpu_.sender = 0;
  cpu_.pc = cpu_.resume;
  cpu_.resume = 0;
  std::copy(std::begin(cpu_.saved), std::end(cpu_.saved), cpu_.registers);
  std::fill(std::begin(cpu_.saved), std::end(cpu_.saved), Byte{0});
}

void Machine::interrupt_step(const Step& step, Byte a) {
  if (step.op != Op::send) {
    cpu_.irq_off = step.op == Op::disable ? 1 : 0;
    return;
  }
  const auto everybody = static_cast<Byte>(bit_of(system_.cpus) - 1);
  cpu_.waiting = static_cast<Byte>(a & everybody & ~bit_of(id_));
  if (cpu_.waiting == 0) cpu_.forget_payload();
  for (int i = 0; i < std::min(system_.cpus, max_cpus); ++i)
    if ((cpu_.waiting & bit_of(i)) != 0) state_.cpus[i].pending |= bit_of(id_);
}

Byte Machine::allocate(Byte mm) {
  for (const int frame : {0, 1}) {
    const Byte bit = bit_of(mm * 2 + frame);
    if ((state_.freed_frames & bit) == 0) continue;
    state_.freed_frames &= static_cast<Byte>(~bit);
    return pte_value(frame, true);
  }
  return none;
}

void Machine::ghost(const Step& step, Byte a, Byte b) {
  const auto values = [](Byte v) { return v == none ? Byte{0} : bit_of(v); };
  const auto frame = [&] { return a == none ? Byte{0} : bit_of(b * 2 + frame_of(a)); };
  switch (step.op) {
    case Op::forbid:
      // As this processor sees the entry: its store may not be visible yet.
      state_.forbidden[place(step.at)] =
          static_cast<Byte>(every_value & ~values(state_.seen_by(id_, place(step.at))));
      break;
    case Op::forbid_one: state_.forbidden[place(step.at)] |= values(a); break;
    case Op::permit: state_.forbidden[place(step.at)] &= static_cast<Byte>(~values(a)); break;
    case Op::free_frame: state_.freed_frames |= frame(); break;
    case Op::own_frame: state_.freed_frames &= static_cast<Byte>(~frame()); break;
    case Op::free_table: state_.freed_tables |= bit_of(a); break;
    default: state_.freed_tables &= static_cast<Byte>(~bit_of(a)); break;
  }
}

void Machine::forget_dead() {
  const RegisterSet live = next().live, live_after = program_[cpu_.resume].live;
  for (int i = 0; i < register_count; ++i) {
    if ((live >> i & 1) == 0) cpu_.registers[i] = 0;
    if ((live_after >> i & 1) == 0) cpu_.saved[i] = 0;
  }
}

void close(const System& system, State& state) {
  for (int c = 0; c < std::min(system.cpus, max_cpus); ++c) {
    Cpu& cpu = state.cpus[c];
    if (cpu.cr3 >= no_mm) continue;
    Slot& slot = cpu.slots[cpu.pcid];
    if (state.memory[at(Place::pmd, cpu.cr3)] != 0) slot.table = 1;
    if (slot.table == 0) continue;
    for (int p = 0; p < std::min(system.pages, max_pages); ++p) {
      const Byte v = state.memory[at(Place::pte, cpu.cr3, p)];
      if (v != none) slot.pages[p] |= bit_of(v);
    }
  }
}

}  // namespace mmuref::spec::protocol
