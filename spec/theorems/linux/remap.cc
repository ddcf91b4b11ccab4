// remap_pfn_range and follow_pte, against the walk of the processor.
#include "model/linux/remap.h"

#include "model/linux/follow.h"
#include "spec/theorems/linux/space.h"

namespace mmuref::spec {
namespace {

using lnx::Errno;

constexpr std::string_view remap_ref = "Linux, mm/memory.c, remap_pfn_range";
constexpr std::string_view follow_ref = "Linux, mm/memory.c, follow_pte";

constexpr lnx::Kernel linux_4_6 = lnx::kernel(lnx::v4_6);
constexpr lnx::Kernel linux_4_20 = lnx::kernel(lnx::v4_20);
constexpr lnx::Kernel linux_6_12_la57 = lnx::kernel(lnx::v6_12, {.levels = 5});

/// A mapping of `pages` pages that a driver asks for, all of it free.
template <class S>
struct Request {
  using W = WordOf<S>;
  std::uint64_t pages;
  W addr, pfn;
  lnx::pgprot_t<W> prot;
  lnx::vm_area_struct<W> vma;

  Request(S& t, const lnx::Kernel& k, std::uint64_t count, const std::string& suffix = "")
      : pages(count),
        addr(user_pages(t, "va_mapped" + suffix, k, count)),
        pfn(frames(t, "pfn" + suffix, k, count)),
        prot(protection(t, "prot" + suffix)) {
    vma.vm_start = addr;
    vma.vm_end = addr + W{pages << 12};
    vma.vm_flags = t.word("vm_flags" + suffix);
  }

  W size() const { return W{pages << 12}; }
  Bool<W> covers(const W& va) const { return va - addr < size(); }
  /// What the processor must answer for an address it covers.
  Bool<W> mapped_by(const x86::Walk<W>& w, const W& va) const {
    return (w.physical_address == (pfn << 12) + (va - addr)) & grants(w, prot);
  }
};

const auto remap = [](auto& t, const lnx::Kernel& k, std::uint64_t pages) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  Space<W> space(k);
  Request<S> r(t, k, pages);
  const Errno error = lnx::remap_pfn_range(k, space.mm, r.vma, r.addr, r.pfn, r.size(), r.prot);
  t.prove(error == Errno::ok, "there is room");

  const W va = probe(t, r.addr, 0x4000);
  const x86::Walk<W> w = space.walk(va);
  t.prove(legal(w), "every entry is legal");
  t.prove(Bool<W>(mapped(w)) == r.covers(va), "mapped are the addresses asked for");
  t.witness(r.covers(va), "an address of the mapping");
  t.witness(!r.covers(va), "another address");
  if (mapped(w)) {
    t.prove(w.level == 1, "by a PTE");
    t.prove(r.mapped_by(w, va), "to its frame, with the rights asked for");
  }
};

const auto remap_twice = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  Space<W> space(k);
  Request<S> a(t, k, 1, "_a"), b(t, k, 1, "_b");
  t.assume(a.addr != b.addr);
  (void)lnx::remap_pfn_range(k, space.mm, a.vma, a.addr, a.pfn, a.size(), a.prot);
  const Errno error = lnx::remap_pfn_range(k, space.mm, b.vma, b.addr, b.pfn, b.size(), b.prot);
  t.prove(error == Errno::ok, "there is room");

  const W va = probe(t, a.addr, 0x4000);
  const x86::Walk<W> w = space.walk(va);
  t.prove(legal(w), "every entry is legal");
  t.prove(Bool<W>(mapped(w)) == (a.covers(va) | b.covers(va)), "the two and nothing else");
  t.witness(a.covers(va), "an address of the first");
  if (mapped(w)) {
    t.prove((!a.covers(va)) | a.mapped_by(w, va), "the first as it was");
    t.prove((!b.covers(va)) | b.mapped_by(w, va), "the second as asked for");
  }
};

const auto remap_again = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  Space<W> space(k);
  Request<S> a(t, k, 1, "_a"), b(t, k, 1, "_b");
  b.vma = a.vma;
  b.addr = a.addr;
  (void)lnx::remap_pfn_range(k, space.mm, a.vma, a.addr, a.pfn, a.size(), a.prot);
  const Errno error = lnx::remap_pfn_range(k, space.mm, b.vma, b.addr, b.pfn, b.size(), b.prot);
  t.prove(error == Errno::bug, "BUG");
  const x86::Walk<W> w = space.walk(a.addr);
  t.prove(w.outcome == x86::Outcome::translated, "still mapped");
  t.prove(a.mapped_by(w, a.addr), "as it was");
};

const auto remap_without_memory = [](auto& t, const lnx::Kernel& k, std::uint64_t pages) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const W fail_at = t.word("fail_at") & W{7};
  Space<W> space(k, fail_at);
  Request<S> r(t, k, pages);
  const Errno error = lnx::remap_pfn_range(k, space.mm, r.vma, r.addr, r.pfn, r.size(), r.prot);
  t.prove(error == Errno::ok || error == Errno::nomem, "mapped or -ENOMEM");
  t.witness(error == Errno::nomem, "a failure");

  const W va = probe(t, r.addr, 0x4000);
  const x86::Walk<W> w = space.walk(va);
  t.prove(legal(w), "every entry is legal");
  if (mapped(w)) {
    t.prove(r.covers(va), "nothing outside is mapped");
    t.prove(r.mapped_by(w, va), "what is mapped, is mapped as asked for");
    if (pages > 1) t.witness(error == Errno::nomem, "a part that stays mapped");
  } else {
    t.prove(!(r.covers(va) & Bool<W>(error == Errno::ok)), "on success all is mapped");
  }
};

/// Which frames were tracked, and which given back.
template <class W>
struct Ledger {
  W tracked{}, untracked{};
  bool gave_back = false;

  std::optional<lnx::pgprot_t<W>> track(const W& pfn, const W&, const lnx::pgprot_t<W>& prot) {
    tracked = pfn;
    return prot;
  }
  void untrack(const W& pfn, const W&) {
    untracked = pfn;
    gave_back = true;
  }
};

const auto untrack = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  Space<W> space(k, W{0});
  Request<S> r(t, k, 1);
  Ledger<W> ledger;
  (void)lnx::remap_pfn_range(k, space.mm, r.vma, r.addr, r.pfn, r.size(), r.prot, ledger);
  t.prove(ledger.gave_back, "the failure gives back");
  t.prove(ledger.tracked == r.pfn, "tracked is what is mapped");
  t.prove(ledger.untracked == ledger.tracked, "given back is what was tracked");
};

const auto cow = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  Space<W> space(k);
  Request<S> r(t, k, 2);
  const W pgoff = t.word("pgoff");
  r.vma.vm_pgoff = pgoff;
  // A part of the mapping, or the whole.
  const Bool<W> whole = t.flag("whole");
  const W size = select(whole, r.size(), W{lnx::PAGE_SIZE});
  const Bool<W> copies =
      (!has(r.vma.vm_flags, lnx::vm::SHARED)) & has(r.vma.vm_flags, lnx::vm::MAYWRITE);
  const Errno error = lnx::remap_pfn_range(k, space.mm, r.vma, r.addr, r.pfn, size, r.prot);
  t.witness(copies & whole, "a private writable mapping");
  t.prove(Bool<W>(error == Errno::inval) == (copies & !whole), "refused in part alone");
  t.prove(Bool<W>(error == Errno::ok) == ((!copies) | whole), "and else mapped");
  if (error == Errno::ok) {
    t.prove(r.vma.vm_pgoff == select(copies, r.pfn, pgoff), "vm_pgoff is the first frame");
    t.prove(has(r.vma.vm_flags, lnx::vm::PFNMAP) & has(r.vma.vm_flags, lnx::vm::IO), "marked");
  } else {
    t.prove(space.memory.written().empty(), "nothing is written");
  }
};

const auto follow = [](auto& t, const lnx::Kernel& k, std::uint64_t pages) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  Space<W> space(k);
  Request<S> r(t, k, pages);
  (void)lnx::remap_pfn_range(k, space.mm, r.vma, r.addr, r.pfn, r.size(), r.prot);

  // Linux asks for user addresses alone: the walk of others is not its business.
  const W va = probe(t, r.addr, 0x4000) & W{bits(k.virtual_mask_shift - 1, 0)};
  const lnx::FollowPfn<W> pfn = lnx::follow_pfn(k, space.mm, r.vma, va);
  t.prove(pfn.error == Errno::ok || pfn.error == Errno::inval, "found or -EINVAL");
  t.prove(Bool<W>(pfn.error == Errno::ok) == r.covers(va), "found is what was mapped");
  t.witness(r.covers(va), "an address of the mapping");
  if (pfn.error != Errno::ok) return;
  t.prove(pfn.pfn == r.pfn + ((va - r.addr) >> 12), "its frame");
  const lnx::FollowPte<W> found = lnx::follow_pte<W>(k, space.mm, va);
  t.prove(found.pte.value == ((pfn.pfn << 12) | r.prot.value | W{lnx::page::SPECIAL}), "its entry");
  t.prove(found.ptep == space.walk(va).last().address, "where the processor reads it");
  t.prove(lnx::vm_normal_page(k, r.vma, found.pte, W{0}, ~W{0}) == lnx::NormalPage::none,
          "no page to count");
  const lnx::FollowPhys<W> phys = lnx::follow_phys(k, space.mm, r.vma, va, Bool<W>(true));
  t.prove(Bool<W>(phys.error == Errno::ok) == has(r.prot.value, lnx::page::RW),
          "for writing, where that is granted");
};

const Theorem theorems[] = {
    theorem("linux-remap-1-page-4-6",
            "After remap_pfn_range of a page, the walk of every address of it, and of no other, "
            "gives its frame and rights; 4.6.",
            remap_ref, [](auto& t) { remap(t, linux_4_6, 1); }),
    theorem("linux-remap-2-pages-4-6",
            "After remap_pfn_range of two pages, whatever tables lie between, the walk gives their "
            "frames and rights, and maps nothing else; 4.6.",
            remap_ref, [](auto& t) { remap(t, linux_4_6, 2); }),
    theorem("linux-remap-2-pages-5-level",
            "After remap_pfn_range of two pages, whatever tables lie between, the walk gives their "
            "frames and rights, and maps nothing else; five levels, 6.12.",
            remap_ref, [](auto& t) { remap(t, linux_6_12_la57, 2); }),
    theorem("linux-remap-twice", "A second remap_pfn_range leaves what the first mapped.",
            remap_ref, [](auto& t) { remap_twice(t, linux_4_6); }),
    theorem("linux-remap-again-is-bug",
            "remap_pfn_range over a mapped page is a BUG and leaves the page as it was.", remap_ref,
            [](auto& t) { remap_again(t, linux_4_6); }),
    theorem("linux-remap-without-memory",
            "When remap_pfn_range gets no page for a table, it maps nothing outside of its range, "
            "and what it maps in it as asked for.",
            remap_ref, [](auto& t) { remap_without_memory(t, linux_4_6, 2); }),
    theorem("linux-remap-without-memory-5-level",
            "When remap_pfn_range gets no page for a table, it maps nothing outside of its range, "
            "with five levels.",
            remap_ref, [](auto& t) { remap_without_memory(t, linux_6_12_la57, 1); }),
    theorem("linux-remap-untracks-what-it-tracked",
            "A remap_pfn_range that fails gives back the frames it tracked; 4.20.", remap_ref,
            [](auto& t) { untrack(t, linux_4_20); }),
    theorem("linux-remap-of-private-mappings",
            "A mapping whose pages are copied on writes is remapped as a whole or not at all, and "
            "remembers its first frame.",
            remap_ref, [](auto& t) { cow(t, linux_4_6); }),
    theorem("linux-follow-pte-finds-remapped",
            "follow_pte and follow_pfn find exactly what remap_pfn_range wrote; 4.6.", follow_ref,
            [](auto& t) { follow(t, linux_4_6, 2); }),
    theorem("linux-follow-pte-finds-remapped-5-level",
            "follow_pte and follow_pfn find exactly what remap_pfn_range wrote, with five levels.",
            follow_ref, [](auto& t) { follow(t, linux_6_12_la57, 1); }),
};

const Defect defects[] = {
    {theorem("linux-remap-untracks-what-it-tracked-4-6",
             "A remap_pfn_range that fails gives back the frames it tracked.", remap_ref,
             [](auto& t) { untrack(t, linux_4_6); }),
     "4.6", "4.9"},
};

}  // namespace

std::span<const Theorem> linux_remap_theorems() {
  return theorems;
}
std::span<const Defect> linux_remap_defects() {
  return defects;
}

}  // namespace mmuref::spec
