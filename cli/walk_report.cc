#include "cli/walk_report.h"

#include "cli/image_overlay.h"
#include "model/x86/accessed_dirty.h"

namespace mmuref::cli {
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
    ImageOverlay after{image};
    x86::write_back(r.walk, after);
    r.writes = after.changes();
    return r;
  }
  for (int prefix = 1; prefix <= x86::accessed_limit(r.walk); ++prefix) {
    ImageOverlay after{image};
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
