#include "diff/answer.h"

namespace mmuref::diff {
namespace {

/// Memory whose writes are kept apart from what it held.
class Overlay {
 public:
  explicit Overlay(const Memory& below) : below_(below) {}

  Word read(Word address) const {
    for (const auto& [written, value] : above_) {
      if (written == address) return value;
    }
    return below_.read(address);
  }
  void write(Word address, Word value) {
    if (value != read(address)) above_.write(address, value);
  }
  Memory changes() && { return std::move(above_); }

 private:
  const Memory& below_;
  Memory above_;
};

}  // namespace

Answer answer(const Case& question) {
  const auto& [machine, access] = question;
  return effects(x86::walk(x86::paging(machine.cpu, machine.registers), access, machine.memory),
                 machine.memory);
}

Answer effects(const Walk& walk, const Memory& before) {
  Answer result;
  result.walk = walk;
  Overlay memory(before);
  if (result.walk.outcome == x86::Outcome::translated) {
    x86::write_back(result.walk, memory);
    result.writes = std::move(memory).changes();
  } else {
    // Each shorter prefix changes a subset of what the longest does, to the same values.
    x86::write_back_prefix(result.walk, x86::accessed_limit(result.walk), memory);
    result.may_write = std::move(memory).changes();
  }
  return result;
}

}  // namespace mmuref::diff
