// One translation by the installed model: 0 when it is as expected.
#include "model/x86/walk.h"

struct Memory {
  std::uint64_t read(std::uint64_t address) const {
    switch (address) {
      case 0x1000: return 0x2067;
      case 0x2000: return 0x3067;
      case 0x3000: return 0x4067;
      case 0x4008: return 0x5067;
      default: return 0;
    }
  }
};

int main() {
  using namespace mmuref::x86;
  const Processor<std::uint64_t> cpu{.maxphyaddr = 46};
  const Registers<std::uint64_t> registers{
      .cr0 = 0x80010033, .cr3 = 0x1000, .cr4 = 0x20, .efer = 0xd01};
  const auto w =
      walk(paging(cpu, registers), Access<std::uint64_t>{.va = 0x1234, .write = true}, Memory{});
  return w.outcome == Outcome::translated && w.physical_address == 0x5234 ? 0 : 1;
}
