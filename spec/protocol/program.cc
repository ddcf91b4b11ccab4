#include "spec/protocol/program.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace mmuref::spec::protocol {

Program& Program::label(const std::string& name) {
  labels_.emplace_back(name, steps_.size());
  return *this;
}

Program& Program::add(Step step) {
  steps_.push_back(std::move(step));
  return *this;
}

void Program::finish(const std::string& interrupt_entry) {
  if (steps_.size() > 255) throw std::invalid_argument("a program of more than 255 steps");
  const auto find = [&](const std::string& name) {
    const auto it = std::ranges::find(labels_, name, [](const auto& l) { return l.first; });
    if (it == labels_.end()) throw std::invalid_argument("no label " + name);
    return static_cast<Byte>(it->second);
  };
  bool off = false;
  for (Step& step : steps_) {
    step.targets.clear();
    for (const std::string& name : step.labels) step.targets.push_back(find(name));
    // A flush ends because those it waits for take their interrupts.
    if (step.op == Op::disable) off = true;
    if (step.op == Op::enable) off = false;
    if (off && (step.op == Op::wait || step.op == Op::acquire))
      throw std::invalid_argument("waits with interrupts disabled: " + step.text);
  }
  entry_ = find(interrupt_entry);
}

}  // namespace mmuref::spec::protocol
