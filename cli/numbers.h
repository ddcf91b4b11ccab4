// Numbers of the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace mmuref::cli {

/// Reads `text` as a hexadecimal number of 64 bits, with or without 0x, as debuggers and kernels
/// write them. Throws InputError, which calls it `what`.
std::uint64_t hexadecimal(const std::string& text, const std::string& what);

/// Adds an option whose value is read by `hexadecimal`.
CLI::Option* add_hexadecimal(CLI::App& app, const std::string& flag,
                             std::optional<std::uint64_t>& value, const std::string& description);

/// Accepts numbers of 64 bits from `least` up. CLI11 itself reads "-1" as 2^64-1.
CLI::Validator at_least(std::uint64_t least);

/// "0x" and the digits, for people and for JSON.
std::string hex(std::uint64_t value);

}  // namespace mmuref::cli
