#include "diff/campaign_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "diff/files.h"
#include "diff/text.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;

/// A hash of the running program. The results of another one, of which a rule was changed since,
/// say, must neither be taken over nor added up.
std::string program_identity() {
  std::ifstream program("/proc/self/exe", std::ios::binary);
  std::array<Word, 8192> block;
  Word hash = 0;
  do {
    block.fill(0);
    program.read(reinterpret_cast<char*>(block.data()), sizeof block);
    for (const Word word : block) {
      hash = (hash ^ word) * 0x9e3779b97f4a7c15;
      hash ^= hash >> 29;
    }
  } while (program);
  if (!program.eof()) throw std::runtime_error("/proc/self/exe: cannot be read");
  return hex(hash);
}

/// Keeps other campaigns from the open file `file`, which `path` names, until it is closed.
void lock(int file, const std::string& path) {
  const auto refuse = [&] { throw FileError(path + ": another campaign is writing it"); };
  if (flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) refuse();
  // Who held it may have put another file in its place since it was opened.
  struct stat opened {};
  struct stat named {};
  if (fstat(file, &opened) != 0 || stat(path.c_str(), &named) != 0 ||
      opened.st_ino != named.st_ino || opened.st_dev != named.st_dev)
    refuse();
}

}  // namespace

json campaign_header(const std::string& command, Word count, Word unit) {
  return {{"type", "campaign"},
          {"command", command},
          {"count", count},
          {"unit", unit},
          {"mmuref", MMUREF_VERSION}};
}

CampaignLock::CampaignLock(const std::string& path, int flags)
    : file_(open(path.c_str(), flags | O_CLOEXEC, 0666)) {
  if (file_ < 0) throw FileError(fmt::format("{}: {}", path, std::strerror(errno)));
  try {
    lock(file_, path);
  } catch (...) {
    close(file_);
    throw;
  }
}

CampaignLock::~CampaignLock() {
  close(file_);
}

CampaignLog::CampaignLog(const std::string& path, json header)
    : path_(path), header_(std::move(header)) {
  if (path.empty()) return;
  if (std::filesystem::is_directory(path)) throw FileError(path + ": is a folder; expected a file");
  header_["program"] = program_identity();
  file_.emplace(path, O_RDWR | O_CREAT | O_APPEND);
  if (std::filesystem::is_regular_file(path)) {
    take_over(content_of_file(path));
  } else {
    write(header_);  // to a terminal or a pipe, which held nothing
  }
}

void CampaignLog::take_over(const std::string& content) {
  CampaignFile before = parse_campaign_file(path_, content);
  const bool starts = before.header.is_null();
  if (starts && !(header_.dump() + '\n').starts_with(content))
    throw std::runtime_error(path_ + ": line 1: expected the first line of this campaign");
  const bool grows = !starts && before.header["count"] < header_["count"];
  if (grows) before.header["count"] = header_["count"];
  if (!starts) {
    if (const std::string other = difference(before.header, header_); !other.empty())
      throw std::runtime_error(
          fmt::format("{}: line 1: {}; expected the file of this campaign", path_, other));
  }
  if (before.torn && ftruncate(file_->descriptor(), static_cast<off_t>(before.whole)) != 0)
    throw std::runtime_error(fmt::format("{}: {}", path_, std::strerror(errno)));
  if (starts || grows) {
    write(header_);
    before = parse_campaign_file(path_, content_of_file(path_));
  }
  for (CampaignFile::Unit& unit : before.units) {
    const auto [known, first] = finished_.try_emplace(unit.number(), unit.line);
    if (!first && result_of(known->second) != result_of(unit.line))
      throw std::runtime_error(
          fmt::format("{}: line {}: unit {}: expected the result that an earlier line has", path_,
                      unit.line_number, unit.number()));
  }
}

const json* CampaignLog::find(Word unit, std::string_view name, const char* verdict) const {
  const auto found = finished_.find(unit);
  if (found == finished_.end()) return nullptr;
  const json& line = found->second;
  const bool says = verdict == nullptr || (line.contains(verdict) && line[verdict].is_string());
  if (line["name"] == name && says) return &line;
  throw std::runtime_error(
      fmt::format("{}: unit {}: expected the result of {}", path_, unit, name));
}

void CampaignLog::write(const json& line) {
  if (!file_) return;
  const std::string text = line.dump() + '\n';
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = ::write(file_->descriptor(), text.data() + done, text.size() - done);
    if (n < 0) throw std::runtime_error(fmt::format("{}: {}", path_, std::strerror(errno)));
    done += static_cast<std::size_t>(n);
  }
  // A file of some kinds has nothing to wait for, which is no failure.
  if (fdatasync(file_->descriptor()) != 0 && errno != EINVAL && errno != EROFS)
    throw std::runtime_error(fmt::format("{}: {}", path_, std::strerror(errno)));
}

}  // namespace mmuref::diff
