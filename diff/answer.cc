#include "diff/answer.h"

namespace mmuref::diff {
namespace {

/// Memory whose writes are kept apart from what it held.
template <class Below>
class Overlay {
 public:
  explicit Overlay(const Below& below) : below_(below) {}

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
  const Below& below_;
  Memory above_;
};

}  // namespace

Answer answer(const Case& question) {
  const auto& [machine, access] = question;
  return effects(x86::walk(x86::paging(machine.cpu, machine.registers), access, machine.memory),
                 machine.memory);
}

Answer effects(const Walk& walk, const Memory& before, const x86::AccessedEntries<Word>& accessed) {
  Answer result;
  result.walk = walk;
  Overlay memory(before);
  for (const Word address : accessed) memory.write(address, memory.read(address) | x86::entry::A);
  x86::write_back(result.walk, memory);
  if (walk.outcome != x86::Outcome::translated) {
    // Each shorter prefix changes a subset of what the longest does, to the same values.
    Overlay<decltype(memory)> left(memory);
    x86::write_back_prefix(result.walk, x86::accessed_limit(result.walk), left);
    result.may_write = std::move(left).changes();
  }
  result.writes = std::move(memory).changes();
  return result;
}

}  // namespace mmuref::diff
