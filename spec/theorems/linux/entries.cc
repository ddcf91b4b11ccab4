// Linux: frame and flags of an entry, and what it asks of entries in every legal state.
#include "model/linux/entries.h"

#include "spec/theorem.h"
#include "spec/theorems/inputs.h"
#include "spec/theorems/linux/kernels.h"

namespace mmuref::spec {
namespace {

using namespace lnx;

constexpr std::string_view masks_ref = "Linux arch/x86/include/asm/pgtable_types.h";
constexpr std::string_view predicates_ref = "Linux arch/x86/include/asm/pgtable.h";

const auto masks_partition = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W e = t.word("entry");
  const auto present = has(e, page::PRESENT), large = has(e, page::PSE);
  t.witness(present & large, "a large leaf");
  t.witness(present & !large, "an entry that references a table");
  for (const Kernel& k : every_kernel()) {
    const unsigned top = k.physical_mask_shift - 1;
    t.prove(W{PTE_PFN_MASK(k)} == W{bits(top, 12)}, of(k, "the frame is bits 12 and up"));
    t.prove((!present) | (((pte_pfn(k, pte_t<W>{e}) << 12) | pte_flags(k, pte_t<W>{e})) == e),
            of(k, "PTE: frame and flags together"));
    const pmd_t<W> pmd{e};
    const pud_t<W> pud{e};
    t.prove((!present) | (((pmd_pfn(k, pmd) << 12) | pmd_flags(k, pmd)) == e),
            of(k, "PMD: frame and flags together"));
    t.prove((!present) | (((pud_pfn(k, pud) << 12) | pud_flags(k, pud)) == e),
            of(k, "PUD: frame and flags together"));
    t.prove((p4d_pfn(k, p4d_t<W>{e}) << 12 | p4d_flags(k, p4d_t<W>{e})) == e,
            of(k, "P4D: frame and flags together"));
    t.prove((pgd_pfn(k, pgd_t<W>{e}) << 12 | pgd_flags(k, pgd_t<W>{e})) == e,
            of(k, "PGD: frame and flags together"));
    if (!k.huge_pfn_masks) continue;
    t.prove(pmd_pfn_mask(k, pmd) == select(large, W{bits(top, 21)}, W{bits(top, 12)}),
            of(k, "PMD: the frame's bits"));
    t.prove(pud_pfn_mask(k, pud) == select(large, W{bits(top, 30)}, W{bits(top, 12)}),
            of(k, "PUD: the frame's bits"));
  }
};

/// What the processor takes for the frame of a valid entry, Linux does.
const auto frames_as_walked = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W e = t.word("entry"), maxphyaddr = t.word("maxphyaddr");
  t.assume((maxphyaddr >= W{32}) & (maxphyaddr <= W{52}));
  const x86::Processor<W> cpu{.maxphyaddr = maxphyaddr};
  const auto reserved = x86::reserved_bits(cpu, Bool<W>(true));
  const W walked = e & ((W{1} << maxphyaddr) - W{1}) & W{x86::entry::address_mask};
  const Bool<W> present = has(e, x86::entry::P);
  t.witness(present & !has(e, reserved.leaf[2]) & has(e, x86::entry::PS), "a 2-MiB leaf");
  for (const Kernel& k : every_kernel()) {
    const Bool<W> fits = present & (maxphyaddr <= W{k.physical_mask_shift});
    const auto agrees = [&](int level, const W& pfn) {
      Bool<W> leaf = x86::is_leaf(e, level);
      if (!k.huge_pfn_masks && level > 1) leaf = false;
      const W wrong = select(leaf, reserved.leaf[std::min(level, 3)], reserved.table[level]);
      const W offset{bit(x86::level_shift(level)) - 1};
      const W frame = walked & ~select(leaf, offset, W{0});
      const Bool<W> valid = fits & !has(e, wrong);
      if (!k.huge_pfn_masks && level > 1 && level < 4) {
        t.prove((!valid) | has(e, x86::entry::PS) | ((pfn << 12) == walked),
                of(k, "level " + std::to_string(level)));
        return;
      }
      t.prove((!valid) | ((pfn << 12) == frame), of(k, "level " + std::to_string(level)));
    };
    agrees(1, pte_pfn(k, pte_t<W>{e}));
    agrees(2, pmd_pfn(k, pmd_t<W>{e}));
    agrees(3, pud_pfn(k, pud_t<W>{e}));
    agrees(4, p4d_pfn(k, p4d_t<W>{e}));
    agrees(5, pgd_pfn(k, pgd_t<W>{e}));
  }
};

const auto huge_frame_alone = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W e = t.word("entry") | W{page::PSE | page::PRESENT}, noise = t.word("noise");
  t.witness(has(noise, page::PAT_LARGE), "another memory type");
  t.prove(pmd_pfn(k, pmd_t<W>{e}) == pmd_pfn(k, pmd_t<W>{e ^ (noise & bits(20, 12))}),
          "bits 20:12 of a 2-MiB leaf");
  t.prove(pud_pfn(k, pud_t<W>{e}) == pud_pfn(k, pud_t<W>{e ^ (noise & bits(29, 12))}),
          "bits 29:12 of a 1-GiB leaf");
};

const auto pgd_page_is_table = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W pa = t.word("table") & W{bits(k.physical_mask_shift - 1, 12)};
  const W high = t.word("high flags") & W{page::NX | bits(62, 52)};
  const pgd_t<W> pgd{pgd_populate(pa).value | high};
  t.witness(has(high, page::NX), "an entry that PTI made not executable");
  t.prove(pgd_page(k, pgd) == pa >> 12, "the frame of the table");
};

/// Tables anywhere in `width` bits of physical addresses.
const auto tables_anywhere = [](auto& t, const Kernel& k, unsigned width) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W pa = t.word("table") & W{bits(width - 1, 12)};
  t.witness(has(pa, bit(width - 1)), "a table at the top of memory");
  t.prove(!pmd_bad(k, pmd_populate(pa)), "pmd_bad");
  t.prove(!pmd_bad(k, pmd_populate_kernel(pa)), "pmd_bad of a kernel table");
  t.prove(!pud_bad(k, pud_populate(pa)), "pud_bad");
  t.prove(!p4d_bad(k, p4d_populate(pa)), "p4d_bad");
  t.prove(!pgd_bad(k, pgd_populate(pa)), "pgd_bad");
  t.prove(pmd_page_paddr(k, pmd_populate(pa)) == pa, "pmd_page_vaddr");
  t.prove(pud_page_paddr(k, pud_populate(pa)) == pa, "pud_page_vaddr");
  t.prove(p4d_page_paddr(k, p4d_populate(pa)) == pa, "p4d_page_vaddr");
  t.prove(pgd_page_paddr(k, pgd_populate(pa)) == pa, "pgd_page_vaddr");
};

// The life of an entry.

/// What must be answered of an entry in some state.
struct Answers {
  bool none = false, present = false, swap = false, protnone = false;
};

template <class T, class W>
void pte_answers(T& t, const Kernel& k, const std::string& state, const pte_t<W>& pte,
                 const Answers& a) {
  t.prove(pte_none(k, pte) == Bool<W>(a.none), of(k, state + ": pte_none"));
  t.prove(pte_present(k, pte) == Bool<W>(a.present), of(k, state + ": pte_present"));
  t.prove(pte_protnone(k, pte) == Bool<W>(a.protnone), of(k, state + ": pte_protnone"));
  t.prove(is_swap_pte(k, pte) == Bool<W>(a.swap), of(k, state + ": is_swap_pte"));
  t.prove(pte_accessible(k, Bool<W>(true), pte) == Bool<W>(a.present),
          of(k, state + ": pte_accessible while a flush is pending"));
}

/// A protection of a user mapping that is not PROT_NONE.
template <class W>
pgprot_t<W> user_prot(const W& vm_flags) {
  return vm_get_page_prot(vm_flags | W{vm::READ});
}

const auto pte_life_cycle = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W vm_flags = t.word("vm flags"), flags = t.word("swap flags");
  const W pfn = t.word("frame") & W{bits(32, 0)};
  const W type = t.word("type") & W{31}, offset = (t.word("offset") & W{bits(40, 0)}) | W{1};
  t.witness(has(vm_flags, vm::EXEC), "an executable mapping");
  for (const Kernel& k : every_kernel()) {
    const pte_t<W> mapped = pfn_pte(k, pfn, user_prot(vm_flags));
    const pgprot_t<W> nothing{W{pgprot::PAGE_NONE}};
    const pte_t<W> swapped = swp_entry_to_pte(k, swp_entry(k, type, offset));
    pte_answers(t, k, "none", pte_t<W>{W{0}}, {.none = true});
    t.prove(pte_pfn(k, pte_t<W>{W{0}}) == W{0}, of(k, "none: no frame"));
    t.prove(pte_none(k, pfn_pte(k, W{0}, pgprot_t<W>{W{0}})), of(k, "none: made of nothing"));
    pte_answers(t, k, "mapped", mapped, {.present = true});
    pte_answers(t, k, "written", pte_mkdirty(k, pte_mkyoung(k, pte_mkwrite(k, mapped))),
                {.present = true});
    pte_answers(t, k, "PROT_NONE", pfn_pte(k, pfn, nothing), {.present = true, .protnone = true});
    pte_answers(t, k, "NUMA hint", pte_modify(k, mapped, nothing),
                {.present = true, .protnone = true});
    pte_answers(t, k, "swapped", pte_t<W>{swapped.value | (flags & swp::flags(k))}, {.swap = true});
    pte_answers(t, k, "migrating", swp_entry_to_pte(k, make_migration_entry(k, pfn, Bool<W>(true))),
                {.swap = true});
  }
};

struct PmdAnswers {
  bool none = false, present = false, bad = true, large = false, huge = false, swap = false;
};

template <class T, class W>
void pmd_answers(T& t, const Kernel& k, const std::string& state, const pmd_t<W>& pmd,
                 const PmdAnswers& a) {
  t.prove(pmd_none(k, pmd) == Bool<W>(a.none), of(k, state + ": pmd_none"));
  t.prove(pmd_present(k, pmd) == Bool<W>(a.present), of(k, state + ": pmd_present"));
  t.prove(pmd_bad(k, pmd) == Bool<W>(a.bad), of(k, state + ": pmd_bad"));
  t.prove(pmd_large(k, pmd) == Bool<W>(a.large), of(k, state + ": pmd_large"));
  t.prove(pmd_trans_huge(k, pmd) == Bool<W>(a.large), of(k, state + ": pmd_trans_huge"));
  t.prove(pmd_huge(k, pmd) == Bool<W>(a.huge), of(k, state + ": pmd_huge"));
  t.prove(is_swap_pmd(k, pmd) == Bool<W>(a.swap), of(k, state + ": is_swap_pmd"));
}

template <class W>
pmd_t<W> thp(const Kernel& k, const W& pfn, const W& vm_flags) {
  return pmd_mkhuge(k, pfn_pmd(k, pfn & ~W{511}, user_prot(vm_flags)));
}

const auto pmd_life_cycle = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W vm_flags = t.word("vm flags"), flags = t.word("swap flags");
  const W pfn = t.word("frame") & W{bits(32, 0)};
  const Bool<W> write = t.flag("write");
  t.witness(has(vm_flags, vm::SHARED) & write, "a shared mapping");
  for (const Kernel& k : every_kernel()) {
    if (!k.present_has_pse) continue;
    const pgprot_t<W> nothing{W{pgprot::PAGE_NONE}};
    const pmd_t<W> leaf = thp(k, pfn, vm_flags);
    const PmdAnswers a_leaf{.present = true, .large = true, .huge = true};
    pmd_answers(t, k, "none", pmd_t<W>{W{0}}, {.none = true});
    pmd_answers(t, k, "table", pmd_populate(pfn << 12), {.present = true, .bad = false});
    pmd_answers(t, k, "kernel table", pmd_populate_kernel(pfn << 12),
                {.present = true, .bad = false});
    pmd_answers(t, k, "THP", leaf, a_leaf);
    pmd_answers(t, k, "PROT_NONE THP", pmd_modify(k, leaf, nothing), a_leaf);
    pmd_answers(t, k, "invalidated THP", pmd_mknotpresent(k, leaf), a_leaf);
    pmd_answers(t, k, "invalidated PROT_NONE THP",
                pmd_mknotpresent(k, pmd_modify(k, leaf, nothing)), a_leaf);
    if (k.version < Version{4, 14}) continue;  // no swap entry of a PMD
    const pmd_t<W> moving = swp_entry_to_pmd(k, make_migration_entry(k, pfn, write));
    pmd_answers(t, k, "migrating THP", pmd_t<W>{moving.value | (flags & swp::flags(k))},
                {.huge = !k.huge_is_leaf, .swap = true});
  }
};

const auto upper_life_cycle = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W pa = t.word("frame") & W{bits(44, 12)}, vm_flags = t.word("vm flags");
  const W other = t.word("any word");
  t.witness(has(pa, bit(44)), "a table");
  for (const Kernel& k : every_kernel()) {
    const pud_t<W> table = pud_populate(pa), none{W{0}};
    const pud_t<W> leaf =
        pud_mkhuge(k, pfn_pud(k, (pa >> 12) & ~W{bits(17, 0)}, user_prot(vm_flags)));
    t.prove(pud_none(k, none) & !pud_present(k, none) & !pud_bad(k, none), of(k, "PUD none"));
    t.prove(pud_present(k, table) & !pud_none(k, table) & !pud_bad(k, table) & !pud_large(k, table),
            of(k, "PUD table"));
    t.prove(pud_present(k, leaf) & pud_bad(k, leaf) & pud_large(k, leaf) & pud_huge(k, leaf) &
                !pud_none(k, leaf),
            of(k, "PUD leaf"));
    const p4d_t<W> p4d{p4d_populate(pa)}, p4d_empty{W{0}};
    const pgd_t<W> pgd{pgd_populate(pa)}, pgd_empty{W{0}};
    t.prove(p4d_present(k, p4d) & !p4d_none(k, p4d) & !p4d_bad(k, p4d), of(k, "P4D table"));
    t.prove(pgd_present(k, pgd) & !pgd_none(k, pgd) & !pgd_bad(k, pgd), of(k, "PGD table"));
    t.prove(p4d_none(k, p4d_empty) | pgd_none(k, pgd_empty), of(k, "an empty top entry is none"));
    // A folded level answers for any word that there is a good table below.
    const p4d_t<W> any_p4d{other};
    const pgd_t<W> any_pgd{other};
    const Bool<W> p4d_open = p4d_present(k, any_p4d) & !p4d_none(k, any_p4d) & !p4d_bad(k, any_p4d);
    const Bool<W> pgd_open = pgd_present(k, any_pgd) & !pgd_none(k, any_pgd) & !pgd_bad(k, any_pgd);
    t.prove(Bool<W>(k.config.levels == 5) | p4d_open | pgd_open, of(k, "one of the two is folded"));
  }
};

const auto pte_states_partition = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W e = t.word("entry");
  const Bool<W> pending = t.flag("flush pending");
  const pte_t<W> pte{e};
  t.witness(!has(e, page::PRESENT), "an entry that is not present");
  for (const Kernel& k : every_kernel()) {
    const Bool<W> none = pte_none(k, pte), present = pte_present(k, pte),
                  swap = is_swap_pte(k, pte);
    t.prove((none | present | swap) & !(none & present) & !(none & swap) & !(present & swap),
            of(k, "exactly one of none, present, swap"));
    t.prove((!has(e, page::PRESENT)) | pte_accessible(k, pending, pte),
            of(k, "what a walk may use is accessible"));
    t.prove((!pte_accessible(k, pending, pte)) | present, of(k, "what is accessible is present"));
    t.prove(pte_protnone(k, pte) == (present & !has(e, page::PRESENT)),
            of(k, "PROTNONE is present to Linux alone"));
  }
};

const auto none_ignores_erratum = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W stray = t.word("stray") & W{page::ACCESSED | page::DIRTY};
  t.witness(stray != W{0}, "a stray bit");
  t.prove(pte_none(k, pte_t<W>{stray}), "pte_none");
  t.prove(pmd_none(k, pmd_t<W>{stray}), "pmd_none");
  t.prove(pud_none(k, pud_t<W>{stray}), "pud_none");
};

const auto pud_bad_implies_pmd_bad = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W e = t.word("entry");
  t.witness(!has(e, page::PRESENT), "an entry that is not present");
  for (const Kernel& k : every_kernel())
    t.prove((!pud_bad(k, pud_t<W>{e})) | pmd_bad(k, pmd_t<W>{e}), of(k, "bad as a PMD too"));
};

const auto good_pmd_is_present = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W e = t.word("entry");
  t.witness(has(e, page::PRESENT), "a present entry");
  for (const Kernel& k : every_kernel()) {
    const pmd_t<W> pmd{e};
    t.prove(pmd_bad(k, pmd) | (has(e, page::PRESENT) & !has(e, page::PSE) & has(e, page::RW)),
            of(k, "a present table"));
    t.prove(pmd_bad(k, pmd) | !has(e, PTE_FLAGS_MASK(k) & ~page::TABLE),
            of(k, "no flag that no table has"));
  }
};
const auto good_pud_is_present = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const Kernel k = kernel(v6_12);
  const pud_t<W> pud{t.word("entry")};
  t.witness(!pud_bad(k, pud), "a good entry");
  t.prove(pud_none(k, pud) | pud_bad(k, pud) | pud_present(k, pud), "a present table");
};

const auto pti_copy_is_good = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W pa = t.word("table") & W{bits(44, 12)};
  const p4d_t<W> p4d{p4d_populate(pa).value | page::NX};
  const pgd_t<W> pgd{pgd_populate(pa).value | page::NX};
  t.witness(has(pa, bit(20)), "a table");
  t.prove(!p4d_bad(k, p4d), "p4d_bad");
  t.prove(!pgd_bad(k, pgd), "pgd_bad");
  t.prove(p4d_pfn(k, p4d) == pa >> 12, "the table's frame");
};

const auto invalidated_thp_is_present = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const pmd_t<W> pmd =
      pmd_mknotpresent(k, thp(k, t.word("frame") & W{bits(32, 0)}, t.word("vm flags")));
  t.witness(!has(pmd.value, page::PRESENT), "no walk may use it");
  t.prove(pmd_present(k, pmd), "pmd_present");
  t.prove(!is_swap_pmd(k, pmd), "is_swap_pmd");
};

const auto unmapped_kernel_page_is_absent = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W pfn = t.word("frame") & W{bits(32, 0)};
  const W prot{pgprot::PAGE_KERNEL_LARGE & ~page::PRESENT};
  const pgprot_t<W> left = pgprot_clear_protnone_bits(k, pgprot_t<W>{prot});
  t.witness(pfn != W{0}, "a page");
  t.prove(!pte_present(k, pfn_pte(k, pfn, left)), "pte_present");
  t.prove(!pmd_present(k, pfn_pmd(k, pfn & ~W{511}, left)), "pmd_present");
};

const auto hugetlb_is_huge = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W pfn = t.word("frame") & W{bits(32, 0)}, vm_flags = t.word("vm flags");
  const Bool<W> write = t.flag("write");
  const pmd_t<W> moving = pte_pmd(swp_entry_to_pte(k, make_migration_entry(k, pfn, write)));
  t.witness(write, "a writable page");
  t.prove(pmd_huge(k, thp(k, pfn, vm_flags)), "a page");
  t.prove(pmd_huge(k, moving), "a page being migrated");
  t.prove(!pmd_huge(k, pmd_populate(pfn << 12)), "a table is not");
};

const auto leaf_moved_whole = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W pfn = t.word("frame") & W{bits(32, 0)}, vm_flags = t.word("vm flags");
  const Bool<W> device = t.flag("device memory");
  const pmd_t<W> leaf = thp(k, pfn, vm_flags);
  const pmd_t<W> pmd{select(device, pmd_mkdevmap(k, leaf).value, leaf.value)};
  t.witness(device, "device memory");
  t.prove(moved_whole(k, pmd), "moved as one leaf");
};

// Slots.

/// The piece's last byte is the slot's or the range's, whichever comes first; neither lies below
/// `a`, so that a walk moves on, stays in the slot and does not pass the end.
template <class T, class W>
void slot_end(T& t, const std::string& name, const W& a, const W& end, const W& next,
              unsigned shift) {
  const W slot_last = a | W{bit(shift) - 1}, last = end - W{1};
  t.prove(next - W{1} == select(slot_last < last, slot_last, last), name);
}

const auto addr_end_progress = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  // Any address and any last byte that is not below it.
  const W x = t.word("va"), y = t.word("last"), a = select(x <= y, x, y);
  const W end = select(x <= y, y, x) + W{1};
  t.witness(end == W{0}, "the top of the address space");
  const Kernel four = kernel(v6_12), five = kernel(v6_12, {.levels = 5});
  slot_end(t, "pmd_addr_end", a, end, pmd_addr_end(a, end), 21);
  slot_end(t, "pud_addr_end", a, end, pud_addr_end(a, end), 30);
  slot_end(t, "pgd_addr_end", a, end, pgd_addr_end(four, a, end), 39);
  slot_end(t, "p4d_addr_end", a, end, p4d_addr_end(five, a, end), 39);
  slot_end(t, "pgd_addr_end with five levels", a, end, pgd_addr_end(five, a, end), 48);
  t.prove(p4d_addr_end(four, a, end) == end, "a folded P4D has one slot");
};

const auto indices_as_walked = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W va = t.word("va");
  const Kernel four = kernel(v4_6), five = kernel(v6_12, {.levels = 5});
  t.witness(has(va, bit(63)), "a kernel address");
  t.prove(pte_index(va) == x86::table_index(va, 1), "pte_index");
  t.prove(pmd_index(va) == x86::table_index(va, 2), "pmd_index");
  t.prove(pud_index(va) == x86::table_index(va, 3), "pud_index");
  t.prove(pgd_index(four, va) == x86::table_index(va, 4), "pgd_index");
  t.prove(p4d_index(four, va) == W{0}, "a folded P4D has one slot");
  t.prove(p4d_index(five, va) == x86::table_index(va, 4), "p4d_index with five levels");
  t.prove(pgd_index(five, va) == x86::table_index(va, 5), "pgd_index with five levels");
};

constexpr Kernel pti_blind() {
  Kernel k = kernel({4, 15});
  k.bad_ignores_nx_for_pti = false;
  return k;
}

const Theorem theorems[] = {
    theorem("linux-masks-partition",
            "At every level and in every version each bit of an entry is frame or flag and none is "
            "both; the frame starts at the size of what the entry maps.",
            masks_ref, [](auto& t) { masks_partition(t); }),
    theorem("linux-frames-as-walked",
            "The frame Linux reads from a valid entry is the one the processor uses, for every "
            "MAXPHYADDR that the version's physical mask covers.",
            masks_ref, [](auto& t) { frames_as_walked(t); }),
    theorem("linux-huge-frame",
            "The frame of a 2-MiB or 1-GiB leaf does not depend on the bits below it, PAT among "
            "them.",
            masks_ref, [](auto& t) { huge_frame_alone(t, kernel(v4_6)); }),
    theorem("linux-pgd-page", "pgd_page gives the frame of the table, whatever the flags above it.",
            predicates_ref, [](auto& t) { pgd_page_is_table(t, kernel(v6_12, {.levels = 5})); }),
    theorem("linux-tables-anywhere",
            "A table anywhere below 2^52 is found where it is and is not bad.", predicates_ref,
            [](auto& t) { tables_anywhere(t, kernel(v6_12), 52); }),
    theorem("linux-tables-anywhere-46",
            "In 4.6 a table anywhere below 2^46 is found where it is and is not bad.",
            predicates_ref, [](auto& t) { tables_anywhere(t, kernel(v4_6), 46); }),
    theorem("linux-pte-life-cycle",
            "A PTE that is empty, mapped, written, without rights, a NUMA hint, swapped out or "
            "being migrated is none, present, PROTNONE or swap as it must be, in every version.",
            predicates_ref, [](auto& t) { pte_life_cycle(t); }),
    theorem("linux-pmd-life-cycle",
            "A PMD that is empty, a table, a THP with or without rights, invalidated, or being "
            "migrated is none, present, bad, large or swap as it must be, in every version since "
            "3.7.",
            predicates_ref, [](auto& t) { pmd_life_cycle(t); }),
    theorem("linux-upper-life-cycle",
            "PUD, P4D and PGD entries that are empty, tables or 1-GiB leaves are recognised, and "
            "with four levels one of P4D and PGD is folded away.",
            predicates_ref, [](auto& t) { upper_life_cycle(t); }),
    theorem("linux-pte-states-partition",
            "Every PTE is exactly one of none, present and swap; all that a walk may use is "
            "accessible and all that is accessible is present.",
            predicates_ref, [](auto& t) { pte_states_partition(t); }),
    theorem("linux-none-ignores-erratum",
            "An empty entry in which a processor set A or D stays none.", predicates_ref,
            [](auto& t) { none_ignores_erratum(t, kernel(v6_12)); }),
    theorem("linux-pud-bad-implies-pmd-bad", "What is bad as a PUD is bad as a PMD.",
            predicates_ref, [](auto& t) { pud_bad_implies_pmd_bad(t); }),
    theorem(
        "linux-good-pmd-is-present",
        "A PMD that is not bad is present, writable, references a table and has no flag besides.",
        predicates_ref, [](auto& t) { good_pmd_is_present(t); }),
    theorem("linux-pti-copy-is-good",
            "The kernel's copy of a user's top-level entry, made not executable by PTI, is a good "
            "entry.",
            predicates_ref,
            [](auto& t) {
              pti_copy_is_good(t, kernel({4, 15}));
            }),
    theorem("linux-invalidated-thp-is-present",
            "A THP taken from the processor is still present to Linux and no swap entry.",
            predicates_ref, [](auto& t) { invalidated_thp_is_present(t, kernel(v4_6)); }),
    theorem("linux-unmapped-kernel-page-is-absent",
            "A page of the direct map made not present is present neither as a PTE nor as a PMD.",
            "Linux arch/x86/mm/pageattr.c",
            [](auto& t) { unmapped_kernel_page_is_absent(t, kernel(v4_6)); }),
    theorem("linux-hugetlb-is-huge",
            "Every entry of hugetlb is pmd_huge, one being migrated too, and no table is.",
            "Linux arch/x86/mm/hugetlbpage.c", [](auto& t) { hugetlb_is_huge(t, kernel(v4_6)); }),
    theorem("linux-leaf-moved-whole",
            "mremap moves each 2-MiB leaf as one, be it a THP or device memory.",
            "Linux mm/mremap.c", [](auto& t) { leaf_moved_whole(t, kernel(v6_1)); }),
    theorem(
        "linux-addr-end",
        "What pXd_addr_end cuts off ends with its slot or with the range, whichever comes first: "
        "it moves on, stays in the slot and does not pass the end, an end of 0 being the top of "
        "the address space.",
        "Linux include/asm-generic/pgtable.h", [](auto& t) { addr_end_progress(t); }),
    theorem("linux-indices-as-walked", "Linux finds the slots of an address where the walk does.",
            predicates_ref, [](auto& t) { indices_as_walked(t); }),
};

const Defect defects[] = {
    {theorem("linux-defect-huge-frame",
             "The frame of a 2-MiB or 1-GiB leaf does not depend on the bits below it.", masks_ref,
             [](auto& t) { huge_frame_alone(t, kernel(v3_2)); }),
     "3.2", "4.4, f70abb0fc3da"},
    {theorem("linux-defect-pgd-page", "pgd_page gives the frame of the table.", predicates_ref,
             [](auto& t) { pgd_page_is_table(t, kernel(v4_6)); }),
     "4.6", "4.14, fd7e315988b7"},
    {theorem("linux-defect-physical-mask",
             "A table anywhere below 2^52 is found where it is and is not bad.", predicates_ref,
             [](auto& t) { tables_anywhere(t, kernel(v4_6), 52); }),
     "4.6", "4.17, b83ce5ee9147"},
    {theorem("linux-defect-none-erratum",
             "An empty entry in which a processor set A or D stays none.", predicates_ref,
             [](auto& t) { none_ignores_erratum(t, kernel(v4_6)); }),
     "4.6", "4.8"},
    {theorem("linux-defect-pud-bad", "A PUD that is neither none nor bad is present.",
             predicates_ref, [](auto& t) { good_pud_is_present(t); }),
     "6.12", "not yet; linux-good-pmd-is-present is what pmd_bad has"},
    {theorem("linux-defect-pti-bad", "The kernel's copy of a user's top-level entry is good.",
             predicates_ref, [](auto& t) { pti_copy_is_good(t, pti_blind()); }),
     "4.15 without 1c4de1ff4fe5", "4.15, 1c4de1ff4fe5"},
    {theorem("linux-defect-invalidated-thp",
             "A THP taken from the processor is still present to Linux.", predicates_ref,
             [](auto& t) { invalidated_thp_is_present(t, kernel(v3_2)); }),
     "3.2", "3.7, 027ef6c87853"},
    {theorem("linux-defect-global-leftover",
             "A page of the direct map made not present is not present.",
             "Linux arch/x86/mm/pageattr.c",
             [](auto& t) {
               unmapped_kernel_page_is_absent(t, kernel({3, 8}));
             }),
     "3.8", "3.9"},
    {theorem("linux-defect-hugetlb-migration", "Every entry of hugetlb is pmd_huge.",
             "Linux arch/x86/mm/hugetlbpage.c",
             [](auto& t) {
               hugetlb_is_huge(t, kernel({3, 19}));
             }),
     "3.19", "4.0, cbef8478bee5"},
    {theorem("linux-defect-devmap-moved", "mremap moves each 2-MiB leaf as one.",
             "Linux mm/mremap.c",
             [](auto& t) {
               leaf_moved_whole(t, kernel({5, 7}));
             }),
     "5.7", "5.8, 5bfea2d9b17f, CVE-2020-10757"},
};

}  // namespace

std::span<const Theorem> linux_entry_theorems() {
  return theorems;
}
std::span<const Defect> linux_entry_defects() {
  return defects;
}

}  // namespace mmuref::spec
