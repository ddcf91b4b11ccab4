// The file that a running campaign writes: it survives a killed writer.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "diff/campaign_file.h"

namespace mmuref::diff {

/// Which units a run does: every `count`-th, starting with `index`; 0 ≤ index < count.
struct Shard {
  Word index = 0;
  Word count = 1;
  bool holds(Word unit) const { return unit % count == index; }
};

/// The first line of a campaign's file, to which a command adds what else identifies it.
nlohmann::json campaign_header(const std::string& command, Word count, Word unit);

/// A campaign's file, open, which no other campaign can write until this is gone.
class CampaignLock {
 public:
  /// Throws FileError when `path` cannot be opened with these flags of open(2), or when a campaign
  /// is writing it.
  CampaignLock(const std::string& path, int flags);
  ~CampaignLock();
  CampaignLock(const CampaignLock&) = delete;
  CampaignLock& operator=(const CampaignLock&) = delete;

  int descriptor() const { return file_; }

 private:
  int file_;
};

class CampaignLog {
 public:
  /// Opens `path`, which need not exist, and takes over what is in it when it is of the campaign
  /// `header`, or of one with a smaller count. A last line that was torn is cut off. An empty path
  /// logs nothing. Throws std::runtime_error, one line, and leaves the file alone when it holds
  /// something else, when another process has it open, or when it cannot be written.
  CampaignLog(const std::string& path, nlohmann::json header);

  const nlohmann::json& header() const { return header_; }
  /// The line of the unit called `name` if it was finished before; null when it is still to be
  /// done. Throws std::runtime_error when the file has the unit under another name, or without a
  /// string called `verdict`, where one is asked for.
  const nlohmann::json* find(Word unit, std::string_view name, const char* verdict = nullptr) const;
  /// Writes a unit's line: on disk when this returns.
  void write(const nlohmann::json& line);

 private:
  void take_over(const std::string& content);

  std::string path_;
  nlohmann::json header_;
  std::optional<CampaignLock> file_;
  std::map<Word, nlohmann::json> finished_;
};

}  // namespace mmuref::diff
