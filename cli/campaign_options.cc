#include "cli/campaign_options.h"

#include <fmt/format.h>

#include <charconv>

#include "cli/command.h"

namespace mmuref::cli {
namespace {

constexpr diff::Word max_shards = 1'000'000;

diff::Shard parse_shard(const std::string& text) {
  diff::Shard shard;
  const char* const end = text.data() + text.size();
  const auto index = std::from_chars(text.data(), end, shard.index);
  if (index.ec == std::errc{} && index.ptr != end && *index.ptr == '/') {
    const auto count = std::from_chars(index.ptr + 1, end, shard.count);
    if (count.ec == std::errc{} && count.ptr == end && shard.index < shard.count &&
        shard.count <= max_shards)
      return shard;
  }
  throw InputError(
      fmt::format("--shard {}: expected I/N with 0 <= I < N <= {}, such as 0/4", text, max_shards));
}

}  // namespace

void add_campaign_options(CLI::App& command, diff::Shard& shard, std::string& out) {
  command
      .add_option_function<std::string>(
          "--shard", [&shard](const std::string& text) { shard = parse_shard(text); },
          "I/N: of the campaign's units every N-th, from the I-th")
      ->default_str("0/1");
  command
      .add_option(
          "--out", out,
          "JSON Lines file of finished units, for `mmuref merge`; gone on with if it exists")
      ->type_name("FILE");
}

}  // namespace mmuref::cli
