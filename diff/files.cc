#include "diff/files.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace mmuref::diff {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_file_bytes = std::size_t{1} << 30;

[[noreturn]] void refuse(const std::string& path, const std::string& what) {
  throw FileError(fmt::format("{}: {}", path, what));
}

/// Whether a file is replaced by another. Others are written where they are.
bool is_replaced(const std::string& path) {
  const fs::file_status is = fs::symlink_status(path);
  return !fs::exists(is) || fs::is_regular_file(is);
}

std::string folder_of(const std::string& path) {
  const std::string folder = fs::path(path).parent_path();
  return folder.empty() ? "." : folder;
}

}  // namespace

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
    if (inside.empty())
      refuse(argument, fmt::format("expected *{} in this folder", fmt::join(extensions, ", *")));
    std::sort(inside.begin(), inside.end());
    paths.insert(paths.end(), inside.begin(), inside.end());
  }
  return paths;
}

std::string content_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) refuse(path, std::strerror(errno));
  const fs::file_status is = fs::status(path);
  if (!fs::is_regular_file(is) && !fs::is_fifo(is)) refuse(path, "expected a regular file");
  std::string content;
  std::array<char, 1 << 16> block;
  while (in.read(block.data(), block.size()), in.gcount() > 0) {
    content.append(block.data(), static_cast<std::size_t>(in.gcount()));
    if (content.size() > max_file_bytes)
      refuse(path, fmt::format("expected at most {} bytes", max_file_bytes));
  }
  if (in.bad()) refuse(path, "cannot be read");
  return content;
}

void write_file(const std::string& path, const std::string& text) {
  const bool replaced = is_replaced(path);
  const std::string partial = replaced ? path + ".partial" : path;
  errno = 0;
  std::ofstream out(partial, std::ios::binary);
  if (!out) refuse(path, std::strerror(errno));
  out << text;
  out.close();
  if (!out) {
    const std::string why = std::strerror(errno);
    if (replaced) unlink(partial.c_str());
    refuse(path, why);
  }
  if (!replaced) return;
  struct stat before {};
  if (stat(path.c_str(), &before) == 0) chmod(partial.c_str(), before.st_mode & 07777);
  if (rename(partial.c_str(), path.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    unlink(partial.c_str());
    refuse(path, why);
  }
}

void require_writable(const std::string& path) {
  if (fs::is_directory(path)) refuse(path, "is a folder; expected a file");
  const std::string written = is_replaced(path) ? folder_of(path) : path;
  if (written != path && !fs::is_directory(written)) refuse(path, written + " is no folder");
  if (access(written.c_str(), W_OK) != 0) refuse(path, std::strerror(errno));
}

void require_writable_folder(const std::string& path) {
  std::string there = path;
  while (!fs::exists(there)) there = folder_of(there);
  if (!fs::is_directory(there)) refuse(path, there + " is no folder");
  if (access(there.c_str(), W_OK | X_OK) != 0) refuse(path, std::strerror(errno));
}

}  // namespace mmuref::diff
