// A machine with caches over one mapping, for tests to change things under.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <set>

#include "diff/program.h"
#include "tests/model/scene.h"

namespace mmuref::x86::test {

/// The tables of a scene. Every address below is in its page.
struct Lab {
  Scene scene;
  diff::CachingMachine machine;

  explicit Lab(const Scene& s = mapping()) : scene(s), machine(build(s)) {}

  static diff::CachingMachine build(const Scene& s) {
    diff::Memory memory;
    for (int level = s.levels; level >= s.leaf; --level)
      memory.write(s.at(level), s.entry[static_cast<unsigned>(level)]);
    const std::vector<diff::Tlb> cpus{diff::Tlb(s.cpu, s.registers)};
    return {memory, cpus};
  }

  const Registers<Word>& registers() const { return machine.cpu(0).registers(); }

  Exception execute(OperationKind kind, Word value = 0, Word address = 0, Word descriptor = 0) {
    return machine.execute(0, {kind, value, address, descriptor}).exception;
  }
  Exception invlpg(Word address) { return execute(OperationKind::invlpg, 0, address); }
  Exception invpcid(Word type, Word pcid, Word address = 0) {
    return execute(OperationKind::invpcid, type, address, pcid);
  }
  /// The same tables under another PCID, nothing dropped.
  Exception switch_pcid(Word pcid) {
    return execute(OperationKind::mov_cr3, (registers().cr3 & ~bits(11, 0)) | pcid | bit(63));
  }

  Word entry(int level) const { return machine.memory().read(scene.at(level)); }
  void write(int level, Word value) { machine.write(scene.at(level), value); }
  /// The entry above the leaf references another table, which holds this leaf.
  void replace_table(Word table, Word leaf) {
    const int above = scene.leaf + 1;
    machine.write(table | table_index(scene.access.va, scene.leaf) << 3, leaf);
    write(above, table | (scene.entry[static_cast<unsigned>(above)] & bits(11, 0)));
  }

  /// The physical addresses that the access may reach; a page fault is bit 63 and its error code.
  std::set<Word> answers(const Access<Word>& a) const {
    std::set<Word> all;
    for (const auto& p : machine.outcomes(0, a))
      all.insert(p.walk.outcome == Outcome::translated ? p.walk.physical_address
                                                       : bit(63) | p.walk.error_code);
    return all;
  }
  std::set<Word> answers() const { return answers(scene.access); }
  bool possible(Word answer) const { return answers().contains(answer); }
  /// The access is made and has any of its outcomes.
  void access() {
    const auto all = machine.outcomes(0, scene.access);
    machine.settle(0, scene.access, all);
  }
};

/// What of something cached is still of use.
struct Left {
  bool translation = false, structure = false;
  bool operator==(const Left&) const = default;
};
inline constexpr Left everything_left{true, true}, nothing_left{false, false},
    the_translation{true, false}, the_structure{false, true};

inline void PrintTo(const Left& left, std::ostream* os) {
  *os << (left.translation ? "the translation" : "no translation") << " and "
      << (left.structure ? "the structure" : "no structure");
}

/// What is cached of the scene's page under `made_under`, when `operation(lab)` runs under
/// `run_under`. By then no table leads there: the entry above the leaf references another table,
/// and the leaf is not present. So the old frame shows a translation that was kept; and a frame
/// that the old leaf gets afterwards shows a kept paging-structure-cache entry.
template <class RunOperation>
Left left_after(Scene s, Word made_under, Word run_under, const RunOperation& operation) {
  const bool pcids = has(s.registers.cr4, cr4::PCIDE);
  if (pcids) s.registers.cr3 |= made_under;
  Lab lab(s);
  const Word old = lab.entry(s.leaf), offset = page_offset(s.access.va, s.leaf);
  const Word frame_step = bit(level_shift(s.leaf));
  const Word old_frame = frame_at[static_cast<unsigned>(s.leaf)];
  EXPECT_EQ(lab.answers(), std::set{old_frame | offset});

  lab.replace_table(0xc000'0000, old + frame_step);  // aligned to a page of each size
  lab.write(s.leaf, 0);
  EXPECT_TRUE(lab.possible(old_frame | offset)) << "stale before the operation";
  if (pcids) {
    EXPECT_EQ(lab.switch_pcid(run_under), Exception::none);
  }
  operation(lab);
  lab.write(s.leaf, old + 2 * frame_step);
  if (has(lab.registers().cr4, cr4::PCIDE)) {
    EXPECT_EQ(lab.switch_pcid(made_under), Exception::none);
  }
  EXPECT_TRUE(lab.possible((old_frame + frame_step) | offset)) << "the walk of memory";
  return {lab.possible(old_frame | offset), lab.possible((old_frame + 2 * frame_step) | offset)};
}

}  // namespace mmuref::x86::test
