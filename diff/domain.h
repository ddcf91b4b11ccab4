// What a campaign may draw from: the processors and control bits that its oracle has.
//
// Drawing from everything and skipping what an oracle does not have would spend nearly all time on
// skipping (most emulators fix MAXPHYADDR), so the oracle is asked once, one feature at a time.
// What was left out is kept, with the oracle's reason, and reported: it was not tested.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "diff/oracle.h"

namespace mmuref::diff {

struct Domain {
  std::vector<Processor> processors;  ///< every width, with and without 1-GByte pages, both vendors
  Registers base;                     ///< set in every machine
  Registers optional;                 ///< may be set, each bit on its own
  /// Why something is left out, and what.
  std::map<std::string, std::string> excluded;
};

/// All that the model has: 84 processors, every bit that paging depends on.
Domain full_domain();

/// The part of full_domain() that `oracle` supports. Combinations it refuses although it has each
/// feature are met, skipped and counted by the campaign.
Domain domain_of(const AnyOracle& oracle);

}  // namespace mmuref::diff
