// The files that arguments of a command line name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mmuref::diff {

/// A folder stands for every file below it with `extension` (".json"), in order of name. A folder
/// without any stays as it is and fails as a file.
std::vector<std::string> files_below(const std::vector<std::string>& arguments,
                                     std::string_view extension);

}  // namespace mmuref::diff
