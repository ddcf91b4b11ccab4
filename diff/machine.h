// A machine state small enough to write down: what a case, a corpus file and `eval` are made of.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "model/x86/accessed_dirty.h"
#include "model/x86/walk.h"

namespace mmuref::diff {

using Word = std::uint64_t;
using Processor = x86::Processor<Word>;
using Registers = x86::Registers<Word>;
using Access = x86::Access<Word>;
using Walk = x86::Walk<Word>;

/// Sparse physical memory in 8-byte units; what was never written reads 0. Kept sorted by address
/// in one vector: cases hold tens of entries, and iteration gives them in order.
class Memory {
 public:
  using Entry = std::pair<Word, Word>;  ///< 8-byte aligned physical address, value

  Word read(Word address) const {
    const auto it = find(address);
    return it != entries_.end() && it->first == address ? it->second : 0;
  }
  void write(Word address, Word value) {
    const auto it = entries_.begin() + (find(address) - entries_.cbegin());
    if (it != entries_.end() && it->first == address) {
      it->second = value;
    } else {
      entries_.insert(it, {address, value});
    }
  }
  void clear() { entries_.clear(); }
  std::size_t size() const { return entries_.size(); }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }
  bool operator==(const Memory&) const = default;

 private:
  std::vector<Entry>::const_iterator find(Word address) const {
    return std::lower_bound(entries_.begin(), entries_.end(), address,
                            [](const Entry& e, Word a) { return e.first < a; });
  }
  std::vector<Entry> entries_;
};

struct Machine {
  Processor cpu;
  Registers registers;
  Memory memory;
};

/// One question: this access on this machine.
struct Case {
  Machine machine;
  Access access;
};

}  // namespace mmuref::diff
