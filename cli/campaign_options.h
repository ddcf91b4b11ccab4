// What commands that run campaigns share.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "diff/campaign_log.h"

namespace mmuref::cli {

/// Adds --shard and --out, which take what `shard` and `out` say until the command runs.
void add_campaign_options(CLI::App& command, diff::Shard& shard, std::string& out);

}  // namespace mmuref::cli
