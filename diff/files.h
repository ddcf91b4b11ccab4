// The files that a command line names: read whole, and replaced whole.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "diff/strict_json.h"

namespace mmuref::diff {

/// A file or folder that cannot be used; `what()` names it.
class FileError : public FormError {
  using FormError::FormError;
};

/// A folder stands for every file below it with one of `extensions` (".json"), in order of name.
/// Throws FileError for a folder without any.
std::vector<std::string> files_below(const std::vector<std::string>& arguments,
                                     std::initializer_list<std::string_view> extensions);

/// All that a regular file holds, or that comes through a pipe; at most 1 GiB. Throws FileError.
std::string content_of_file(const std::string& path);

/// Replaces `path` as a whole: a write that fails leaves what was there. What is no file of its
/// own, such as a link, a pipe or a terminal, stays what it is. Throws FileError.
void write_file(const std::string& path, const std::string& text);

/// Throws FileError where `write_file` could not write, so that it is known before the work.
void require_writable(const std::string& path);
/// The same of a folder, which is still to be made where it is not there.
void require_writable_folder(const std::string& path);

}  // namespace mmuref::diff
