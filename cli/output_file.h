// Files that a command writes.
#pragma once

#include <string>

namespace mmuref::cli {

/// Throws InputError naming the file when it cannot be written, whole.
void write_file(const std::string& path, const std::string& text);

}  // namespace mmuref::cli
