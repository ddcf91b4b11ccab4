// The simplest physical memory: one array, so that a read is a bounds check and a load.
#pragma once

#include <sys/mman.h>

#include <cstring>
#include <memory>
#include <new>

#include "image/memory.h"

namespace mmuref::bench {

using image::Word;

/// Copies of an image's segments in one anonymous mapping of the whole physical range; the host
/// backs only the pages that were copied. Satisfies x86::WritablePhysicalMemory; absent memory
/// reads 0.
class FlatMemory {
 public:
  explicit FlatMemory(const image::Memory& memory)
      : size_(memory.segments().back().end() & ~Word{7}), words_(map(size_), Unmap{size_}) {
    for (const image::Segment& s : memory.segments()) {
      std::memcpy(reinterpret_cast<std::byte*>(words_.get()) + s.address, s.bytes, s.size);
    }
  }

  Word read(Word address) const { return address < size_ ? words_.get()[address >> 3] : 0; }
  void write(Word address, Word value) {
    if (address < size_) words_.get()[address >> 3] = value;
  }

  const void* data() const { return words_.get(); }
  Word size() const { return size_; }  ///< in bytes

 private:
  struct Unmap {
    Word size;
    void operator()(Word* words) const { munmap(words, size); }
  };
  static Word* map(Word size) {
    void* p = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    return static_cast<Word*>(p);
  }

  Word size_;
  std::unique_ptr<Word, Unmap> words_;
};

}  // namespace mmuref::bench
