// All combinations of the flags of an entry, at every level and page size, against all kinds of
// access and control bits; each answer, with what it writes, is held to manual_oracle.h.
#include <gtest/gtest.h>

#include <vector>

#include "tests/model/manual_oracle.h"
#include "tests/model/scene.h"

namespace mmuref::x86::test {
namespace {

using manual::Kind;
using manual::Manual;
using manual::Path;
using manual::Setting;

/// One entry a level, each at its own place; all else reads 0.
struct Tables {
  std::array<Word, 6> at{}, value{};

  Word read(Word address) const {
    for (unsigned level = 1; level < 6; ++level) {
      if (at[level] == address) return value[level];
    }
    return 0;
  }
  void write(Word address, Word v) {
    for (unsigned level = 1; level < 6; ++level) {
      if (at[level] == address) value[level] = v;
    }
  }
};

Access<Word> access_of(const Kind& k, Word va) {
  return {.va = va,
          .write = k.what == manual::writes,
          .fetch = k.what == manual::fetches,
          .cpl3 = k.who != manual::kernel,
          .ac = k.ac,
          .implicit = k.who == manual::kernel_table};
}

/// Model and oracle under one setting.
class Comparison {
 public:
  Comparison(const Scene& scene, const Setting& s) : setting_(s), manual_(s), va_(scene.access.va) {
    const auto flag = [](bool set, Word value) { return set ? value : 0; };
    const Processor<Word> cpu{static_cast<Word>(s.maxphyaddr), s.page1gb, s.amd};
    Registers<Word> r = scene.registers;
    r.cr0 = cr0::PE | cr0::PG | flag(s.wp, cr0::WP);
    r.cr4 = cr4::PAE | flag(s.levels == 5, cr4::LA57) | flag(s.smep, cr4::SMEP) |
            flag(s.smap, cr4::SMAP) | flag(s.pke, cr4::PKE) | flag(s.pks, cr4::PKS);
    r.efer = efer::LME | efer::LMA | flag(s.nxe, efer::NXE);
    r.pkru = s.pkru;
    r.pkrs = s.pkrs;
    paging_ = paging(cpu, r);
    for (unsigned level = 1; level < 6; ++level) {
      tables_.at[level] = scene.at(static_cast<int>(level));
    }
  }

  /// Every kind of access through these entries. False, with the case printed, on a difference.
  bool agree(const std::array<Word, 6>& entries) {
    const Path path = manual_.path(entries, table_at, va_);
    for (unsigned kind = 0; kind < manual::kinds.size(); ++kind) {
      tables_.value = entries;
      const auto access = access_of(manual::kinds[kind], va_);
      const auto w = walk(paging_, access, tables_);
      write_back(w, tables_);
      if (!same(w, path, kind, entries)) return report(w, path, kind, entries);
    }
    return true;
  }

 private:
  bool same(const Walk<Word>& w, const Path& path, unsigned kind,
            const std::array<Word, 6>& before) const {
    const auto expected = manual_.verdict(path, kind);
    if (expected.fault != (w.outcome == Outcome::page_fault)) return false;
    if (w.level != path.level || w.count != setting_.levels - path.level + 1) return false;
    if (expected.fault) {
      const int limit = accessed_limit(w);
      return w.error_code == expected.error_code && tables_.value == before &&
             limit == setting_.levels - path.level;
    }
    if (w.outcome != Outcome::translated || w.physical_address != path.physical) return false;
    for (int level = 1; level <= 5; ++level) {
      const auto i = static_cast<unsigned>(level);
      Word flags = level >= path.level && level <= setting_.levels ? 0x20 : 0;
      if (level == path.level && manual::kinds[kind].what == manual::writes) flags += 0x40;
      if (tables_.value[i] != (before[i] | flags)) return false;
    }
    return true;
  }

  bool report(const Walk<Word>& w, const Path& path, unsigned kind,
              const std::array<Word, 6>& entries) const {
    const auto expected = manual_.verdict(path, kind);
    const auto& s = setting_;
    const Kind& k = manual::kinds[kind];
    auto failure = testing::Message();
    failure << std::hex << std::showbase << std::boolalpha;
    for (int level = s.levels; level >= 1; --level) {
      failure << "level " << level << ": " << entries[static_cast<unsigned>(level)]
              << (level > 1 ? ", " : "\n");
    }
    failure << "access " << k.what << " by " << k.who << ", AC " << k.ac << "; M " << std::dec
            << s.maxphyaddr << std::hex << ", 1G " << s.page1gb << ", AMD " << s.amd << ", WP "
            << s.wp << ", NXE " << s.nxe << ", SMEP " << s.smep << ", SMAP " << s.smap << ", PKE "
            << s.pke << ", PKS " << s.pks << ", PKRU " << s.pkru << ", PKRS " << s.pkrs
            << "\nexpected: fault " << expected.fault << ", code " << expected.error_code
            << ", level " << path.level << ", physical " << path.physical
            << "\ncomputed: " << text(w.rule).name << ", code " << w.error_code << ", level "
            << w.level << ", physical " << w.physical_address;
    ADD_FAILURE() << failure.GetString();
    return false;
  }

  Setting setting_;
  Manual manual_;
  Word va_;
  Paging<Word> paging_;
  Tables tables_;
};

/// WP, NXE, SMEP and SMAP in all combinations.
std::vector<Setting> control_bits(int levels) {
  std::vector<Setting> all;
  for (unsigned i = 0; i < 16; ++i) {
    all.push_back({.levels = levels,
                   .wp = (i & 1) != 0,
                   .nxe = (i & 2) != 0,
                   .smep = (i & 4) != 0,
                   .smap = (i & 8) != 0});
  }
  return all;
}

/// `e` with each flag of `flags` set as the bit of its place in `choice` says.
template <std::size_t N>
Word with_flags(Word e, const std::array<Word, N>& flags, unsigned choice) {
  for (std::size_t i = 0; i < N; ++i) {
    e = (choice >> i & 1) != 0 ? e | flags[i] : e & ~flags[i];
  }
  return e;
}

class EveryShape : public testing::TestWithParam<Shape> {};
INSTANTIATE_TEST_SUITE_P(Shapes, EveryShape, testing::ValuesIn(shapes));

// Rights and presence at all levels at once.
TEST_P(EveryShape, RightsAtAllLevelsTogether) {
  const auto [levels, leaf] = GetParam();
  constexpr std::array<Word, 4> flags{entry::P, entry::RW, entry::US, entry::XD};
  constexpr unsigned per_level = flags.size();
  const auto used = static_cast<unsigned>(levels - leaf + 1);
  const Scene scene = mapping(levels, leaf);
  for (const Setting& s : control_bits(levels)) {
    Comparison comparison(scene, s);
    for (unsigned choice = 0; choice < 1u << used * per_level; ++choice) {
      auto entries = scene.entry;
      for (unsigned i = 0; i < used; ++i) {
        Word& e = entries[static_cast<unsigned>(leaf) + i];
        e = with_flags(e, flags, choice >> i * per_level);
      }
      if (!comparison.agree(entries)) return;
    }
  }
}

// A key in the leaf, its rights in PKRU and PKRS, all others' rights the opposite or the same.
TEST_P(EveryShape, EveryKeyUnderEveryRight) {
  const auto [levels, leaf] = GetParam();
  const Scene scene = mapping(levels, leaf);
  for (unsigned i = 0; i < 1u << 13; ++i) {
    const unsigned key = i & 15, user_rights = i >> 4 & 3, supervisor_rights = i >> 6 & 3;
    const Word others = (i >> 8 & 1) != 0 ? bits(31, 0) & ~(Word{3} << 2 * key) : 0;
    Comparison comparison(scene, {.levels = levels,
                                  .wp = (i >> 9 & 1) != 0,
                                  .smap = (i >> 10 & 1) != 0,
                                  .pke = (i >> 11 & 1) != 0,
                                  .pks = (i >> 12 & 1) != 0,
                                  .pkru = others | Word{user_rights} << 2 * key,
                                  .pkrs = others | Word{supervisor_rights} << 2 * key});
    for (unsigned rights = 0; rights < 32; ++rights) {
      auto entries = scene.entry;
      Word& last = entries[static_cast<unsigned>(leaf)];
      Word& root = entries[static_cast<unsigned>(levels)];
      const std::array<Word, 3> flags{entry::RW, entry::US, entry::XD};
      last = with_flags(last, flags, rights & 7) | Word{key} << entry::key_shift;
      root = with_flags(root, std::array{entry::US, entry::RW}, rights >> 3) |
             Word{15 - key} << entry::key_shift;
      if (!comparison.agree(entries)) return;
    }
  }
}

// Any two bits of any one entry inverted: reserved, ignored, address and flag bits in all pairs.
TEST_P(EveryShape, AnyTwoBitsOfAnyEntryInverted) {
  const auto [levels, leaf] = GetParam();
  const Scene scene = mapping(levels, leaf);
  for (const int maxphyaddr : {32, 36, 46, 51, 52}) {
    for (unsigned i = 0; i < 8; ++i) {
      Comparison comparison(scene, {.levels = levels,
                                    .maxphyaddr = maxphyaddr,
                                    .page1gb = (i & 1) != 0,
                                    .amd = (i & 2) != 0,
                                    .nxe = (i & 4) != 0});
      for (int level = leaf; level <= levels; ++level) {
        for (unsigned a = 0; a < 64; ++a) {
          for (unsigned b = a; b < 64; ++b) {
            auto entries = scene.entry;
            entries[static_cast<unsigned>(level)] ^= bit(a) | bit(b);
            if (!comparison.agree(entries)) return;
          }
        }
      }
    }
  }
}

struct Pair {
  int levels, upper, lower;
};
void PrintTo(const Pair& p, std::ostream* os) {
  *os << p.levels << " levels, entries of " << p.upper << " and " << p.lower;
}

std::vector<Pair> pairs() {
  std::vector<Pair> all;
  for (const int levels : {4, 5}) {
    for (int upper = levels; upper > 1; --upper) {
      for (int lower = upper - 1; lower >= 1; --lower) all.push_back({levels, upper, lower});
    }
  }
  return all;
}

class EveryPairOfLevels : public testing::TestWithParam<Pair> {};
INSTANTIATE_TEST_SUITE_P(Levels, EveryPairOfLevels, testing::ValuesIn(pairs()));

// All flags of two entries of one walk. PS makes 2 MiB and 1 GiB leaves of PDEs and PDPTEs, and is
// misused above; bit 50 stands for the reserved ones.
TEST_P(EveryPairOfLevels, AllFlagsOfBoth) {
  const auto [levels, upper, lower] = GetParam();
  const std::array<Word, 8> flags{entry::P, entry::RW, entry::US, entry::A,
                                  entry::D, entry::PS, entry::XD, bit(50)};
  const Scene scene = mapping(levels, 1);
  for (const Setting& s : control_bits(levels)) {
    Comparison comparison(scene, s);
    for (unsigned choice = 0; choice < 1u << 16; ++choice) {
      auto entries = scene.entry;
      Word& high = entries[static_cast<unsigned>(upper)];
      Word& low = entries[static_cast<unsigned>(lower)];
      high = with_flags(high, flags, choice & 0xff);
      low = with_flags(low, flags, choice >> 8);
      if (!comparison.agree(entries)) return;
    }
  }
}

}  // namespace
}  // namespace mmuref::x86::test
