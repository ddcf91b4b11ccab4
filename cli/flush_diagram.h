// A way through a flush protocol as a picture: a column a processor, time going down.
#pragma once

#include <string>
#include <vector>

#include "spec/protocol/story.h"

namespace mmuref::cli {

struct Diagram {
  std::string title, outcome;  ///< a line above, and one below
  int cpus = 2;
  std::vector<spec::protocol::Scene> scenes;
};

std::string text_form(const Diagram& diagram, const class Style& style);
/// One SVG document, light or dark as its viewer is.
std::string svg_form(const Diagram& diagram);

}  // namespace mmuref::cli
