// Linux: entries made, changed and stored keep what they must.
#include "model/linux/entries.h"
#include "spec/theorem.h"
#include "spec/theorems/inputs.h"
#include "spec/theorems/linux/kernels.h"

namespace mmuref::spec {
namespace {

using namespace lnx;

constexpr std::string_view constructors_ref =
    "Linux arch/x86/include/asm/pgtable.h, pfn_pte and the like";
constexpr std::string_view modifiers_ref =
    "Linux arch/x86/include/asm/pgtable.h, pte_mkdirty and the like";
constexpr std::string_view l1tf_ref =
    "Linux arch/x86/include/asm/pgtable-invert.h; Intel, L1 Terminal Fault, CVE-2018-3620";

/// Any protection of the version that is either present or PROTNONE, as all of Linux's are.
template <class W>
pgprot_t<W> any_prot(const W& flags, const Bool<W>& present, std::uint64_t frame) {
  return {(flags & ~frame & ~page::PRESENT) | select(present, W{page::PRESENT}, W{page::PROTNONE})};
}

/// The flags an entry of this protection has: those the processor lacks only if it is not present.
template <class W>
W wanted(const Kernel& k, const pgprot_t<W>& prot, const Bool<W>& present) {
  return prot.value & select(present, W{k.config.supported_pte_mask}, ~W{0});
}

template <class T, class W>
void round_trip(T& t, const Kernel& k, const W& pfn, const W& flags, const Bool<W>& present) {
  const auto prot_4k = any_prot(flags, present, PTE_PFN_MASK(k));
  const auto prot_2m = any_prot(flags | W{page::PSE}, present, PHYSICAL_PMD_PAGE_MASK(k));
  const auto prot_1g = any_prot(flags | W{page::PSE}, present, PHYSICAL_PUD_PAGE_MASK(k));
  const auto pte = pfn_pte(k, pfn, prot_4k);
  const W pfn_2m = pfn & ~W{bits(8, 0)}, pfn_1g = pfn & ~W{bits(17, 0)};
  t.prove(pte_pfn(k, pte) == pfn, of(k, "pte_pfn"));
  t.prove(pte_flags(k, pte) == wanted(k, prot_4k, present), of(k, "pte_flags"));
  if (!k.huge_pfn_masks) return;
  const auto pmd = pfn_pmd(k, pfn_2m, prot_2m);
  const auto pud = pfn_pud(k, pfn_1g, prot_1g);
  t.prove(pmd_pfn(k, pmd) == pfn_2m, of(k, "pmd_pfn"));
  t.prove(pmd_flags(k, pmd) == wanted(k, prot_2m, present), of(k, "pmd_flags"));
  t.prove(pud_pfn(k, pud) == pfn_1g, of(k, "pud_pfn"));
  t.prove(pud_flags(k, pud) == wanted(k, prot_1g, present), of(k, "pud_flags"));
}

const auto pfn_round_trip = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W any = t.word("frame"), flags = t.word("flags");
  const Bool<W> present = t.flag("present");
  t.witness(!present, "PROTNONE");
  for (const Kernel& k : every_kernel())
    round_trip(t, k, any & W{bits(k.physical_mask_shift - 13, 0)}, flags, present);
};
const auto pfn_round_trip_52 = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W maxphyaddr = t.word("maxphyaddr");
  t.assume((maxphyaddr >= W{32}) & (maxphyaddr <= W{52}));
  const W pfn = t.word("frame") & ((W{1} << (maxphyaddr - W{12})) - W{1});
  t.witness(maxphyaddr == W{52}, "52 bits");
  round_trip(t, k, pfn, t.word("flags"), t.flag("present"));
};
const auto any_protection_round_trip = [](auto& t, bool empty_too) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const Kernel k = kernel(v6_12);
  const W pfn = t.word("frame") & W{bits(39, 0)}, flags = t.word("flags") & ~W{PTE_PFN_MASK(k)};
  t.assume(Bool<W>(empty_too) | (flags != W{0}));
  t.witness(!has(flags, page::PRESENT | page::PROTNONE), "neither present nor PROTNONE");
  t.prove(pte_pfn(k, pfn_pte(k, pfn, pgprot_t<W>{flags})) == pfn, "pte_pfn");
};

// One flag at a time.

template <class W>
struct Change {
  const char* name;
  W after;
  std::uint64_t named;  ///< the bits it may change
};

const auto flags_survive = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W e = t.word("entry");
  const pte_t<W> pte{e};
  const pmd_t<W> pmd{e};
  const pud_t<W> pud{e};
  t.witness(has(e, page::RW) & !has(e, page::DIRTY), "a writable clean entry");
  for (const Kernel& k : every_kernel()) {
    using namespace page;
    const std::uint64_t dirty = DIRTY_BITS(k), saved = k.saved_dirty ? dirty : 0;
    const Change<W> changes[] = {
        {"pte_mkclean", pte_mkclean(k, pte).value, dirty},
        {"pte_mkdirty", pte_mkdirty(k, pte).value, dirty | SOFT_DIRTY},
        {"pte_mkold", pte_mkold(k, pte).value, ACCESSED},
        {"pte_mkyoung", pte_mkyoung(k, pte).value, ACCESSED},
        {"pte_wrprotect", pte_wrprotect(k, pte).value, RW | saved},
        {"pte_mkwrite", pte_mkwrite(k, pte).value, RW | saved},
        {"pte_mkexec", pte_mkexec(k, pte).value, NX},
        {"pte_mkhuge", pte_mkhuge(k, pte).value, PSE},
        {"pte_clrhuge", pte_clrhuge(k, pte).value, PSE},
        {"pte_mkglobal", pte_mkglobal(k, pte).value, GLOBAL},
        {"pte_clrglobal", pte_clrglobal(k, pte).value, GLOBAL},
        {"pte_mkspecial", pte_mkspecial(k, pte).value, SPECIAL},
        {"pte_mkdevmap", pte_mkdevmap(k, pte).value, SPECIAL | DEVMAP(k)},
        {"pte_mksoft_dirty", pte_mksoft_dirty(k, pte).value, SOFT_DIRTY},
        {"pte_clear_soft_dirty", pte_clear_soft_dirty(k, pte).value, SOFT_DIRTY},
        {"pmd_mkclean", pmd_mkclean(k, pmd).value, dirty},
        {"pmd_mkdirty", pmd_mkdirty(k, pmd).value, dirty | SOFT_DIRTY},
        {"pmd_mkold", pmd_mkold(k, pmd).value, ACCESSED},
        {"pmd_mkyoung", pmd_mkyoung(k, pmd).value, ACCESSED},
        {"pmd_wrprotect", pmd_wrprotect(k, pmd).value, RW | saved},
        {"pmd_mkwrite", pmd_mkwrite(k, pmd).value, RW | saved},
        {"pmd_mkhuge", pmd_mkhuge(k, pmd).value, PSE},
        {"pmd_mkdevmap", pmd_mkdevmap(k, pmd).value, DEVMAP(k)},
        {"pud_mkdirty", pud_mkdirty(k, pud).value, dirty | SOFT_DIRTY},
        {"pud_mkold", pud_mkold(k, pud).value, ACCESSED},
        {"pud_wrprotect", pud_wrprotect(k, pud).value, RW | saved},
        {"pud_mkhuge", pud_mkhuge(k, pud).value, PSE},
        {"pud_mkdevmap", pud_mkdevmap(k, pud).value, DEVMAP(k)}};
    for (const auto& c : changes)
      t.prove(!has(c.after ^ e, ~c.named), of(k, std::string(c.name) + " leaves the others"));
  }
};

const auto modifiers_answer = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W e = t.word("entry");
  const pte_t<W> pte{e};
  const pmd_t<W> pmd{e};
  t.witness(has(e, page::DIRTY) & !has(e, page::RW), "a shadow stack or an older dirty page");
  for (const Kernel& k : every_kernel()) {
    const auto now = [&](const char* name, const Bool<W>& yes) { t.prove(yes, of(k, name)); };
    now("pte_dirty", pte_dirty(k, pte_mkdirty(k, pte)) & !pte_dirty(k, pte_mkclean(k, pte)));
    now("pmd_dirty", pmd_dirty(k, pmd_mkdirty(k, pmd)) & !pmd_dirty(k, pmd_mkclean(k, pmd)));
    now("pte_young", pte_young(k, pte_mkyoung(k, pte)) & !pte_young(k, pte_mkold(k, pte)));
    now("pte_write", pte_write(k, pte_mkwrite(k, pte)) & !pte_write(k, pte_wrprotect(k, pte)));
    now("pmd_write", pmd_write(k, pmd_mkwrite(k, pmd)) & !pmd_write(k, pmd_wrprotect(k, pmd)));
    now("pte_mkdirty is seen by soft-dirty", pte_soft_dirty(k, pte_mkdirty(k, pte)));
    now("pte_exec", pte_exec(k, pte_mkexec(k, pte)));
    now("pte_huge", pte_huge(k, pte_mkhuge(k, pte)) & !pte_huge(k, pte_clrhuge(k, pte)));
    now("pte_global", pte_global(k, pte_mkglobal(k, pte)) & !pte_global(k, pte_clrglobal(k, pte)));
    now("pte_special", pte_special(k, pte_mkspecial(k, pte)));
    now("pte_soft_dirty", pte_soft_dirty(k, pte_mksoft_dirty(k, pte)) &
                              !pte_soft_dirty(k, pte_clear_soft_dirty(k, pte)));
    now("what is dirty stays so through write protection",
        pte_dirty(k, pte) == pte_dirty(k, pte_wrprotect(k, pte)));
    now("and back", pte_dirty(k, pte) == pte_dirty(k, pte_mkwrite(k, pte_wrprotect(k, pte))));
    now("pte_mkold undoes pte_mkyoung",
        pte_same(pte_mkold(k, pte_mkyoung(k, pte)), pte_mkold(k, pte)));
    now("pte_wrprotect undoes pte_mkwrite",
        pte_same(pte_wrprotect(k, pte_mkwrite(k, pte)), pte_wrprotect(k, pte)));
    if (k.has_devmap) {
      now("pte_devmap", pte_devmap(k, pte_mkdevmap(k, pte)));
      now("a device's page is no THP", !pmd_trans_huge(k, pmd_mkdevmap(k, pmd)));
    }
  }
};

// Another protection.

/// A legal entry and a protection to change it to.
template <class W>
struct ModifyInputs {
  W pfn, flags, new_flags;
  Bool<W> present, new_present;

  pte_t<W> pte(const Kernel& k) const {
    return pfn_pte(k, pfn & W{bits(k.physical_mask_shift - 13, 0)},
                   any_prot(flags, present, PTE_PFN_MASK(k)));
  }
  pmd_t<W> pmd(const Kernel& k) const {
    return pfn_pmd(k, pfn & W{bits(k.physical_mask_shift - 13, 9)},
                   any_prot(flags | W{page::PSE}, present, PHYSICAL_PMD_PAGE_MASK(k)));
  }
  pgprot_t<W> prot(std::uint64_t frame) const { return any_prot(new_flags, new_present, frame); }
};
template <class S>
ModifyInputs<WordOf<S>> modify_inputs(S& t) {
  ModifyInputs<WordOf<S>> in{t.word("frame"), t.word("flags"), t.word("new flags"),
                             t.flag("present"), t.flag("new present")};
  t.witness(in.present & !in.new_present, "becomes PROTNONE");
  return in;
}

const auto modify_keeps = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = modify_inputs(t);
  for (const Kernel& k : every_kernel()) {
    const pte_t<W> pte = in.pte(k);
    const auto prot = in.prot(PTE_PFN_MASK(k));
    const pte_t<W> after = pte_modify(k, pte, prot);
    const std::uint64_t kept = page::PCD | page::PWT | page::SPECIAL | page::ACCESSED |
                               page::SOFT_DIRTY | page::UFFD_WP(k);
    // What is neither frame nor kept is the protection's, where dirtiness has no say.
    const std::uint64_t taken = ~(
        PTE_PFN_MASK(k) | kept | page::DIRTY | (k.change_mask_has_pat ? page::PAT : 0) |
        (k.change_mask_has_devmap ? page::DEVMAP(k) : 0) | (k.saved_dirty ? page::SAVED_DIRTY : 0));
    t.prove(pte_pfn(k, after) == pte_pfn(k, pte), of(k, "the frame"));
    t.prove(((after.value ^ pte.value) & kept) == W{0}, of(k, "what is kept"));
    t.prove(pte_dirty(k, after) == pte_dirty(k, pte), of(k, "whether it is dirty"));
    t.prove(((after.value ^ massage_pgprot(k, prot)) & taken) == W{0}, of(k, "what is taken"));
    if (!k.huge_pfn_masks) continue;
    const pmd_t<W> pmd = in.pmd(k);
    const pmd_t<W> pmd_after = pmd_modify(k, pmd, in.prot(PHYSICAL_PMD_PAGE_MASK(k)));
    t.prove(pmd_pfn(k, pmd_after) == pmd_pfn(k, pmd), of(k, "the frame of a PMD"));
    t.prove(pmd_large(k, pmd_after), of(k, "a PMD stays large"));
    t.prove(((pmd_after.value ^ pmd.value) & kept) == W{0}, of(k, "what a PMD keeps"));
  }
};

/// PWT, PCD and PAT select one of the eight fields of IA32_PAT.
template <class W>
W pat_index(const W& entry, std::uint64_t pat) {
  return (entry & (page::PWT | page::PCD)) | select(has(entry, pat), W{1}, W{0});
}
const auto modify_keeps_memory_type = [](auto& t, const Kernel& k) {
  const auto in = modify_inputs(t);
  const auto pte = in.pte(k);
  const auto pmd = in.pmd(k);
  const auto after = pte_modify(k, pte, in.prot(PTE_PFN_MASK(k)));
  const auto pmd_after = pmd_modify(k, pmd, in.prot(PHYSICAL_PMD_PAGE_MASK(k)));
  t.prove(pat_index(after.value, page::PAT) == pat_index(pte.value, page::PAT), "of a PTE");
  t.prove(pat_index(pmd_after.value, page::PAT_LARGE) == pat_index(pmd.value, page::PAT_LARGE),
          "of a PMD");
};
const auto modify_keeps_devmap = [](auto& t, const Kernel& k) {
  const auto in = modify_inputs(t);
  const auto pte = in.pte(k);
  t.prove(pte_devmap(k, pte_modify(k, pte, in.prot(PTE_PFN_MASK(k)))) == pte_devmap(k, pte),
          "pte_devmap");
};
const auto modify_to_nothing = [](auto& t, unsigned frame_bits) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const Kernel k = kernel(v6_12);
  const W pfn = t.word("frame") & W{bits(frame_bits - 1, 0)};
  const auto pte = pfn_pte(k, pfn, pgprot_t<W>{W{page::PRESENT}});
  t.witness(pfn != W{0}, "a frame");
  t.prove(pte_pfn(k, pte_modify(k, pte, pgprot_t<W>{W{0}})) == pfn, "the frame");
};

/// Of any entry, or of a present writable one alone, as no shadow stack is.
const auto pmd_modify_keeps_dirty = [](auto& t, const Kernel& k, bool writable) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = modify_inputs(t);
  const pmd_t<W> pmd = in.pmd(k), after = pmd_modify(k, pmd, in.prot(PHYSICAL_PMD_PAGE_MASK(k)));
  const auto shadow_stack = [](const pmd_t<W>& e) {
    return (e.value & (page::RW | page::DIRTY)) == W{page::DIRTY};
  };
  if (writable) t.assume(in.present & has(pmd.value, page::RW));
  t.witness(pmd_dirty(k, pmd) & has(pmd.value & ~after.value, page::RW), "write protection");
  t.prove((!pmd_dirty(k, pmd)) | pmd_dirty(k, after), of(k, "what was dirty is"));
  t.prove(pmd_dirty(k, pmd) | !pmd_dirty(k, after), of(k, "nothing else"));
  if (!k.saved_dirty) return;
  t.prove(shadow_stack(pmd) | !shadow_stack(after), of(k, "no shadow stack is made"));
};

// L1TF.

const auto empty_entry = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W zero{0}, pfn = t.word("frame") & W{bits(39, 0)};
  t.witness(pfn == zero, "nothing");
  t.prove(pte_pfn(k, pte_t<W>{zero}) == zero, "pte_pfn");
  t.prove(pmd_pfn(k, pmd_t<W>{zero}) == zero, "pmd_pfn");
  t.prove(pud_pfn(k, pud_t<W>{zero}) == zero, "pud_pfn");
  const pgprot_t<W> nothing{zero};
  t.prove(pte_none(k, pfn_pte(k, pfn, nothing)) == (pfn == zero), "pfn_pte of nothing");
};

/// Every way to an entry that is not present, from a frame in the lower half of `maxphyaddr` bits:
/// its frame as the processor reads it is in the upper half.
const auto points_above_memory = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W maxphyaddr = t.word("maxphyaddr"), flags = t.word("flags");
  t.assume((maxphyaddr >= W{32}) & (maxphyaddr <= W{52}));
  const W half = W{1} << (maxphyaddr - W{1});
  const W pfn = (t.word("frame") & (half - W{1}) & ~W{4095}) >> 12;
  const W pfn_2m = pfn & ~W{bits(8, 0)}, pfn_1g = pfn & ~W{bits(17, 0)};
  const Bool<W> yes = true, no = false;
  const auto nothing = any_prot(flags, no, PTE_PFN_MASK(k));
  const auto pte = pfn_pte(k, pfn, any_prot(flags, yes, PTE_PFN_MASK(k)));
  const auto pmd =
      pfn_pmd(k, pfn_2m, any_prot(flags | W{page::PSE}, yes, PHYSICAL_PMD_PAGE_MASK(k)));
  const auto pud =
      pfn_pud(k, pfn_1g, any_prot(flags | W{page::PSE}, yes, PHYSICAL_PUD_PAGE_MASK(k)));
  const auto nothing_2m = any_prot(flags | W{page::PSE}, no, PHYSICAL_PMD_PAGE_MASK(k));
  t.witness(maxphyaddr == W{46}, "46 bits");
  const auto above = [&](const W& e, const char* how) {
    t.prove(has(e & W{bits(51, 12)}, half) & !has(e, page::PRESENT), how);
  };
  above(pfn_pte(k, pfn, nothing).value, "made without rights");
  above(pte_modify(k, pte, nothing).value, "rights taken away");
  above(pfn_pmd(k, pfn_2m, nothing_2m).value, "a PMD made without rights");
  above(pmd_modify(k, pmd, nothing_2m).value, "a PMD's rights taken away");
  above(pmd_mknotpresent(k, pmd).value, "an invalidated THP");
  above(pud_mknotpresent(k, pud).value, "an invalidated 1-GiB leaf");
  above(pmd_mknotpresent(k, pmd_modify(k, pmd, nothing_2m)).value, "an invalidated PROTNONE THP");
};
const auto mknotpresent_keeps = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = modify_inputs(t);
  const pmd_t<W> pmd = in.pmd(k), after = pmd_mknotpresent(k, pmd);
  t.prove(pmd_pfn(k, after) == pmd_pfn(k, pmd), "the frame");
  t.prove(pmd_flags(k, after) == (pmd_flags(k, pmd) & ~(page::PRESENT | page::PROTNONE)),
          "the other flags");
};

// Dirtiness where W=0, D=1 is a shadow stack.

const auto saved_dirty = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const Kernel k = kernel(v6_12);
  const pte_t<W> pte{t.word("entry")};
  const pgprot_t<W> prot{t.word("flags") & ~W{PTE_PFN_MASK(k)}};
  const auto stack = [](const auto& e) {
    return (e.value & (page::RW | page::DIRTY)) == W{page::DIRTY};
  };
  const Bool<W> ordinary = !stack(pte);
  t.witness(ordinary & has(pte.value, page::DIRTY), "a dirty page");
  t.prove(!stack(pte_wrprotect(k, pte)), "pte_wrprotect makes none");
  t.prove(!stack(pte_mkdirty(k, pte)), "pte_mkdirty makes none");
  t.prove(!stack(pte_mkwrite(k, pte)), "pte_mkwrite makes none");
  t.prove((!ordinary) | !stack(pte_modify(k, pte, prot)), "pte_modify makes none");
  t.prove((!ordinary) | !stack(pte_mkclean(k, pte)), "pte_mkclean makes none");
  t.prove(pte_dirty(k, pte_wrprotect(k, pte)) == pte_dirty(k, pte), "pte_wrprotect keeps it");
  t.prove(pte_dirty(k, pte_mkwrite(k, pte)) == pte_dirty(k, pte), "pte_mkwrite keeps it");
  t.prove((!has(pte_mkwrite(k, pte).value, page::SAVED_DIRTY)),
          "a writable entry has its dirtiness in D");
  const pmd_t<W> pmd = pte_pmd(pte);
  t.prove(!(stack(pmd_wrprotect(k, pmd)) | stack(pmd_mkdirty(k, pmd)) | stack(pmd_mkwrite(k, pmd))),
          "nor of a PMD");
  t.prove((!ordinary) | !stack(pmd_modify(k, pmd, prot)), "pmd_modify makes none");
  t.prove(pmd_dirty(k, pmd_wrprotect(k, pmd)) == pmd_dirty(k, pmd), "pmd_wrprotect keeps it");
};

// In place.

const auto invalidate_keeps_dirty = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = modify_inputs(t);
  const pmd_t<W> before{in.pmd(k).value | W{page::PRESENT}};
  const W hardware = t.word("hardware") & W{page::ACCESSED | page::DIRTY};
  pmd_t<W> pmd = before;
  const pmd_t<W> seen = pmdp_invalidate(k, pmd, hardware);
  t.witness(has(hardware, page::DIRTY) & !has(before.value, page::DIRTY), "a write in between");
  t.prove((!has(before.value | hardware, page::DIRTY)) | has(seen.value, page::DIRTY),
          "a write is seen");
  t.prove((!has(before.value | hardware, page::ACCESSED)) | has(seen.value, page::ACCESSED),
          "an access is seen");
  t.prove(!has(pmd.value, page::PRESENT), "no walk may use it");
};
const auto in_place = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W e = t.word("entry");
  const W hardware = t.word("hardware") & W{page::ACCESSED | page::DIRTY};
  const Bool<W> dirty = t.flag("dirty");
  t.witness(dirty & has(hardware, page::DIRTY), "a write meanwhile");
  for (const Kernel& k : every_kernel()) {
    const pte_t<W> old{e};
    const pte_t<W> entry = pte_mkdirty(k, pte_mkyoung(k, pte_mkwrite(k, old)));
    pte_t<W> pte = old;
    const Bool<W> changed = ptep_set_access_flags(k, pte, entry, dirty, hardware);
    t.prove(changed == (old.value != entry.value), of(k, "ptep_set_access_flags: changed"));
    t.prove(!has(hardware & ~pte.value, ~std::uint64_t{0}),
            of(k, "ptep_set_access_flags: nothing the processor set is lost"));
    t.prove((!(dirty & changed)) | pte_same(pte, entry), of(k, "ptep_set_access_flags: stored"));
    pte = old;
    t.prove(ptep_test_and_clear_young(k, pte) == has(e, page::ACCESSED), of(k, "it was young"));
    t.prove(pte.value == (e & ~W{page::ACCESSED}), of(k, "A alone is cleared"));
    pte = old;
    const pte_t<W> got = ptep_get_and_clear(k, pte);
    t.prove(pte_same(got, old) & pte_none(k, pte), of(k, "ptep_get_and_clear"));
    pte = old;
    ptep_set_wrprotect(k, pte);
    t.prove((pte_dirty(k, pte) == pte_dirty(k, old)) & !has(pte.value, page::RW),
            of(k, "ptep_set_wrprotect"));
  }
};

constexpr Kernel without_mknotpresent_inversion() {
  Kernel k = kernel({4, 18, 1});
  k.mknotpresent_inverts = false;
  return k;
}

const Theorem theorems[] = {
    theorem("linux-pfn-round-trip",
            "In every version an entry made of a frame and a protection has that frame and those "
            "flags, for leaves of 4 KiB, 2 MiB and 1 GiB, present or not, below the version's "
            "physical mask.",
            constructors_ref, [](auto& t) { pfn_round_trip(t); }),
    theorem("linux-pfn-round-trip-52", "The same for every MAXPHYADDR up to 52.", constructors_ref,
            [](auto& t) { pfn_round_trip_52(t, kernel(v6_12)); }),
    theorem("linux-any-protection-round-trip",
            "A PTE made with any protection that has a bit set gives its frame back.",
            constructors_ref, [](auto& t) { any_protection_round_trip(t, false); }),
    theorem("linux-flags-survive",
            "Each function that sets or clears a flag changes the bits it names and no other, "
            "in every version.",
            modifiers_ref, [](auto& t) { flags_survive(t); }),
    theorem("linux-modifiers-answer",
            "What a modifier makes of an entry its predicate answers, opposite ones undo each "
            "other, and write protection keeps dirtiness.",
            modifiers_ref, [](auto& t) { modifiers_answer(t); }),
    theorem("linux-modify-keeps",
            "pte_modify and pmd_modify keep the frame and what _PAGE_CHG_MASK names besides D and "
            "take the rest from the new protection; pte_modify keeps dirtiness.",
            modifiers_ref, [](auto& t) { modify_keeps(t); }),
    theorem("linux-pmd-modify-keeps-dirty",
            "pmd_modify keeps whether a 2-MiB page is dirty, with SAVED_DIRTY and without.",
            modifiers_ref,
            [](auto& t) {
              pmd_modify_keeps_dirty(t, kernel({7, 3}), false);
              pmd_modify_keeps_dirty(t, kernel(v6_1), false);
            }),
    theorem("linux-modify-keeps-memory-type", "pte_modify and pmd_modify keep the memory type.",
            modifiers_ref, [](auto& t) { modify_keeps_memory_type(t, kernel(v6_12)); }),
    theorem("linux-modify-keeps-devmap", "pte_modify keeps that a page is device memory.",
            modifiers_ref, [](auto& t) { modify_keeps_devmap(t, kernel(v4_20)); }),
    theorem("linux-modify-to-nothing",
            "pte_modify to an empty protection keeps every frame but the highest ones, which no "
            "memory has.",
            l1tf_ref, [](auto& t) { modify_to_nothing(t, 39); }),
    theorem("linux-empty-entry",
            "An entry whose page of the table was cleared names no frame, and one made of frame 0 "
            "and no protection, and only that, is such an entry.",
            l1tf_ref,
            [](auto& t) {
              empty_entry(t, kernel({4, 18, 3}));
            }),
    theorem("linux-not-present-points-above-memory",
            "With memory in the lower half of what the processor addresses, an entry that is not "
            "present names a frame in the upper half, however it was made.",
            l1tf_ref, [](auto& t) { points_above_memory(t, kernel(v6_12)); }),
    theorem("linux-mknotpresent-keeps",
            "pmd_mknotpresent keeps the frame and all flags but those that make it present.",
            modifiers_ref, [](auto& t) { mknotpresent_keeps(t, kernel(v6_12)); }),
    theorem("linux-saved-dirty",
            "No modifier makes an ordinary entry a shadow stack, W=0 and D=1, and none loses its "
            "dirtiness.",
            modifiers_ref, [](auto& t) { saved_dirty(t); }),
    theorem("linux-invalidate-keeps-dirty",
            "What a processor sets in a THP until pmdp_invalidate takes it away is seen.",
            "Linux mm/pgtable-generic.c",
            [](auto& t) { invalidate_keeps_dirty(t, kernel(v6_12)); }),
    theorem("linux-in-place",
            "ptep_set_access_flags, ptep_test_and_clear_young, ptep_get_and_clear and "
            "ptep_set_wrprotect lose no access and no write of a processor.",
            "Linux arch/x86/mm/pgtable.c", [](auto& t) { in_place(t); }),
};

const Defect defects[] = {
    {theorem("linux-defect-frame-of-52-bits",
             "An entry has the frame it was made of, for every MAXPHYADDR up to 52.",
             constructors_ref, [](auto& t) { pfn_round_trip_52(t, kernel(v4_6)); }),
     "4.6", "4.17, b83ce5ee9147"},
    {theorem("linux-defect-empty-protection",
             "A PTE made with any protection gives its frame back.", l1tf_ref,
             [](auto& t) { any_protection_round_trip(t, true); }),
     "6.12", "not yet; no caller passes an empty protection with a frame"},
    {theorem("linux-defect-modify-to-nothing",
             "pte_modify to an empty protection keeps every frame.", l1tf_ref,
             [](auto& t) { modify_to_nothing(t, 40); }),
     "6.12", "not yet; no memory lies that high"},
    {theorem("linux-defect-modify-memory-type", "pte_modify keeps the memory type.", modifiers_ref,
             [](auto& t) { modify_keeps_memory_type(t, kernel(v4_6)); }),
     "4.6", "6.6, 548cb932051f"},
    {theorem("linux-defect-modify-devmap", "pte_modify keeps that a page is device memory.",
             modifiers_ref, [](auto& t) { modify_keeps_devmap(t, kernel(v4_6)); }),
     "4.6", "4.19, 4628a64591e6"},
    {theorem("linux-defect-pmd-modify-dirty",
             "pmd_modify keeps whether a writable 2-MiB page is dirty.", modifiers_ref,
             [](auto& t) { pmd_modify_keeps_dirty(t, kernel(v6_12), true); }),
     "6.6 to 7.2, 6.12 among them", "7.3, f7491d7c81db"},
    {theorem("linux-defect-empty-entry",
             "An entry whose page of the table was cleared names no frame.", l1tf_ref,
             [](auto& t) {
               empty_entry(t, kernel({4, 18, 1}));
             }),
     "4.18.1", "4.18.3, f19f5c49bbc3"},
    {theorem("linux-defect-l1tf", "An entry that is not present names no frame of memory.",
             l1tf_ref,
             [](auto& t) {
               points_above_memory(t, kernel({4, 18}));
             }),
     "4.18", "4.18.1, 6b28baca9b1f, CVE-2018-3620"},
    {theorem("linux-defect-l1tf-mknotpresent",
             "An entry that is not present names no frame of memory.", l1tf_ref,
             [](auto& t) { points_above_memory(t, without_mknotpresent_inversion()); }),
     "4.18.1 without its change of pmd_mknotpresent", "4.18.1"},
    {theorem("linux-defect-invalidate-dirty",
             "What a processor sets in a THP until pmdp_invalidate takes it away is seen.",
             "Linux mm/pgtable-generic.c",
             [](auto& t) { invalidate_keeps_dirty(t, kernel(v4_6)); }),
     "4.6", "4.16, d52605d7cb30"},
};

}  // namespace

std::span<const Theorem> linux_constructor_theorems() {
  return theorems;
}
std::span<const Defect> linux_constructor_defects() {
  return defects;
}

}  // namespace mmuref::spec
