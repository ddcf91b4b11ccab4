#include "spec/protocol/program.h"

#include <stdexcept>
#include <utility>

namespace mmuref::spec::protocol {

void Code::add(Step step, std::string text) {
  step.switching = step.switching || switching_;
  program_.steps_.push_back(step);
  program_.words_.push_back({source_, std::move(text), {}});
}

void Code::aim(std::size_t step) {
  Step& s = program_.steps_[step];
  s.targets.at(s.target_count++) = static_cast<Pc>(here());
}

void Code::when(Condition condition, const std::string& text, const Block& then,
                const Block& otherwise) {
  const std::size_t test = here();
  add({.op = condition.op, .a = condition.a, .b = condition.b}, text);
  then();
  if (!otherwise) return aim(test);
  const std::size_t out = here();
  add({.op = Op::jump});
  aim(test);
  otherwise();
  aim(out);
}

void Code::choose(const std::string& text, const std::vector<Option>& options) {
  if (options.size() > 7) throw std::invalid_argument("more than 7 options: " + text);
  const std::size_t choice = here();
  if (options.size() > 1) {
    add({.op = Op::choose}, text);
    for (const Option& option : options) program_.words_[choice].options.push_back(option.text);
  }
  std::vector<std::size_t> outs;
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (i > 0) aim(choice);
    options[i].block();
    if (i + 1 == options.size()) break;
    outs.push_back(here());
    add({.op = Op::jump});
  }
  for (const std::size_t out : outs) aim(out);
}

void Code::in(std::string_view name, const Block& block) {
  const std::string_view outer = std::exchange(source_, name);
  block();
  source_ = outer;
}

void Code::switching(const Block& block) {
  const bool outer = std::exchange(switching_, true);
  block();
  switching_ = outer;
}

namespace {

constexpr RegisterSet set_of(Register r) {
  return static_cast<RegisterSet>(1 << static_cast<int>(r));
}

RegisterSet registers(const Operand& o) {
  return o.kind == Operand::Kind::reg ? set_of(static_cast<Register>(o.value)) : RegisterSet{0};
}

RegisterSet reads(const Step& s) {
  RegisterSet all = registers(s.a) | registers(s.b) | registers(s.at.index) | registers(s.at.page);
  if (s.op == Op::add_bits || s.op == Op::drop_bit || s.op == Op::note_slot) all |= registers(s.to);
  return all;
}

RegisterSet writes(const Step& s) {
  if (s.op == Op::note_slot) return 0;
  RegisterSet all = registers(s.to);
  if (s.op == Op::choose_slot) all |= set_of(Register::flag);
  return all;
}

}  // namespace

/// Which registers matter where, from the end of each operation backwards.
void Code::find_live() {
  auto& steps = program_.steps_;
  for (std::size_t i = steps.size(); i-- > 1;) {
    Step& s = steps[i];
    RegisterSet after = 0;
    const bool ends = s.op == Op::iret, goes_on = !ends && s.op != Op::jump;
    if (goes_on && i + 1 < steps.size()) after |= steps[i + 1].live;
    for (int t = 0; t < s.target_count; ++t)
      after |= steps[s.targets[static_cast<std::size_t>(t)]].live;
    s.live = static_cast<RegisterSet>((after & ~writes(s)) | reads(s));
    // A generation means nothing without its mm.
    if ((s.live & (set_of(Register::newer) | set_of(Register::older))) != 0)
      s.live |= set_of(Register::mm);
  }
}

void Code::look_at_handler() {
  for (std::size_t i = program_.entry_; i < program_.steps_.size(); ++i) {
    const Step& s = program_.steps_[i];
    for (const Operand& o : {s.a, s.b, s.at.index, s.at.page})
      if (o.kind == Operand::Kind::own) program_.handler_reads_ |= bit_of(o.value);
    if (s.to.kind == Operand::Kind::own && s.op != Op::note_slot)
      program_.handler_writes_ |= bit_of(s.to.value);
    if (s.op == Op::note_asid) program_.handler_writes_ |= bit_of(static_cast<int>(Own::asid));
    if (s.op == Op::store || s.op == Op::exchange)
      program_.handler_stores_ |= bit_of(static_cast<int>(s.at.place));
  }
}

Program Code::finish(const std::vector<Option>& operations, const Block& handler) {
  choose("an operation", operations);
  add({.op = Op::jump, .target_count = 1, .targets = {Program::idle}});
  program_.entry_ = static_cast<Pc>(here());
  handler();
  add({.op = Op::iret}, "acknowledge, and return");
  if (here() > 65535) throw std::invalid_argument("a program of more than 65,535 steps");
  find_live();
  look_at_handler();
  return std::move(program_);
}

}  // namespace mmuref::spec::protocol
