#include "spec/protocol/search.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <numeric>
#include <stdexcept>

namespace mmuref::spec::protocol {
namespace {

std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93;
  x ^= x >> 32;
  x *= 0xd6e8feb86659fd93;
  return x ^ (x >> 32);
}

std::uint64_t fingerprint(const State& state) {
  const auto* bytes = reinterpret_cast<const char*>(&state);
  std::uint64_t h = 0x9e3779b97f4a7c15;
  std::size_t i = 0;
  for (; i + 8 <= sizeof state; i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + i, 8);
    h = mix(h ^ word) + 0x9e3779b97f4a7c15 * (i + 1);
  }
  std::uint64_t rest = 0;
  std::memcpy(&rest, bytes + i, sizeof state - i);
  return mix(h ^ rest);
}

/// The states seen: a fingerprint and a parent each, in the order of finding; and an open-addressed
/// table of their numbers.
class Seen {
 public:
  static constexpr std::uint32_t no_parent = ~std::uint32_t{0};

  Seen() : table_(std::size_t{1} << 16, 0) {}

  /// Whether it is new.
  bool add(std::uint64_t print, std::uint32_t parent) {
    if (prints_.size() * 10 >= table_.size() * 7) grow();
    std::size_t i = print & (table_.size() - 1);
    for (; table_[i] != 0; i = (i + 1) & (table_.size() - 1))
      if (prints_[table_[i] - 1] == print) return false;
    prints_.push_back(print);
    parents_.push_back(parent);
    table_[i] = static_cast<std::uint32_t>(prints_.size());
    return true;
  }
  std::size_t size() const { return prints_.size(); }
  std::size_t bytes() const {
    return prints_.capacity() * 8 + parents_.capacity() * 4 + table_.capacity() * 4;
  }
  /// The fingerprints on the way to state `n`, the first state's included.
  std::vector<std::uint64_t> path(std::uint32_t n) const {
    std::vector<std::uint64_t> prints;
    for (; n != no_parent; n = parents_[n]) prints.push_back(prints_[n]);
    std::ranges::reverse(prints);
    return prints;
  }

 private:
  void grow() {
    std::vector<std::uint32_t> table(table_.size() * 2, 0);
    for (std::size_t n = 0; n < prints_.size(); ++n) {
      std::size_t i = prints_[n] & (table.size() - 1);
      while (table[i] != 0) i = (i + 1) & (table.size() - 1);
      table[i] = static_cast<std::uint32_t>(n + 1);
    }
    table_ = std::move(table);
  }

  std::vector<std::uint64_t> prints_;
  std::vector<std::uint32_t> parents_;
  std::vector<std::uint32_t> table_;  ///< 1 + number, 0 where free
};

/// New names: processor c is called cpus[c], and so on. The last of the mms is no_mm, the last of
/// the pages `all_pages`, which keep theirs.
struct Names {
  std::array<Byte, max_cpus> cpus{0, 1, 2};
  std::array<Byte, max_mms + 1> mms{0, 1, no_mm};
  std::array<Byte, max_pages + 1> pages{0, 1, all_pages};

  Byte mask(Byte old) const {
    Byte out = 0;
    for (std::size_t c = 0; c < max_cpus; ++c)
      if ((old >> c & 1) != 0) out |= static_cast<Byte>(1 << cpus[c]);
    return out;
  }
  std::size_t pte(std::size_t m, std::size_t p) const {
    return static_cast<std::size_t>(mms[m] * max_pages + pages[p]);
  }
  /// A variable's place in memory.
  Byte place(Byte old) const {
    if (old < width(Place::pte)) return static_cast<Byte>(pte(old / max_pages, old % max_pages));
    int from = offset(Place::pmd);
    for (const Place at : {Place::pmd, Place::mask, Place::generation, Place::flush_pending,
                           Place::lock, Place::tlb_state, Place::loaded}) {
      const int index = old - from;
      if (index < width(at)) {
        const bool by_cpu = at == Place::tlb_state || at == Place::loaded;
        const auto i = static_cast<std::size_t>(index);
        return static_cast<Byte>(from + (by_cpu ? cpus[i] : mms[i]));
      }
      from += width(at);
    }
    return old;
  }
  void registers(Byte* r) const {
    r[static_cast<int>(Register::mm)] = mms[r[static_cast<int>(Register::mm)]];
    r[static_cast<int>(Register::next_mm)] = mms[r[static_cast<int>(Register::next_mm)]];
    r[static_cast<int>(Register::page)] = pages[r[static_cast<int>(Register::page)]];
    r[static_cast<int>(Register::cpus)] = mask(r[static_cast<int>(Register::cpus)]);
  }
};

void rename(Cpu& cpu, const Names& names) {
  names.registers(cpu.registers);
  names.registers(cpu.saved);
  for (const Own o : {Own::current_mm, Own::active_mm, Own::loaded_mm})
    cpu.own[static_cast<int>(o)] = names.mms[cpu.own[static_cast<int>(o)]];
  Byte& mm = cpu.payload[static_cast<int>(Payload::mm)];
  Byte& page = cpu.payload[static_cast<int>(Payload::page)];
  mm = names.mms[mm];
  page = names.pages[page];
  if (cpu.sender != 0) cpu.sender = static_cast<Byte>(1 + names.cpus[cpu.sender - 1]);
  cpu.pending = names.mask(cpu.pending);
  cpu.waiting = names.mask(cpu.waiting);
  for (int i = 0; i < cpu.buffered; ++i) cpu.buffer_place[i] = names.place(cpu.buffer_place[i]);
  for (Slot& slot : cpu.slots) {
    slot.mm = names.mms[slot.mm];
    if (names.pages[0] != 0) std::swap(slot.pages[0], slot.pages[1]);
  }
}

State renamed(const State& s, const Names& names) {
  State out = s;
  for (std::size_t m = 0; m < max_mms; ++m)
    for (std::size_t p = 0; p < max_pages; ++p)
      out.forbidden[names.pte(m, p)] = s.forbidden[m * max_pages + p];
  for (Byte i = 0; i < memory_size; ++i) out.memory[names.place(i)] = s.memory[i];
  for (int m = 0; m < max_mms; ++m) {
    Byte& mask = out.memory[offset(Place::mask) + m];
    mask = names.mask(mask);
  }
  out.freed_tables = out.freed_frames = 0;
  for (std::size_t m = 0; m < max_mms; ++m) {
    out.freed_tables |= static_cast<Byte>((s.freed_tables >> m & 1) << names.mms[m]);
    out.freed_frames |= static_cast<Byte>((s.freed_frames >> 2 * m & 3) << 2 * names.mms[m]);
  }
  for (std::size_t c = 0; c < max_cpus; ++c) {
    Cpu& cpu = out.cpus[names.cpus[c]];
    cpu = s.cpus[c];
    rename(cpu, names);
  }
  return out;
}

/// What of a processor does not depend on names.
std::array<Byte, 8> nameless(const Cpu& c) {
  const Slot& slot = c.slots[c.pcid];
  return {c.pc,
          c.resume,
          c.irq_off,
          c.buffered,
          c.buffer_value[0],
          static_cast<Byte>(c.waiting != 0),
          static_cast<Byte>(c.pending != 0),
          slot.table};
}

}  // namespace

// Any choice among the names is sound, since the states are the same but for them; a better choice
// merges more. Processors are ordered by what has no names in it, mms by what they hold; ties are
// tried both ways.
State canonical(const System& system, const State& state) {
  const auto mm_key = [&](int m) {
    std::array<Byte, 9> key{};
    for (int i = 0; i < 2; ++i) {
      key[static_cast<std::size_t>(i)] = state.memory[offset(Place::pte) + m * max_pages + i];
      key[static_cast<std::size_t>(i + 2)] = state.forbidden[m * max_pages + i];
    }
    std::size_t n = 4;
    for (const Place at : {Place::pmd, Place::lock, Place::generation, Place::flush_pending})
      key[n++] = state.memory[offset(at) + m];
    key[n] = static_cast<Byte>(std::popcount(state.memory[offset(Place::mask) + m]));
    return key;
  };
  Names names;
  if (system.mms == 2 && mm_key(1) < mm_key(0)) std::swap(names.mms[0], names.mms[1]);

  std::array<std::uint8_t, max_cpus> order{0, 1, 2};
  const auto may_swap = [&](Byte a, Byte b) { return system.runs[a] == system.runs[b]; };
  for (int pass = 1; pass < system.cpus; ++pass)
    for (std::size_t i = 0; i + 1 < static_cast<std::size_t>(system.cpus); ++i)
      if (may_swap(order[i], order[i + 1]) &&
          nameless(state.cpus[order[i + 1]]) < nameless(state.cpus[order[i]]))
        std::swap(order[i], order[i + 1]);
  for (Byte i = 0; i < max_cpus; ++i) names.cpus[order[i]] = i;

  State best = renamed(state, names);
  const auto attempt = [&](const Names& other) {
    const State s = renamed(state, other);
    if (std::memcmp(&s, &best, sizeof s) < 0) best = s;
  };
  for (std::size_t i = 0; i + 1 < static_cast<std::size_t>(system.cpus); ++i) {
    if (!may_swap(order[i], order[i + 1]) ||
        nameless(state.cpus[order[i]]) != nameless(state.cpus[order[i + 1]]))
      continue;
    Names other = names;
    std::swap(other.cpus[order[i]], other.cpus[order[i + 1]]);
    attempt(other);
  }
  if (system.mms == 2 && mm_key(0) == mm_key(1)) {
    Names other = names;
    std::swap(other.mms[0], other.mms[1]);
    attempt(other);
  }
  return best;
}

namespace {

class Search {
 public:
  Search(const System& system, const SearchOptions& options) : system_(system), options_(options) {}

  SearchResult run() {
    const auto start = std::chrono::steady_clock::now();
    const State initial = first(system_, options_.machine);
    add(initial, Seen::no_parent);
    while (!next_.empty() && !done_) level();
    if (!done_) result_.verdict = Verdict::holds;
    result_.states = seen_.size();
    result_.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return std::move(result_);
  }

 private:
  State key(const State& s) const { return options_.symmetry ? canonical(system_, s) : s; }

  void add(const State& s, std::uint32_t parent) {
    const State kept = key(s);
    if (seen_.add(fingerprint(kept), parent)) next_.push_back(kept);
  }

  void level() {
    std::vector<State> now;
    now.swap(next_);
    const std::size_t before = seen_.size() - now.size();
    for (std::size_t i = 0; i < now.size() && !done_; ++i) {
      const auto number = static_cast<std::uint32_t>(before + i);
      following_.clear();
      successors(system_, now[i], options_.machine, following_);
      result_.transitions += following_.size();
      if (const std::string why = violation(system_, now[i], following_.empty()); !why.empty()) {
        done_ = true;
        result_.verdict = Verdict::violated;
        result_.reason = why;
        trace(number);
        return;
      }
      for (const Successor& s : following_) add(s.state, number);
      if ((i & 0xfff) == 0) bounds(now);
    }
    bounds(now);
    if (!next_.empty()) ++result_.depth;
    if (options_.progress) options_.progress(seen_.size(), next_.size());
  }

  void bounds(const std::vector<State>& now) {
    const std::size_t bytes = seen_.bytes() + (now.capacity() + next_.capacity()) * sizeof(State);
    result_.bytes = std::max(result_.bytes, bytes);
    if (done_ || (seen_.size() <= options_.max_states && bytes <= options_.max_bytes)) return;
    done_ = true;
    result_.verdict = Verdict::unknown;
    result_.reason = seen_.size() > options_.max_states ? "the bound on states was reached"
                                                        : "the bound on memory was reached";
  }

  /// Events from the first state to state `number`, in the names that the first state has.
  void trace(std::uint32_t number) {
    const auto prints = seen_.path(number);
    State state = first(system_, options_.machine);
    for (std::size_t i = 1; i < prints.size(); ++i) {
      following_.clear();
      successors(system_, state, options_.machine, following_);
      const auto it = std::ranges::find_if(
          following_, [&](const Successor& s) { return fingerprint(key(s.state)) == prints[i]; });
      if (it == following_.end()) throw std::logic_error("a trace that does not lead on");
      result_.trace.push_back(it->event);
      state = it->state;
    }
    result_.reason = violation(system_, state, true);
  }

  const System& system_;
  const SearchOptions& options_;
  Seen seen_;
  std::vector<State> next_;  ///< found, and not yet followed
  std::vector<Successor> following_;
  SearchResult result_;
  bool done_ = false;
};

}  // namespace

SearchResult search(const System& system, const SearchOptions& options) {
  return Search(system, options).run();
}

std::vector<State> replay(const System& system, const std::vector<Event>& trace,
                          const Options& options) {
  std::vector<State> states{first(system, options)};
  std::vector<Successor> following;
  for (std::size_t i = 0; i < trace.size(); ++i) {
    following.clear();
    successors(system, states.back(), options, following);
    const auto it = std::ranges::find_if(following, [&](const Successor& s) {
      return s.event.kind == trace[i].kind && s.event.cpu == trace[i].cpu &&
             s.event.pc == trace[i].pc && s.event.target == trace[i].target;
    });
    if (it == following.end())
      throw std::invalid_argument("event " + std::to_string(i) + " cannot happen there");
    states.push_back(it->state);
  }
  return states;
}

}  // namespace mmuref::spec::protocol
