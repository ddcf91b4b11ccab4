// Numbers of the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

namespace mmuref::cli {

/// Reads `text` as a hexadecimal number of `bits` bits, with or without 0x, as debuggers and
/// kernels write them. Throws InputError, which calls it `what`.
std::uint64_t hexadecimal(const std::string& text, const std::string& what, unsigned bits = 64);

/// Adds an option whose value is read by `hexadecimal`.
CLI::Option* add_hexadecimal(CLI::App& app, const std::string& flag,
                             std::optional<std::uint64_t>& value, const std::string& description,
                             unsigned bits = 64);

/// To CLI11 a number that begins with 0 is octal. This makes it the decimal one; 0x stays.
std::string decimal(std::string text);

/// Adds an option whose value is an integer, decimal or behind 0x.
template <class Integer>
CLI::Option* add_number(CLI::App& app, const std::string& flag, Integer& value,
                        const std::string& description) {
  return app.add_option(flag, value, description)
      ->transform(CLI::Validator(
          [](std::string& text) {
            text = decimal(text);
            return std::string();
          },
          ""));
}

/// Accepts numbers of 64 bits from `least` up. CLI11 itself reads "-1" as 2^64-1.
CLI::Validator at_least(std::uint64_t least);

/// "0x" and the digits, for people and for JSON.
std::string hex(std::uint64_t value);

}  // namespace mmuref::cli
