// The contract of a request, one field a row.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string_view>
#include <variant>

#include "diff/machine_json.h"

namespace mmuref::diff {

/// A JSON value as far as the contract tells values apart; all others are the first alternative.
using Value = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, std::string_view>;

/// What a field expected, where something else was found.
class Unexpected : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class Presence : bool { required, optional };

/// Both forms of input are read through these, and cases are written through them.
struct Field {
  std::string_view name;
  Presence presence;
  void (*read)(Request&, const Value&);  ///< throws Unexpected
  nlohmann::ordered_json (*write)(const Request&);
};

inline constexpr std::size_t field_count = 17;
/// In the contract's order; the last is "mem", the only one that holds an object.
extern const std::array<Field, field_count> request_fields;
inline constexpr std::size_t mem_field = field_count - 1;

/// Reads "0x" and hex digits, at least one; false for anything else and for more than 64 bits.
bool read_hex(std::string_view text, Word& value);

/// A 64-bit number as a hex string or an integer. Throws Unexpected.
Word read_word(const Value& value);

}  // namespace mmuref::diff
