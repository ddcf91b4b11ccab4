// The guest's physical memory: one sparse host mapping of the whole physical address space.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mmuref::diff {

/// Everything reads 0 until written. The host spends memory only on pages that were touched;
/// `release` gives them back.
class PhysicalMemory {
 public:
  /// Reserves `size` bytes of host address space, a multiple of the host's page size; throws
  /// std::runtime_error when the host refuses.
  explicit PhysicalMemory(std::size_t size);
  ~PhysicalMemory();
  PhysicalMemory(const PhysicalMemory&) = delete;
  PhysicalMemory& operator=(const PhysicalMemory&) = delete;

  std::size_t size() const { return size_; }
  std::byte* at(std::uint64_t address) const { return base_ + address; }

  /// Makes everything read 0 again and returns all pages to the host. The mapping stays where it
  /// is.
  void release();

 private:
  std::size_t size_;
  std::byte* base_;
};

}  // namespace mmuref::diff
