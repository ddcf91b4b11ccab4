// Linux: what its protections mean to the processor.
#include "model/linux/entries.h"
#include "spec/theorem.h"
#include "spec/theorems/inputs.h"
#include "spec/theorems/linux/kernels.h"

namespace mmuref::spec {
namespace {

using namespace lnx;

constexpr std::string_view ref = "Linux arch/x86/include/asm/pgtable_types.h, PAGE_KERNEL …";
constexpr std::string_view pat_ref =
    "Linux arch/x86/mm/pat.c; SDM vol. 3, 12.12 Page Attribute Table (PAT)";

/// Four levels, the upper three as p?d_populate makes them.
template <class W>
class Chain {
 public:
  Chain(const W& tables, const W& leaf) : tables_(tables), leaf_(leaf) {}
  W read(const W&) const { return ++reads_ == 4 ? leaf_ : tables_; }

 private:
  W tables_, leaf_;
  mutable int reads_ = 0;
};

/// Which accesses a leaf of this protection permits, on a processor as Linux sets it up.
template <class W>
class Permits {
 public:
  template <class T>
  Permits(T& t, const Kernel& k, const pgprot_t<W>& prot)
      : va_(t.word("va") & W{bits(46, 0)}),
        table_(t.word("table") & W{bits(44, 12)}),
        leaf_(pfn_pte(k, t.word("frame") & W{bits(32, 0)}, prot).value) {
    registers_.cr0 = W{x86::cr0::PE | x86::cr0::PG | x86::cr0::WP};
    registers_.cr4 = W{x86::cr4::PAE | x86::cr4::SMEP | x86::cr4::SMAP};
    registers_.efer = W{x86::efer::LME | x86::efer::LMA | x86::efer::NXE};
  }

  Bool<W> operator()(bool user, bool write, bool fetch) const {
    const x86::Access<W> access{.va = va_, .write = write, .fetch = fetch, .cpl3 = user};
    const auto p = x86::paging(x86::Processor<W>{}, registers_);
    const auto walk = x86::walk(p, access, Chain<W>(p4d_populate(table_).value, leaf_));
    return walk.outcome == x86::Outcome::translated;
  }

 private:
  W va_, table_, leaf_;
  x86::Registers<W> registers_;
};

const auto user_protections = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W vm_flags = t.word("vm flags") & W{15};
  const auto read = has(vm_flags, vm::READ | vm::WRITE | vm::EXEC);
  const Bool<W> write = has(vm_flags, vm::WRITE) & has(vm_flags, vm::SHARED);
  const auto exec = has(vm_flags, vm::EXEC);
  t.witness(write & exec, "a shared writable executable mapping");
  for (const Kernel& k : {kernel(v4_6), kernel(v6_12)}) {
    const Permits<W> permits(t, k, vm_get_page_prot(vm_flags));
    t.prove(permits(true, false, false) == Bool<W>(read), of(k, "read"));
    t.prove(permits(true, true, false) == write, of(k, "write"));
    t.prove(permits(true, false, true) == Bool<W>(exec), of(k, "fetch"));
    t.prove(!permits(false, false, true), of(k, "the kernel does not execute it"));
  }
};

/// What a kernel protection lets the kernel and users do.
struct Rights {
  const char* name;
  std::uint64_t prot;
  bool write, exec, user_read = false, user_exec = false;
};
const auto kernel_protections = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  for (const Kernel& k : {kernel(v4_6), kernel(v6_12)}) {
    using namespace pgprot;
    const Rights table[] = {
        {"PAGE_KERNEL", PAGE_KERNEL, true, false},
        {"PAGE_KERNEL_EXEC", PAGE_KERNEL_EXEC, true, true},
        {"PAGE_KERNEL_RO", PAGE_KERNEL_RO(k), false, false},
        {"PAGE_KERNEL_RX", PAGE_KERNEL_RX(k), false, true},
        {"PAGE_KERNEL_NOCACHE", PAGE_KERNEL_NOCACHE, true, false},
        {"PAGE_KERNEL_VVAR", PAGE_KERNEL_VVAR(k), false, false, true, false},
        {"PAGE_KERNEL_VSYSCALL", PAGE_KERNEL_VSYSCALL(k), false, false, true, true},
    };
    for (const Rights& r : table) {
      const Permits<W> permits(t, k, pgprot_t<W>{W{r.prot}});
      const auto is = [&](const char* what, const Bool<W>& permitted, bool wanted) {
        t.prove(permitted == Bool<W>(wanted), of(k, std::string(r.name) + ": " + what));
      };
      // SMAP and SMEP keep the kernel from user pages.
      is("read", permits(false, false, false), !r.user_read);
      is("write", permits(false, true, false), r.write);
      is("fetch", permits(false, false, true), r.exec && !r.user_exec);
      is("user read", permits(true, false, false), r.user_read);
      is("user write", permits(true, true, false), false);
      is("user fetch", permits(true, false, true), r.user_exec);
    }
  }
  t.witness(has(t.word("va"), bit(40)), "any address");
};

const auto no_shadow_stack = [](auto& t, const Kernel& k) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W pfn = t.word("frame") & W{bits(32, 0)};
  t.witness(pfn != W{0}, "a page");
  for (const std::uint64_t prot :
       {pgprot::PAGE_KERNEL_RO(k), pgprot::PAGE_KERNEL_RX(k), pgprot::PAGE_KERNEL_VVAR(k)}) {
    const W e = pfn_pte(k, pfn, pgprot_t<W>{W{prot}}).value;
    t.prove((e & (page::RW | page::DIRTY)) != W{page::DIRTY}, "W=0, D=1");
  }
};

const auto pat_moves = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W flags = t.word("flags");
  const pgprot_t<W> small{flags & ~W{page::PAT_LARGE}}, large{flags & ~W{page::PAT}};
  t.witness(has(small.value, page::PAT), "PAT set");
  t.prove(pgprot_large_2_4k(pgprot_4k_2_large(small)).value == small.value, "to large and back");
  t.prove(pgprot_4k_2_large(pgprot_large_2_4k(large)).value == large.value, "to 4 KiB and back");
  t.prove(has(pgprot_4k_2_large(small).value, page::PAT_LARGE) == has(flags, page::PAT),
          "bit 7 becomes bit 12");
  t.prove(!has(pgprot_4k_2_large(small).value ^ small.value, ~(page::PAT | page::PAT_LARGE)),
          "the other flags stay");
};

const auto split_keeps_memory_type = [](auto& t, bool keeps) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  Kernel k = kernel(v6_12);
  k.split_keeps_pat = keeps;
  const W flags = (t.word("flags") & ~W{PHYSICAL_PMD_PAGE_MASK(k)}) | W{page::PSE | page::PRESENT};
  const W large = flags | (t.word("frame") & W{bits(44, 21)});
  const pgprot_t<W> prot = split_pgprot(k, large);
  t.witness(has(flags, page::PAT_LARGE), "a memory type by PAT");
  t.prove(has(prot.value, page::PAT) == has(flags, page::PAT_LARGE), "PAT");
  t.prove(!has(prot.value ^ flags, page::PWT | page::PCD | page::RW | page::USER | page::NX),
          "the other flags");
};

const auto memory_types = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W pat = t.word("pat");
  const auto field = [&](const W& flags) {
    const W index = select(has(flags, page::PWT), W{8}, W{0}) |
                    select(has(flags, page::PCD), W{16}, W{0}) |
                    select(has(flags, page::PAT), W{32}, W{0});
    return (pat >> index) & W{7};
  };
  for (const CacheMode mode : {CacheMode::WB, CacheMode::WC, CacheMode::UC_MINUS, CacheMode::UC,
                               CacheMode::WT, CacheMode::WP}) {
    const W type{pat_type(mode)}, flags = cachemode2protval(mode, pat);
    Bool<W> there = false;
    for (unsigned i = 0; i < 8; ++i) there = there | (((pat >> (8 * i)) & W{7}) == type);
    const std::string name = "mode " + std::to_string(static_cast<int>(mode));
    t.witness(there, name + " has a field");
    t.prove((!there) | (field(flags) == type), name + ": a field of its type");
    t.prove(there | (flags == W{default_cachemode2protval(mode)}), name + ": or the default");
    t.prove(!has(flags, ~(page::PWT | page::PCD | page::PAT)), name + ": no other flag");
  }
};

const Theorem theorems[] = {
    theorem("linux-user-protections",
            "A page mapped with the protection of its VM_ flags can be read if the mapping has any "
            "right, written if it is shared and writable, and executed if executable; a private "
            "page is never writable.",
            ref, [](auto& t) { user_protections(t); }),
    theorem("linux-kernel-protections",
            "Each protection of kernel pages permits exactly what its name says.", ref,
            [](auto& t) { kernel_protections(t); }),
    theorem("linux-no-kernel-shadow-stack",
            "No read-only protection of kernel pages is a shadow stack's, W=0 and D=1.", ref,
            [](auto& t) { no_shadow_stack(t, kernel(v6_12)); }),
    theorem("linux-pat-moves",
            "pgprot_4k_2_large and pgprot_large_2_4k are inverse and move PAT alone.", pat_ref,
            [](auto& t) { pat_moves(t); }),
    theorem("linux-split-keeps-memory-type",
            "The 4-KiB pages of a split 2-MiB leaf would have its memory type if PAT moved along.",
            "Linux arch/x86/mm/init_64.c, phys_pmd_init",
            [](auto& t) { split_keeps_memory_type(t, true); }),
    theorem("linux-memory-types",
            "The flags of a cache mode select a field of its type in any IA32_PAT that has one.",
            pat_ref, [](auto& t) { memory_types(t); }),
};

const Defect defects[] = {
    {theorem("linux-defect-kernel-shadow-stack",
             "No read-only protection of kernel pages is a shadow stack's, W=0 and D=1.", ref,
             [](auto& t) {
               no_shadow_stack(t, kernel({6, 5}));
             }),
     "6.5", "6.6, f788b71768ff"},
    {theorem("linux-defect-split-memory-type",
             "The 4-KiB pages of a split 2-MiB leaf have its memory type.",
             "Linux arch/x86/mm/init_64.c, phys_pmd_init",
             [](auto& t) { split_keeps_memory_type(t, false); }),
     "4.6", "not yet; the direct map is write-back when it is built"},
};

}  // namespace

std::span<const Theorem> linux_protection_theorems() {
  return theorems;
}
std::span<const Defect> linux_protection_defects() {
  return defects;
}

}  // namespace mmuref::spec
