#include "cli/kernel_version.h"

#include <fmt/format.h>

#include <charconv>

#include "cli/command.h"

namespace mmuref::cli {

lnx::Version any_version(const std::string& text, const std::string& flag) {
  lnx::Version version;
  int* const parts[] = {&version.major, &version.minor, &version.patch};
  const char *at = text.data(), *const end = at + text.size();
  int count = 0;
  bool reads = true;
  while (reads && count < 3) {
    const auto [next, error] = std::from_chars(at, end, *parts[count]);
    const bool padded = next - at > 1 && *at == '0';
    reads = error == std::errc{} && *at != '-' && !padded;
    at = next;
    ++count;
    if (!reads || at == end || *at != '.') break;
    ++at;
  }
  if (!reads || at != end || count < 2) {
    throw InputError(fmt::format("{} {}: expected a version such as 4.6 or 6.12.3", flag, text));
  }
  return version;
}

lnx::Version kernel_version(const std::string& text) {
  const lnx::Version version = any_version(text, "--kernel");
  const lnx::Version release{version.major, version.minor};
  if (release < lnx::v3_2 || release > lnx::v6_12) {
    throw InputError(fmt::format("--kernel {}: expected 3.2 to 6.12", text));
  }
  return version;
}

std::string text(const lnx::Version& v) {
  return v.patch == 0 ? fmt::format("{}.{}", v.major, v.minor)
                      : fmt::format("{}.{}.{}", v.major, v.minor, v.patch);
}

}  // namespace mmuref::cli
