// Protections: the named ones, those of a mapping's VM_ flags, and memory types.
//
// arch/x86/include/asm/pgtable_types.h, mm/mmap.c, arch/x86/mm/init.c and pat.c, v4.6; kernel
// protections without D since 6.6.
#pragma once

#include "model/linux/flags.h"
#include "model/linux/modifiers.h"
#include "model/linux/vma.h"

namespace mmuref::lnx {

namespace pgprot {
using namespace page;

inline constexpr std::uint64_t PAGE_NONE = PROTNONE | ACCESSED;
inline constexpr std::uint64_t PAGE_SHARED = PRESENT | RW | USER | ACCESSED | NX;
inline constexpr std::uint64_t PAGE_SHARED_EXEC = PRESENT | RW | USER | ACCESSED;
inline constexpr std::uint64_t PAGE_COPY_NOEXEC = PRESENT | USER | ACCESSED | NX;
inline constexpr std::uint64_t PAGE_COPY_EXEC = PRESENT | USER | ACCESSED;
inline constexpr std::uint64_t PAGE_COPY = PAGE_COPY_NOEXEC;
inline constexpr std::uint64_t PAGE_READONLY = PRESENT | USER | ACCESSED | NX;
inline constexpr std::uint64_t PAGE_READONLY_EXEC = PRESENT | USER | ACCESSED;

inline constexpr std::uint64_t PAGE_KERNEL_EXEC = PRESENT | RW | ACCESSED | DIRTY | GLOBAL;
inline constexpr std::uint64_t PAGE_KERNEL = PAGE_KERNEL_EXEC | NX;
inline constexpr std::uint64_t PAGE_KERNEL_NOCACHE = PAGE_KERNEL | PCD | PWT;
inline constexpr std::uint64_t PAGE_KERNEL_LARGE = PAGE_KERNEL | PSE;
inline constexpr std::uint64_t PAGE_KERNEL_LARGE_EXEC = PAGE_KERNEL_EXEC | PSE;
inline constexpr std::uint64_t PAGE_KERNEL_IO = PAGE_KERNEL;
inline constexpr std::uint64_t PAGE_KERNEL_IO_NOCACHE = PAGE_KERNEL_NOCACHE;

/// What is read-only, without D where W=0, D=1 would be a shadow stack.
constexpr std::uint64_t read_only(const Kernel& k, std::uint64_t writable) {
  return writable & ~(RW | (k.kernel_ro_clean ? DIRTY : 0));
}
/// PAGE_KERNEL_RX; PAGE_KERNEL_ROX since 5.8.
constexpr std::uint64_t PAGE_KERNEL_RX(const Kernel& k) {
  return read_only(k, PAGE_KERNEL_EXEC);
}
constexpr std::uint64_t PAGE_KERNEL_RO(const Kernel& k) {
  return read_only(k, PAGE_KERNEL);
}
constexpr std::uint64_t PAGE_KERNEL_VVAR(const Kernel& k) {
  return PAGE_KERNEL_RO(k) | USER;
}
/// Until the vsyscall page took PAGE_KERNEL_VVAR too.
constexpr std::uint64_t PAGE_KERNEL_VSYSCALL(const Kernel& k) {
  return PAGE_KERNEL_RX(k) | USER;
}
}  // namespace pgprot

/// protection_map, by SHARED, EXEC, WRITE, READ from bit 3 down. A private mapping is never
/// writable at once: the first write copies.
inline constexpr std::uint64_t protection_map[16] = {
    pgprot::PAGE_NONE,          pgprot::PAGE_READONLY,       // P000, P001
    pgprot::PAGE_COPY,          pgprot::PAGE_COPY,           // P010, P011
    pgprot::PAGE_READONLY_EXEC, pgprot::PAGE_READONLY_EXEC,  // P100, P101
    pgprot::PAGE_COPY_EXEC,     pgprot::PAGE_COPY_EXEC,      // P110, P111
    pgprot::PAGE_NONE,          pgprot::PAGE_READONLY,       // S000, S001
    pgprot::PAGE_SHARED,        pgprot::PAGE_SHARED,         // S010, S011
    pgprot::PAGE_READONLY_EXEC, pgprot::PAGE_READONLY_EXEC,  // S100, S101
    pgprot::PAGE_SHARED_EXEC,   pgprot::PAGE_SHARED_EXEC,    // S110, S111
};

/// vm_get_page_prot, without protection keys and encryption.
template <class W>
constexpr pgprot_t<W> vm_get_page_prot(const W& vm_flags) {
  W prot{protection_map[0]};
  for (unsigned i = 1; i < 16; ++i)
    prot = select((vm_flags & 15U) == W{i}, W{protection_map[i]}, prot);
  return {prot};
}

/// page_cache_mode.
enum class CacheMode : unsigned char { WB, WC, UC_MINUS, UC, WT, WP };

/// The type that field of IA32_PAT selects, SDM vol. 3, "IA32_PAT MSR" (12.12.2).
constexpr std::uint64_t pat_type(CacheMode mode) {
  constexpr std::uint64_t type[] = {6, 1, 7, 0, 4, 5};
  return type[static_cast<int>(mode)];
}
/// The flags of a 4-KiB entry that select field `index` of IA32_PAT, 0..7.
constexpr std::uint64_t pat_flags(unsigned index) {
  return ((index & 1) != 0 ? page::PWT : 0) | ((index & 2) != 0 ? page::PCD : 0) |
         ((index & 4) != 0 ? page::PAT : 0);
}

/// __cachemode2pte_tbl before PAT is set up: right for the PAT after reset, modes it lacks made
/// uncached.
constexpr std::uint64_t default_cachemode2protval(CacheMode mode) {
  if (mode == CacheMode::WB) return 0;
  return mode == CacheMode::UC ? page::PCD | page::PWT : page::PCD;
}
/// cachemode2protval once PAT holds `pat`: the lowest field of that type; the default if none is.
template <class W>
constexpr W cachemode2protval(CacheMode mode, const W& pat) {
  W flags{default_cachemode2protval(mode)};
  for (unsigned i = 8; i-- > 0;)
    flags = select(((pat >> (8 * i)) & 7U) == W{pat_type(mode)}, W{pat_flags(i)}, flags);
  return flags;
}

/// pgprot_4k_2_large, pgprot_large_2_4k: PAT is bit 7 of a 4-KiB entry and bit 12 of a larger one.
template <class W>
constexpr pgprot_t<W> pgprot_4k_2_large(const pgprot_t<W>& prot) {
  return {(prot.value & ~(page::PAT | page::PAT_LARGE)) |
          select(has(prot.value, page::PAT), W{page::PAT_LARGE}, W{0})};
}
template <class W>
constexpr pgprot_t<W> pgprot_large_2_4k(const pgprot_t<W>& prot) {
  return {(prot.value & ~(page::PAT | page::PAT_LARGE)) |
          select(has(prot.value, page::PAT_LARGE), W{page::PAT}, W{0})};
}

/// The protection of the small pages that the direct map's build splits a large one into: its own
/// without PSE. Linux takes the flags of a 4-KiB entry, and the PAT bit of larger ones lies in that
/// one's frame (phys_pmd_init, phys_pud_init, arch/x86/mm/init_64.c; 6.12 too).
template <class W>
constexpr pgprot_t<W> split_pgprot(const Kernel& k, const W& large) {
  const W prot = pte_flags(k, pte_clrhuge(k, pte_t<W>{large}));
  if (!k.split_keeps_pat) return {prot};
  return {prot | select(has(large, page::PAT_LARGE), W{page::PAT}, W{0})};
}

/// What change_page_attr does to the protection of a kernel page it makes not present: PSE and G
/// without P mean otherwise (pgprot_clear_protnone_bits in later ones).
template <class W>
constexpr pgprot_t<W> pgprot_clear_protnone_bits(const Kernel& k, const pgprot_t<W>& prot) {
  if (!k.not_present_clears_global) return prot;
  return {
      select(has(prot.value, page::PRESENT), prot.value, prot.value & ~(page::PSE | page::GLOBAL))};
}

}  // namespace mmuref::lnx
