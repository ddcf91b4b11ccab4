#include "diff/oracles/unicorn/unicorn_oracle.h"

#include <cstring>
#include <stdexcept>
#include <vector>

#include "diff/oracles/unicorn/engine.h"
#include "diff/oracles/unicorn/guest.h"
#include "diff/oracles/unicorn/physical_memory.h"
#include "model/x86/linear_address.h"

namespace mmuref::diff {

namespace {

constexpr Word memory_size = Word{1} << unicorn_maxphyaddr;

/// Loads and accesses touch pages at random places, which the host has to back. After this many
/// of either all are given back; it costs about as much as a few hundred accesses.
constexpr std::size_t release_after = 1 << 15;

Word page_of(Word address) {
  return address & ~Word{guest::page_size - 1};
}

class UnicornOracle final : public Oracle {
 public:
  UnicornOracle() : memory_(memory_size), engine_(memory_, unicorn_reserved_page) {}

  std::string name() const override { return "unicorn"; }
  std::string version() const override { return Engine::version(); }
  std::string unsupported(const Processor& cpu, const Registers& registers,
                          const Access& access) const override;
  void load(const Machine& machine) override;
  Observation access(const Access& access) override;
  Word read(Word address) const override;
  double seconds() const override { return engine_.seconds(); }

 private:
  void clear();

  PhysicalMemory memory_;
  Engine engine_;
  std::vector<Word> written_;  ///< addresses of the current machine's entries
  std::size_t since_release_ = 0;
};

std::string UnicornOracle::unsupported(const Processor& cpu, const Registers& registers,
                                       const Access& access) const {
  if (cpu.amd) return "AMD's reserved bits";
  if (cpu.maxphyaddr != unicorn_maxphyaddr) return "a MAXPHYADDR other than 40";
  if (!x86::ia32e_paging(registers)) return "paging other than IA-32e";
  // MOV to CR3 refuses these, so no processor is in such a state; the engine would walk from there.
  if (has(registers.cr3, bits(63, unicorn_maxphyaddr))) return "reserved bits in CR3";
  if (has(registers.cr4, x86::cr4::PKS)) return "protection keys for supervisor pages";
  if (access.stack && access.fetch) return "a fetch through the stack segment";
  if (access.implicit) {
    if (access.write || access.fetch) return "an implicit access other than a read";
    if (access.stack) return "an implicit access through the stack segment";
    if (x86::page_offset(access.va, 1) > guest::page_size - 8) {
      return "an implicit access that leaves its page";
    }
  }
  return {};
}

void UnicornOracle::clear() {
  if (since_release_ >= release_after) {
    memory_.release();
    engine_.write_own_page();
    since_release_ = 0;
  } else {
    for (const Word address : written_) std::memset(memory_.at(address), 0, sizeof(Word));
  }
  written_.clear();
}

void UnicornOracle::load(const Machine& machine) {
  clear();
  for (const auto& [address, value] : machine.memory) {
    if (address >= memory_size) {
      throw std::invalid_argument("unicorn: a memory entry lies above 2^40");
    }
    if (page_of(address) == unicorn_reserved_page) {
      throw std::invalid_argument("unicorn: a memory entry lies in the oracle's own page");
    }
    std::memcpy(memory_.at(address), &value, sizeof value);
    written_.push_back(address);
  }
  since_release_ += written_.size();
  engine_.set_registers(machine.registers);
}

Observation UnicornOracle::access(const Access& access) {
  ++since_release_;
  return engine_.access(access);
}

Word UnicornOracle::read(Word address) const {
  if (address >= memory_size) return 0;
  Word value = 0;
  std::memcpy(&value, memory_.at(address), sizeof value);
  return value;
}

}  // namespace

std::unique_ptr<Oracle> make_unicorn_oracle() {
  return std::make_unique<UnicornOracle>();
}

}  // namespace mmuref::diff
