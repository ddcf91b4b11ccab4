// A second, slow answer to "what does this access do", for the exhaustive tests.
//
// Written from the manual's tables and deliberately unlike the model: reserved bits are judged one
// bit at a time, rights are the list of what is allowed, spelt out as a table over all kinds of
// access, and addresses are plain arithmetic. It shares no code with model/x86 but the names of
// the inputs.
#pragma once

#include <array>
#include <cstdint>

namespace mmuref::x86::test::manual {

using Word = std::uint64_t;

/// Everything about a processor and its registers that may matter.
struct Setting {
  int levels = 4;
  int maxphyaddr = 46;
  bool page1gb = true, amd = false;
  bool wp = true, nxe = true, smep = false, smap = false, pke = false, pks = false;
  Word pkru = 0, pkrs = 0;
};

enum What : unsigned { reads, writes, fetches };
enum Who : unsigned { kernel, user, kernel_table };  ///< CPL 0; CPL 3; implicit, at CPL 3

struct Kind {
  What what;
  Who who;
  bool ac;
};

/// All 18 kinds of access.
inline constexpr auto kinds = [] {
  std::array<Kind, 18> all{};
  for (unsigned i = 0; i < 18; ++i) {
    all[i] = {static_cast<What>(i % 3), static_cast<Who>(i / 3 % 3), i >= 9};
  }
  return all;
}();

/// Is bit `b` of a present entry reserved?
constexpr bool bit_reserved(const Setting& s, int level, bool maps_page, int b) {
  if (b == 63) return !s.nxe;
  if (b <= 51 && b >= s.maxphyaddr) return true;
  switch (level) {
    case 5:
    case 4: return b == 7 || (s.amd && b == 8);
    case 3: return maps_page && ((b == 7 && !s.page1gb) || (b > 12 && b < 30));
    case 2: return maps_page && b > 12 && b < 21;
    default: return false;
  }
}

/// The manual's list of what is allowed, for a page with these effective rights.
constexpr bool allowed(const Setting& s, const Kind& k, bool U, bool W, bool XD) {
  const bool executable = !(s.nxe && XD);
  if (k.who == user) {
    switch (k.what) {
      case reads: return U;
      case writes: return U && W;
      case fetches: return U && executable;
    }
  }
  const bool reachable = !U || !s.smap || (k.ac && k.who == kernel);
  switch (k.what) {
    case reads: return reachable;
    case writes: return reachable && (W || !s.wp);
    case fetches: return executable && (!U || !s.smep);
  }
  return false;
}

constexpr bool key_allows(const Setting& s, const Kind& k, bool U, unsigned key) {
  if (k.what == fetches) return true;
  if (!(U ? s.pke : s.pks)) return true;
  const Word two_bits = (U ? s.pkru : s.pkrs) / (Word{1} << 2 * key) % 4;
  switch (two_bits) {
    case 0: return true;
    case 2: return k.what == reads || (k.who != user && !s.wp);
    default: return false;
  }
}

/// Where a walk ends, before anybody asks what the access is.
struct Path {
  enum End { page, hole, malformed } end = page;
  int level = 0;  ///< of the last entry used
  bool U = true, W = true, XD = false;
  unsigned key = 0;
  Word physical = 0;  ///< of a page
};

struct Verdict {
  bool fault;
  Word error_code;
};

/// A setting with its rules written out.
class Manual {
 public:
  explicit constexpr Manual(const Setting& s) : s_(s) {
    for (int level = 1; level <= 5; ++level) {
      for (const bool maps_page : {false, true}) {
        for (int b = 1; b < 64; ++b) {
          if (bit_reserved(s, level, maps_page, b)) reserved_[level][maps_page] += Word{1} << b;
        }
      }
    }
    for (unsigned i = 0; i < 8 * kinds.size(); ++i) {
      allowed_[i] = allowed(s, kinds[i / 8], (i & 4) != 0, (i & 2) != 0, (i & 1) != 0);
    }
  }

  /// `entries[level]` lies where an entry that references `tables[level]` leads.
  constexpr Path path(const std::array<Word, 6>& entries, const std::array<Word, 6>& tables,
                      Word va) const {
    Path p;
    Word size = Word{4096} << 9 * (s_.levels - 1);
    bool reachable = true;
    for (int level = s_.levels; level >= 1; --level, size /= 512) {
      const Word e = reachable ? entries[static_cast<unsigned>(level)] : 0;
      p.level = level;
      if (e % 2 == 0) {
        p.end = Path::hole;
        return p;
      }
      const bool maps_page = level == 1 || (level < 4 && e / 128 % 2 == 1);
      if ((e & reserved_[level][maps_page]) != 0) {
        p.end = Path::malformed;
        return p;
      }
      if (e / 2 % 2 == 0) p.W = false;
      if (e / 4 % 2 == 0) p.U = false;
      if (e >> 63 == 1) p.XD = true;
      const Word address = e % (Word{1} << s_.maxphyaddr);
      if (maps_page) {
        p.key = static_cast<unsigned>(e >> 59) % 16;
        p.physical = address / size * size + va % size;
        return p;
      }
      reachable = address / 4096 * 4096 == tables[static_cast<unsigned>(level - 1)];
    }
    return p;
  }

  constexpr Verdict verdict(const Path& p, unsigned kind) const {
    const Kind& k = kinds[kind];
    const Word describes = (k.what == writes ? 2u : 0u) + (k.who == user ? 4u : 0u) +
                           (k.what == fetches && (s_.nxe || s_.smep) ? 16u : 0u);
    if (p.end == Path::hole) return {true, describes};
    if (p.end == Path::malformed) return {true, describes + 9};
    const bool rights = allowed_[kind * 8 + p.U * 4u + p.W * 2u + p.XD];
    const bool key = key_allows(s_, k, p.U, p.key);
    if (rights && key) return {false, 0};
    return {true, describes + 1 + (key ? 0 : 32)};
  }

 private:
  Setting s_;
  Word reserved_[6][2]{};
  std::array<bool, 8 * kinds.size()> allowed_{};
};

}  // namespace mmuref::x86::test::manual
