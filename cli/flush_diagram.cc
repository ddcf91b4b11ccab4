#include "cli/flush_diagram.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/terminal.h"

namespace mmuref::cli {
namespace {

using spec::protocol::bit_of;
using spec::protocol::Deed;
using spec::protocol::Scene;

std::vector<std::string> broken(const std::string& text, std::size_t width) {
  std::vector<std::string> lines(1);
  std::size_t from = 0;
  while (from < text.size()) {
    const std::size_t space = std::min(text.find(' ', from), text.size());
    const std::string word = text.substr(from, space - from);
    if (!lines.back().empty() && lines.back().size() + 1 + word.size() > width)
      lines.emplace_back("  ");
    if (!lines.back().empty() && lines.back() != "  ") lines.back() += ' ';
    lines.back() += word;
    from = space + 1;
  }
  return lines;
}

/// A scene as lines no wider than `width`.
std::vector<std::string> lines_of(const Scene& scene, std::size_t width) {
  std::vector<std::string> lines;
  for (const Deed& deed : scene.deeds) {
    std::string all = deed.function.empty() ? "" : deed.function + ": ";
    for (const std::string& step : deed.steps) all += (&step == &deed.steps[0] ? "" : "; ") + step;
    std::ranges::move(broken(all, width), std::back_inserter(lines));
  }
  if (lines.empty()) lines.emplace_back("…");
  return lines;
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
    for (const std::string& line : lines_of(scene, width - 2)) {
      out += fmt::format("{}{:{}}{}\n", label, "", width * scene.event.cpu, line);
      label = "      ";
    }
  }
  return out + "      " + style.red(wrapped(d.outcome, 6)) + '\n';
}

namespace {

/// Lengths in units of SVG.
constexpr int column = 330, line_height = 16, padding = 8, left = 36, top = 100;
constexpr std::size_t characters = 46;  ///< that fit into a column

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      default: out += c;
    }
  }
  return out;
}

class Svg {
 public:
  explicit Svg(const Diagram& d) : d_(d) {}

  std::string document() {
    int y = top;
    for (const Scene& scene : d_.scenes) y = draw(scene, y) + padding;
    const int height = y + 3 * line_height, width = left + d_.cpus * column + padding;
    return fmt::format(
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
               "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\">\n{2}",
               width, height, style()) +
           title() + lifelines(y) + body_ + arrows_ +
           text(left, y + line_height, "outcome", d_.outcome) + "</svg>\n";
  }

 private:
  static std::string style() {
    return "<style>\n"
           "svg { background: #fff; color: #1a1a1a } .box { fill: #f2f2f2 }\n"
           "@media (prefers-color-scheme: dark) {\n"
           "svg { background: #161616; color: #e6e6e6 } .box { fill: #262626 } }\n"
           "text { fill: currentColor } .title { font-size: 14px; font-weight: bold }\n"
           ".cpu { font-weight: bold } .number { opacity: .55 } .function { font-style: italic }\n"
           ".outcome { fill: #d13438; font-weight: bold }\n"
           ".line { stroke: currentColor; opacity: .25 }\n"
           ".box { stroke: currentColor; stroke-opacity: .35 }\n"
           ".late { stroke-dasharray: 4 3 }\n"
           ".arrow { stroke: #1a7fd4; stroke-width: 1.5; fill: none }\n"
           "</style>\n"
           "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "
           "markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\" fill=\"#1a7fd4\"/>"
           "</marker></defs>\n";
  }
  static std::string text(int x, int y, const char* kind, std::string_view what) {
    return fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\">{}</text>\n", kind, x, y,
                       escaped(what));
  }
  std::string title() const {
    std::string out;
    int y = 24;
    for (const std::string& line :
         broken(d_.title, characters * static_cast<std::size_t>(d_.cpus) - 8)) {
      out += text(left, y, "title", line);
      y += line_height + 4;
    }
    return out;
  }
  static int middle(int cpu) { return left + cpu * column + column / 2; }

  std::string lifelines(int bottom) const {
    std::string out;
    for (int c = 0; c < d_.cpus; ++c) {
      out += text(left + c * column + padding, 76, "cpu", fmt::format("CPU {}", c));
      out += fmt::format("<line class=\"line\" x1=\"{0}\" y1=\"84\" x2=\"{0}\" y2=\"{1}\"/>\n",
                         middle(c), bottom);
    }
    return out;
  }

  /// A box of `scene` at height y; the height of its end.
  int draw(const Scene& scene, int y) {
    const int cpu = scene.event.cpu, x = left + cpu * column;
    const std::vector<std::string> lines = lines_of(scene, characters);
    const int height = static_cast<int>(lines.size()) * line_height + padding;
    const bool late = scene.event.kind == spec::protocol::EventKind::visible;
    body_ += fmt::format(
        "<rect class=\"box{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\"/>\n",
        late ? " late" : "", x, y, column - padding, height);
    body_ += text(8, y + line_height, "number", std::to_string(++number_));
    for (std::size_t i = 0; i < lines.size(); ++i)
      body_ += text(x + padding, y + static_cast<int>(i + 1) * line_height, "step", lines[i]);
    for (int other = 0; other < d_.cpus; ++other)
      if (((scene.sent | scene.acknowledged) & bit_of(other)) != 0) arrow(cpu, other, y + height);
    return y + height;
  }

  void arrow(int from, int to, int y) {
    const int direction = to > from ? 1 : -1;
    const int edge = direction > 0 ? left + (from + 1) * column - padding : left + from * column;
    arrows_ += fmt::format("<path class=\"arrow\" d=\"M{} {} L{} {}\" marker-end=\"url(#tip)\"/>\n",
                           edge, y - padding, middle(to), y + padding);
  }

  const Diagram& d_;
  std::string body_, arrows_;
  int number_ = 0;
};

}  // namespace

std::string svg_form(const Diagram& diagram) {
  return Svg(diagram).document();
}

}  // namespace mmuref::cli
