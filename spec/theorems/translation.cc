// Where a translation leads, and what it depends on.
#include "spec/theorem.h"
#include "spec/theorems/inputs.h"

namespace mmuref::spec {
namespace {

constexpr std::string_view ref =
    "SDM vol. 3, 4.5.4 Linear-Address Translation with 4-Level Paging and 5-Level Paging";

const auto address_in_frame = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = walk_inputs(t);
  const auto w = in.walk();
  const bool ok = w.outcome == x86::Outcome::translated;
  for (int level = 1; level <= x86::max_leaf_level; ++level)
    t.witness(ok && w.level == level, "a leaf of level " + std::to_string(level));
  if (!ok) return;

  const W size{bit(x86::level_shift(w.level))};
  const W pa = w.physical_address;
  const W below = (W{1} << in.cpu.maxphyaddr) - W{1};
  t.prove(pa <= below, "below 2^MAXPHYADDR");
  t.prove((pa & (size - W{1})) == (in.access.va & (size - W{1})), "the page offset is kept");
  // Bits above the page size that an entry can hold: all of the frame number, none of the flags.
  const W frame_bits = W{x86::entry::address_mask} & ~(size - W{1}) & below;
  t.prove((pa & ~(size - W{1})) == (w.last().value & frame_bits), "in the leaf's frame");
};

const auto one_page_one_frame = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = walk_inputs(t);
  const auto w = in.walk();
  t.witness(mapped(w) && w.level > 1, "a large page");
  if (!mapped(w)) return;

  const W in_page{bit(x86::level_shift(w.level)) - 1};
  auto other = in.access;
  other.va = (in.access.va & ~in_page) | (t.word("other offset") & in_page);
  const auto v = x86::walk(in.paging(), other, replayed(w));
  t.prove(v.outcome == w.outcome && v.level == w.level, "the same outcome");
  t.prove(same_path(w, v), "by the same entries");
  if (w.outcome == x86::Outcome::translated && v.outcome == x86::Outcome::translated)
    t.prove((v.physical_address ^ w.physical_address) == (other.va ^ in.access.va),
            "in the same frame, each with its offset");
};

/// The bits of the entry of `step` that the manual ignores; flipping them must not matter.
template <class W>
W ignored_bits(const x86::Step<W>& step, const x86::Processor<W>& cpu, const x86::Registers<W>& r,
               bool leaf) {
  namespace e = x86::entry;
  const W p_clear = ~W{e::P};
  const W keys_off =
      select(has(r.cr4, x86::cr4::PKE) | has(r.cr4, x86::cr4::PKS), W{0}, W{e::key_mask});
  const W common{e::PWT | e::PCD | e::A | bits(11, 9) | bits(58, 52)};
  W ignored = common;
  if (leaf) {
    const std::uint64_t pat = step.level == 1 ? e::PAT_4K : e::PAT_large;
    ignored = ignored | W{e::D | e::G | pat} | keys_off;
  } else {
    ignored = ignored | W{e::D} | W{e::key_mask};
    // Bit 8 of the two highest levels is reserved by AMD.
    ignored = ignored | (step.level >= 4 ? select(cpu.amd, W{0}, W{e::G}) : W{e::G});
  }
  return select(has(step.value, e::P), ignored, p_clear);
}

const auto ignored_bits_are_ignored = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = walk_inputs(t);
  const auto w = in.walk();
  W noise[x86::max_level + 1];
  for (int level = 1; level <= x86::max_level; ++level)
    noise[level] = t.word("noise" + std::to_string(level));
  const Changed changed(w, [&](const x86::Step<W>& step) {
    const bool leaf = step.level == w.level && mapped(w);
    // An entry with a reserved bit may be of either role; only what both ignore is flipped.
    const bool faulted = step.level == w.level && !mapped(w);
    W mask = ignored_bits(step, in.cpu, in.registers, leaf);
    if (faulted) mask = mask & ignored_bits(step, in.cpu, in.registers, true);
    return step.value ^ (noise[step.level] & mask);
  });
  const auto v = x86::walk(in.paging(), in.access, changed);
  t.witness(w.outcome == x86::Outcome::translated, "a translation");
  t.prove(same_answer(w, v), "the same answer");
  t.prove(same_path(w, v), "by the same entries");
};

const auto other_register_bits_are_ignored = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = walk_inputs(t);
  const auto w = in.walk();
  auto r = in.registers;
  const auto flip = [&](W& reg, const char* name, const W& used) {
    reg = reg ^ (t.word(name) & ~used);
  };
  flip(r.cr0, "noise cr0", W{x86::cr0::WP});
  flip(r.cr3, "noise cr3", in.paging().frame_mask);
  flip(r.cr4, "noise cr4",
       W{x86::cr4::LA57 | x86::cr4::SMEP | x86::cr4::SMAP | x86::cr4::PKE | x86::cr4::PKS});
  flip(r.efer, "noise efer", W{x86::efer::NXE});
  flip(r.pkru, "noise pkru", W{bits(31, 0)});
  flip(r.pkrs, "noise pkrs", W{bits(31, 0)});
  const auto v = x86::walk(x86::paging(in.cpu, r), in.access, replayed(w));
  t.witness(w.outcome == x86::Outcome::translated, "a translation");
  t.prove(same_path(w, v), "by the same entries");
  t.prove(same_answer(w, v), "the same answer");
};

const auto depends_on_entries_read = [](auto& t) {
  const auto in = walk_inputs(t);
  const auto w = in.walk();
  // Any other memory that agrees where the walk read.
  const auto other = t.memory("other");
  for (int i = 0; i < w.count; ++i) t.assume(other.read(w.steps[i].address) == w.steps[i].value);
  const auto v = x86::walk(in.paging(), in.access, other);
  t.witness(w.rule == x86::Rule::not_present && w.level == 3, "a fault above other tables");
  t.prove(same_answer(w, v) & same_path(w, v), "the same answer");
};

const auto wider_addresses_keep_translations = [](auto& t) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const auto in = walk_inputs(t);
  auto wider = in.cpu;
  wider.maxphyaddr = t.word("wider maxphyaddr");
  t.assume((wider.maxphyaddr >= in.cpu.maxphyaddr) & (wider.maxphyaddr <= W{x86::max_maxphyaddr}));
  t.assume((in.registers.cr3 >> in.cpu.maxphyaddr) == W{0});
  const auto w = in.walk();
  t.witness(w.outcome == x86::Outcome::translated, "a translation");
  if (w.outcome != x86::Outcome::translated) return;
  const auto v = x86::walk(x86::paging(wider, in.registers), in.access, replayed(w));
  t.prove(same_path(w, v), "by the same entries");
  t.prove(same_answer(w, v), "the same translation");
};

const auto amd_allows_less = [](auto& t) {
  const auto in = walk_inputs(t);
  t.assume(in.cpu.amd);
  const auto w = in.walk();
  t.witness(w.outcome == x86::Outcome::translated, "a translation on AMD");
  t.witness(w.rule == x86::Rule::reserved_global, "a fault only AMD has");
  auto intel = in.cpu;
  intel.amd = false;
  if (w.outcome != x86::Outcome::translated) return;
  const auto v = x86::walk(x86::paging(intel, in.registers), in.access, replayed(w));
  t.prove(same_path(w, v), "by the same entries");
  t.prove(same_answer(w, v), "the same translation on Intel");
};

const Theorem theorems[] = {
    theorem("address-in-frame",
            "A physical address is below 2^MAXPHYADDR, keeps the page offset and lies in the "
            "leaf's frame.",
            ref, address_in_frame),
    theorem("one-page-one-frame",
            "Two addresses in one page translate by the same entries into one frame, each with "
            "its offset, and meet the same fault otherwise.",
            ref, one_page_one_frame),
    theorem("ignored-bits",
            "Bits the manual ignores (62:52 above the key, AVL, A and D as found, G and D of "
            "non-leaves, PWT, PCD, PAT, and all of a not-present entry) never change the answer.",
            ref, ignored_bits_are_ignored),
    theorem("ignored-register-bits",
            "PCID, PWT and PCD in CR3, and control bits other than WP, LA57, SMEP, SMAP, PKE, PKS "
            "and NXE never change the answer.",
            "SDM vol. 3, 4.5.2 Use of CR3 with Ordinary 4-Level Paging and 5-Level Paging",
            other_register_bits_are_ignored),
    theorem("tables-decide-alone",
            "Two memories that agree on the entries a walk reads give one answer: no table below "
            "the first entry that faults plays a part.",
            ref, depends_on_entries_read),
    theorem("wider-maxphyaddr",
            "What translates with one MAXPHYADDR translates to the same address with every "
            "larger one.",
            ref, wider_addresses_keep_translations),
    theorem("amd-allows-less",
            "What translates under AMD's reserved bits translates to the same address under "
            "Intel's.",
            "APM vol. 2, 5.3.3 4-Kbyte Page Translation", amd_allows_less),
};

}  // namespace

std::span<const Theorem> translation_theorems() {
  return theorems;
}

}  // namespace mmuref::spec
