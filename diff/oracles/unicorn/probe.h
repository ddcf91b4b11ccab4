// Data placed in memory that tells where an access landed.
//
// The engine announces the physical address it is about to read or write, after its walk and
// before the data move. That announcement is only a hint where to place data: the access is
// located when the data it moved proves it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "diff/oracles/unicorn/physical_memory.h"

namespace mmuref::diff {

class Probe {
 public:
  explicit Probe(PhysicalMemory& memory) : memory_(memory) {}

  /// Forgets the last access and draws the value the next one shall move.
  void arm(unsigned bytes);
  unsigned bytes() const { return bytes_; }
  /// The value a store shall write.
  std::uint64_t value() const { return value_; }

  /// At the announcement of a load, a descriptor load or a store at physical address `hint`: keeps
  /// what is there and places what will tell. A later announcement of the same access is ignored.
  void before_load(std::uint64_t hint);
  void before_descriptor(std::uint64_t hint);
  void before_store(std::uint64_t hint);
  /// At the announcement of a fetch: places INT3, so that one byte is all that is decoded and run.
  void before_fetch(std::uint64_t hint);

  /// Whether the access used the place of the hint: by what a load gave, or by what is there now.
  bool loaded(std::uint64_t data) const;
  bool described(std::uint64_t limit) const;
  bool stored() const;

  std::uint64_t hint() const { return hint_; }
  bool placed() const { return placed_; }

  /// Puts back what was there. Idempotent.
  void restore();

 private:
  bool keep(std::uint64_t hint, unsigned bytes);
  void place(std::uint64_t data, unsigned bytes);

  PhysicalMemory& memory_;
  std::uint64_t sequence_ = 0;
  std::uint64_t value_ = 0;
  std::uint64_t hint_ = 0;
  std::uint64_t kept_ = 0;
  unsigned bytes_ = 8;       ///< of the access
  unsigned kept_bytes_ = 0;  ///< taken away at `hint_`
  bool placed_ = false;
};

}  // namespace mmuref::diff
