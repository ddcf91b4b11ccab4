// The least any walker of these tables does: four loads, their masks, two tests of PS.
//
// It knows that every address is mapped and checks nothing: neither P nor a reserved bit, neither
// rights nor whether the address is canonical.
#pragma once

#include "model/x86/walk.h"

namespace mmuref::bench {

template <class Memory>
std::uint64_t bare_walk(std::uint64_t cr3, std::uint64_t va, const Memory& memory) {
  constexpr std::uint64_t frame = bits(51, 12), index = bits(11, 3), large = bit(7);
  std::uint64_t e = memory.read((cr3 & frame) | (va >> 36 & index));
  e = memory.read((e & frame) | (va >> 27 & index));
  if (e & large) return (e & bits(51, 30)) | (va & bits(29, 0));
  e = memory.read((e & frame) | (va >> 18 & index));
  if (e & large) return (e & bits(51, 21)) | (va & bits(20, 0));
  e = memory.read((e & frame) | (va >> 9 & index));
  return (e & frame) | (va & bits(11, 0));
}

}  // namespace mmuref::bench
