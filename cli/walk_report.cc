#include "cli/walk_report.h"

#include "model/x86/accessed_dirty.h"

namespace mmuref::cli {
namespace {

/// The image with what was written to it: at most an entry a level.
class Overlay {
 public:
  explicit Overlay(const image::Image& image) : image_(image) {}

  Word read(Word address) const {
    const auto it = written_.find(address);
    return it == written_.end() ? image_.read(address) : it->second;
  }
  void write(Word address, Word value) { written_[address] = value; }

  /// The entries that hold another value than the image's.
  std::map<Word, Word> changes() const {
    std::map<Word, Word> result;
    for (const auto& [address, value] : written_) {
      if (value != image_.read(address)) result.emplace(address, value);
    }
    return result;
  }

 private:
  const image::Image& image_;
  std::map<Word, Word> written_;
};

}  // namespace

WalkReport report(const image::Image& image, const x86::Processor<Word>& cpu,
                  const x86::Access<Word>& access, unsigned cpl) {
  WalkReport r;
  r.cpu = cpu;
  r.paging = x86::paging(cpu, image.registers());
  r.access = access;
  r.cpl = cpl;
  r.walk = x86::walk(
      r.paging, access, image,
      [&](const x86::Step<Word>& step, x86::Decision decision, const x86::Rights<Word>& rights) {
        r.steps.push_back({step, decision, rights, image.present(step.address)});
      });
  if (r.walk.outcome == x86::Outcome::translated) {
    Overlay after{image};
    x86::write_back(r.walk, after);
    r.writes = after.changes();
    return r;
  }
  for (int prefix = 1; prefix <= x86::accessed_limit(r.walk); ++prefix) {
    Overlay after{image};
    x86::write_back_prefix(r.walk, prefix, after);
    for (const auto& [address, value] : after.changes()) r.may_write[address].insert(value);
  }
  return r;
}

std::string_view access_name(const x86::Access<Word>& access) {
  if (access.write) return "write";
  return access.fetch ? "fetch" : "read";
}

std::vector<x86::Rule> denied_by(const x86::Denials<Word>& d) {
  using x86::Rule;
  std::vector<Rule> rules;
  if (d.user_supervisor) rules.push_back(Rule::user_supervisor);
  if (d.smap) rules.push_back(Rule::smap);
  if (d.smep) rules.push_back(Rule::smep);
  if (d.read_only) rules.push_back(Rule::read_only);
  if (d.execute_disable) rules.push_back(Rule::execute_disable);
  if (d.user_key) rules.push_back(Rule::user_key);
  if (d.supervisor_key) rules.push_back(Rule::supervisor_key);
  return rules;
}

}  // namespace mmuref::cli
