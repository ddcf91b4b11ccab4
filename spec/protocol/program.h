// Programs of processors: steps as data, one line each with the function of the kernel it is from.
#pragma once

#include <array>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "spec/protocol/state.h"

namespace mmuref::spec::protocol {

/// Registers by role, so that processors, mms and pages can be renamed in a state. Generations in
/// registers are of the mm in `mm`.
enum class Register : Byte {
  mm,     ///< an mm, or no_mm
  page,   ///< a page
  pte,    ///< a PTE value
  cpus,   ///< a mask of processors
  newer,  ///< a generation: of the mm, or of a flush
  older,  ///< a generation
  asid,   ///< a slot
  flag,   ///< a truth value
  todo,   ///< a mask of processors
  cpu,    ///< a processor
  seen,   ///< an mm, no_mm, or switching_mm
};
static_assert(static_cast<int>(Register::seen) + 1 == register_count);
using RegisterSet = std::uint16_t;  ///< a bit each

/// Per-processor variables that no other processor reads, by role.
enum class Own : Byte {
  current_mm,  ///< mm of the running task; no_mm for a kernel thread
  active_mm,   ///< current->active_mm
  loaded_mm,   ///< cpu_tlbstate.active_mm, where no other processor reads it
  tlb_state,   ///< cpu_tlbstate.state
  asid,        ///< cpu_tlbstate.loaded_mm_asid
  next_asid,   ///< cpu_tlbstate.next_asid
  batch,       ///< tlb_ubc.cpumask: processors a batch of unmapped pages must be flushed on
};
static_assert(static_cast<int>(Own::batch) + 1 == own_count);

/// Arguments that travel with an interrupt (struct flush_tlb_info).
enum class Payload : Byte {
  mm,          ///< no_mm: every one
  page,        ///< a page, or `all_pages`
  generation,  ///< new_tlb_gen
  freed,       ///< freed_tables
};
static_assert(static_cast<int>(Payload::freed) + 1 == payload_count);
inline constexpr Byte all_pages = max_pages;

struct Operand {
  enum class Kind : Byte {
    constant,
    self,
    reg,
    own,
    payload,
    slot_generation
  } kind = Kind::constant;
  Byte value = 0;  ///< the constant, or which register, variable or argument
};
constexpr Operand constant(int value) {
  return {Operand::Kind::constant, static_cast<Byte>(value)};
}
/// The number of the processor.
inline constexpr Operand self{Operand::Kind::self, 0};
constexpr Operand of(Register r) {
  return {Operand::Kind::reg, static_cast<Byte>(r)};
}
constexpr Operand of(Own o) {
  return {Operand::Kind::own, static_cast<Byte>(o)};
}
/// The argument of the interrupt being handled; of `tell`, of the one to be sent.
constexpr Operand of(Payload p) {
  return {Operand::Kind::payload, static_cast<Byte>(p)};
}
/// ctxs[asid].tlb_gen of the slot in use.
inline constexpr Operand slot_generation{Operand::Kind::slot_generation, 0};

/// A shared variable: by mm or processor, and of PTEs and locks by page too.
struct At {
  Place place = Place::pte;
  Operand index, page;
};

enum class Op : Byte {
  // Local to the processor.
  set,           ///< to := a
  jump,          ///< to the target
  unless_equal,  ///< to the target unless a = b
  unless_less,   ///< unless a < b
  unless_next,   ///< unless a = b + 1
  unless_bit,    ///< unless bit b of a is set
  unless_other,  ///< unless a has a bit of another processor
  add_bits,      ///< to := to | a
  drop_bit,      ///< to := to without bit b
  choose,        ///< to any of the targets, or on
  pick,          ///< to := any processor of mask a, which is taken out of the mask
  choose_slot,   ///< for mm a at generation b: to := the slot, flag := whether it must be flushed
  note_slot,     ///< ctxs[to] := {a, b}
  note_asid,     ///< the slot in use is a
  // Memory.
  load,       ///< to := at, from the processor's own buffer if it is there
  store,      ///< at := a, by way of the store buffer
  set_bit,    ///< LOCK BTS of the processor's bit
  clear_bit,  ///< LOCK BTR of it
  exchange,   ///< to := at, at := a, at once
  increment,  ///< to := at := at + 1, at once
  decrement,  ///< at := at - 1, at once
  barrier,    ///< waits for the store buffer
  acquire,    ///< waits until the lock is free and takes it
  release,    ///< at := 0 by way of the store buffer
  // The MMU.
  load_cr3,  ///< the tables of mm `a` under slot `b`, dropping what is cached there
  keep_cr3,  ///< the same with bit 63: nothing is dropped
  invlpg,    ///< page `a`, but with b = 1, and paging-structure entries
  // Interrupts.
  disable,  ///< CLI
  enable,   ///< STI
  tell,     ///< payload[to] := a
  send,     ///< an interrupt to the processors of mask a, but for this one
  wait,     ///< until all have acknowledged
  iret,     ///< acknowledges, and goes on where it was
  // Ghosts.
  forbid,      ///< page `at` was flushed: what its PTE does not hold may be cached no more
  forbid_one,  ///< page `at` was flushed: PTE value a may be cached no more
  permit,      ///< PTE value a is about to be put into page `at`
  free_frame,  ///< the frame of PTE value a, of mm b, goes back to the allocator
  own_frame,   ///< and comes back
  allocate,    ///< to := a writable PTE value of a free frame of mm b, no longer free; or nothing
  free_table,  ///< the table of PTEs of mm a
  own_table,
};

constexpr bool is_condition(Op op) {
  return op >= Op::unless_equal && op <= Op::unless_other;
}

/// What the machine needs of a step; the words for people are apart.
struct Step {
  Op op = Op::jump;
  Operand a{}, b{};
  At at{};
  Operand to{};
  /// CR3 and the mask of its mm may disagree before this step, and what is cached may be stale:
  /// within a switch, where no user memory is accessed.
  bool switching = false;
  /// A load of a variable that is changed only under a lock held here: nobody can tell when it
  /// happens. Of `acquire`: the operation holds two locks at once, so that who waits for
  /// whom can be told.
  bool locked = false;
  Byte target_count = 0;
  std::array<Pc, 7> targets{};
  RegisterSet live = 0;  ///< registers whose value matters before this step, a bit each
};

/// The words of a step. A step without any is not worth showing.
struct Words {
  std::string_view source{};  ///< the function of the kernel
  std::string text{};         ///< what it does
  std::vector<std::string> options{};
};

/// What one processor runs, over and over, and what it runs when it is interrupted.
class Program {
 public:
  const Step& operator[](std::size_t i) const { return steps_[i]; }
  const Words& words(std::size_t i) const { return words_[i]; }
  std::size_t size() const { return steps_.size(); }
  Pc interrupt_entry() const { return entry_; }
  /// The step between two operations, where the processor has nothing to finish.
  static constexpr Pc idle = 0;
  /// Whether the interrupt's handler may read the variable, or change it.
  bool handler_reads(Own o) const { return (handler_reads_ >> static_cast<int>(o) & 1) != 0; }
  bool handler_writes(Own o) const { return (handler_writes_ >> static_cast<int>(o) & 1) != 0; }
  bool handler_stores(Place p) const { return (handler_stores_ >> static_cast<int>(p) & 1) != 0; }

 private:
  friend class Code;
  std::vector<Step> steps_;
  std::vector<Words> words_;
  Pc entry_ = 0;
  Byte handler_reads_ = 0, handler_writes_ = 0, handler_stores_ = 0;
};

/// What a condition compares.
struct Condition {
  Op op = Op::unless_equal;
  Operand a{}, b{};
};
constexpr Condition equal(Operand a, Operand b) {
  return {Op::unless_equal, a, b};
}
constexpr Condition less(Operand a, Operand b) {
  return {Op::unless_less, a, b};
}
constexpr Condition follows(Operand a, Operand b) {
  return {Op::unless_next, a, b};
}
constexpr Condition has_bit(Operand mask, Operand cpu) {
  return {Op::unless_bit, mask, cpu};
}
constexpr Condition has_others(Operand mask) {
  return {Op::unless_other, mask, {}};
}

/// Writes programs down in the order of the kernel's lines. There are no loops but the outermost,
/// so every operation ends unless a step waits for ever.
class Code {
 public:
  using Block = std::function<void()>;
  struct Option {
    std::string text;
    Block block;
  };

  /// A step, its words, and which promises are suspended before it.
  void add(Step step, std::string text = {});
  void when(Condition condition, const std::string& text, const Block& then,
            const Block& otherwise = {});
  void choose(const std::string& text, const std::vector<Option>& options);
  /// `block` is from the kernel's function `name`.
  void in(std::string_view name, const Block& block);
  /// Within, CR3 and masks may disagree.
  void switching(const Block& block);

  void set(Operand to, Operand a, std::string text = {}) {
    add({.op = Op::set, .a = a, .to = to}, std::move(text));
  }

  /// The whole program: `operations` chosen among for ever, and the handler. Throws
  /// std::invalid_argument for more than 65,535 steps or 7 options.
  Program finish(const std::vector<Option>& operations, const Block& handler);

 private:
  std::size_t here() const { return program_.steps_.size(); }
  void aim(std::size_t step);
  void find_live();
  void look_at_handler();

  Program program_;
  std::string_view source_;
  bool switching_ = false;
};

}  // namespace mmuref::spec::protocol
