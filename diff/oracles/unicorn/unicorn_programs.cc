#include "diff/oracles/unicorn/unicorn_programs.h"

#include <algorithm>
#include <variant>

#include "diff/oracles/unicorn/guest.h"
#include "diff/oracles/unicorn/host.h"
#include "diff/oracles/unicorn/unicorn_oracle.h"
#include "model/x86/linear_address.h"

namespace mmuref::diff {

namespace {

Word root_of(const Registers& registers) {
  return registers.cr3 & bits(unicorn_maxphyaddr - 1, x86::page_shift);
}

bool in_own_page(Word address) {
  return (address & ~Word{guest::page_size - 1}) == unicorn_reserved_page;
}

/// Why the program cannot run, step by step.
class Inspection {
 public:
  explicit Inspection(const Program& program)
      : program_(program), registers_(program.machine.registers) {}

  std::string reason() {
    const Machine& machine = program_.machine;
    if (program_.cpus != 1) return "more than one processor";
    if (auto why = unicorn_unsupported(machine.cpu, registers_, Access{}); !why.empty()) return why;
    if (!own_page_is_as_it_must()) return "a machine without the oracle's page";
    if (!load_root()) return unmapped_root;
    for (const ProgramStep& step : program_.steps) {
      auto why = std::visit([this](const auto& action) { return reason(action); }, step.action);
      if (!why.empty()) return why;
    }
    // A root may be loaded after its entry was overwritten.
    for (const Word address : written_) {
      if (std::find(roots_.begin(), roots_.end(), address) != roots_.end()) {
        return "a write to the oracle's own mapping";
      }
    }
    return {};
  }

 private:
  static constexpr const char* unmapped_root = "a root table without the oracle's own mapping";

  bool own_page_is_as_it_must() const {
    const Memory& memory = program_.machine.memory;
    const auto own = guest::own_entries(unicorn_reserved_page);
    const auto inside = std::count_if(memory.begin(), memory.end(), [](const Memory::Entry& entry) {
      return in_own_page(entry.first);
    });
    return static_cast<std::size_t>(inside) == own.size() &&
           std::all_of(own.begin(), own.end(),
                       [&](const auto& entry) { return memory.read(entry.first) == entry.second; });
  }

  bool load_root() {
    const Word at = root_of(registers_) | (guest::root_index(x86::paging_levels(registers_)) << 3);
    roots_.push_back(at);
    return program_.machine.memory.read(at) == guest::root_entry(unicorn_reserved_page);
  }

  std::string reason(const TableWrite& write) {
    if (write.address >= guest::mapped_tables || in_own_page(write.address)) {
      return "a table written above 1 GiB";
    }
    written_.push_back(write.address);
    return {};
  }

  std::string reason(const Operation& op) {
    using enum x86::OperationKind;
    if (op.kind == invpcid) return "INVPCID";
    if (op.kind == wrmsr_pkrs || (op.kind == mov_cr4 && has(op.value, x86::cr4::PKS))) {
      return "protection keys for supervisor pages";
    }
    if (op.kind == mov_cr3 && has(op.value, bit(63)) && x86::paging_levels(registers_) == 5) {
      return "CR3[63] with 5-level paging";
    }
    const auto effect = x86::execute(program_.machine.cpu, registers_, op);
    if (effect.exception == x86::Exception::general_protection) {
      return "an instruction that loads reserved bits";
    }
    registers_ = effect.registers;
    if (op.kind == mov_cr3 && !load_root()) return unmapped_root;
    return {};
  }

  std::string reason(const Access& access) {
    const int levels = x86::paging_levels(registers_);
    if (x86::table_index(access.va, levels) == guest::root_index(levels) &&
        x86::canonical(access.va, x86::linear_width(levels))) {
      return "an access through the oracle's own mapping";
    }
    return unicorn_unsupported(program_.machine.cpu, registers_, access);
  }

  const Program& program_;
  Registers registers_;
  std::vector<Word> roots_;    ///< where roots lead to the oracle's page
  std::vector<Word> written_;  ///< addresses of entries
};

class UnicornPrograms final : public OnHost<ProgramOracle> {
 public:
  using OnHost::unsupported;
  std::string unsupported(const Program& program) const override {
    return Inspection(program).reason();
  }

  std::size_t monitor_index(const Registers& registers) const override {
    return guest::root_index(x86::paging_levels(registers));
  }
  void map_monitor(Memory& memory, const Registers& registers, Word root) const override {
    memory.write(root | (monitor_index(registers) << 3), guest::root_entry(unicorn_reserved_page));
    for (const auto& [address, value] : guest::own_entries(unicorn_reserved_page)) {
      memory.write(address, value);
    }
  }

  void start(const Program& program) override {
    Memory entries;
    for (const auto& [address, value] : program.machine.memory) {
      // The oracle's page is there already.
      if (!in_own_page(address)) entries.write(address, value);
    }
    host_.load(entries);
    host_.engine().enter(program.machine.registers);
  }

  void write(const TableWrite& write) override {
    host_.written(write.address);
    host_.engine().store(write.address, write.value);
  }
  x86::Exception execute(const Operation& op) override { return host_.engine().execute(op); }
};

}  // namespace

std::unique_ptr<ProgramOracle> make_unicorn_programs() {
  return std::make_unique<UnicornPrograms>();
}

}  // namespace mmuref::diff
