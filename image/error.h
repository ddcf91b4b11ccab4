// What is wrong with an image, in one line.
#pragma once

#include <stdexcept>

namespace mmuref::image {

/// "FILE: PLACE: what was found; what was expected". The place is a file offset, a program header
/// or a note. Never thrown for anything but bad input.
class Error : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace mmuref::image
