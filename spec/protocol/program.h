// Programs of processors: steps as data, one line each with the function of the kernel it is from.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "spec/protocol/state.h"

namespace mmuref::spec::protocol {

/// Registers by role, so that processors, mms and pages can be renamed in a state.
enum class Register : Byte {
  mm,       ///< an mm, or no_mm
  page,     ///< a page
  pte,      ///< a PTE value
  cpus,     ///< a mask of processors
  number,   ///< a count or a truth value
  next_mm,  ///< an mm, or no_mm
};
static_assert(static_cast<int>(Register::next_mm) + 1 == register_count);

/// Per-processor variables that no other processor reads, by role.
enum class Own : Byte {
  current_mm,  ///< mm of the running task; no_mm for a kernel thread
  active_mm,   ///< current->active_mm
  loaded_mm,   ///< cpu_tlbstate.active_mm, where no other processor reads it
  tlb_state,   ///< cpu_tlbstate.state, likewise
  pcid,        ///< loaded_mm_asid
  gen_0,       ///< ctxs[0].tlb_gen
  gen_1,       ///< ctxs[1].tlb_gen
  budget,      ///< operations this processor has left to start
};
static_assert(static_cast<int>(Own::budget) + 1 == own_count);

/// Arguments that travel with an interrupt (struct flush_tlb_info).
enum class Payload : Byte {
  mm,      ///< no_mm: every one
  page,    ///< a page, or `all_pages`
  number,  ///< new_tlb_gen
  freed,   ///< freed_tables
};
static_assert(static_cast<int>(Payload::freed) + 1 == payload_count);
inline constexpr Byte all_pages = max_pages;

struct Operand {
  enum class Kind : Byte { constant, self, reg, own, payload } kind = Kind::constant;
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
/// The argument of the interrupt being handled.
constexpr Operand of(Payload p) {
  return {Operand::Kind::payload, static_cast<Byte>(p)};
}

/// A shared variable: by mm or processor, and of a PTE by page too.
struct At {
  Place place = Place::pte;
  Operand index, page;
};

enum class Op : Byte {
  // Local to the processor.
  set,         ///< to := a
  jump,        ///< to a label
  jump_equal,  ///< to a label if a = b
  jump_bit,    ///< to a label if bit b of a is set
  jump_other,  ///< to a label if a has a bit of another processor
  choose,      ///< to any of the labels, or on
  // Memory.
  load,       ///< to := at, from the processor's own buffer if it is there
  store,      ///< at := a, by way of the store buffer
  set_bit,    ///< LOCK BTS of the processor's bit
  clear_bit,  ///< LOCK BTR of it
  exchange,   ///< to := at, at := a, at once
  increment,  ///< to := at := at + 1, at once
  barrier,    ///< waits for the store buffer
  acquire,    ///< waits until the lock is free and takes it
  release,    ///< at := 0 by way of the store buffer
  // The MMU.
  load_cr3,  ///< the tables of mm `a` under slot `b`, dropping what is cached there
  keep_cr3,  ///< the same with bit 63: nothing is dropped
  invlpg,    ///< page `a`, and paging-structure entries
  // Interrupts.
  disable,  ///< CLI
  enable,   ///< STI
  tell,     ///< payload[to] := a
  send,     ///< an interrupt to the processors of mask a, but for this one
  wait,     ///< until all have acknowledged
  iret,     ///< acknowledges, and goes on where it was
  // Ghosts.
  forbid,      ///< page `at` was flushed: what its PTE does not hold may be cached no more
  permit,      ///< PTE value a is about to be put into page `at`
  free_frame,  ///< the frame of PTE value a, of mm b, goes back to the allocator
  own_frame,   ///< and comes back
  free_table,  ///< the table of PTEs of mm a
  own_table,
  stop,
};

struct Step {
  Op op = Op::stop;
  Operand a{}, b{};
  At at{};
  Operand to{};  ///< a register, a variable, or of `tell` an argument
  std::vector<std::string> labels{};
  std::string text{};           ///< what it does, in the field's words
  std::string_view source{};    ///< the function of the kernel
  std::vector<Byte> targets{};  ///< `labels`, once the program is whole
  /// CR3 and the mask of its mm may disagree before this step: within a switch (invariant T2).
  bool switching = false;
  /// A load of a variable that is changed only under a lock held here: nobody can tell when it
  /// happens.
  bool locked = false;
};

/// What one processor runs, and what it runs when it is interrupted.
class Program {
 public:
  Program& label(const std::string& name);
  Program& add(Step step);
  /// Resolves labels. Throws std::invalid_argument for one that is not there, for a step that
  /// waits while interrupts are disabled, and for more than 255 steps.
  void finish(const std::string& interrupt_entry);

  const Step& operator[](std::size_t i) const { return steps_[i]; }
  std::size_t size() const { return steps_.size(); }
  Byte interrupt_entry() const { return entry_; }

 private:
  std::vector<Step> steps_;
  std::vector<std::pair<std::string, std::size_t>> labels_;
  Byte entry_ = 0;
};

}  // namespace mmuref::spec::protocol
