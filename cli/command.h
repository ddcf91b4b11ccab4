// A subcommand of `mmuref`: one file each, listed in main.cc.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace mmuref::cli {

/// Exit codes, the same for every subcommand.
inline constexpr int good = 0, violation = 1, bad_input = 2;

/// Bad usage or input: printed as one line, exit code 2. Say file, place and what was expected.
class InputError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a subcommand's registration hands back: runs it once the line is parsed; the exit code.
using Run = std::function<int()>;

/// `run`, for commands whose every std::runtime_error tells of what the caller asked for: a file,
/// a folder, an oracle that cannot start.
inline Run errors_are_input(Run run) {
  return [run = std::move(run)] {
    try {
      return run();
    } catch (const std::runtime_error& e) {
      throw InputError(e.what());
    }
  };
}

/// Throws InputError when `option` was given beside any other of `command` but those of `except`:
/// what would mean nothing is not passed over.
inline void require_alone(const CLI::App& command, const CLI::Option* option,
                          const std::vector<std::string>& except) {
  for (const CLI::Option* other : command.get_options()) {
    const bool allowed = other == option || std::ranges::any_of(except, [&](const auto& name) {
                           return other->check_name(name);
                         });
    if (option->count() > 0 && other->count() > 0 && !allowed)
      throw InputError(option->get_name() + ": not with " + other->get_name());
  }
}

// Each adds one subcommand to `app` with its options, and returns what runs it.
Run add_check(CLI::App& app);
Run add_prove(CLI::App& app);
Run add_diff(CLI::App& app);
Run add_merge(CLI::App& app);
Run add_replay(CLI::App& app);
Run add_minimize(CLI::App& app);
Run add_eval(CLI::App& app);
Run add_tlb(CLI::App& app);
Run add_trace(CLI::App& app);
Run add_walk(CLI::App& app);
Run add_maps(CLI::App& app);
Run add_explain(CLI::App& app);
Run add_layout(CLI::App& app);
Run add_va(CLI::App& app);
Run add_pa(CLI::App& app);
Run add_flush(CLI::App& app);

// Adds `flush plan` to the subcommand `flush`.
Run add_flush_plan(CLI::App& flush);

}  // namespace mmuref::cli
