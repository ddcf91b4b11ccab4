// Linear addresses: canonical form, split and join.
#include "model/x86/linear_address.h"

#include "spec/theorem.h"
#include "spec/theorems/inputs.h"

namespace mmuref::spec {
namespace {

constexpr std::string_view canonical_ref = "SDM vol. 1, 3.3.7.1 Canonical Addressing";
constexpr std::string_view split_ref =
    "SDM vol. 3, 4.5.4 Linear-Address Translation with 4-Level Paging and 5-Level Paging";

/// The low `width` bits of `va` with their highest copied into all bits above, as MOVSX would.
template <class W>
W sign_extend(const W& va, unsigned width) {
  const W low = va & W{bits(width - 1, 0)};
  return low | select(has(va, bit(width - 1)), W{~bits(width - 1, 0)}, W{0});
}

const auto canonical_iff_sign_extended = [](auto& t, int levels) {
  const auto va = t.word("va");
  const unsigned width = x86::linear_width(levels);
  t.witness(x86::canonical(va, width), "a canonical address");
  t.witness(!x86::canonical(va, width), "a non-canonical address");
  t.prove(x86::canonical(va, width) == (va == sign_extend(va, width)), "sign extension");
};

/// Joins indices and offset to the address whose highest index bit is sign extended.
template <class W>
W join(const W (&index)[x86::max_level + 1], int levels, int leaf, const W& offset) {
  W va = offset;
  for (int level = leaf; level <= levels; ++level)
    va = va | (index[level] << x86::level_shift(level));
  return sign_extend(va, x86::linear_width(levels));
}

const auto split_join = [](auto& t, int levels) {
  using W = WordOf<std::remove_reference_t<decltype(t)>>;
  const W va = t.word("va"), any_offset = t.word("offset");
  W any_index[x86::max_level + 1];
  for (int level = 1; level <= levels; ++level)
    any_index[level] = t.word("index" + std::to_string(level)) & W{511};

  for (int leaf = 1; leaf <= x86::max_leaf_level; ++leaf) {
    W index[x86::max_level + 1];
    for (int level = leaf; level <= levels; ++level) index[level] = x86::table_index(va, level);
    const W joined = join(index, levels, leaf, x86::page_offset(va, leaf));
    t.prove((!x86::canonical(va, x86::linear_width(levels))) | (joined == va),
            "joining the parts of a canonical address gives it back");

    const W offset = x86::page_offset(any_offset, leaf);
    const W made = join(any_index, levels, leaf, offset);
    Bool<W> parts = x86::page_offset(made, leaf) == offset;
    for (int level = leaf; level <= levels; ++level)
      parts = parts & (x86::table_index(made, level) == any_index[level]);
    t.prove(parts & x86::canonical(made, x86::linear_width(levels)),
            "splitting a joined address gives its parts");
  }
};

const Theorem theorems[] = {
    theorem("canonical-iff-sign-extension-48",
            "An address is canonical with 4-level paging exactly when bits 63:48 repeat bit 47.",
            canonical_ref, [](auto& t) { canonical_iff_sign_extended(t, 4); }),
    theorem("canonical-iff-sign-extension-57",
            "An address is canonical with 5-level paging exactly when bits 63:57 repeat bit 56.",
            canonical_ref, [](auto& t) { canonical_iff_sign_extended(t, 5); }),
    theorem("split-join-4-level",
            "Splitting a canonical 48-bit address into indices and offset and joining them are "
            "inverse, for pages of every size.",
            split_ref, [](auto& t) { split_join(t, 4); }),
    theorem("split-join-5-level",
            "Splitting a canonical 57-bit address into indices and offset and joining them are "
            "inverse, for pages of every size.",
            split_ref, [](auto& t) { split_join(t, 5); }),
};

}  // namespace

std::span<const Theorem> linear_address_theorems() {
  return theorems;
}

}  // namespace mmuref::spec
