// An image and what accesses write to it.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>

#include "image/image.h"

namespace mmuref::cli {

class ImageOverlay {
 public:
  explicit ImageOverlay(const image::Image& image) : image_(image) {}

  image::Word read(image::Word address) const {
    const auto found = written_.find(address);
    return found == written_.end() ? image_.read(address) : found->second;
  }
  void write(image::Word address, image::Word value) { written_[address] = value; }

  /// The entries that hold another value than the image's.
  std::map<image::Word, image::Word> changes() const {
    std::map<image::Word, image::Word> result;
    for (const auto& [address, value] : written_) {
      if (value != image_.read(address)) result.emplace(address, value);
    }
    return result;
  }

 private:
  const image::Image& image_;
  std::unordered_map<image::Word, image::Word> written_;
};

}  // namespace mmuref::cli
