#include "diff/oracles/unicorn/probe.h"

#include <cstring>

namespace mmuref::diff {

namespace {

/// A bijection of 64-bit words, so that no two of a run's values are equal (the finalizer of
/// splitmix64).
std::uint64_t scatter(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::uint64_t low_bytes(std::uint64_t value, unsigned bytes) {
  return bytes == 8 ? value : value & ((std::uint64_t{1} << (8 * bytes)) - 1);
}

constexpr std::uint64_t limit_mask = 0xfffff;

/// SDM vol. 3, "Segment Descriptors" (3.4.5): a present data segment that any CPL may look at,
/// whose 20-bit limit, counted in bytes, is from `value`.
std::uint64_t descriptor(std::uint64_t value) {
  const std::uint64_t limit = value & limit_mask;
  return (limit & 0xffff) | 0x0000'f200'0000'0000 | (limit >> 16) << 48;
}

}  // namespace

void Probe::arm(unsigned bytes) {
  value_ = scatter(++sequence_);
  bytes_ = bytes;
  placed_ = false;
  kept_bytes_ = 0;
}

bool Probe::keep(std::uint64_t hint, unsigned bytes) {
  // An engine that announces an address outside memory is not believed, and finds nothing there.
  if (placed_ || hint > memory_.size() - bytes) return false;
  hint_ = hint;
  kept_bytes_ = bytes;
  std::memcpy(&kept_, memory_.at(hint), bytes);
  placed_ = true;
  return true;
}

void Probe::place(std::uint64_t data, unsigned bytes) {
  std::memcpy(memory_.at(hint_), &data, bytes);
}

void Probe::before_load(std::uint64_t hint) {
  if (!keep(hint, bytes_)) return;
  // One byte has few values to choose from: take the one that differs in every bit.
  if (bytes_ == 1) value_ = ~kept_;
  place(value_, bytes_);
}

void Probe::before_descriptor(std::uint64_t hint) {
  if (keep(hint, 8)) place(descriptor(value_), 8);
}

void Probe::before_store(std::uint64_t hint) {
  if (keep(hint, bytes_)) place(~value_, bytes_);
}

void Probe::before_fetch(std::uint64_t hint) {
  constexpr std::uint64_t int3 = 0xcc;
  if (keep(hint, 1)) place(int3, 1);
}

bool Probe::loaded(std::uint64_t data) const {
  return placed_ && low_bytes(data, bytes_) == low_bytes(value_, bytes_);
}

bool Probe::described(std::uint64_t limit) const {
  return placed_ && limit == (value_ & limit_mask);
}

bool Probe::stored() const {
  if (!placed_) return false;
  std::uint64_t now = 0;
  std::memcpy(&now, memory_.at(hint_), bytes_);
  return now == low_bytes(value_, bytes_);
}

void Probe::restore() {
  if (kept_bytes_ != 0) place(kept_, kept_bytes_);
  kept_bytes_ = 0;
}

}  // namespace mmuref::diff
