// Entries made from a frame and a protection, or from a table.
//
// arch/x86/include/asm/pgtable.h and pgalloc.h, v4.6. Frames are numbers of 4-KiB pages, `pa` is a
// physical address in bytes.
#pragma once

#include <type_traits>

#include "model/linux/frame.h"

namespace mmuref::lnx {

/// massage_pgprot; check_pgprot since 4.18, which also warns. Bits the processor lacks are dropped,
/// where the entry will be present.
template <class W>
constexpr W massage_pgprot(const Kernel& k, const pgprot_t<W>& prot) {
  return select(has(prot.value, page::PRESENT), prot.value & k.config.supported_pte_mask,
                prot.value);
}

/// The frame's field of an entry: cut to `mask` since 4.18.1, inverted if nothing is to be present.
template <class W>
constexpr W frame_field(const Kernel& k, const W& pfn, const pgprot_t<W>& prot,
                        std::uint64_t mask) {
  const W frame = (pfn << PAGE_SHIFT) ^ protnone_mask(k, prot.value);
  return k.constructors_mask ? frame & mask : frame;
}

template <class W>
constexpr pte_t<W> pfn_pte(const Kernel& k, const std::type_identity_t<W>& pfn,
                           const pgprot_t<W>& prot) {
  return {frame_field(k, pfn, prot, PTE_PFN_MASK(k)) | massage_pgprot(k, prot)};
}
template <class W>
constexpr pmd_t<W> pfn_pmd(const Kernel& k, const std::type_identity_t<W>& pfn,
                           const pgprot_t<W>& prot) {
  return {frame_field(k, pfn, prot, PHYSICAL_PMD_PAGE_MASK(k)) | massage_pgprot(k, prot)};
}
/// pfn_pud (v4.11).
template <class W>
constexpr pud_t<W> pfn_pud(const Kernel& k, const std::type_identity_t<W>& pfn,
                           const pgprot_t<W>& prot) {
  return {frame_field(k, pfn, prot, PHYSICAL_PUD_PAGE_MASK(k)) | massage_pgprot(k, prot)};
}

/// mk_pte, mk_pmd, with the page given by its frame.
template <class W>
constexpr pte_t<W> mk_pte(const Kernel& k, const std::type_identity_t<W>& pfn,
                          const pgprot_t<W>& prot) {
  return pfn_pte(k, pfn, prot);
}
template <class W>
constexpr pmd_t<W> mk_pmd(const Kernel& k, const std::type_identity_t<W>& pfn,
                          const pgprot_t<W>& prot) {
  return pfn_pmd(k, pfn, prot);
}

/// The entry that pmd_populate … pgd_populate store for a table at `pa`, a multiple of 4 KiB.
template <class W>
constexpr pmd_t<W> pmd_populate(const W& pa) {
  return {pa | page::TABLE};
}
template <class W>
constexpr pmd_t<W> pmd_populate_kernel(const W& pa) {
  return {pa | page::KERNPG_TABLE};
}
template <class W>
constexpr pud_t<W> pud_populate(const W& pa) {
  return {pa | page::TABLE};
}
template <class W>
constexpr p4d_t<W> p4d_populate(const W& pa) {
  return {pa | page::TABLE};
}
template <class W>
constexpr pgd_t<W> pgd_populate(const W& pa) {
  return {pa | page::TABLE};
}

}  // namespace mmuref::lnx
