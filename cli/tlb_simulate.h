// mmuref tlb simulate, for cli/tlb.cc to list.
#pragma once

#include "cli/command.h"

namespace mmuref::cli {

/// Adds `simulate` to `tlb`; returns what runs it.
Run add_tlb_simulate(CLI::App& tlb);

}  // namespace mmuref::cli
