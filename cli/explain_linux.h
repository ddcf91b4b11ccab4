// What Linux takes a paging-structure entry for.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "model/linux/kernel.h"

namespace mmuref::cli {

/// A swap entry's parts.
struct LinuxSwap {
  std::uint64_t type = 0, offset = 0;
};

struct LinuxEntry {
  lnx::Version kernel;
  std::string_view type;             ///< "pte_t" … "pgd_t"
  std::string_view state;            ///< one word, for programs
  std::string meaning;               ///< of the state, for people
  std::vector<std::string> flags;    ///< those set, by Linux's names
  std::optional<std::uint64_t> pfn;  ///< of the page or table
  bool inverted = false;             ///< the frame is stored inverted
  std::optional<LinuxSwap> swap;
  std::vector<std::pair<std::string, bool>> predicates;
};

/// The entry `e` of a `level` table (1..5) as the Linux of `version` has it. Throws InputError for
/// a level that version lacks.
LinuxEntry linux_entry(std::uint64_t e, int level, const lnx::Version& version);

std::string text_form(const LinuxEntry& entry);
nlohmann::ordered_json json_form(const LinuxEntry& entry);

}  // namespace mmuref::cli
