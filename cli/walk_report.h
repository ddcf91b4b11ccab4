// Everything `mmuref walk` says about one access, before it takes a form.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "cli/terminal.h"
#include "image/image.h"
#include "model/x86/walk.h"

namespace mmuref::cli {

using image::Word;

/// An entry the walk read, and what was known after it.
struct ReportStep {
  x86::Step<Word> step;
  x86::Decision decision = x86::Decision::table;
  x86::Rights<Word> rights;
  bool in_image = true;
};

struct WalkReport {
  x86::Processor<Word> cpu;
  x86::Paging<Word> paging;
  x86::Access<Word> access;
  unsigned cpl = 0;
  x86::Walk<Word> walk;
  std::vector<ReportStep> steps;
  std::map<Word, Word> writes;               ///< entries the access must change: new values
  std::map<Word, std::set<Word>> may_write;  ///< entries it may change: the values it may leave
};

WalkReport report(const image::Image& image, const x86::Processor<Word>& cpu,
                  const x86::Access<Word>& access, unsigned cpl);

/// "read", "write" or "fetch".
std::string_view access_name(const x86::Access<Word>& access);

/// Every denial of the walk as a rule, in the manual's order.
std::vector<x86::Rule> denied_by(const x86::Denials<Word>& d);

/// For people, drawn level by level.
std::string text_form(const WalkReport& r, const image::Image& image, const Style& style);

/// The same facts in one object.
nlohmann::ordered_json json_form(const WalkReport& r, const image::Image& image);

}  // namespace mmuref::cli
