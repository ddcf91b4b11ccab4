#include "diff/campaign_log.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

#include "diff/report.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;

std::string content_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

CampaignLog::CampaignLog(const std::string& path, const nlohmann::ordered_json& header)
    : path_(path) {
  if (path.empty()) return;
  if (std::filesystem::is_directory(path)) {
    throw std::runtime_error(fmt::format("{}: is a directory; expected a file", path));
  }
  resume(content_of(path), header.dump());
  file_.reset(std::fopen(path.c_str(), "ab"));
  if (file_ == nullptr) {
    throw std::runtime_error(fmt::format("{}: {}", path, std::strerror(errno)));
  }
  if (std::filesystem::file_size(path) == 0) write(header);
}

/// Takes over everything up to the last good checkpoint, or else the header, and cuts the rest.
void CampaignLog::resume(const std::string& content, const std::string& header) {
  const std::string head = header + '\n';
  std::size_t keep = 0;
  if (content.starts_with(head)) {
    keep = head.size();
  } else if (!head.starts_with(content)) {
    throw std::runtime_error(fmt::format(
        "{}: line 1: not the file of this campaign, whose first line would be {}", path_, header));
  }

  std::set<std::string> classes;
  std::size_t begin = keep;
  for (std::size_t end; (end = content.find('\n', begin)) != std::string::npos; begin = end + 1) {
    try {
      const json line = json::parse(content.begin() + static_cast<std::ptrdiff_t>(begin),
                                    content.begin() + static_cast<std::ptrdiff_t>(end));
      const std::string& type = line.at("type").get_ref<const std::string&>();
      if (type == "finding" && line.contains("case")) {
        classes.insert(line.at("class").get<std::string>());
      }
      if (type != "checkpoint") continue;
      resumed_.totals = totals_from_json(line);
      resumed_.classes = classes;
      keep = end + 1;
    } catch (const json::exception&) {
      break;  // nothing behind a damaged line is trusted
    }
  }
  if (keep < content.size()) std::filesystem::resize_file(path_, keep);
}

void CampaignLog::finding(const nlohmann::ordered_json& line) {
  write(line);
}

void CampaignLog::checkpoint(const Totals& totals) {
  nlohmann::ordered_json line = {{"type", "checkpoint"}};
  line.update(totals_json(totals));
  write(line);
}

void CampaignLog::summary(const nlohmann::ordered_json& report) {
  nlohmann::ordered_json line = {{"type", "summary"}};
  line.update(report);
  write(line);
}

void CampaignLog::write(const nlohmann::ordered_json& line) {
  if (file_ == nullptr) return;
  const std::string text = line.dump() + '\n';
  const bool written = std::fwrite(text.data(), 1, text.size(), file_.get()) == text.size() &&
                       std::fflush(file_.get()) == 0;
  if (!written) {
    throw std::runtime_error(fmt::format("{}: {}", path_, std::strerror(errno)));
  }
}

}  // namespace mmuref::diff
