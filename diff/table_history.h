// Everything that entries have held, to find the linear addresses that may lead to a page.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "diff/machine.h"

namespace mmuref::diff {

/// A way to a page: as the frame of a translation, or as the table of a level.
struct Way {
  Word va = 0;          ///< canonical; to a frame, of the page's first byte
  int table_level = 0;  ///< 0: the page is a frame
};

class TableHistory {
 public:
  /// `levels` of tables, 4 or 5.
  TableHistory(const Memory& memory, int levels);

  void wrote(Word address, Word value);
  /// A processor loaded this table.
  void root(Word table) { roots_.insert(table); }

  /// All ways along entries that existed, if not all at one time: what is cached came along one of
  /// them. Nothing if there are more than `limit`, or too many to look for.
  std::optional<std::vector<Way>> ways_to(Word page, std::size_t limit) const;

 private:
  struct Search;

  int levels_;
  std::map<Word, std::set<Word>> leads_to_;  ///< a page, and the entries that have referenced it
  std::set<std::pair<Word, Word>> large_;    ///< addresses and frames of entries with PS=1
  std::set<Word> roots_;
};

}  // namespace mmuref::diff
