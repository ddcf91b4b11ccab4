// Changes of text that is read line by line: JSON Lines.
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "diff/random.h"
#include "fuzz/lines.h"

namespace mmuref::fuzz {

namespace lines {

struct Number {
  std::size_t at, length;  ///< of the digits
  bool hexadecimal;
};

/// The numbers of `text`, without "0x".
inline std::vector<Number> numbers(std::string_view text) {
  std::vector<Number> all;
  for (std::size_t at = 0; (at = text.find_first_of("0123456789", at)) != text.npos;) {
    const bool hexadecimal = text.substr(at, 2) == "0x";
    const char* const digits = hexadecimal ? "0123456789abcdef" : "0123456789";
    if (hexadecimal) at += 2;
    const std::size_t end = std::min(text.find_first_not_of(digits, at), text.size());
    if (end > at) all.push_back({at, end - at, hexadecimal});
    at = end;
  }
  return all;
}

/// A neighbour of a decimal number, or one at the end of what there is.
inline std::string changed_decimal(const std::string& digits, diff::Random& random) {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  switch (random.below(4)) {
    case 0: return std::to_string(value + 1);
    case 1: return std::to_string(value - 1);
    case 2: return "0";
    default: return std::to_string(~std::uint64_t{0});
  }
}

/// Changes one number a little, or replaces it by another.
inline void change_number(std::string& text, diff::Random& random) {
  const auto all = numbers(text);
  if (all.empty()) return;
  const Number n = random.pick(all);
  if (random.chance(1, 4)) {
    const Number other = random.pick(all);
    text.replace(n.at, n.length, std::string(text, other.at, other.length));
  } else if (n.hexadecimal) {
    constexpr std::string_view digits = "0123456789abcdef";
    char& digit = text[n.at + random.below(static_cast<std::uint32_t>(n.length))];
    digit = digits[(digits.find(digit) ^ std::size_t{1} << random.below(4)) % digits.size()];
  } else {
    text.replace(n.at, n.length, changed_decimal(text.substr(n.at, n.length), random));
  }
}

/// Flips a truth value, or moves a step to another processor.
inline void change_word(std::string& text, diff::Random& random) {
  struct Swap {
    std::string_view from, to;
  };
  constexpr std::array<Swap, 8> swaps{{{"true", "false"},
                                       {"false", "true"},
                                       {"\"read\"", "\"write\""},
                                       {"\"write\"", "\"read\""},
                                       {"\"read\"", "\"fetch\""},
                                       {"\"cpl\":3", "\"cpl\":0"},
                                       {"\"cpu\":1,", ""},
                                       {"{\"step\"", "{\"cpu\":1,\"step\""}}};
  const Swap swap = random.pick(swaps);
  const std::size_t at =
      text.find(swap.from, random.below(static_cast<std::uint32_t>(text.size() + 1)));
  if (at != text.npos) text.replace(at, swap.from.size(), swap.to);
}

}  // namespace lines

/// One change: a number, a word, a line repeated elsewhere, dropped, or two exchanged.
inline void change_line(std::vector<std::string>& all, diff::Random& random) {
  const auto n = static_cast<std::uint32_t>(all.size());
  const auto at = [&](std::uint32_t i) { return all.begin() + static_cast<std::ptrdiff_t>(i); };
  const std::uint32_t one = random.below(n), other = random.below(n);
  switch (random.below(8)) {
    case 0: {
      const std::string copy = all[one];
      all.insert(at(other), copy);
      break;
    }
    case 1: all.erase(at(one)); break;
    case 2: std::swap(all[one], all[other]); break;
    case 3: lines::change_word(all[one], random); break;
    default: lines::change_number(all[one], random); break;
  }
}

/// Makes one change in place; the new size is at most `max_size`. A change that changes nothing, or
/// does not fit, is tried again a few times.
inline std::size_t mutate_lines(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                diff::Random& random) {
  std::vector<std::string> all;
  for_each_line(data, size, [&](std::string_view line) { all.emplace_back(line); });
  if (all.empty()) return size;
  const std::string_view before(reinterpret_cast<const char*>(data), size);
  for (int tries = 0; tries < 8; ++tries) {
    std::vector<std::string> changed = all;
    change_line(changed, random);
    std::string text;
    for (const std::string& line : changed) text += line + '\n';
    if (text.empty() || text.size() > max_size || text == before) continue;
    std::memcpy(data, text.data(), text.size());
    return text.size();
  }
  return size;
}

}  // namespace mmuref::fuzz
