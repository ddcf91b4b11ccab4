// Which combinations an access exercises.
#include <algorithm>
#include <bit>

#include "diff/rule_terms.h"
#include "model/x86/linear_address.h"

namespace mmuref::diff {
namespace {

using namespace rules;

/// An access with the specification's answer, looked at.
class Viewer {
 public:
  Viewer(const Case& question, const spec::Statement<Word>& s, Exercised& out)
      : r_(question.machine.registers),
        cpu_(question.machine.cpu),
        a_(question.access),
        s_(s),
        out_(out) {}

  void view() {
    if (!s_.canonical) return view_refused();
    view_twice();
    if (!s_.mapped) return view_stopped();
    view_mapped();
    view_decided();
    view_keyed();
    if (s_.ok) view_marked();
    if (s_.ok) view_widest();
    if (s_.ok) view_places();
    if (s_.ok) view_above();
    if (s_.ok) view_unasked();
  }

  /// `which` gets the bits of a lone row.
  unsigned cause(unsigned* which = nullptr) const;

 private:
  Combination start(Family f) const {
    Combination c;
    c.family = f;
    c[Dim::levels] = has(r_.cr4, x86::cr4::LA57);
    return c;
  }
  void set_access(Combination& c) const {
    c[Dim::privilege] = static_cast<unsigned char>((a_.implicit ? 2 : 0) + (a_.cpl3 ? 1 : 0));
    c[Dim::kind] = static_cast<unsigned char>(a_.fetch ? fetch : a_.write ? write : read);
  }
  int level() const { return static_cast<int>(s_.level); }
  unsigned char page() const { return static_cast<unsigned char>(level() - 1); }
  const spec::Level<Word>& ending() const { return s_.levels[level()]; }
  int root() const { return has(r_.cr4, x86::cr4::LA57) ? 5 : 4; }

  void view_refused();
  void view_twice();
  void view_stopped();
  void view_mapped();
  void view_decided();
  void view_marked();
  void view_widest();
  void view_keyed();
  void view_places();
  void view_above();
  void view_unasked();

  Word broken(const spec::ReservedRow& row) const;
  Word low_bit(const spec::ReservedRow& row) const {
    return row.low == spec::maxphyaddr ? cpu_.maxphyaddr : row.low;
  }
  unsigned which_bits(const spec::ReservedRow& row) const;

  const Registers& r_;
  const Processor& cpu_;
  const Access& a_;
  const spec::Statement<Word>& s_;
  Exercised& out_;
};

void Viewer::view_refused() {
  Combination c = start(Family::refused);
  set_access(c);
  c[Dim::stack] = a_.stack;
  c[Dim::canonical57] = x86::canonical(a_.va, 57);
  out_.add(c);

  // All bits from the highest significant one up are to be equal, and all but one are.
  const Word top = bits(63, x86::linear_width(root()) - 1);
  for (const bool high : {false, true}) {
    const Word other = (high ? ~a_.va : a_.va) & top;
    if (!std::has_single_bit(other)) continue;
    Combination o = start(Family::odd);
    o[Dim::half] = high;
    o[Dim::bit] = static_cast<unsigned char>(std::countr_zero(other) - 12);
    out_.add(o);
  }
}

void Viewer::view_twice() {
  Combination c = start(Family::twice);
  set_access(c);
  c[Dim::privilege] = 0;
  c[Dim::faults] = !s_.ok;
  for (int high = 2; high <= root(); ++high) {
    for (int low = 1; low < high; ++low) {
      const auto &upper = s_.levels[high], &lower = s_.levels[low];
      if (!upper.used || !lower.used || upper.address != lower.address) continue;
      c[Dim::level] = static_cast<unsigned char>(high - 1);
      c[Dim::lower] = static_cast<unsigned char>(low - 1);
      c[Dim::accessed] = spec::flag(lower.value, 5);
      out_.add(c);
    }
  }
}

/// The bits set that `row` reserves in the entry the walk stopped at.
Word Viewer::broken(const spec::ReservedRow& row) const {
  const auto& entry = ending();
  if (row.level != 0 && row.level != level()) return 0;
  if (row.role == spec::Role::maps_page && !entry.maps) return 0;
  if (!spec::holds(row.when, cpu_, r_)) return 0;
  const Word low = low_bit(row);
  if (low > row.high) return 0;
  return entry.value & bits(row.high, static_cast<unsigned>(low));
}

unsigned Viewer::cause(unsigned* which) const {
  unsigned found = cause_not_present;
  for (unsigned i = 0; i < spec::reserved_rows.size(); ++i) {
    if (broken(spec::reserved_rows[i]) == 0) continue;
    found = found == cause_not_present ? 1 + i : cause_several;
  }
  if (which != nullptr && found != cause_not_present && found != cause_several)
    *which = which_bits(spec::reserved_rows[found - 1]);
  return found;
}

unsigned Viewer::which_bits(const spec::ReservedRow& row) const {
  const Word set = broken(row);
  if (!std::has_single_bit(set)) return bits_some;
  const auto position = static_cast<Word>(std::countr_zero(set));
  return position == low_bit(row) ? bits_lowest : position == row.high ? bits_highest : bits_inside;
}

void Viewer::view_stopped() {
  Combination c = start(Family::stopped);
  set_access(c);
  c[Dim::level] = page();
  c[Dim::nxe] = has(r_.efer, x86::efer::NXE);
  c[Dim::smep] = has(r_.cr4, x86::cr4::SMEP);
  c[Dim::role] = ending().maps;
  unsigned which = 0;
  const unsigned why = cause(&which);
  if (ending().present()) {
    c[Dim::cause] = static_cast<unsigned char>(why);
  } else {
    // Nothing else in the entry matters: nothing there, something, something reserved.
    which = ending().value == 0 ? 0 : why == cause_not_present ? 1 : 2;
  }
  c[Dim::bits] = static_cast<unsigned char>(which);
  clear_what_does_not_matter(c);
  out_.add(c);
}

void Viewer::view_mapped() {
  Combination c = start(Family::mapped);
  set_access(c);
  const bool user = spec::every_used(s_, 2);
  c[Dim::page] = page();
  c[Dim::address] = user;
  c[Dim::wp] = has(r_.cr0, x86::cr0::WP);
  c[Dim::smap] = has(r_.cr4, x86::cr4::SMAP);
  c[Dim::ac] = a_.ac;
  c[Dim::smep] = has(r_.cr4, x86::cr4::SMEP);
  c[Dim::nxe] = has(r_.efer, x86::efer::NXE);
  c[Dim::rw] = spec::every_used(s_, 1);
  c[Dim::xd] = spec::some_used(s_, 63);
  const Word keys_on = user ? x86::cr4::PKE : x86::cr4::PKS;
  const Word key = (ending().value >> 59) & 15;
  const Word rights = ((user ? r_.pkru : r_.pkrs) >> (2 * key)) & 3;
  c[Dim::key] = static_cast<unsigned char>((has(r_.cr4, keys_on) ? 4 : 0) + rights);
  clear_what_does_not_matter(c);
  out_.add(c);
}

void Viewer::view_decided() {
  Combination c = start(Family::decided);
  set_access(c);
  c[Dim::page] = page();
  constexpr std::array<unsigned, 3> position{2, 1, 63};
  for (const unsigned right : {right_us, right_rw, right_xd}) {
    int at = 0, count = 0;
    for (int l = level(); l <= root(); ++l) {
      const bool set = spec::flag(s_.levels[l].value, position[right]);
      if (set != (right == right_xd)) continue;
      at = l;
      ++count;
    }
    if (count != 1) continue;
    c[Dim::level] = static_cast<unsigned char>(at - 1);
    c[Dim::right] = static_cast<unsigned char>(right);
    out_.add(c);
  }
}

void Viewer::view_marked() {
  Combination c = start(Family::marked);
  set_access(c);
  c[Dim::privilege] = 0;
  c[Dim::page] = page();
  c[Dim::accessed] = spec::flag(ending().value, 5);
  c[Dim::dirty] = spec::flag(ending().value, 6);
  bool above = true;
  for (int l = level() + 1; l <= root(); ++l) above &= spec::flag(s_.levels[l].value, 5);
  c[Dim::above] = above;
  out_.add(c);
}

void Viewer::view_widest() {
  if (!has(s_.physical_address, bit(static_cast<unsigned>(cpu_.maxphyaddr) - 1))) return;
  Combination c = start(Family::widest);
  c[Dim::page] = page();
  c[Dim::width] = static_cast<unsigned char>(cpu_.maxphyaddr - x86::min_maxphyaddr);
  out_.add(c);
}

void Viewer::view_keyed() {
  bool above = true;
  for (int l = level() + 1; l <= root(); ++l) above &= spec::flag(s_.levels[l].value, 2);
  const bool leaf = spec::flag(ending().value, 2), user = leaf && above;
  if (!has(r_.cr4, user ? x86::cr4::PKE : x86::cr4::PKS)) return;
  if (!user && leaf == above) return;  // both: neither alone

  const Word rights = user ? r_.pkru : r_.pkrs, key = (ending().value >> 59) & 15;
  const Word all_ad = 0x5555'5555;
  Combination c;
  c.family = Family::keyed;
  set_access(c);
  c[Dim::privilege] = 0;
  c[Dim::page] = page();
  c[Dim::owner] = user ? 0 : leaf ? 2 : 1;
  c[Dim::number] = static_cast<unsigned char>(key);
  const Word ad = Word{1} << (2 * key);
  if (rights == ad) {
    c[Dim::lone] = 0;
  } else if (rights == ad << 1) {
    c[Dim::lone] = 1;
  } else if (rights == (all_ad & ~ad)) {
    c[Dim::lone] = 2;
  } else {
    return;
  }
  out_.add(c);
}

void Viewer::view_places() {
  const Word in_page = bit(x86::level_shift(level())) - 1;
  const auto lone = [&](Family f, Word word) {
    if (!std::has_single_bit(word)) return;
    Combination c = start(f);
    c[Dim::page] = page();
    c[Dim::bit] = static_cast<unsigned char>(std::countr_zero(word) - 12);
    out_.add(c);
  };
  lone(Family::framed, s_.physical_address & ~in_page);
  lone(Family::indexed, a_.va & ~in_page);

  // Keys are looked at where they are on.
  Combination i = start(Family::ignored);
  i[Dim::page] = page();
  constexpr std::array<unsigned, 18> position{3,  4,  7,  8,  9,  10, 11, 52, 53,
                                              54, 55, 56, 57, 58, 59, 60, 61, 62};
  Word set = 0;
  for (unsigned char n = 0; n < position.size(); ++n) {
    const unsigned at = n == 2 && level() > 1 ? 12 : position[n];
    if (!spec::flag(ending().value, at)) continue;
    i[Dim::spare] = n;
    ++set;
  }
  if (set == 1) out_.add(i);

  Combination c = start(Family::placed);
  c[Dim::page] = page();
  c[Dim::half] = has(a_.va, bit(63));
  const Word offset = a_.va & in_page;
  c[Dim::offset] = offset == 0 ? 0 : offset == in_page ? 1 : 2;
  c[Dim::flags] = has(r_.cr3, bits(11, 0));
  out_.add(c);
}

void Viewer::view_above() {
  Word all = 0;
  for (const unsigned b : idle_bits) all |= bit(b);
  for (int l = level() + 1; l <= root(); ++l) {
    const Word set = s_.levels[l].value & all;
    if (!std::has_single_bit(set)) continue;
    const auto at =
        std::find(idle_bits.begin(), idle_bits.end(), static_cast<unsigned>(std::countr_zero(set)));
    Combination c = start(Family::above);
    c[Dim::level] = static_cast<unsigned char>(l - 1);
    c[Dim::idle] = static_cast<unsigned char>(at - idle_bits.begin());
    out_.add(c);
  }
}

void Viewer::view_unasked() {
  Combination c;
  c.family = Family::unasked;
  set_access(c);
  c[Dim::address] = static_cast<bool>(spec::every_used(s_, 2));
  const std::array<bool, 7> values{
      has(r_.cr0, x86::cr0::WP),   has(r_.cr4, x86::cr4::SMAP),  a_.ac,
      has(r_.cr4, x86::cr4::SMEP), has(r_.efer, x86::efer::NXE), spec::every_used(s_, 1),
      spec::some_used(s_, 63)};
  for (unsigned char n = 0; n < values.size(); ++n) {
    if (matters_to(c)[static_cast<std::size_t>(right_bits[n])]) continue;
    c[Dim::right_bit] = n;
    c[Dim::set] = values[n];
    out_.add(c);
  }
}

}  // namespace

Exercised exercised(const Case& question, const spec::Statement<Word>& s) {
  Exercised out;
  Viewer(question, s, out).view();
  return out;
}

unsigned cause_of(const Case& question, const spec::Statement<Word>& s) {
  Exercised none;
  if (!s.canonical || s.mapped) return 0;
  return Viewer(question, s, none).cause();
}

}  // namespace mmuref::diff
