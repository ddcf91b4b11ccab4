// What programs of every version of Linux are written with: names for registers and variables, and
// operations on page tables around the version's flushes.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "spec/protocol/machine.h"

namespace mmuref::spec::protocol {

inline constexpr Operand r_mm = of(Register::mm), r_page = of(Register::page),
                         r_pte = of(Register::pte), r_cpus = of(Register::cpus),
                         r_newer = of(Register::newer), r_older = of(Register::older),
                         r_asid = of(Register::asid), r_flag = of(Register::flag),
                         r_todo = of(Register::todo), r_cpu = of(Register::cpu),
                         r_seen = of(Register::seen);
inline constexpr Operand no = constant(0), yes = constant(1), nobody = constant(no_mm),
                         everything = constant(all_pages);

/// Bounds of an exploration, and how closely it looks.
struct Bounds {
  int cpus = 2, mms = 1, pages = 1;
  /// PCIDs a processor uses, where the version does: 1 is a processor without any. Linux has 6
  /// (TLB_NR_DYN_ASIDS); fewer go from one mm to another sooner.
  int asids = 2;
  /// Kept are the PTE and table of page 0 of mm 0, and what CPU 0 has cached of it. No step asks
  /// about another's, and all are treated alike, so that what breaks for one breaks for this one;
  /// the rest is flushed at any time, as if its PTEs had changed.
  bool observe_one = true;

  bool operator==(const Bounds&) const = default;

  /// The same, everything kept.
  Bounds whole() const {
    Bounds b = *this;
    b.observe_one = false;
    return b;
  }
};

/// How an operation asks for a flush of the mm in r_mm.
enum class Flush : Byte {
  page,          ///< flush_tlb_page of r_page
  range,         ///< flush_tlb_mm_range of r_page
  mm,            ///< of everything
  mm_and_tables  ///< of everything, since page tables are freed
};

inline At pte() {
  return {Place::pte, r_mm, r_page};
}
inline At of_mm(Place place, Operand mm = r_mm) {
  return {place, mm, {}};
}
inline At of_cpu(Place place, Operand cpu = self) {
  return {place, cpu, {}};
}

/// Operations on page tables, each under the locks it takes.
class Operations {
 public:
  using Flusher = std::function<void(Flush)>;
  struct Broken {
    bool flush_before_free = false;  ///< the page goes back before the flush
    bool flush_of_tables = false;    ///< a table goes back without one
  };

  /// Which flushes the version does not do alike: of an mm some page of which is watched, and of
  /// one of which nothing is, so that it does not matter what they drop.
  struct Forms {
    std::vector<Flush> watched, unwatched;
  };

  Operations(Code& code, const Bounds& bounds, Flusher flush, Broken broken, Forms forms)
      : code_(code),
        bounds_(bounds),
        flush_(std::move(flush)),
        broken_(broken),
        forms_(std::move(forms)) {}

  void map();
  void unmap();
  void protect();
  void free_table();
  /// Flushes of what is not observed.
  void elsewhere();

  /// All of them.
  std::vector<Code::Option> all();

  // Pieces, for operations of other shapes.
  /// Of r_page; `one_of_two`: more than one is held at once.
  void lock(bool one_of_two = false);
  void unlock();
  void read_pte();
  /// Sets r_mm and r_page to any page there is.
  void target();

 private:
  Code& code_;
  Bounds bounds_;
  Flusher flush_;
  Broken broken_;
  Forms forms_;
};

/// `r_mm` := any mm, then `then` for it.
void choose_mm(Code& code, int mms, const std::string& what, const std::function<void()>& then);

/// Sets how much of a system is kept.
void observe(System& system, const Bounds& bounds);

/// Nothing is mapped, nothing is cached, kernel threads run on init_mm.
State nothing_mapped(const Bounds& bounds);

}  // namespace mmuref::spec::protocol
