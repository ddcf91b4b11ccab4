#include "diff/table_history.h"

namespace mmuref::diff {
namespace {

constexpr Word page_mask = ~Word{0xfff};

Word shifted_index(Word entry_address, int level) {
  return ((entry_address >> 3) & 0x1ff) << x86::level_shift(level);
}

}  // namespace

TableHistory::TableHistory(const Memory& memory, int levels) : levels_(levels) {
  for (const auto& [address, value] : memory) wrote(address, value);
}

void TableHistory::wrote(Word address, Word value) {
  if (!has(value, x86::entry::P)) return;
  leads_to_[value & x86::entry::address_mask].insert(address);
  if (has(value, x86::entry::PS)) large_.emplace(address, value & x86::entry::address_mask);
}

/// Climbs from a page to the roots, collecting the indices on the way.
struct TableHistory::Search {
  const TableHistory& history;
  const std::size_t limit;
  std::vector<Way> ways;
  std::size_t visits_left = 64 * limit;
  bool gave_up = false;

  /// `table` is one of `level`; `va` has the indices below.
  void climb(Word table, int level, Word va, int table_level) {
    if (visits_left == 0 || ways.size() > limit) gave_up = true;
    if (gave_up) return;
    --visits_left;
    if (level == history.levels_) {
      if (!history.roots_.contains(table)) return;
      const unsigned unused = 64 - x86::linear_width(level);
      const auto extended = static_cast<std::int64_t>(va << unused) >> unused;
      ways.push_back({static_cast<Word>(extended), table_level});
      return;
    }
    const auto entries = history.leads_to_.find(table);
    if (entries == history.leads_to_.end()) return;
    for (const Word address : entries->second) entry(address, level + 1, va, table_level);
  }
  void entry(Word address, int level, Word va, int table_level) {
    climb(address & page_mask, level, va | shifted_index(address, level), table_level);
  }
};

std::optional<std::vector<Way>> TableHistory::ways_to(Word page, std::size_t limit) const {
  Search search{.history = *this, .limit = limit, .ways = {}};
  if (const auto entries = leads_to_.find(page); entries != leads_to_.end()) {
    for (const Word address : entries->second) search.entry(address, 1, 0, 0);
  }
  for (const auto& [address, frame] : large_) {
    for (int level = 2; level <= x86::max_leaf_level; ++level) {
      const Word offset_mask = bit(x86::level_shift(level)) - 1;
      if (((frame ^ page) & ~offset_mask) == 0) search.entry(address, level, page & offset_mask, 0);
    }
  }
  for (int level = 1; level < levels_; ++level) search.climb(page, level, 0, level);
  if (search.gave_up) return {};
  return std::move(search.ways);
}

}  // namespace mmuref::diff
