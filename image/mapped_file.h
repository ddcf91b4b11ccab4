// A file in memory, mapped and not read: a dump may be larger than RAM.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace mmuref::image {

/// The mapping is private and read-only. The file must not shrink while it is mapped: no reader of
/// a mapped file can survive that.
class MappedFile {
 public:
  MappedFile() = default;
  /// Throws Error unless `path` is a regular file that is not empty and can be mapped.
  explicit MappedFile(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace mmuref::image
