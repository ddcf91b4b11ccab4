// Changes of text that is read line by line and whose numbers are hexadecimal: JSON Lines.
#pragma once

#include <algorithm>
#include <array>
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

/// The hexadecimal numbers of `text`, without "0x", as offset and length.
inline std::vector<std::pair<std::size_t, std::size_t>> numbers(std::string_view text) {
  std::vector<std::pair<std::size_t, std::size_t>> all;
  for (std::size_t at = text.find("0x"); at != text.npos; at = text.find("0x", at)) {
    at += 2;
    const std::size_t end = std::min(text.find_first_not_of("0123456789abcdef", at), text.size());
    if (end > at) all.emplace_back(at, end - at);
  }
  return all;
}

/// Flips a bit of one number, or replaces it by another.
inline void change_number(std::string& text, diff::Random& random) {
  const auto all = numbers(text);
  if (all.empty()) return;
  const auto [at, length] = random.pick(all);
  if (random.chance(1, 4)) {
    const auto [from, count] = random.pick(all);
    text.replace(at, length, std::string(text, from, count));
    return;
  }
  constexpr std::string_view digits = "0123456789abcdef";
  char& digit = text[at + random.below(static_cast<std::uint32_t>(length))];
  digit = digits[(digits.find(digit) ^ std::size_t{1} << random.below(4)) % digits.size()];
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

/// One change in place: a number, a word, a line repeated elsewhere, dropped, or two exchanged. The
/// new size is at most `max_size`; a change that does not fit is not made.
inline std::size_t mutate_lines(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                diff::Random& random) {
  std::vector<std::string> all;
  for_each_line(data, size, [&](std::string_view line) { all.emplace_back(line); });
  if (all.empty()) return size;
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
  std::string text;
  for (const std::string& line : all) text += line + '\n';
  if (text.empty() || text.size() > max_size) return size;
  std::memcpy(data, text.data(), text.size());
  return text.size();
}

}  // namespace mmuref::fuzz
