// The folder that golden commands run in.
#pragma once

#include <filesystem>

namespace mmuref::cli_test {

/// Makes the folder, with a link to corpora/ and small images of which every kind of answer can be
/// had, so that messages name files the same on every machine. Made once; removed at exit.
const std::filesystem::path& scratch();

}  // namespace mmuref::cli_test
