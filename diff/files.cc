#include "diff/files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "diff/strict_json.h"

namespace mmuref::diff {

namespace fs = std::filesystem;

std::vector<std::string> files_below(const std::vector<std::string>& arguments,
                                     std::initializer_list<std::string_view> extensions) {
  const auto wanted = [&](const fs::path& path) {
    return std::ranges::find(extensions, path.extension().string()) != extensions.end();
  };
  std::vector<std::string> paths;
  for (const std::string& argument : arguments) {
    if (!fs::is_directory(argument)) {
      paths.push_back(argument);
      continue;
    }
    std::vector<std::string> inside;
    for (const auto& file : fs::recursive_directory_iterator(argument)) {
      if (file.is_regular_file() && wanted(file.path())) {
        inside.push_back(file.path().string());
      }
    }
    std::sort(inside.begin(), inside.end());
    if (inside.empty()) inside.push_back(argument);
    paths.insert(paths.end(), inside.begin(), inside.end());
  }
  return paths;
}

std::string content_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in || fs::is_directory(path)) throw FormError(path + ": cannot be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace mmuref::diff
