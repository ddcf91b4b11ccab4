#include "spec/minimize.h"

#include <optional>
#include <set>

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

constexpr std::uint64_t frame_mask = bits(51, 12);

/// `value` with the frame number `from` replaced by `to`, if that is what it holds.
std::uint64_t moved(std::uint64_t value, std::uint64_t from, std::uint64_t to) {
  return (value & frame_mask) == from ? (value & ~frame_mask) | to : value;
}

/// `inputs` with the page at `from` moved to `to`: its entries and all that refer to it. Nothing
/// where `to` is taken.
std::optional<Assignment> relocated(const Assignment& inputs, std::uint64_t from,
                                    std::uint64_t to) {
  Assignment result = inputs;
  for (auto& [name, value] : result.words) value = moved(value, from, to);
  for (auto& [name, memory] : result.memories) {
    std::map<std::uint64_t, std::uint64_t> entries;
    for (const auto& [address, value] : memory) {
      if ((address & frame_mask) == to) return std::nullopt;
      entries[moved(address, from, to)] = moved(value, from, to);
    }
    memory = entries;
  }
  return result;
}

/// Moves pages that hold entries to the lowest ones, which no bit by itself can do.
bool relocate(const Theorem& theorem, Assignment& inputs) {
  std::set<std::uint64_t> pages;
  for (const auto& [name, memory] : inputs.memories)
    for (const auto& [address, value] : memory) pages.insert(address & frame_mask);
  bool smaller = false;
  for (const std::uint64_t page : pages) {
    for (std::uint64_t to = 0x1000; to < page && to <= pages.size() * 0x1000; to += 0x1000) {
      const auto candidate = relocated(inputs, page, to);
      if (!candidate || !fails(theorem, *candidate)) continue;
      inputs = *candidate;
      smaller = true;
      break;
    }
  }
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
  while (shrink_once(theorem, inputs) | relocate(theorem, inputs)) {
  }
  // Zero is what an absent entry reads: leave out what no longer says anything.
  for (auto& [name, memory] : inputs.memories)
    std::erase_if(memory, [](const auto& entry) { return entry.second == 0; });
  return inputs;
}

}  // namespace mmuref::spec
