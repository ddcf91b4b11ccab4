// What happens on several processors, drawn: a column each, time going down.
#pragma once

#include <string>
#include <vector>

namespace mmuref::cli {

struct Picture {
  struct Box {
    std::size_t column = 0;
    std::vector<std::string> paragraphs;
    bool dashed = false;
    std::vector<std::size_t> arrows_to;  ///< columns
    bool numbered = true;
  };
  std::string title, outcome;  ///< a line above, and one below
  std::vector<std::string> columns;
  std::vector<Box> boxes;
};

/// `text` broken between words into lines of at most `width`; all but the first are indented.
std::vector<std::string> broken_lines(const std::string& text, std::size_t width);

/// One SVG document, light or dark as its viewer is.
std::string svg_form(const Picture& picture);

}  // namespace mmuref::cli
