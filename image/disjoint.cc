#include "image/disjoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "image/error.h"

namespace mmuref::image {
namespace {

void require_same_bytes(const LoadSegment& a, const LoadSegment& b, Word address, Word size,
                        const std::string& name) {
  const std::byte* left = a.segment.bytes + (address - a.segment.address);
  const std::byte* right = b.segment.bytes + (address - b.segment.address);
  if (left == right || std::memcmp(left, right, size) == 0) return;
  const Word differs =
      address + static_cast<Word>(std::mismatch(left, left + size, right).first - left);
  throw Error(fmt::format(
      "{}: program headers {} and {} hold different bytes for physical address {:#x}; expected one "
      "content for each (the core of a process has no physical addresses)",
      name, std::min(a.index, b.index), std::max(a.index, b.index), differs));
}

}  // namespace

std::vector<Segment> disjoint(std::vector<LoadSegment> loads, Word file_size,
                              const std::string& name) {
  std::sort(loads.begin(), loads.end(), [](const LoadSegment& a, const LoadSegment& b) {
    return a.segment.address < b.segment.address;
  });
  std::vector<LoadSegment> pieces;
  Word compared = 0;
  for (LoadSegment load : loads) {
    Segment& rest = load.segment;
    auto piece = std::upper_bound(
        pieces.begin(), pieces.end(), rest.address,
        [](Word address, const LoadSegment& p) { return address < p.segment.end(); });
    // Sorted by start and without gaps before `rest`: the pieces from here on cover its beginning.
    for (; piece != pieces.end() && rest.size > 0; ++piece) {
      const Word size = std::min(rest.end(), piece->segment.end()) - rest.address;
      compared += size;
      if (compared > file_size) {
        throw Error(fmt::format(
            "{}: program header {}: the segments describe more memory twice than the file's {:#x} "
            "bytes can hold",
            name, load.index, file_size));
      }
      require_same_bytes(*piece, load, rest.address, size, name);
      rest = {rest.address + size, rest.size - size, rest.bytes + size};
    }
    if (rest.size > 0) pieces.push_back(load);
  }
  std::vector<Segment> segments;
  segments.reserve(pieces.size());
  for (const LoadSegment& p : pieces) segments.push_back(p.segment);
  return segments;
}

}  // namespace mmuref::image
