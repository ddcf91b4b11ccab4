// The arguments that `layout`, `va` and `pa` share: which Linux, and where it put its regions.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "model/linux/layout.h"

namespace mmuref::cli {

struct LinuxOptions {
  std::string version = "6.12";
  bool la57 = false;
  bool no_randomize_base = false;
  bool whole_layout = false;  ///< refuse versions whose rows are not all known
  std::optional<std::uint64_t> page_offset, vmalloc, vmemmap, phys_base;
  std::optional<unsigned> phys_bits;

  /// --kernel, --la57 and the bases of the regions.
  void add_to(CLI::App& app);
  /// --phys-base and --phys-bits, which only addresses of memory need.
  void add_physical(CLI::App& app);

  /// Throws InputError where the version has no 5-level paging, moves no regions or has, though it
  /// is wanted, no layout.
  lnx::Kernel kernel() const;
  /// Whether layouts say in which region of this version an address lies.
  bool knows_regions() const;
  /// Throws InputError for bases that no kernel could choose.
  lnx::AddressSpace<std::uint64_t> address_space(const lnx::Kernel& k) const;
};

/// "Linux 6.12, 4-level paging, RANDOMIZE_BASE".
std::string title(const LinuxOptions& options, const lnx::Kernel& k);

/// 16 digits, as Linux prints addresses.
std::string address_text(std::uint64_t address);

}  // namespace mmuref::cli
