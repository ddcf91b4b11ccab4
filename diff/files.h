// The files that arguments of a command line name.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace mmuref::diff {

/// A folder stands for every file below it with one of `extensions` (".json"), in order of name. A
/// folder without any stays as it is and fails as a file.
std::vector<std::string> files_below(const std::vector<std::string>& arguments,
                                     std::initializer_list<std::string_view> extensions);

/// All that a file holds. Throws FormError naming it when it cannot be read.
std::string content_of_file(const std::string& path);

}  // namespace mmuref::diff
