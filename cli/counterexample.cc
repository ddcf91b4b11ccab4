#include <fmt/format.h>

#include <stdexcept>

#include "cli/verdicts.h"
#include "diff/machine_json.h"
#include "diff/oracles.h"
#include "spec/statement/statement.h"

namespace mmuref::cli {
namespace {

constexpr std::string_view indent = "         ";

std::string line(const std::string& text) {
  return fmt::format("{}{}\n", indent, text);
}

/// Every input that is not zero.
std::string inputs_text(const spec::Assignment& inputs) {
  std::string text;
  for (const auto& [name, value] : inputs.words)
    if (value != 0) text += line(fmt::format("  {} = {:#x}", name, value));
  for (const auto& [name, value] : inputs.flags)
    if (value) text += line(fmt::format("  {} = true", name));
  for (const auto& [name, memory] : inputs.memories)
    for (const auto& [address, value] : memory)
      text += line(fmt::format("  {}[{:#x}] = {:#x}", name, address, value));
  return text.empty() ? line("  all inputs 0") : text;
}

/// The machine and access most theorems speak of; their inputs have the registers' names.
std::optional<diff::Case> as_case(const spec::Assignment& inputs) {
  if (!inputs.words.contains("va") || !inputs.words.contains("cr3")) return std::nullopt;
  spec::Fixed in(inputs);
  diff::Case c;
  c.machine.cpu = {in.word("maxphyaddr"), in.flag("page1gb"), in.flag("amd")};
  c.machine.registers = {in.word("cr0"),  in.word("cr3"),  in.word("cr4"),
                         in.word("efer"), in.word("pkru"), in.word("pkrs")};
  c.access = {in.word("va"), in.flag("write"),    in.flag("fetch"), in.flag("cpl3"),
              in.flag("ac"), in.flag("implicit"), in.flag("stack")};
  // Theorems leave the bits that select IA-32e paging free, since the walk does not look at them.
  c.machine.registers.cr0 |= x86::cr0::PE | x86::cr0::PG;
  c.machine.registers.cr4 |= x86::cr4::PAE;
  c.machine.registers.efer |= x86::efer::LME | x86::efer::LMA;
  if (const auto memory = inputs.memories.find("memory"); memory != inputs.memories.end())
    for (const auto& [address, value] : memory->second) c.machine.memory.write(address, value);
  return c;
}

std::string_view decided(x86::Decision decision) {
  switch (decision) {
    case x86::Decision::table: return "references a table";
    case x86::Decision::leaf: return "maps the page";
    case x86::Decision::not_present: return "not present";
    case x86::Decision::reserved: return "a reserved bit is set";
  }
  return "";
}

std::string model_trace(const diff::Case& c) {
  std::string text = line("the model:");
  const auto trace = [&](const x86::Step<diff::Word>& step, x86::Decision decision, const auto&) {
    text += line(fmt::format("  level {} at {:#x}: {:#x} {}", step.level, step.address, step.value,
                             decided(decision)));
  };
  const auto w =
      x86::walk(x86::paging(c.machine.cpu, c.machine.registers), c.access, c.machine.memory, trace);
  return text + line(fmt::format("  {}: vector {}, error code {:#x}, physical address {:#x}",
                                 x86::text(w.rule).name, x86::vector(w.outcome), w.error_code,
                                 w.physical_address));
}

std::string statement_trace(const diff::Case& c) {
  std::string text = line("the statement:");
  const auto s = spec::state(c.machine.cpu, c.machine.registers, c.access, c.machine.memory);
  for (int l = spec::highest; l >= spec::lowest; --l) {
    const auto& level = s.levels[l];
    if (!level.used) continue;
    text += line(fmt::format("  level {} at {:#x}: {:#x} {}", l, level.address, level.value,
                             !level.present() ? "not present"
                             : !level.valid   ? "a reserved bit is set"
                             : level.maps     ? "maps the page"
                                              : "references a table"));
  }
  return text + line(fmt::format("  vector {}, error code {:#x}, physical address {:#x}", s.vector,
                                 s.error_code, s.physical_address));
}

/// The case on the one processor Unicorn has, if the model answers it there alike.
diff::Case as_unicorns(const diff::Case& c) {
  diff::Case moved = c;
  moved.machine.cpu = {.maxphyaddr = 40, .page1gb = true, .amd = false};
  const diff::Walk before = diff::answer(c).walk, after = diff::answer(moved).walk;
  const bool alike = before.outcome == after.outcome && before.error_code == after.error_code &&
                     before.physical_address == after.physical_address;
  return alike ? moved : c;
}

std::string unicorn_text(const diff::Case& counterexample) {
  const diff::Case c = as_unicorns(counterexample);
  const auto oracle = diff::make_oracle("unicorn");
  if (!oracle) return "";
  const std::string why = oracle->unsupported(c.machine.cpu, c.machine.registers, c.access);
  if (!why.empty()) return line("Unicorn cannot run it: " + why);
  try {
    oracle->load(c.machine);
  } catch (const std::invalid_argument& e) {
    return line(std::string("Unicorn cannot run it: ") + e.what());
  }
  const auto seen = oracle->access(c.access);
  std::string text = fmt::format("Unicorn: vector {}, error code {:#x}", x86::vector(seen.outcome),
                                 seen.error_code);
  if (seen.located) text += fmt::format(", physical address {:#x}", seen.physical_address);
  return line(text);
}

}  // namespace

std::string counterexample_text(const spec::Counterexample& c) {
  std::string text = line(fmt::format("fails: {}{}", c.claim,
                                      c.replayed ? " (replayed on the concrete model)"
                                                 : " (NOT reproduced by the concrete model)"));
  text += inputs_text(c.inputs);
  const auto question = as_case(c.inputs);
  if (!question) return text;
  text += model_trace(*question) + statement_trace(*question) + unicorn_text(*question);
  return text + line("as a request of mmuref eval: " +
                     diff::to_json(diff::Request{"counterexample", *question}).dump());
}

}  // namespace mmuref::cli
