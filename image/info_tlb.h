// QEMU's own account of an address space: the text of its monitor command `info tlb`.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "image/image.h"
#include "image/maps.h"

namespace mmuref::image {

/// A mapping as `info tlb` writes it: "va: pa flags", the flags X G P D A C T U W of the leaf (P is
/// PS), '-' for those that are clear.
std::string info_tlb_line(const Mapping& mapping);

/// What was held to QEMU's account and where it differs.
struct InfoTlbComparison {
  std::size_t mappings = 0;              ///< lines in QEMU's account
  std::size_t walks = 0;                 ///< translations that x86::walk answered the same
  std::vector<std::string> differences;  ///< one sentence each
  bool agrees() const { return mappings > 0 && walks == mappings && differences.empty(); }
};

/// Holds `maps` of the image to QEMU's text in both directions: every line is one of our mappings
/// with the same flags, and every mapping one of its lines. And each line's first and last byte to
/// x86::walk, by a supervisor read.
InfoTlbComparison compare_info_tlb(const Image& image, std::string_view text);

/// The Linux 6.1 page tables in corpora/linux-6.1-kaslr-4level/: QEMU counts 8,409 mappings.
inline constexpr std::size_t linux61_mappings = 8409;

/// compare_info_tlb for that folder's pagetables.core and info-tlb.txt; a count that is not
/// linux61_mappings is a difference. Throws Error when a file cannot be read.
InfoTlbComparison compare_linux61(const std::string& folder);

}  // namespace mmuref::image
