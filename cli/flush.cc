// mmuref flush: flush protocols, explored to the last interleaving.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/flush_campaign.h"
#include "cli/flush_diagram.h"
#include "cli/numbers.h"
#include "cli/terminal.h"
#include "diff/files.h"
#include "diff/flush_trace.h"
#include "spec/protocol/linux/linux_4_6.h"
#include "spec/protocol/search.h"

namespace mmuref::cli {
namespace {

using namespace spec::protocol;
using diff::FlushReplay;
using diff::FlushTrace;
using diff::Subject;

struct Explore {
  Subject subject;
  SearchOptions search;
  std::size_t max_mebibytes = 8192;
  bool whole = false, no_reduction = false, no_symmetry = false;
  std::string svg, out;
  bool json = false;
  Bounds given{.cpus = 0, .mms = 0, .pages = 0, .asids = 0};  ///< 0: not
};

std::string title(const Subject& s, const System& system) {
  std::string out = system.name;
  if (!s.exhibit.empty()) out += (s.fixed ? ", repaired: " : ", broken: ") + s.exhibit;
  const Bounds& b = s.bounds;
  out += fmt::format("; {} CPU{}, {} mm{}, {} page{} each", b.cpus, b.cpus == 1 ? "" : "s", b.mms,
                     b.mms == 1 ? "" : "s", b.pages, b.pages == 1 ? "" : "s");
  if (system.asids > 1) out += fmt::format(", {} PCIDs", system.asids);
  if (b.observe_one) out += "; one page on one CPU is watched";
  return out;
}

Diagram diagram_of(const FlushTrace& trace, const System& system) {
  return {title(trace.subject, system), trace.reason, system.cpus,
          tell(system, replay(system, trace.events, trace.subject.reduce))};
}

nlohmann::ordered_json json_form(const Explore& o, const SearchResult& result,
                                 const FlushTrace& trace, const Diagram& diagram) {
  nlohmann::ordered_json j = json_of(trace, diagram.scenes);
  j["verdict"] = name(result.verdict);
  j["states"] = result.states;
  j["transitions"] = result.transitions;
  j["depth"] = result.depth;
  j["bytes"] = result.bytes;
  j["seconds"] = result.seconds;
  j["symmetry"] = o.search.symmetry;
  return j;
}

std::string text_form(const SearchResult& result, const Diagram& diagram) {
  const Style style = Style::of_stdout();
  const std::string word(name(result.verdict));
  std::string out = fmt::format(
      "{}  {}\n", result.verdict == Verdict::holds ? style.green(word) : style.red(word),
      wrapped(diagram.title, 2));
  if (!result.reason.empty()) out += "  " + wrapped(result.reason, 2) + '\n';
  out += fmt::format("  {} states, {} transitions, {} events deep; {:.0f} MiB, {:.1f} s\n",
                     result.states, result.transitions, result.depth,
                     static_cast<double>(result.bytes) / (1 << 20), result.seconds);
  if (!diagram.scenes.empty()) out += '\n' + text_form(diagram, style);
  return out;
}

SearchResult searched(const System& system, SearchOptions options) {
  Progress progress("flush");
  options.progress = [&](std::size_t seen, std::size_t waiting) {
    progress.show(fmt::format("{} states, {} waiting", seen, waiting));
  };
  return search(system, options);
}

/// What names no system is an option's value here.
System system_of(const Subject& subject) {
  try {
    return subject.system();
  } catch (const diff::FormError& e) {
    throw InputError(std::string("--") + e.what());
  }
}

/// Whatever cannot be written is known before the search, which may take hours.
void check_outputs(const Explore& o) {
  for (const std::string& path : {o.out, o.svg, o.search.save})
    if (!path.empty()) diff::require_writable(path);
  namespace fs = std::filesystem;
  std::error_code error;  // where there is no --resume
  if (fs::exists(o.search.save) && !fs::equivalent(o.search.save, o.search.resume, error)) {
    throw InputError(fmt::format(
        "--save {0}: is there already; expected a new file, or --resume {0}", o.search.save));
  }
}

/// Writes what an option asks for of a counterexample; without one, what was kept of an earlier one
/// stays.
void write_trace(const std::string& path, bool found, const std::string& text) {
  if (path.empty()) return;
  if (found) {
    diff::write_file(path, text);
  } else {
    print_error(path + ": not written: no counterexample was found");
  }
}

/// The bounds that were given, others as they are by default or shown by the exhibit; smaller ones
/// than an exhibit's would show nothing.
void take_bounds(const Exhibit* e, Explore& o) {
  Bounds& bounds = o.subject.bounds;
  if (e != nullptr) bounds = e->bounds;
  const auto take = [&](const char* option, int given, int& to) {
    if (given == 0) return;
    if (e != nullptr && given < to)
      throw InputError(fmt::format("{}: expected at least {} of {}", option, to, e->name));
    to = given;
  };
  take("--cpus", o.given.cpus, bounds.cpus);
  take("--mms", o.given.mms, bounds.mms);
  take("--pages", o.given.pages, bounds.pages);
  if (o.given.asids != 0) bounds.asids = o.given.asids;
}

int explore(Explore o) {
  take_bounds(exhibit(o.subject.exhibit), o);
  if (o.whole) o.subject.bounds = o.subject.bounds.whole();
  o.subject.reduce = o.search.reduce = !o.no_reduction;
  o.search.symmetry = !o.no_symmetry;
  o.search.max_bytes = o.max_mebibytes << 20;
  const System system = system_of(o.subject);
  check_outputs(o);
  const SearchResult result = searched(system, o.search);
  const FlushTrace trace{o.subject, result.reason, result.trace};
  const Diagram diagram = diagram_of(trace, system);

  if (o.json) {
    print(json_form(o, result, trace, diagram).dump() + '\n');
  } else {
    print(text_form(result, diagram));
  }
  const bool found = result.verdict == Verdict::violated;
  write_trace(o.out, found, json_of(trace, diagram.scenes).dump(1) + '\n');
  write_trace(o.svg, found, svg_form(diagram));
  return result.verdict == Verdict::holds ? good : violation;
}

struct Replay {
  std::vector<std::string> files;
  std::string svg;
  bool json = false;
};

int replay_one(const std::string& file, const Replay& o) {
  const FlushReplay r = diff::replay_flush_file(file);
  const Diagram diagram{title(r.trace.subject, r.system),
                        r.found.empty() ? "every promise is kept" : r.found, r.system.cpus,
                        r.scenes};
  if (!o.svg.empty()) diff::write_file(o.svg, svg_form(diagram));
  const bool same = r.found == r.trace.reason;
  if (o.json) {
    nlohmann::ordered_json j = json_of(r.trace, r.scenes);
    j["file"] = file;
    j["found"] = r.found;
    j["same"] = same;
    print(j.dump() + '\n');
  } else {
    const Style style = Style::of_stdout();
    print(fmt::format("{}: {}\n\n{}", file, diagram.title, text_form(diagram, style)));
    if (!same) print(style.red(fmt::format("\nexpected: {}\n", r.trace.reason)));
  }
  return same ? good : violation;
}

int replay(const Replay& o) {
  const std::vector<std::string> files = diff::files_below(o.files, {".flush"});
  if (!o.svg.empty() && files.size() > 1) throw InputError("--svg: expected one trace to draw");
  if (!o.svg.empty()) diff::require_writable(o.svg);
  int worst = good;
  for (const std::string& file : files) worst = std::max(worst, replay_one(file, o));
  return worst;
}

int list_gallery(bool json) {
  for (const Exhibit& e : gallery()) {
    if (json) {
      const nlohmann::ordered_json j{{"name", e.name},
                                     {"protocol", e.broken(e.bounds).name},
                                     {"says", e.says},
                                     {"from", e.from},
                                     {"promise", e.promise}};
      print(j.dump() + '\n');
      continue;
    }
    print(fmt::format("{}  {}, {}\n    {}\n", e.name, e.broken(e.bounds).name, e.promise,
                      wrapped(e.says, 4)));
    if (!e.from.empty()) print(fmt::format("    {}\n", wrapped(e.from, 4)));
  }
  return good;
}

struct Orders {
  bool irqs_on = false, strict = false, json = false;
  std::string out;
};

/// Each order of switch_mm's steps explored, and its counterexample kept.
int orders(const Orders& o) {
  int number = 0;
  for (const std::string& order : every_order()) {
    const Subject subject = order_subject(order, o.irqs_on, o.strict);
    const System system = subject.system();
    const SearchResult result = search(system, {});
    ++number;
    if (!o.out.empty() && result.verdict == Verdict::violated) {
      const FlushTrace trace{subject, result.reason, result.trace};
      diff::write_file(fmt::format("{}/order-{:03}.flush", o.out, number),
                       json_of(trace, diagram_of(trace, system).scenes).dump(1) + '\n');
    }
    if (o.json) {
      const nlohmann::ordered_json j{{"order", order},
                                     {"irqs_on", o.irqs_on},
                                     {"verdict", name(result.verdict)},
                                     {"reason", result.reason},
                                     {"events", result.trace.size()},
                                     {"states", result.states}};
      print(j.dump() + '\n');
    } else {
      print(
          fmt::format("{:03}  {}  {:8}  {}\n", number, order, name(result.verdict), result.reason));
    }
  }
  return good;
}

Run add_orders(CLI::App* flush) {
  CLI::App* command = flush->add_subcommand(
      "orders", "Linux 4.6's switch_mm with its steps, 1a1 to 1b3, in every order");
  command->footer(
      "The first line is the order of the comment in arch/x86/mm/tlb.c. Exits with 0.\n"
      "Example: mmuref flush orders --irqs-on");
  const auto o = std::make_shared<Orders>();
  command->add_flag("--irqs-on", o->irqs_on, "With interrupts enabled meanwhile, as before 4.6");
  command->add_flag("--strict", o->strict, "Promises hold in the middle of a switch too");
  command->add_option("--out", o->out, "Write each counterexample into this folder")
      ->check(CLI::ExistingDirectory);
  command->add_flag("--json", o->json, "Print one JSON object a line");
  return errors_are_input([o] { return orders(*o); });
}

/// To a range NaN is no worse than what lies in it.
std::string a_number(const std::string& text) {
  double value = 0;
  const bool reads = CLI::detail::lexical_cast(text, value) && value == value;
  return reads ? "" : fmt::format("'{}'; expected a number", text);
}

void add_bounds(CLI::App* command, Explore& o) {
  const auto number = [&](const char* flag, int& to, int most, const char* what) {
    add_number(*command, flag, to, what)->check(CLI::Range(1, most));
  };
  number("--cpus", o.given.cpus, max_cpus, "Processors (default 2)");
  number("--mms", o.given.mms, max_mms, "Address spaces (default 1)");
  number("--pages", o.given.pages, max_pages, "Pages of each (default 1)");
  number("--pcids", o.given.asids, max_asids,
         "PCIDs of a processor, where there are any (default 2)");
}

Run add_explore(CLI::App* flush) {
  CLI::App* command =
      flush->add_subcommand("explore", "Every interleaving of a flush protocol, within bounds");
  command->footer(
      "holds: every reachable state was seen and keeps every promise. Anything else exits with 1;\n"
      "unknown means that a bound was reached first.\n"
      "Example: mmuref flush explore --protocol linux-6.12 --cpus 2 --mms 2 --pages 2\n"
      "Example: mmuref flush explore --break tests-switching --svg race.svg");
  const auto o = std::make_shared<Explore>();
  command->add_option("--protocol", o->subject.protocol, "linux-4.6, linux-4.20 or linux-6.12")
      ->capture_default_str();
  CLI::Option* broken =
      command
          ->add_option("--break", o->subject.exhibit, "One of those `mmuref flush gallery` prints")
          ->type_name("NAME")
          ->excludes("--protocol");
  command->add_flag("--fixed", o->subject.fixed, "With --break: what it was repaired to")
      ->needs(broken);
  command
      ->add_option("--order", o->subject.order,
                   "Of linux-4.6: \"1a1 1a2 1a3 1a4 1a5 1b1 1b2 1b3\" in another order")
      ->excludes(broken);
  command->add_flag("--irqs-on", o->subject.irqs_on, "Of linux-4.6: switch_mm may be interrupted")
      ->excludes(broken);
  add_bounds(command, *o);
  command->add_flag("--strict", o->subject.strict, "Promises hold in the middle of a switch too");
  command->add_flag("--whole", o->whole, "Watch every page and every processor's TLB");
  command->add_flag("--no-reduction", o->no_reduction, "Every step is a state of its own");
  command->add_flag("--no-symmetry", o->no_symmetry, "Names of processors and mms count");
  add_number(*command, "--max-states", o->search.max_states, "Give up after as many")
      ->check(CLI::Range(std::size_t{1}, std::size_t{4'000'000'000}))
      ->capture_default_str();
  add_number(*command, "--max-memory", o->max_mebibytes, "Give up after as many MiB")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 20))
      ->capture_default_str();
  CLI::Option* save =
      command->add_option("--save", o->search.save, "Keep what was found here, to be gone on with")
          ->type_name("FILE");
  command->add_option("--save-every", o->search.save_seconds, "Seconds between two savings")
      ->check(a_number)
      ->check(CLI::Range(0.0, 1e9))
      ->needs(save)
      ->capture_default_str();
  command->add_option("--resume", o->search.resume, "Go on from what --save kept")
      ->type_name("FILE");
  command->add_option("--out", o->out, "Write the trace here, for `mmuref flush replay`")
      ->type_name("FILE");
  command->add_option("--svg", o->svg, "Draw the trace here")->type_name("FILE");
  command->add_flag("--json", o->json, "Print one JSON object");
  return errors_are_input([o] { return explore(*o); });
}

Run add_replay_trace(CLI::App* flush) {
  CLI::App* command = flush->add_subcommand("replay", "A way through a protocol, from files");
  command->footer(
      "Exits with 0 when the trace leads where its file says.\n"
      "Example: mmuref flush replay corpora/flush/tests-switching.flush --svg race.svg");
  const auto o = std::make_shared<Replay>();
  command
      ->add_option("FILE", o->files,
                   "Traces (*.flush) that `flush explore --out` wrote, and folders of them")
      ->required();
  command->add_option("--svg", o->svg, "Draw it here")->type_name("FILE");
  command->add_flag("--json", o->json, "Print one JSON object a trace");
  return errors_are_input([o] { return replay(*o); });
}

Run add_gallery(CLI::App* flush) {
  CLI::App* command = flush->add_subcommand("gallery", "What `flush explore --break` can break");
  command->footer("Example: mmuref flush gallery");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print one JSON object a line");
  return [json] { return list_gallery(*json); };
}

}  // namespace

Run add_flush(CLI::App& app) {
  CLI::App* flush = app.add_subcommand("flush", "Linux's TLB flushes on several processors");
  flush->require_subcommand(1);
  flush->footer("Example: mmuref flush explore --break barrier-in-mm-range");
  const std::vector<std::pair<std::string, Run>> runs{
      {"explore", add_explore(flush)},          {"replay", add_replay_trace(flush)},
      {"gallery", add_gallery(flush)},          {"orders", add_orders(flush)},
      {"campaign", add_flush_campaign(*flush)}, {"plan", add_flush_plan(*flush)}};
  return [flush, runs] {
    for (const auto& [command, run] : runs)
      if (flush->got_subcommand(command)) return run();
    return bad_input;
  };
}

}  // namespace mmuref::cli
