#include "diff/oracles/unicorn/physical_memory.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace mmuref::diff {

namespace {

std::byte* map(std::byte* where, std::size_t size) {
  const int fixed = where != nullptr ? MAP_FIXED : 0;
  void* const mapped = mmap(where, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | fixed, -1, 0);
  if (mapped == MAP_FAILED) {
    throw std::runtime_error("cannot reserve " + std::to_string(size >> 30) +
                             " GiB of address space for the guest's physical memory: " +
                             std::strerror(errno) + " (see ulimit -v and vm.overcommit_memory)");
  }
  // A core dump of what is almost all holes helps nobody; failing to say so does no harm. Huge
  // pages would turn each touched entry into 2 MiB.
  madvise(mapped, size, MADV_DONTDUMP);
  madvise(mapped, size, MADV_NOHUGEPAGE);
  return static_cast<std::byte*>(mapped);
}

}  // namespace

PhysicalMemory::PhysicalMemory(std::size_t size) : size_(size), base_(map(nullptr, size)) {}

PhysicalMemory::~PhysicalMemory() {
  munmap(base_, size_);
}

void PhysicalMemory::release() {
  map(base_, size_);
}

}  // namespace mmuref::diff
