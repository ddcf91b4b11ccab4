// mmuref tlb simulate: a list of addresses through the simulated TLB, over an image's tables.
#include "cli/tlb_simulate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "cli/image_options.h"
#include "cli/image_overlay.h"
#include "cli/numbers.h"
#include "cli/terminal.h"
#include "diff/eval.h"
#include "model/x86/tlb_simulator.h"

namespace mmuref::cli {
namespace {

using image::Word;

struct Options {
  ImageOptions image;
  std::string trace = "-";
  x86::TlbParameters tlb;
  std::string replacement = "lru";
  bool json = false;
};

/// "SETSxWAYS", with sets a power of two, and few enough entries for memory to hold.
x86::CacheShape shape(const std::string& text, const std::string& flag) {
  constexpr std::size_t most = std::size_t{1} << 24;
  x86::CacheShape s;
  const char* const end = text.data() + text.size();
  const auto sets = std::from_chars(text.data(), end, s.sets);
  if (sets.ec == std::errc{} && sets.ptr != end && *sets.ptr == 'x') {
    const auto ways = std::from_chars(sets.ptr + 1, end, s.ways);
    const bool power = s.sets != 0 && (s.sets & (s.sets - 1)) == 0;
    const bool fits = s.sets <= most && s.ways <= most && s.size() <= most;
    if (ways.ec == std::errc{} && ways.ptr == end && power && fits) return s;
  }
  throw InputError(fmt::format(
      "{}: '{}'; expected SETSxWAYS, sets a power of two, at most 2^24 entries", flag, text));
}

void add_shape(CLI::App& app, const std::string& flag, x86::CacheShape& into,
               const std::string& what) {
  app.add_option_function<std::string>(
         flag, [&into, flag](const std::string& text) { into = shape(text, flag); }, what)
      ->default_str(fmt::format("{}x{}", into.sets, into.ways))
      ->type_name("SETSxWAYS");
}

/// One line: an address in hexadecimal, before it r, w or x if it is not read. As `mmuref walk`
/// does, CPL is 0 for an address in the upper half and 3 for one in the lower.
x86::Access<Word> access(const std::string& line, const std::string& place) {
  x86::Access<Word> a;
  if (line.ends_with('\r'))
    throw InputError(fmt::format("{}: ends with CR LF; expected LF alone", place));
  std::string address = line;
  if (line.size() > 2 && line[1] == ' ') {
    a.write = line[0] == 'w';
    a.fetch = line[0] == 'x';
    if (line[0] != 'r' && !a.write && !a.fetch) {
      throw InputError(fmt::format("{}: '{}'; expected r, w or x", place, line[0]));
    }
    address = line.substr(2);
  }
  a.va = hexadecimal(address, place);
  a.cpl3 = !has(a.va, bit(63));
  return a;
}

void run_trace(int descriptor, const std::string& name, x86::TlbSimulator& tlb,
               ImageOverlay& memory) {
  constexpr std::size_t longest = 64;  // of a line; an error quotes it
  diff::LineReader lines(descriptor);
  diff::LineReader::Line line;
  std::size_t number = 1;
  const auto check = [&](bool good) {
    if (good) return;
    throw InputError(fmt::format("{}: line {}: longer than {} characters; expected [r|w|x] ADDRESS",
                                 name, number, longest));
  };
  try {
    // A line that is too long may have no end: no more of it is read.
    for (; lines.next(line, [&] { check(!line.too_long); }); ++number) {
      check(line.text.size() <= longest);
      tlb.access(memory, access(std::string(line.text), fmt::format("{}: line {}", name, number)));
    }
  } catch (const std::system_error&) {
    throw InputError(fmt::format("{}: cannot be read", name));
  }
}

void run_file(const std::string& path, x86::TlbSimulator& tlb, ImageOverlay& memory) {
  std::optional<diff::InputFile> file;
  try {
    file.emplace(path);
  } catch (const std::system_error&) {
    throw InputError(fmt::format("{}: cannot be opened", path));
  }
  run_trace(file->descriptor(), path, tlb, memory);
}

std::string text_form(const x86::TlbStatistics& s) {
  const auto share = [&](std::uint64_t part, std::uint64_t of) {
    return of == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(of);
  };
  std::string out;
  const auto add = [&](const char* name, std::uint64_t n, const std::string& note = {}) {
    out += fmt::format("{:<16}{:>12}{}\n", name, n, note.empty() ? "" : "  " + note);
  };
  add("accesses", s.accesses);
  add("hits", s.hits, fmt::format("{:.2f} % of accesses", share(s.hits, s.accesses)));
  add("walks", s.walks, fmt::format("{:.2f} % of accesses", share(s.walks, s.accesses)));
  add("structure hits", s.structure_hits,
      fmt::format("{:.2f} % of walks", share(s.structure_hits, s.walks)));
  add("entries read", s.entries_read,
      fmt::format("{:.2f} a walk", share(s.entries_read, s.walks) / 100));
  add("page faults", s.page_faults);
  add("evictions", s.evictions);
  add("drops", s.drops);
  return out;
}

nlohmann::ordered_json json_form(const x86::TlbStatistics& s) {
  return {{"accesses", s.accesses},
          {"hits", s.hits},
          {"walks", s.walks},
          {"structure_hits", s.structure_hits},
          {"entries_read", s.entries_read},
          {"page_faults", s.page_faults},
          {"evictions", s.evictions},
          {"drops", s.drops}};
}

int simulate(Options o) {
  using x86::Replacement;
  o.tlb.replacement = o.replacement == "lru"    ? Replacement::lru
                      : o.replacement == "fifo" ? Replacement::fifo
                                                : Replacement::random;
  const image::Image image = o.image.open();
  ImageOverlay memory(image);
  x86::TlbSimulator tlb(o.image.processor.cpu, image.registers(), o.tlb);
  if (o.trace == "-") {
    run_trace(STDIN_FILENO, "standard input", tlb, memory);
  } else {
    run_file(o.trace, tlb, memory);
  }
  print(o.json ? json_form(tlb.statistics()).dump() + '\n' : text_form(tlb.statistics()));
  return good;
}

}  // namespace

Run add_tlb_simulate(CLI::App& tlb) {
  auto o = std::make_shared<Options>();
  CLI::App* command = tlb.add_subcommand(
      "simulate", "Count what a TLB of given sizes does with a list of addresses");
  o->image.add_to(*command);
  command->add_option("TRACE", o->trace, "A line an access: [r|w|x] ADDRESS; - is standard input")
      ->capture_default_str()
      ->type_name("");
  add_shape(*command, "--pages-4k", o->tlb.translations[1], "Translations of 4-KByte pages");
  add_shape(*command, "--pages-2m", o->tlb.translations[2], "Of 2-MByte pages");
  add_shape(*command, "--pages-1g", o->tlb.translations[3], "Of 1-GByte pages");
  add_shape(*command, "--pdes", o->tlb.structures[1], "Cached PDEs");
  add_shape(*command, "--pdptes", o->tlb.structures[2], "Cached PDPTEs");
  add_shape(*command, "--pml4es", o->tlb.structures[3], "Cached PML4Es");
  add_shape(*command, "--pml5es", o->tlb.structures[4], "Cached PML5Es");
  command->add_option("--replacement", o->replacement, "Which way gives room: lru, fifo or random")
      ->check(CLI::IsMember({"lru", "fifo", "random"}))
      ->capture_default_str()
      ->type_name("KIND");
  CLI::Option* seed = add_number(*command, "--seed", o->tlb.seed, "For random replacement")
                          ->check(at_least(0))
                          ->capture_default_str()
                          ->type_name("N");
  command->add_flag("--json", o->json, "The counts as one JSON object");
  command->footer(
      "Example: mmuref tlb simulate corpora/linux-6.1-kaslr-4level/pagetables.core <addresses");
  return [o, seed] {
    if (seed->count() > 0 && o->replacement != "random")
      throw InputError("--seed: expected --replacement random");
    return simulate(*o);
  };
}

}  // namespace mmuref::cli
