// A subcommand of `mmuref`: one file each, listed in main.cc.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <stdexcept>
#include <string>

namespace mmuref::cli {

/// Exit codes, the same for every subcommand.
inline constexpr int good = 0, violation = 1, bad_input = 2;

/// Bad usage or input: printed as one line, exit code 2. Say file, place and what was expected.
class InputError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What a subcommand's registration hands back: runs it once the line is parsed; the exit code.
using Run = std::function<int()>;

// Each adds one subcommand to `app` with its options, and returns what runs it.
Run add_check(CLI::App& app);
Run add_prove(CLI::App& app);
Run add_diff(CLI::App& app);
Run add_replay(CLI::App& app);
Run add_minimize(CLI::App& app);
Run add_eval(CLI::App& app);
Run add_walk(CLI::App& app);
Run add_maps(CLI::App& app);
Run add_explain(CLI::App& app);

}  // namespace mmuref::cli
