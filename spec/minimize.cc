#include "spec/minimize.h"

namespace mmuref::spec {
namespace {

/// Tries `value = smaller`; keeps it if a claim still fails.
template <class T>
bool shrink(const Theorem& theorem, const Assignment& inputs, T& value, T smaller) {
  if (value == smaller) return false;
  const T before = value;
  value = smaller;
  if (fails(theorem, inputs)) return true;
  value = before;
  return false;
}

bool shrink_word(const Theorem& theorem, const Assignment& inputs, std::uint64_t& word) {
  if (shrink<std::uint64_t>(theorem, inputs, word, 0)) return true;
  bool smaller = false;
  for (unsigned b = 64; b-- > 0;)
    smaller |= shrink(theorem, inputs, word, word & ~(std::uint64_t{1} << b));
  return smaller;
}

bool shrink_once(const Theorem& theorem, Assignment& inputs) {
  bool smaller = false;
  for (auto& [name, memory] : inputs.memories)
    for (auto& [address, value] : memory) smaller |= shrink_word(theorem, inputs, value);
  for (auto& [name, flag] : inputs.flags) smaller |= shrink(theorem, inputs, flag, false);
  for (auto& [name, word] : inputs.words) smaller |= shrink_word(theorem, inputs, word);
  return smaller;
}

}  // namespace

bool fails(const Theorem& theorem, const Assignment& inputs) {
  Fixed source(inputs);
  ConcreteSession session(source);
  try {
    theorem.concrete(session);
  } catch (const ConcreteSession::Excluded&) {
    return false;
  }
  return !session.failed().empty();
}

Assignment minimize(const Theorem& theorem, Assignment inputs) {
  while (shrink_once(theorem, inputs)) {
  }
  // Zero is what an absent entry reads: leave out what no longer says anything.
  for (auto& [name, memory] : inputs.memories)
    std::erase_if(memory, [](const auto& entry) { return entry.second == 0; });
  return inputs;
}

}  // namespace mmuref::spec
