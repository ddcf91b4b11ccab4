// Any sequence of page-table operations of Linux: after each, the processor's walk, follow_pte and
// the tables in use are what a list of pages says.
//
// Input: a byte that chooses the kernel, then steps of 8 bytes: operation, place, number of pages,
// protection, and 4 bytes of frame number or, of the operation that maps, the top byte says how
// many tables can be allocated.
#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "fuzz/mutator.h"
#include "fuzz/require.h"
#include "fuzz/step_input.h"
#include "model/linux/atomic_entries.h"
#include "model/linux/follow.h"
#include "model/linux/free.h"
#include "model/linux/remap.h"

namespace {

using namespace mmuref::lnx;
using mmuref::bit;
using mmuref::bits;
using mmuref::has;
using mmuref::fuzz::require;
using Word = std::uint64_t;
using Access = mmuref::x86::Access<Word>;
using Walk = mmuref::x86::Walk<Word>;
using mmuref::x86::Outcome;

constexpr std::size_t header_bytes = 1, step_bytes = 8, max_steps = 64;
constexpr Word page_bytes = 4096, huge_pages = 512;

/// Pages of physical memory; a page never written reads 0.
class Memory {
 public:
  Word read(Word address) const {
    const auto it = pages_.find(address / page_bytes);
    return it == pages_.end() ? 0 : it->second[address % page_bytes / 8];
  }
  void write(Word address, Word value) {
    require(address % 8 == 0, "entries are aligned");
    pages_[address / page_bytes][address % page_bytes / 8] = value;
  }
  void fill(Word page, Word value) { pages_[page / page_bytes].fill(value); }

 private:
  std::map<Word, std::array<Word, 512>> pages_;
};

/// Frames from 1 MiB on. A freed one is soon somebody else's: it is filled, so that a walk that
/// still comes there shows.
class Pages {
 public:
  explicit Pages(Memory& memory) : memory_(memory) {}
  std::optional<Word> allocate() {
    if (left == 0) return std::nullopt;
    --left;
    Word page = bit(20);
    while (live.contains(page)) page += page_bytes;
    live.insert(page);
    memory_.fill(page, 0);
    return page;
  }
  void free(Word page) {
    require(live.erase(page) == 1, "a table is freed once, and was given");
    memory_.fill(page, ~Word{0});
  }
  std::set<Word> live;
  Word left = 0;

 private:
  Memory& memory_;
};

/// What the list knows of a mapping; rights and flags of each page.
struct Page {
  bool there, writable, user, executable, young, dirty, soft_dirty;
  Word cache;  ///< PAT, PCD, PWT
};
struct Mapping {
  Word pfn = 0;
  bool huge = false;
  std::vector<Page> pages;
  Word bytes() const { return (huge ? huge_pages : pages.size()) * page_bytes; }
};

struct Step {
  unsigned operation, place, pages, prot;
  Word pfn;
  unsigned top;
};

/// The last runs on a processor without NX.
const std::array<Kernel, 7>& kernels() {
  static const std::array all{kernel(v3_2),
                              kernel(v4_6),
                              kernel(v4_20),
                              kernel(v6_12),
                              kernel(v4_20, {.levels = 5}),
                              kernel(v6_12, {.levels = 5}),
                              kernel(v4_6, {.supported_pte_mask = ~page::NX})};
  return all;
}

/// The last has no rights: it is there for Linux alone.
constexpr std::array<Word, 7> protections{
    page::PRESENT | page::RW | page::USER | page::ACCESSED,
    page::PRESENT | page::USER | page::ACCESSED,
    page::PRESENT | page::RW,
    page::NX | page::PRESENT | page::RW | page::USER,
    page::PRESENT | page::RW | page::USER | page::PAT | page::PCD,
    page::NX | page::PRESENT | page::RW | page::USER | page::ACCESSED | page::DIRTY,
    page::PROTNONE | page::ACCESSED};

/// Who keeps memory types: what was tracked is to be given back if the mapping fails.
struct Tracker {
  std::optional<pgprot_t<Word>> track(Word pfn, Word size, const pgprot_t<Word>& prot) {
    tracked = {pfn, size};
    return prot;
  }
  void untrack(Word pfn, Word size) { untracked = {pfn, size}; }
  std::pair<Word, Word> tracked, untracked;
};

Page page_of(const Kernel& k, Word prot) {
  if (has(prot, page::PRESENT)) prot &= k.config.supported_pte_mask;
  return {.there = has(prot, page::PRESENT),
          .writable = has(prot, page::RW),
          .user = has(prot, page::USER),
          .executable = !has(prot, page::NX),
          .young = has(prot, page::ACCESSED),
          .dirty = has(prot, page::DIRTY),
          .soft_dirty = false,
          .cache = prot & (page::PAT | page::PCD | page::PWT)};
}

class World {
 public:
  explicit World(const Kernel& k) : k_(k) {
    places_ = {0, 0x8000};
    for (const Word edge : {bit(21), bit(22), bit(30), bit(39), bit(48)}) {
      if (edge >> k.virtual_mask_shift != 0) continue;
      places_.push_back(edge - 2 * page_bytes);
      places_.push_back(edge + 2 * page_bytes);
    }
    places_.push_back(bit(k.virtual_mask_shift) - 5 * page_bytes);
    huge_places_ = {bit(23), bit(23) + bit(22), bit(30) + bit(23), bit(39) + bit(23)};
  }

  void run(const Step& s) {
    const unsigned operation = s.operation % 10;
    const bool huge = operation == 3 || operation == 4 || operation == 8;
    const auto& places = huge ? huge_places_ : places_;
    const Word start = places[s.place % places.size()];
    switch (operation) {
      case 0:
      case 1: map(start, s); break;
      case 2:
      case 4: unmap(start); break;
      case 3: map_huge(start, s); break;
      case 5: protect(start, s); break;
      case 6: change(start, s); break;
      case 7: new_root(s); break;
      case 8: spoil(start, s); break;
      default: map_part_of_copied(start, s); break;
    }
    // Every page now and then, and at the end; those of the step each time.
    constexpr unsigned often = 8;
    const bool all = ++steps_ % often == 0;
    check(all ? 0 : start, all ? ~Word{0} : start);
  }

  void finish() {
    check(0, ~Word{0});
    while (!mapped_.empty()) unmap(mapped_.begin()->first);
    require(pages_.live.empty(), "no table is lost");
    for (Word slot = 0; slot < 512; ++slot)
      require(memory_.read(mm_.pgd + 8 * slot) == 0, "the root is empty again");
  }

 private:
  void map(Word start, const Step& s);
  void map_huge(Word start, const Step& s);
  void map_part_of_copied(Word start, const Step& s);
  void unmap(Word start);
  void free_tables(Word start, Word end);
  void spoil(Word start, const Step& s);
  void protect(Word start, const Step& s);
  void change(Word start, const Step& s);
  void new_root(const Step& s);
  /// The mappings that start in first..last, and how many tables there are.
  void check(Word first, Word last);
  void check_page(Word va, const Mapping& m, std::size_t i);
  void check_huge(Word start, const Mapping& m);

  std::optional<Word> pmd_for(Word va) {
    const auto p4d = p4d_alloc<Word>(k_, mm_, pgd_offset<Word>(k_, mm_, va), va);
    const auto pud = p4d ? pud_alloc<Word>(k_, mm_, *p4d, va) : std::nullopt;
    return pud ? pmd_alloc<Word>(k_, mm_, *pud, va) : std::nullopt;
  }
  Walk walk(Word va, bool write, bool fetch, bool user) const {
    const mmuref::x86::Processor<Word> cpu{.maxphyaddr = k_.physical_mask_shift};
    namespace cr0 = mmuref::x86::cr0;
    namespace cr4 = mmuref::x86::cr4;
    namespace efer = mmuref::x86::efer;
    const mmuref::x86::Registers<Word> r{
        .cr0 = cr0::PE | cr0::WP | cr0::PG,
        .cr3 = mm_.pgd,
        .cr4 = cr4::PAE | (k_.config.levels == 5 ? cr4::LA57 : 0),
        .efer =
            efer::LME | efer::LMA | (has(k_.config.supported_pte_mask, page::NX) ? efer::NXE : 0)};
    return mmuref::x86::walk(mmuref::x86::paging(cpu, r),
                             Access{.va = va, .write = write, .fetch = fetch, .cpl3 = user},
                             memory_);
  }

  const Kernel& k_;
  Memory memory_;
  Pages pages_{memory_};
  mm_struct<Word, Memory, Pages> mm_{memory_, pages_, page_bytes};
  std::vector<Word> places_, huge_places_;
  std::map<Word, Mapping> mapped_;  ///< by start
  unsigned steps_ = 0;
};

void World::map(Word start, const Step& s) {
  const Word count = 1 + s.pages % 4;
  const Word prot = protections[s.prot % protections.size()];
  vm_area_struct<Word> vma{
      .vm_start = start, .vm_end = start + count * page_bytes, .vm_flags = vm::SHARED};
  pages_.left = (s.top & 0x80) != 0 ? s.top % 9 : 1000;
  Tracker tracker;
  const Errno error = remap_pfn_range(k_, mm_, vma, start, s.pfn, count * page_bytes,
                                      pgprot_t<Word>{prot}, tracker);
  require(tracker.tracked == std::pair(s.pfn, count * page_bytes), "the range is tracked");
  require(has(vma.vm_flags, vm::PFNMAP) && has(vma.vm_flags, vm::IO), "it maps frames");
  if (mapped_.contains(start)) return require(error == Errno::bug, "mapped pages stay");
  mapped_[start] = {s.pfn, false, std::vector<Page>(count, page_of(k_, prot))};
  if (error == Errno::ok) return;
  require(error == Errno::nomem, "it can only lack memory");
  // Before 4.9 the wrong range was given back.
  require(!k_.untrack_what_was_tracked || tracker.untracked == tracker.tracked,
          "and is given back");
  unmap(start);  // as mmap does
}

/// A private mapping must be mapped whole.
void World::map_part_of_copied(Word start, const Step& s) {
  vm_area_struct<Word> vma{
      .vm_start = start, .vm_end = start + 4 * page_bytes, .vm_flags = vm::MAYWRITE};
  const Word count = 1 + s.pages % 3;
  const Errno error = remap_pfn_range(k_, mm_, vma, start, s.pfn, count * page_bytes,
                                      pgprot_t<Word>{protections[0]});
  require(error == Errno::inval, "a part of a private mapping is refused");
}

void World::map_huge(Word start, const Step& s) {
  if (mapped_.contains(start)) return;
  pages_.left = (s.top & 0x80) != 0 ? s.top % 5 : 1000;
  Mapping m{s.pfn & ~(huge_pages - 1), true, {}};
  const Word prot = protections[s.prot % (protections.size() - 1)];
  m.pages.assign(1, page_of(k_, prot));
  const auto pmd = pmd_for(start);
  mapped_[start] = m;
  if (!pmd) return unmap(start);
  const pmd_t<Word> leaf = pmd_mkhuge(k_, pfn_pmd<Word>(k_, m.pfn, pgprot_t<Word>{prot}));
  memory_.write(*pmd, leaf.value);
}

/// free_pgd_range as unmapping calls it: between the mapping below and the one above.
void World::free_tables(Word start, Word end) {
  const auto above = mapped_.upper_bound(start);
  const auto at = mapped_.lower_bound(start);
  const Word floor =
      at == mapped_.begin() ? 0 : std::prev(at)->first + std::prev(at)->second.bytes();
  free_pgd_range(k_, mm_, start, end, floor, above == mapped_.end() ? 0 : above->first);
}

/// A PMD that is neither empty, nor a leaf, nor what a table's looks like: nothing is found through
/// it, and freeing the tables clears it.
void World::spoil(Word start, const Step& s) {
  if (mapped_.contains(start)) return;
  pages_.left = 1000;
  const auto pmd = pmd_for(start);
  require(pmd.has_value(), "there was memory");
  const Word flags = (s.pfn & bits(11, 0) & ~page::PSE) | ((s.top & 1) != 0 ? page::NX : 0);
  const Word either = page::USER | (k_.pmd_bad_ignores_a ? page::ACCESSED : 0);
  const bool good = (flags & ~either) == (page::KERNPG_TABLE & ~either);
  memory_.write(*pmd, good ? 0 : bit(33) | flags);
  require(follow_pte<Word>(k_, mm_, start).error == Errno::inval, "nothing is found there");
  free_tables(start, start + bit(21));
}

/// Clears the pages and gives the tables back, between the neighbours.
void World::unmap(Word start) {
  const auto it = mapped_.find(start);
  if (it == mapped_.end()) return;
  const Word end = start + it->second.bytes();
  if (it->second.huge) {
    pages_.left = 0;
    if (const auto pmd = pmd_for(start)) memory_.write(*pmd, 0);
  } else {
    for (Word va = start; va < end; va += page_bytes) {
      const auto found = follow_pte<Word>(k_, mm_, va);
      if (found.error == Errno::ok) memory_.write(found.ptep, 0);
    }
  }
  free_tables(start, end);
  mapped_.erase(it);
}

void World::protect(Word start, const Step& s) {
  const auto it = mapped_.find(start);
  if (it == mapped_.end()) return;
  const std::size_t i = s.pages % it->second.pages.size();
  const auto found = follow_pte<Word>(k_, mm_, start + i * page_bytes);
  require(found.error == Errno::ok, "a mapped page is found");
  const Word prot = protections[s.prot % protections.size()];
  memory_.write(found.ptep, pte_modify(k_, found.pte, pgprot_t<Word>{prot}).value);
  // The flags that a processor sets are the entry's own, and so is the cache mode; PAT came late.
  Page& p = it->second.pages[i];
  const Page before = p;
  p = page_of(k_, prot);
  p.young = before.young;
  p.dirty = before.dirty;
  p.soft_dirty = before.soft_dirty;
  p.cache =
      k_.change_mask_has_pat ? before.cache : (before.cache & ~page::PAT) | (p.cache & page::PAT);
}

void World::change(Word start, const Step& s) {
  const auto it = mapped_.find(start);
  if (it == mapped_.end()) return;
  const std::size_t i = s.pages % it->second.pages.size();
  Page& p = it->second.pages[i];
  const auto found = follow_pte<Word>(k_, mm_, start + i * page_bytes);
  require(found.error == Errno::ok, "a mapped page is found");
  pte_t<Word> pte = found.pte;
  switch (s.prot % 6) {
    case 0:
      ptep_set_wrprotect(k_, pte);
      p.writable = false;
      break;
    case 1:
      pte = pte_mkwrite(k_, pte);
      p.writable = true;
      break;
    case 2:
      require(ptep_test_and_clear_young(k_, pte) == p.young, "it says whether it was young");
      p.young = false;
      break;
    case 3:
      pte = pte_mkyoung(k_, pte);
      p.young = true;
      break;
    case 4:
      pte = pte_mkclean(k_, pte);
      p.dirty = false;
      break;
    default: pte = pte_mkdirty(k_, pte); p.dirty = p.soft_dirty = true;
  }
  memory_.write(found.ptep, pte.value);
}

/// A root for another process: the kernel's half is the reference's, and nothing of this one's.
void World::new_root(const Step& s) {
  constexpr Word reference = 2 * page_bytes, slots = 512;
  const AddressSpace<Word> space = default_address_space<Word>(k_);
  for (Word slot = 0; slot < slots; ++slot)
    memory_.write(reference + 8 * slot, s.pfn << 21 | slot << 12 | page::KERNPG_TABLE);
  pages_.left = 1;
  const auto pgd = pgd_alloc<Word>(k_, memory_, pages_, space, reference);
  require(pgd.has_value(), "there was a page");
  const Word boundary = slots / 2 + (space.page_offset >> k_.pgdir_shift & (slots / 2 - 1));
  for (Word slot = 0; slot < slots; ++slot) {
    const Word expected = slot < boundary ? 0 : memory_.read(reference + 8 * slot);
    require(memory_.read(*pgd + 8 * slot) == expected, "the kernel's half, from its direct map on");
  }
  pages_.free(*pgd);
}

void World::check_page(Word va, const Mapping& m, std::size_t i) {
  const Page& p = m.pages[i];
  const Word pfn = m.pfn + i;
  const Walk w = walk(va + 0x10, false, false, false);
  require((w.outcome == Outcome::translated) == p.there, "the processor sees it if it is there");
  if (p.there) {
    require(w.level == 1 && w.physical_address == (pfn << 12) + 0x10, "the frame");
    const auto may = [&](bool write, bool fetch, bool user) {
      return walk(va, write, fetch, user).outcome == Outcome::translated;
    };
    require(may(true, false, false) == p.writable, "the kernel writes");
    require(may(false, true, false) == p.executable, "it fetches");
    require(may(false, false, true) == p.user, "users read");
    require(may(true, false, true) == (p.user && p.writable), "users write");
  }
  vm_area_struct<Word> vma{.vm_flags = vm::PFNMAP};
  const auto found = follow_pte<Word>(k_, mm_, va);
  require(found.error == Errno::ok && pte_pfn(k_, found.pte) == pfn, "Linux finds the frame");
  require(pte_special(k_, found.pte), "it is special");
  require(pte_write(k_, found.pte) == p.writable, "pte_write");
  require(pte_young(k_, found.pte) == p.young, "pte_young");
  require(pte_dirty(k_, found.pte) == p.dirty, "pte_dirty");
  require(has(found.pte.value, page::SOFT_DIRTY) == p.soft_dirty, "pte_soft_dirty");
  require((found.pte.value & (page::PAT | page::PCD | page::PWT)) == p.cache, "the cache mode");
  if (k_.saved_dirty && !p.writable)
    require(!has(found.pte.value, page::DIRTY), "no page becomes a shadow stack");
  const auto phys = follow_phys(k_, mm_, vma, va, true);
  require((phys.error == Errno::ok) == p.writable, "for writing it must be writable");
  vma.vm_flags = 0;
  require(follow_pfn(k_, mm_, vma, va).error == Errno::inval, "frames alone are followed");
}

void World::check_huge(Word start, const Mapping& m) {
  for (const Word offset : {Word{0}, bit(21) - page_bytes}) {
    const Walk w = walk(start + offset, false, false, false);
    require(w.outcome == Outcome::translated && w.level == 2, "2 MiB are mapped at once");
    require(w.physical_address == (m.pfn << 12) + offset, "the large frame");
    require((walk(start, true, false, false).outcome == Outcome::translated) == m.pages[0].writable,
            "the kernel writes");
    require(follow_pte<Word>(k_, mm_, start + offset).error == Errno::bug, "there is no PTE");
  }
}

void World::check(Word first, Word last) {
  std::set<std::pair<int, Word>> tables;
  for (const auto& [start, m] : mapped_) {
    const bool look = start >= first && start <= last;
    for (std::size_t i = 0; i < m.pages.size(); ++i) {
      const Word va = start + i * page_bytes;
      if (look && m.huge) {
        check_huge(va, m);
      } else if (look) {
        check_page(va, m, i);
      }
      for (int level = m.huge ? 2 : 1; level < k_.config.levels; ++level)
        tables.insert({level, va >> (12 + 9 * level)});
    }
    const Word behind = start + m.bytes();
    if (look && !mapped_.contains(behind) && behind >> k_.virtual_mask_shift == 0)
      require(walk(behind, false, false, false).rule == mmuref::x86::Rule::not_present, "no more");
  }
  require(tables.size() == pages_.live.size(), "the tables in use are those that are needed");
}

}  // namespace

MMUREF_MUTATOR((mmuref::fuzz::mutate_steps<header_bytes, step_bytes>));

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::uint8_t> bytes{data, size};
  const auto header = mmuref::fuzz::header_of<header_bytes>(bytes);
  World world(kernels()[header[0] % kernels().size()]);
  mmuref::fuzz::for_each_step<header_bytes, step_bytes>(bytes, max_steps, [&](auto b) {
    const Word pfn = b[4] | Word{b[5]} << 8 | Word{b[6]} << 16;
    world.run({.operation = b[0],
               .place = b[1],
               .pages = b[2],
               .prot = b[3],
               .pfn = pfn << 9 | pfn >> 12,
               .top = b[7]});
  });
  world.finish();
  return 0;
}
