// The Linux version of a command line.
#pragma once

#include <string>

#include "model/linux/kernel.h"

namespace mmuref::cli {

/// Reads "4.6", "6.1" or "6.12.3". Throws InputError for anything else, "4.06" too, and for
/// versions before 3.2 and after 6.12, the oldest and the newest whose facts were read.
lnx::Version kernel_version(const std::string& text);

/// Reads any version, "2.4.19" too. Throws InputError, which calls the option `flag`.
lnx::Version any_version(const std::string& text, const std::string& flag);

/// "4.6", "6.12.3".
std::string text(const lnx::Version& version);

}  // namespace mmuref::cli
