#include "cli/numbers.h"

#include <fmt/format.h>

#include <cerrno>
#include <charconv>

#include "cli/command.h"

namespace mmuref::cli {

std::uint64_t hexadecimal(const std::string& text, const std::string& what, unsigned bits) {
  std::string_view digits = text;
  if (digits.starts_with("0x") || digits.starts_with("0X")) digits.remove_prefix(2);
  std::uint64_t value = 0;
  const char* const last = digits.data() + digits.size();
  const auto [end, error] = std::from_chars(digits.data(), last, value, 16);
  if (error == std::errc::result_out_of_range || (bits < 64 && value >> bits != 0)) {
    throw InputError(fmt::format("{}: '{}' has more than {} bits", what, text, bits));
  }
  if (error != std::errc{} || end != last) {
    throw InputError(fmt::format("{}: '{}'; expected a hexadecimal number", what, text));
  }
  return value;
}

CLI::Option* add_hexadecimal(CLI::App& app, const std::string& flag,
                             std::optional<std::uint64_t>& value, const std::string& description,
                             unsigned bits) {
  return app
      .add_option_function<std::string>(
          flag,
          [&value, flag, bits](const std::string& text) { value = hexadecimal(text, flag, bits); },
          description)
      ->type_name("HEX");
}

std::string decimal(std::string text) {
  const std::size_t sign = text.starts_with('+') || text.starts_with('-') ? 1 : 0;
  const std::size_t first = text.find_first_not_of('0', sign);
  const std::size_t zeros = std::min(first, text.size()) - sign;
  const bool hex = zeros == 1 && first < text.size() && (text[first] == 'x' || text[first] == 'X');
  if (zeros > 0 && !hex) text.erase(sign, first == text.npos ? zeros - 1 : zeros);
  return text;
}

CLI::Validator at_least(std::uint64_t least) {
  const auto check = [least](const std::string& text) -> std::string {
    std::uint64_t value = 0;
    errno = 0;  // which alone tells of more than 64 bits: what CLI11 reads is 2^64-1 then
    const bool read = !text.starts_with('-') && CLI::detail::lexical_cast(text, value);
    if (errno == ERANGE) return fmt::format("'{}' has more than 64 bits", text);
    if (read && value >= least) return {};
    return fmt::format("'{}'; expected a number from {} up", text, least);
  };
  return CLI::Validator(check, fmt::format("from {} up", least));
}

std::string hex(std::uint64_t value) {
  return fmt::format("{:#x}", value);
}

}  // namespace mmuref::cli
