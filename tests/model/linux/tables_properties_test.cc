// Mappings come and go in any order: the processor's walk must see what a list of them says, and no
// table may be lost.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "model/linux/follow.h"
#include "model/linux/free.h"
#include "model/linux/remap.h"
#include "tests/model/linux/space.h"

namespace mmuref::lnx::test {
namespace {

/// One of some places for a mapping, up to four pages each, around every kind of boundary.
std::vector<Word> places(const Kernel& k) {
  std::vector<Word> all{0, 0x8000};
  for (const Word boundary : {Word{0x20'0000}, Word{0x40'0000}, Word{0x4000'0000},
                              Word{0x80'0000'0000}, Word{0x1'0000'0000'0000}}) {
    if (boundary >> k.virtual_mask_shift != 0) continue;
    all.push_back(boundary - 0x2000);
    all.push_back(boundary + 0x2000);
  }
  all.push_back(bit(k.virtual_mask_shift) - 0x5000);
  return all;
}

struct Mapping {
  Word pages, pfn, prot;
};

struct Model {
  explicit Model(const Kernel& k) : space(k), at(places(k)) {}
  Space space;
  std::vector<Word> at;
  std::map<Word, Mapping> mapped;  ///< by start

  void map(Word start, const Mapping& m, std::uint64_t allocations) {
    if (mapped.contains(start)) return;
    space.pages.left = allocations;
    vm_area_struct<Word> vma{.vm_start = start, .vm_end = start + m.pages * 4096};
    const Errno error = remap_pfn_range(space.k, space.mm, vma, start, m.pfn, m.pages * 4096,
                                        pgprot_t<Word>{m.prot});
    mapped[start] = m;
    if (error == Errno::ok) return;
    RC_ASSERT(error == Errno::nomem);
    unmap(start);  // as mmap does
  }

  /// Clears the pages and gives the tables back, between the neighbours.
  void unmap(Word start) {
    const auto it = mapped.find(start);
    if (it == mapped.end()) return;
    const Word end = start + it->second.pages * 4096;
    for (Word va = start; va < end; va += 4096) {
      const auto found = follow_pte<Word>(space.k, space.mm, va);
      if (found.error == Errno::ok) space.memory.write(found.ptep, 0);
    }
    const Word floor =
        it == mapped.begin() ? 0 : std::prev(it)->first + std::prev(it)->second.pages * 4096;
    const Word ceiling = std::next(it) == mapped.end() ? 0 : std::next(it)->first;
    free_pgd_range(space.k, space.mm, start, end, floor, ceiling);
    mapped.erase(it);
  }

  /// What the list says of a page: its mapping's start, or nothing.
  const std::pair<const Word, Mapping>* find(Word va) const {
    auto it = mapped.upper_bound(va);
    if (it == mapped.begin()) return nullptr;
    --it;
    return va - it->first < it->second.pages * 4096 ? &*it : nullptr;
  }

  void check() const {
    std::set<std::pair<int, Word>> needed;
    for (const Word start : at) {
      for (Word va = start; va < start + 6 * 4096; va += 4096) {
        const auto* m = find(va);
        const auto w = space.walk(va + 0x10);
        if (m == nullptr) {
          RC_ASSERT(w.rule == x86::Rule::not_present || w.rule == x86::Rule::non_canonical);
          continue;
        }
        const Word pfn = m->second.pfn + ((va - m->first) >> 12);
        RC_ASSERT(w.outcome == x86::Outcome::translated);
        RC_ASSERT(w.physical_address == (pfn << 12) + 0x10);
        RC_ASSERT((w.last().value & ~(pfn << 12)) == (m->second.prot | page::SPECIAL));
        for (int level = 1; level < space.k.config.levels; ++level)
          needed.insert({level, va >> (12 + 9 * level)});
      }
    }
    RC_ASSERT(needed.size() == space.pages.live.size());
  }
};

void run(const Kernel& k) {
  Model model(k);
  const auto steps = *rc::gen::inRange(1, 30);
  for (int i = 0; i < steps; ++i) {
    const Word start = model.at[*rc::gen::inRange<std::size_t>(0, model.at.size())];
    if (*rc::gen::inRange(0, 3) == 0) {
      model.unmap(start);
    } else {
      const Mapping m{.pages = *rc::gen::inRange<Word>(1, 5),
                      .pfn = *rc::gen::inRange<Word>(0, bit(34) - 4),
                      .prot = *rc::gen::element<Word>(0x27, 0x25, 0x23, 0x3f, bit(63) | 0x27)};
      const bool scarce = *rc::gen::inRange(0, 4) == 0;
      model.map(start, m, scarce ? *rc::gen::inRange<std::uint64_t>(0, 8) : 1000);
    }
    model.check();
  }
  while (!model.mapped.empty()) model.unmap(model.mapped.begin()->first);
  model.check();
  RC_ASSERT(model.space.pages.live.empty());
  RC_ASSERT(std::none_of(model.space.memory.entries().begin(), model.space.memory.entries().end(),
                         [](const auto& e) { return e.first < 0x2000; }));
}

RC_GTEST_PROP(TablesProperty, TheWalkSeesTheMappingsWithFourLevels, ()) {
  run(linux_4_6);
}
RC_GTEST_PROP(TablesProperty, TheWalkSeesTheMappingsWithFiveLevels, ()) {
  run(linux_la57);
}

// A table is freed at most once and only where nobody is left, whatever floor and ceiling are.
RC_GTEST_PROP(TablesProperty, TheArithmeticOfFreeingFreesWhatNobodyNeeds, ()) {
  const int level = *rc::gen::inRange(2, 6);
  const Word size = size_of(level);
  const auto page = [] { return *rc::gen::inRange<Word>(0, 64); };
  // In eighths of the span, a few spans up.
  const Word base = size * 16, step = size / 8;
  Word edges[] = {page(), page(), page(), page()};
  std::sort(std::begin(edges), std::end(edges));
  const Word floor = base + edges[0] * step, addr = base + edges[1] * step,
             end = base + (edges[2] + 1) * step, ceiling = base + (edges[3] + 1) * step;
  const Word first = addr / size * size, next = std::min(first + size, end);
  const bool free = first >= floor && first + size <= ceiling;
  RC_ASSERT(table_unneeded(addr, next, floor, ceiling, level) == free);
  RC_ASSERT(table_unneeded(addr, next, floor, Word{0}, level) == (first >= floor));
}

}  // namespace
}  // namespace mmuref::lnx::test
