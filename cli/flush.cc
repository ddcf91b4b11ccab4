// mmuref flush: flush protocols, explored to the last interleaving.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "cli/terminal.h"
#include "spec/protocol/linux46.h"
#include "spec/protocol/search.h"

namespace mmuref::cli {
namespace {

using namespace spec::protocol;

struct Explore {
  Linux46 protocol;
  std::string broken;
  SearchOptions search;
  bool no_reduction = false, no_symmetry = false;
  bool list = false, json = false;
};

std::string_view name(Verdict verdict) {
  switch (verdict) {
    case Verdict::holds: return "holds";
    case Verdict::violated: return "violated";
    case Verdict::unknown: break;
  }
  return "unknown";
}

/// What was chosen where an operation starts. `after` is the processor then: reduction takes the
/// choices of what to operate on along, as further digits of `target`.
std::string chosen(const Step& step, const Event& event, const Cpu& after, bool reduced) {
  const auto digit = [&](int i) { return event.target >> 3 * i & 7; };
  const auto name =
      digit(0) == 0 ? "schedule" : step.labels[static_cast<std::size_t>(digit(0) - 1)];
  if (!reduced) return fmt::format("{} (chosen)", name);
  const auto reg = [&](Register r) { return after.registers[static_cast<int>(r)]; };
  if (digit(0) == 0) {
    return digit(1) == 1 ? "schedule a kernel thread"
                         : fmt::format("schedule a task of mm {}", reg(Register::next_mm));
  }
  if (name == "free_table") return fmt::format("free the table of mm {}", reg(Register::mm));
  return fmt::format("{} page {} of mm {}", name, reg(Register::page), reg(Register::mm));
}

/// The function of the kernel that an event is from, and what happens; `after` is the state it
/// leads to.
std::pair<std::string, std::string> words(const System& system, const Event& event,
                                          const State& after, bool reduced) {
  if (event.kind == EventKind::visible) return {"store buffer", "the oldest store becomes visible"};
  if (event.kind == EventKind::interrupt)
    return {"interrupt", fmt::format("taken, from CPU {}", event.target)};
  const auto program = static_cast<std::size_t>(system.runs[event.cpu]);
  const Step& step = system.programs[program][event.pc];
  if (step.op != Op::choose) return {std::string(step.source), step.text};
  return {std::string(step.source), chosen(step, event, after.cpus[event.cpu], reduced)};
}

struct Line {
  int cpu;
  std::string function, what;
};

std::vector<Line> trace_lines(const System& system, const SearchResult& result,
                              const SearchOptions& options) {
  const std::vector<State> states = replay(system, result.trace, options.machine);
  std::vector<Line> lines;
  for (std::size_t i = 0; i < result.trace.size(); ++i) {
    const auto [function, what] =
        words(system, result.trace[i], states[i + 1], options.machine.reduce);
    lines.push_back({result.trace[i].cpu, function, what});
  }
  return lines;
}

std::string bounds(const Explore& o) {
  return fmt::format("{} CPUs, {} mm{}, {} page{} each", o.protocol.cpus, o.protocol.mms,
                     o.protocol.mms == 1 ? "" : "s", o.protocol.pages,
                     o.protocol.pages == 1 ? "" : "s");
}

/// A column a processor, a line an event.
std::string trace_text(const System& system, const std::vector<Line>& lines, const Style& style) {
  constexpr int width = 46;
  std::string out = "      ";
  for (int c = 0; c < system.cpus; ++c)
    out += fmt::format("{:<{}}", fmt::format("CPU {}", c), width);
  out = style.bold(out.substr(0, out.find_last_not_of(' ') + 1)) + '\n';
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& [cpu, function, what] = lines[i];
    out += fmt::format("{:>4}  {:{}}{}\n", i + 1, "", width * cpu,
                       function.empty() ? what : fmt::format("{}: {}", function, what));
  }
  return out;
}

nlohmann::ordered_json json_form(const Explore& o, const System& system,
                                 const SearchResult& result) {
  nlohmann::ordered_json j{{"protocol", system.name},
                           {"broken", o.broken},
                           {"cpus", o.protocol.cpus},
                           {"mms", o.protocol.mms},
                           {"pages", o.protocol.pages},
                           {"verdict", name(result.verdict)},
                           {"reason", result.reason},
                           {"states", result.states},
                           {"transitions", result.transitions},
                           {"depth", result.depth},
                           {"bytes", result.bytes},
                           {"seconds", result.seconds},
                           {"reduction", o.search.machine.reduce},
                           {"symmetry", o.search.symmetry}};
  j["trace"] = nlohmann::ordered_json::array();
  for (const Line& line : trace_lines(system, result, o.search))
    j["trace"].push_back({{"cpu", line.cpu}, {"function", line.function}, {"what", line.what}});
  return j;
}

int list() {
  for (const BreakText& b : linux46_breaks()) {
    print(fmt::format("{}\n    {}\n", b.name, wrapped(b.says, 4)));
    if (!b.from.empty()) print(fmt::format("    {}\n", b.from));
  }
  return good;
}

std::optional<Break> break_named(const std::string& wanted) {
  if (wanted.empty()) return std::nullopt;
  for (const BreakText& b : linux46_breaks())
    if (b.name == wanted) return b.what;
  throw InputError(fmt::format("--break {}: expected one of those that --list prints", wanted));
}

int explore(Explore o) {
  if (o.list) return list();
  o.protocol.broken = break_named(o.broken);
  o.search.machine.reduce = !o.no_reduction;
  o.search.symmetry = !o.no_symmetry;
  const bool progress = isatty(STDERR_FILENO) != 0;
  if (progress) {
    o.search.progress = [](std::size_t seen, std::size_t waiting) {
      fmt::print(stderr, "\rflush: {} states, {} waiting\x1b[K", seen, waiting);
    };
  }
  const System system = linux46(o.protocol);
  const SearchResult result = search(system, o.search);
  if (progress) fmt::print(stderr, "\r\x1b[K");

  if (o.json) {
    print(json_form(o, system, result).dump() + '\n');
  } else {
    const Style style = Style::of_stdout();
    const std::string word(name(result.verdict));
    print(fmt::format("{}  {}, {}{}\n",
                      result.verdict == Verdict::holds ? style.green(word) : style.red(word),
                      system.name, bounds(o), o.broken.empty() ? "" : ", without " + o.broken));
    if (!result.reason.empty()) print("  " + wrapped(result.reason, 2) + '\n');
    print(fmt::format("  {} states, {} transitions, {} events deep; {:.0f} MiB, {:.1f} s\n",
                      result.states, result.transitions, result.depth,
                      static_cast<double>(result.bytes) / (1 << 20), result.seconds));
    if (!result.trace.empty())
      print('\n' + trace_text(system, trace_lines(system, result, o.search), style));
  }
  return result.verdict == Verdict::holds ? good : violation;
}

}  // namespace

Run add_flush(CLI::App& app) {
  CLI::App* flush = app.add_subcommand("flush", "Linux's TLB flushes on several processors");
  flush->require_subcommand(1);
  flush->footer("Example: mmuref flush explore --break barrier-in-mm-range");
  CLI::App* command = flush->add_subcommand(
      "explore", "Every interleaving of Linux 4.6's flush protocol, within bounds");
  command->footer(
      "holds: every reachable state was seen and keeps every promise. Anything else exits with 1;\n"
      "unknown means that a bound was reached first.\n"
      "Example: mmuref flush explore --cpus 2 --pages 2");
  const auto o = std::make_shared<Explore>();
  command->add_option("--cpus", o->protocol.cpus, "Processors")
      ->check(CLI::Range(1, max_cpus))
      ->capture_default_str();
  command->add_option("--mms", o->protocol.mms, "Address spaces")
      ->check(CLI::Range(1, max_mms))
      ->capture_default_str();
  command->add_option("--pages", o->protocol.pages, "Pages of each")
      ->check(CLI::Range(1, max_pages))
      ->capture_default_str();
  command->add_option("--break", o->broken, "What to leave out; --list prints what there is")
      ->type_name("NAME");
  command->add_option("--max-states", o->search.max_states, "Give up after as many")
      ->check(CLI::Range(std::size_t{1}, std::size_t{4'000'000'000}))
      ->capture_default_str();
  command->add_flag("--no-reduction", o->no_reduction, "Every step is a state of its own");
  command->add_flag("--no-symmetry", o->no_symmetry, "Names of processors and mms count");
  command->add_flag("--list", o->list, "Print what can be broken");
  command->add_flag("--json", o->json, "Print one JSON object");
  return [o, command, plan = add_flush_plan(*flush)] {
    return command->parsed() ? explore(*o) : plan();
  };
}

}  // namespace mmuref::cli
