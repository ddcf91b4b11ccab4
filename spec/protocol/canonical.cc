#include "spec/protocol/canonical.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "spec/protocol/seen.h"

namespace mmuref::spec::protocol {
namespace {

constexpr std::size_t index_of(auto e) {
  return static_cast<std::size_t>(e);
}

/// The generations of one mm, wherever they are.
class Generations {
 public:
  void add(Byte& g) {
    if (g != 0 && count_ < all_.size()) all_[count_++] = &g;
  }
  void renumber() {
    std::sort(all_.begin(), all_.begin() + count_, [](Byte* a, Byte* b) { return *a < *b; });
    Byte before = 0, now = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      Byte& g = *all_[i];
      if (g != before) now = static_cast<Byte>(now + (i == 0 || g == before + 1 ? 1 : 2));
      before = g;
      g = now;
    }
  }

 private:
  std::array<Byte*, 1 + max_cpus*(5 + max_asids)> all_{};
  std::size_t count_ = 0;
};

void collect(Byte* registers, Byte mm, Generations& all) {
  if (registers[index_of(Register::mm)] != mm) return;
  all.add(registers[index_of(Register::newer)]);
  all.add(registers[index_of(Register::older)]);
}

}  // namespace

void renumber_generations(const System& system, State& state) {
  for (Byte mm = 0; mm < std::min(system.mms, max_mms); ++mm) {
    Generations all;
    all.add(state.memory[at(Place::generation, mm)]);
    for (Cpu& cpu : state.cpus) {
      collect(cpu.registers, mm, all);
      collect(cpu.saved, mm, all);
      if (cpu.payload[index_of(Payload::mm)] == mm)
        all.add(cpu.payload[index_of(Payload::generation)]);
      for (Slot& slot : cpu.slots)
        if (slot.context == mm) all.add(slot.generation);
    }
    all.renumber();
  }
}

namespace {

/// New names: processor c is called cpus[c], and so on. init_mm and the like keep theirs.
struct Names {
  std::array<Byte, max_cpus> cpus{0, 1, 2};
  std::array<Byte, max_mms + 2> mms{0, 1, no_mm, switching_mm};

  Byte mask(Byte old) const {
    Byte out = 0;
    for (std::size_t c = 0; c < max_cpus; ++c)
      if ((old >> c & 1) != 0) out |= static_cast<Byte>(1 << cpus[c]);
    return out;
  }
  /// A variable's place in memory.
  Byte place(Byte old) const { return places[old]; }
  /// What the variable at `place` is renamed to.
  Byte value(Byte place, Byte v) const {
    if (within(place, Place::mask)) return mask(v);
    return within(place, Place::loaded) ? mms[v] : v;
  }
  /// Registers outside `live` are 0, whatever their role.
  void registers(Byte* r, RegisterSet live) const {
    const auto rename = [&](Register role, auto to) {
      if ((live >> index_of(role) & 1) != 0) r[index_of(role)] = to(r[index_of(role)]);
    };
    const auto to_mm = [this](Byte mm) { return mms[mm]; };
    const auto to_mask = [this](Byte m) { return mask(m); };
    rename(Register::mm, to_mm);
    rename(Register::seen, to_mm);
    rename(Register::cpus, to_mask);
    rename(Register::todo, to_mask);
    rename(Register::cpu, [this](Byte c) { return cpus[c]; });
  }
  bool change_nothing() const { return cpus == std::array<Byte, max_cpus>{0, 1, 2} && mms[0] == 0; }
  /// After cpus and mms have been set.
  void place_all() {
    for (int p = 0; p < place_count; ++p) {
      const auto which = static_cast<Place>(p);
      for (int i = 0; i < width(which); ++i) {
        const auto n = static_cast<std::size_t>(i);
        Byte& to = places[static_cast<std::size_t>(offset(which) + i)];
        if (which == Place::pte || which == Place::lock) {
          to = at(which, mms[n / max_pages], i % max_pages);
        } else {
          to = at(which, which == Place::lazy || which == Place::loaded ? cpus[n] : mms[n]);
        }
      }
    }
  }

 private:
  std::array<Byte, memory_size> places{};
};

void rename(const Program& program, Cpu& cpu, const Names& names) {
  names.registers(cpu.registers, program[cpu.pc].live);
  names.registers(cpu.saved, program[cpu.resume].live);
  for (const Own o : {Own::current_mm, Own::active_mm, Own::loaded_mm})
    cpu.own[index_of(o)] = names.mms[cpu.own[index_of(o)]];
  cpu.own[index_of(Own::batch)] = names.mask(cpu.own[index_of(Own::batch)]);
  Byte& mm = cpu.payload[index_of(Payload::mm)];
  mm = names.mms[mm];
  if (cpu.sender != 0) cpu.sender = static_cast<Byte>(1 + names.cpus[cpu.sender - 1]);
  cpu.pending = names.mask(cpu.pending);
  cpu.waiting = names.mask(cpu.waiting);
  for (int i = 0; i < cpu.buffered; ++i) {
    cpu.buffer_value[i] = names.value(cpu.buffer_place[i], cpu.buffer_value[i]);
    cpu.buffer_place[i] = names.place(cpu.buffer_place[i]);
  }
  cpu.cr3 = names.mms[cpu.cr3];
  for (Slot& slot : cpu.slots) {
    slot.mm = names.mms[slot.mm];
    slot.context = names.mms[slot.context];
  }
}

State renamed(const System& system, const State& s, Names names) {
  names.place_all();
  State out = s;
  for (Byte i = 0; i < memory_size; ++i) out.memory[names.place(i)] = names.value(i, s.memory[i]);
  out.freed_tables = out.freed_frames = 0;
  for (std::size_t m = 0; m < max_mms; ++m) {
    const Byte to = names.mms[m];
    out.freed_tables |= static_cast<Byte>((s.freed_tables >> m & 1) << to);
    out.freed_frames |= static_cast<Byte>((s.freed_frames >> 2 * m & 3) << 2 * to);
    std::copy_n(s.forbidden + m * max_pages, max_pages, out.forbidden + to * max_pages);
  }
  for (std::size_t c = 0; c < max_cpus; ++c) {
    Cpu& cpu = out.cpus[names.cpus[c]];
    cpu = s.cpus[c];
    rename(system.program(static_cast<int>(c)), cpu, names);
  }
  return out;
}

/// What of a processor does not depend on the names of processors.
std::uint64_t nameless(const State& s, int c) {
  const Cpu& cpu = s.cpus[c];
  std::uint64_t h = stir(cpu.pc, cpu.resume);
  h = stir(h, static_cast<std::uint64_t>(cpu.irq_off | cpu.buffered << 1 | (cpu.waiting != 0) << 3 |
                                         (cpu.pending != 0) << 4 | (cpu.sender != 0) << 5));
  const auto of = [&](Register r) { return cpu.registers[index_of(r)]; };
  h = stir(h, static_cast<std::uint64_t>(of(Register::mm) | of(Register::page) << 8 |
                                         of(Register::pte) << 16 | of(Register::newer) << 24));
  std::uint64_t own = 0;
  for (int i = 0; i + 1 < own_count; ++i) own = own << 8 | cpu.own[i];
  h = stir(h, own);
  for (const Slot& slot : cpu.slots) {
    std::uint64_t bytes = 0;
    static_assert(sizeof slot <= sizeof bytes);
    std::memcpy(&bytes, &slot, sizeof slot);
    h = stir(h, bytes);
  }
  std::uint64_t mine = cpu.cr3;
  for (int m = 0; m < max_mms; ++m) mine = mine << 1 | (s.memory[at(Place::mask, m)] >> c & 1);
  return stir(h, mine << 16 | static_cast<std::uint64_t>(s.memory[at(Place::lazy, c)] << 8) |
                     s.memory[at(Place::loaded, c)]);
}

/// What an mm holds, by which to tell it from the other.
std::array<Byte, 8> holds(const State& s, int m) {
  std::array<Byte, 8> key{};
  std::size_t n = 0;
  for (int p = 0; p < max_pages; ++p) {
    key[n++] = s.memory[at(Place::pte, m, p)];
    key[n++] = s.memory[at(Place::lock, m, p)];
    key[n++] = s.forbidden[m * max_pages + p];
  }
  key[n++] = s.memory[at(Place::pmd, m)];
  key[n] = static_cast<Byte>(__builtin_popcount(s.memory[at(Place::mask, m)]));
  return key;
}

/// The least of `best`, if there is any, and of a state under the names of its processors.
void least(const System& system, const State& state, bool& any, State& best) {
  Names names;
  const auto cpus = static_cast<std::size_t>(std::min(system.cpus, max_cpus));
  std::array<std::uint64_t, max_cpus> keys{};
  for (std::size_t c = 0; c < cpus; ++c) keys[c] = nameless(state, static_cast<int>(c));
  std::array<Byte, max_cpus> order{0, 1, 2};
  do {
    bool sorted = true;
    for (std::size_t i = 0; i < cpus; ++i) {
      sorted = sorted && system.runs[order[i]] == system.runs[i];
      const bool seen = static_cast<int>(i) < system.observed_cpus;
      if (seen && system.observed_cpus < system.cpus) {
        sorted = sorted && order[i] == i;
      } else if (i + 1 < cpus && system.runs[i] == system.runs[i + 1])
        sorted = sorted && keys[order[i]] <= keys[order[i + 1]];
    }
    if (!sorted) continue;
    for (Byte i = 0; i < max_cpus; ++i) names.cpus[order[i]] = i;
    const State s = names.change_nothing() ? state : renamed(system, state, names);
    if (!any || std::memcmp(&s, &best, sizeof s) < 0) best = s;
    any = true;
  } while (std::next_permutation(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(cpus)));
}

/// Slots are handed out in turn, so that only their order counts: the one in use is called 0.
void rotate_slots(const System& system, const Program& program, Cpu& cpu) {
  const int asids = std::min(system.asids, max_asids), first = cpu.own[index_of(Own::asid)];
  if (first == 0) return;
  const auto rotated = [&](Byte asid) { return static_cast<Byte>((asid + asids - first) % asids); };
  std::rotate(cpu.slots, cpu.slots + first, cpu.slots + asids);
  cpu.pcid = rotated(cpu.pcid);
  cpu.own[index_of(Own::asid)] = 0;
  cpu.own[index_of(Own::next_asid)] = rotated(cpu.own[index_of(Own::next_asid)]);
  const auto live = [&](Pc pc) { return (program[pc].live >> index_of(Register::asid) & 1) != 0; };
  Byte& now = cpu.registers[index_of(Register::asid)];
  Byte& later = cpu.saved[index_of(Register::asid)];
  if (live(cpu.pc)) now = rotated(now);
  if (live(cpu.resume)) later = rotated(later);
}

}  // namespace

State canonical(const System& system, const State& state) {
  State from = state, best;
  if (system.generations) renumber_generations(system, from);
  if (system.asids > 1)
    for (int c = 0; c < std::min(system.cpus, max_cpus); ++c)
      rotate_slots(system, system.program(c), from.cpus[c]);
  bool any = false;
  const bool alike = system.same_mms && system.mms == 2;
  const auto one = holds(from, 0), other = holds(from, 1);
  if (!alike || one <= other) least(system, from, any, best);
  if (alike && other <= one) {
    Names names;
    std::swap(names.mms[0], names.mms[1]);
    least(system, renamed(system, from, names), any, best);
  }
  return best;
}

}  // namespace mmuref::spec::protocol
