// The fixmap: indices and addresses, and what set_fixmap maps.
#include "model/linux/fixmap.h"

#include "spec/theorems/linux/space.h"

namespace mmuref::spec {
namespace {

using lnx::Errno;

constexpr std::string_view fixmap_ref = "Linux, arch/x86/include/asm/fixmap.h";

constexpr lnx::Kernel linux_3_2 = lnx::kernel(lnx::v3_2);
constexpr lnx::Kernel linux_4_6 = lnx::kernel(lnx::v4_6);
constexpr lnx::Kernel linux_6_12 = lnx::kernel(lnx::v6_12);
constexpr lnx::Kernel linux_6_12_la57 = lnx::kernel(lnx::v6_12, {.levels = 5});

constexpr lnx::Kernel mended() {
  lnx::Kernel k = linux_6_12;
  k.virt_to_fix_takes_all = true;
  return k;
}

/// Any configuration: up to 2047 permanent slots, and those of boot time after them.
template <class S>
lnx::Fixmap<WordOf<S>> fixmap(S& t) {
  using W = WordOf<S>;
  lnx::Fixmap<W> f;
  f.permanent = (t.word("permanent") & W{1023}) + (t.word("permanent") >> 54) + W{1};
  f.end = lnx::fix_btmap_end(f) + W{lnx::TOTAL_FIX_BTMAPS};
  return f;
}
template <class S>
WordOf<S> slot(S& t, const lnx::Fixmap<WordOf<S>>& f) {
  using W = WordOf<S>;
  const W idx = t.word("idx") & W{4095};
  t.assume(idx < f.end);
  return idx;
}

const auto inverse = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const lnx::Fixmap<W> f = fixmap(t);
  const W idx = slot(t, f);
  const W inside = lnx::fix_to_virt(k, idx) + (t.word("offset") & W{lnx::PAGE_SIZE - 1});
  const lnx::VirtToFix<W> back = lnx::virt_to_fix(k, f, inside);
  t.prove(back.error == Errno::ok, "every slot's addresses are taken");
  if (back.error != Errno::ok) return;
  t.prove(back.idx == idx, "for that slot");
  const W any = probe(t, inside, bit(23));
  const Bool<W> slots = (any >= lnx::fix_to_virt(k, f.end - W{1})) &
                        (any < lnx::fix_to_virt(k, W{0}) + W{lnx::PAGE_SIZE});
  t.witness(!slots, "an address outside of the fixmap");
  t.prove(Bool<W>(lnx::virt_to_fix(k, f, any).error == Errno::ok) == slots, "and no others");
};

const auto domain = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const lnx::Fixmap<W> f = fixmap(t);
  const W idx = slot(t, f);
  const lnx::VirtToFix<W> back = lnx::virt_to_fix(k, f, lnx::fix_to_virt(k, idx));
  t.witness(idx == W{0}, "slot 0");
  t.witness(idx > f.permanent, "a boot-time slot");
  t.prove(Bool<W>(back.error == Errno::ok) == ((idx != W{0}) & (idx <= f.permanent)),
          "taken are 1 to __end_of_permanent_fixed_addresses");
  if (back.error == Errno::ok) t.prove(back.idx == idx, "for what they are");
};

const auto window = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  const lnx::Fixmap<W> f = fixmap(t);
  const W first = lnx::fix_btmap_end(f);
  const W one = first + (t.word("one") & W{lnx::TOTAL_FIX_BTMAPS - 1});
  const W other = first + (t.word("other") & W{lnx::TOTAL_FIX_BTMAPS - 1});
  t.witness(first == f.permanent, "right behind the permanent ones");
  t.witness(first != f.permanent, "moved up");
  t.prove((first >= f.permanent) & (first < f.permanent + W{lnx::TOTAL_FIX_BTMAPS}),
          "after the permanent slots, by less than a table");
  t.prove((lnx::fix_to_virt(k, one) & W{lnx::PMD_MASK}) ==
              (lnx::fix_to_virt(k, other) & W{lnx::PMD_MASK}),
          "any two share a PTE table");
};

const auto set = [](auto& t, const lnx::Kernel& k) {
  using S = std::remove_reference_t<decltype(t)>;
  using W = WordOf<S>;
  Space<W> space(k);
  const lnx::Fixmap<W> f{W{512}, W{1536}};
  const W idx = t.word("idx") & W{2047};
  const W pfn = frames(t, "pfn", k, 1);
  const lnx::pgprot_t<W> flags = protection(t, "prot");
  // The PGD entry of the fixmap is there from boot on.
  const W top = lnx::fix_to_virt(k, W{0});
  space.memory.write(lnx::pgd_offset(k, space.mm, top), lnx::populate(W{0x8000}, 4));
  const Errno error = lnx::set_fixmap(k, space.mm, f, idx, pfn << 12, flags);
  t.witness(idx >= f.end, "no slot");
  t.prove(Bool<W>(error == Errno::ok) == (idx < f.end), "BUG for what is no slot");

  const W va = probe(t, lnx::fix_to_virt(k, idx), 0x4000);
  const x86::Walk<W> w = space.walk(va);
  const Bool<W> inside = (va & W{lnx::PAGE_MASK}) == lnx::fix_to_virt(k, idx);
  t.prove(legal(w), "every entry is legal");
  t.prove(Bool<W>(mapped(w)) == (inside & Bool<W>(error == Errno::ok)), "the slot alone");
  if (mapped(w)) {
    t.prove(w.physical_address == ((pfn << 12) | (va & W{lnx::PAGE_SIZE - 1})), "to its frame");
    t.prove(grants(w, flags), "with its rights");
  }
};

const Theorem theorems[] = {
    theorem("linux-virt-to-fix-inverse",
            "virt_to_fix undoes fix_to_virt for every slot, if it takes all of the fixmap.",
            fixmap_ref, [](auto& t) { inverse(t, mended()); }),
    theorem("linux-virt-to-fix-domain",
            "virt_to_fix takes the slots from 1 to the number of permanent ones, and undoes "
            "fix_to_virt for them; 6.12.",
            fixmap_ref, [](auto& t) { domain(t, linux_6_12); }),
    theorem("linux-virt-to-fix-domain-3-2",
            "virt_to_fix takes the slots from 1 to the number of permanent ones; 3.2.", fixmap_ref,
            [](auto& t) { domain(t, linux_3_2); }),
    theorem("linux-btmap-window",
            "The boot-time slots of the fixmap share one PTE table, however many permanent ones "
            "there are.",
            fixmap_ref, [](auto& t) { window(t, linux_4_6); }),
    theorem("linux-btmap-window-3-2", "The boot-time slots share one PTE table; 3.2.", fixmap_ref,
            [](auto& t) { window(t, linux_3_2); }),
    theorem("linux-set-fixmap",
            "After set_fixmap the walk of the slot's page gives its frame and rights, and nothing "
            "else is mapped.",
            fixmap_ref, [](auto& t) { set(t, linux_4_6); }),
    theorem("linux-set-fixmap-5-level",
            "After set_fixmap the walk of the slot's page gives its frame and rights, with five "
            "levels.",
            fixmap_ref, [](auto& t) { set(t, linux_6_12_la57); }),
};

const Defect defects[] = {
    {theorem("linux-virt-to-fix-inverse-4-6", "virt_to_fix undoes fix_to_virt for every slot.",
             fixmap_ref, [](auto& t) { inverse(t, linux_4_6); }),
     "4.6", "not as of 6.12"},
};

}  // namespace

std::span<const Theorem> linux_fixmap_theorems() {
  return theorems;
}
std::span<const Defect> linux_fixmap_defects() {
  return defects;
}

}  // namespace mmuref::spec
