// The file of a campaign: JSON Lines that survive a killed writer.
//
// A header, then findings and checkpoints as they come, then a summary. Each line stands alone; a
// last line that was torn is dropped. A campaign resumes at the last checkpoint: what follows it
// is cut off and done again, so that totals and findings are those of an uninterrupted run.
#pragma once

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "diff/campaign.h"

namespace mmuref::diff {

/// What a resumed campaign goes on from.
struct Resumed {
  Totals totals;
  std::set<std::string> classes;  ///< of the findings so far
};

class CampaignLog {
 public:
  /// Opens `path`, which need not exist, and takes over what is in it when its first line is
  /// `header`. An empty path logs nothing. Throws std::runtime_error, one line, when the file holds
  /// something else or cannot be written.
  CampaignLog(const std::string& path, const nlohmann::ordered_json& header);

  const Resumed& resumed() const { return resumed_; }

  void finding(const nlohmann::ordered_json& line);
  void checkpoint(const Totals& totals);
  void summary(const nlohmann::ordered_json& line);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  void resume(const std::string& content, const std::string& header);
  void write(const nlohmann::ordered_json& line);

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  Resumed resumed_;
};

}  // namespace mmuref::diff
