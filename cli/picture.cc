#include "cli/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

namespace mmuref::cli {

std::vector<std::string> broken_lines(const std::string& text, std::size_t width) {
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

namespace {

/// Lengths in units of SVG.
constexpr std::size_t column = 330, line_height = 16, padding = 8, left = 36, top = 100;
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
  explicit Svg(const Picture& picture) : picture_(picture) {}

  std::string document() {
    std::size_t y = top;
    for (const Picture::Box& box : picture_.boxes) y = draw(box, y) + padding;
    const std::size_t width = left + picture_.columns.size() * column + padding;
    return fmt::format(
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
               "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\">\n{2}",
               width, y + 3 * line_height, style()) +
           title() + lifelines(y) + body_ + arrows_ +
           text(left, y + line_height, "outcome", picture_.outcome) + "</svg>\n";
  }

 private:
  static std::string style() {
    return "<style>\n"
           "svg { background: #fff; color: #1a1a1a } .box { fill: #f2f2f2 }\n"
           "@media (prefers-color-scheme: dark) {\n"
           "svg { background: #161616; color: #e6e6e6 } .box { fill: #262626 } }\n"
           "text { fill: currentColor } .title { font-size: 14px; font-weight: bold }\n"
           ".cpu { font-weight: bold } .number { opacity: .55 }\n"
           ".outcome { fill: #d13438; font-weight: bold }\n"
           ".line { stroke: currentColor; opacity: .25 }\n"
           ".box { stroke: currentColor; stroke-opacity: .35 }\n"
           ".dashed { stroke-dasharray: 4 3 }\n"
           ".arrow { stroke: #1a7fd4; stroke-width: 1.5; fill: none }\n"
           "</style>\n"
           "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" "
           "markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\" fill=\"#1a7fd4\"/>"
           "</marker></defs>\n";
  }
  static std::string text(std::size_t x, std::size_t y, const char* kind, std::string_view what) {
    return fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\">{}</text>\n", kind, x, y,
                       escaped(what));
  }
  static std::size_t middle(std::size_t c) { return left + c * column + column / 2; }

  std::string title() const {
    std::string out;
    std::size_t y = 24;
    const std::size_t width = characters * std::min<std::size_t>(picture_.columns.size(), 2) - 8;
    for (const std::string& line : broken_lines(picture_.title, width)) {
      out += text(left, y, "title", line);
      y += line_height + 4;
    }
    return out;
  }

  std::string lifelines(std::size_t bottom) const {
    std::string out;
    for (std::size_t c = 0; c < picture_.columns.size(); ++c) {
      out += text(left + c * column + padding, 76, "cpu", picture_.columns[c]);
      out += fmt::format("<line class=\"line\" x1=\"{0}\" y1=\"84\" x2=\"{0}\" y2=\"{1}\"/>\n",
                         middle(c), bottom);
    }
    return out;
  }

  /// A box at height y; the height of its end.
  std::size_t draw(const Picture::Box& box, std::size_t y) {
    const std::size_t x = left + box.column * column;
    std::vector<std::string> lines;
    for (const std::string& paragraph : box.paragraphs)
      std::ranges::move(broken_lines(paragraph, characters), std::back_inserter(lines));
    const std::size_t height = lines.size() * line_height + padding;
    body_ += fmt::format(
        "<rect class=\"box{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\"/>\n",
        box.dashed ? " dashed" : "", x, y, column - padding, height);
    if (box.numbered) body_ += text(8, y + line_height, "number", std::to_string(++number_));
    for (std::size_t i = 0; i < lines.size(); ++i)
      body_ += text(x + padding, y + (i + 1) * line_height, "step", lines[i]);
    for (const std::size_t to : box.arrows_to) arrow(box.column, to, y + height);
    return y + height;
  }

  void arrow(std::size_t from, std::size_t to, std::size_t y) {
    const std::size_t edge =
        to > from ? left + (from + 1) * column - padding : left + from * column;
    arrows_ += fmt::format("<path class=\"arrow\" d=\"M{} {} L{} {}\" marker-end=\"url(#tip)\"/>\n",
                           edge, y - padding, middle(to), y + padding);
  }

  const Picture& picture_;
  std::string body_, arrows_;
  int number_ = 0;
};

}  // namespace

std::string svg_form(const Picture& picture) {
  return Svg(picture).document();
}

}  // namespace mmuref::cli
