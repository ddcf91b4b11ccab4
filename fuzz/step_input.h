// Inputs that are a header and steps, each of a fixed number of bytes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "diff/random.h"

namespace mmuref::fuzz {

/// The bytes of a header; what the input has not is 0.
template <std::size_t header>
std::array<std::uint8_t, header> header_of(std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, header> h{};
  std::memcpy(h.data(), bytes.data(), std::min(bytes.size(), header));
  return h;
}

/// Calls `each` with the bytes of the first `most` steps.
template <std::size_t header, std::size_t step, class Each>
void for_each_step(std::span<const std::uint8_t> bytes, std::size_t most, Each each) {
  for (std::size_t at = header; most > 0 && at + step <= bytes.size(); at += step, --most)
    each(bytes.subspan(at).template first<step>());
}

/// One change in place: a bit of the header or of a step, a byte taken from another step, a step
/// repeated, dropped, or two exchanged. The new size is at most `max_size`.
template <std::size_t header, std::size_t step>
std::size_t mutate_steps(std::uint8_t* data, std::size_t size, std::size_t max_size,
                         diff::Random& random) {
  if (max_size < header + step) return size;
  if (size < header + step) {
    std::memset(data + size, 0, header + step - size);
    size = header + step;
  }
  const auto count = static_cast<std::uint32_t>((size - header) / step);
  size = header + count * step;
  const auto at = [&](std::size_t i) { return data + header + i * step; };
  const auto flip = [&](std::uint8_t* first, std::size_t bytes) {
    const std::uint32_t n = random.below(static_cast<std::uint32_t>(8 * bytes));
    first[n / 8] = static_cast<std::uint8_t>(first[n / 8] ^ 1u << n % 8);
  };
  const std::uint32_t one = random.below(count), other = random.below(count);
  switch (random.below(8)) {
    case 0: flip(data, header); return size;
    case 1:
      if (size + step > max_size) break;
      std::memmove(at(one + 1), at(one), (count - one) * step);  // the copy stands behind it
      return size + step;
    case 2:
      if (count < 2) break;
      std::memmove(at(one), at(one + 1), (count - one - 1) * step);
      return size - step;
    case 3: std::swap_ranges(at(one), at(one) + step, at(other)); return size;
    case 4: {
      const std::uint32_t byte = random.below(step);
      at(one)[byte] = at(other)[byte];
      return size;
    }
    case 5: at(one)[random.below(step)] = static_cast<std::uint8_t>(random.below(256)); return size;
    default: break;
  }
  flip(at(one), step);
  return size;
}

}  // namespace mmuref::fuzz
