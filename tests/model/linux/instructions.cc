// Compiled to assembly by instructions.cmake: each model function beside its hand-written form,
// which must compile to the same instructions.
#include "model/linux/address.h"

using Word = unsigned long;
static_assert(sizeof(Word) == 8);
using mmuref::lnx::AddressSpace;

namespace {
constexpr auto k = mmuref::lnx::kernel(mmuref::lnx::v4_6);
}  // namespace

// The bases are variables, as in a kernel with KASLR.
extern "C" {
AddressSpace<std::uint64_t> space;

Word model_phys_addr(Word x) {
  return mmuref::lnx::phys_addr_nodebug<std::uint64_t>(space, x);
}
Word plain_phys_addr(Word x) {
  const Word y = x - 0xffffffff80000000;
  return y + (x > y ? space.phys_base : 0xffffffff80000000 - space.page_offset);
}

Word model_va(Word physical) {
  return mmuref::lnx::va<std::uint64_t>(space, physical);
}
Word plain_va(Word physical) {
  return physical + space.page_offset;
}

// And constants, as in one without.
constexpr auto fixed = mmuref::lnx::default_address_space<std::uint64_t>(k);

Word model_page_address(Word page) {
  return mmuref::lnx::page_address<std::uint64_t>(k, fixed, page);
}
Word plain_page_address(Word page) {
  return (static_cast<Word>(static_cast<long>(page + 0x160000000000) >> 6) << 12) +
         0xffff880000000000;
}
}
