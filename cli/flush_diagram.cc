#include "cli/flush_diagram.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/picture.h"
#include "cli/terminal.h"

namespace mmuref::cli {
namespace {

using spec::protocol::bit_of;
using spec::protocol::Deed;
using spec::protocol::Scene;

/// What each function did.
std::vector<std::string> paragraphs(const Scene& scene) {
  std::vector<std::string> all;
  for (const Deed& deed : scene.deeds) {
    std::string text = deed.function.empty() ? "" : deed.function + ": ";
    for (const std::string& step : deed.steps) text += (&step == &deed.steps[0] ? "" : "; ") + step;
    all.push_back(text);
  }
  if (all.empty()) all.emplace_back("…");
  return all;
}

}  // namespace

std::string text_form(const Diagram& d, const Style& style) {
  const std::size_t width = (columns - 6) / static_cast<std::size_t>(d.cpus);
  std::string head;
  for (int c = 0; c < d.cpus; ++c) head += fmt::format("{:<{}}", fmt::format("CPU {}", c), width);
  head.erase(head.find_last_not_of(' ') + 1);
  std::string out = "      " + style.bold(head) + '\n';
  int number = 0;
  for (const Scene& scene : d.scenes) {
    std::string label = fmt::format("{:>4}  ", ++number);
    for (const std::string& paragraph : paragraphs(scene)) {
      for (const std::string& line : broken_lines(paragraph, width - 2)) {
        out += fmt::format("{}{:{}}{}\n", label, "", width * scene.event.cpu, line);
        label = "      ";
      }
    }
  }
  return out + "      " + style.red(wrapped(d.outcome, 6)) + '\n';
}

std::string svg_form(const Diagram& d) {
  Picture picture{.title = d.title, .outcome = d.outcome, .columns = {}, .boxes = {}};
  for (int c = 0; c < d.cpus; ++c) picture.columns.push_back(fmt::format("CPU {}", c));
  for (const Scene& scene : d.scenes) {
    Picture::Box box{.column = scene.event.cpu,
                     .paragraphs = paragraphs(scene),
                     .dashed = scene.event.kind == spec::protocol::EventKind::visible,
                     .arrows_to = {}};
    for (int c = 0; c < d.cpus; ++c)
      if (((scene.sent | scene.acknowledged) & bit_of(c)) != 0)
        box.arrows_to.push_back(static_cast<std::size_t>(c));
    picture.boxes.push_back(box);
  }
  return svg_form(picture);
}

}  // namespace mmuref::cli
