// mmuref maps: what an address space maps.
#include "image/maps.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/image_options.h"
#include "cli/numbers.h"
#include "cli/terminal.h"
#include "diff/text.h"
#include "image/entry_fields.h"
#include "image/info_tlb.h"
#include "image/ranges.h"

namespace mmuref::cli {
namespace {

using image::Broken;
using image::Mapping;
using image::Word;

struct Options {
  ImageOptions image;
  Word max_tables = Word{1} << 24;
  bool json = false;
  bool info_tlb = false;
};

std::string describe(const Broken& b) {
  const std::string where =
      fmt::format("{} {} at {}", image::entry_name(b.level), hex(b.entry), hex(b.address));
  if (b.rule == x86::Rule::translated) return where + ": its table is not in the image";
  return fmt::format("{}: {}", where, x86::text(b.rule).name);
}

/// Output is buffered here and written in large pieces: there may be millions of lines.
class Lines {
 public:
  void add(std::string_view line) {
    text_ += line;
    text_ += '\n';
    if (text_.size() > 1 << 16) flush();
  }
  void flush() {
    print(text_);
    text_.clear();
  }

 private:
  std::string text_;
};

/// One line a mapping; what maps nothing goes to standard error, so that the lines stay of one
/// kind.
class Plain {
 public:
  explicit Plain(bool json) : json_(json) {}

  void mapping(const Mapping& m) { lines_.add(json_ ? object(m) : image::info_tlb_line(m)); }
  void broken(const Broken& b) {
    print_error(fmt::format("{} maps nothing: {}", hex(b.va), describe(b)));
  }
  void finish() { lines_.flush(); }

 private:
  static std::string object(const Mapping& m) {
    return nlohmann::ordered_json{{"va", hex(m.va)},
                                  {"pa", hex(m.pa)},
                                  {"size", m.size},
                                  {"level", m.level},
                                  {"entry", hex(m.entry)},
                                  {"write", m.rights.writable()},
                                  {"user", m.rights.user()},
                                  {"exec", !m.rights.execute_disable()},
                                  {"global", has(m.entry, x86::entry::G)},
                                  {"accessed", has(m.entry, x86::entry::A)},
                                  {"dirty", has(m.entry, x86::entry::D)}}
        .dump();
  }

  bool json_;
  Lines lines_;
};

/// Ranges in a table, broken entries among them.
class Table {
 public:
  Table() {
    lines_.add(style_.dim(fmt::format("{:<37} {:<18} {:>8}  {:<9} {}", "linear addresses",
                                      "physical from", "size", "pages", "rights")));
  }

  void mapping(const Mapping& m) {
    ++mappings_;
    if (const auto range = merger_.add(m)) show(*range);
  }
  void broken(const Broken& b) {
    if (const auto range = merger_.finish()) show(*range);
    lines_.add(style_.red(fmt::format("{:#018x}  maps nothing: {}", b.va, describe(b))));
    ++broken_;
  }
  void finish() {
    if (const auto range = merger_.finish()) show(*range);
    lines_.add(fmt::format("{} mappings in {} ranges{}", mappings_, ranges_,
                           broken_ ? fmt::format("; {} entries map nothing", broken_) : ""));
    lines_.flush();
  }

 private:
  static std::string amount(Word bytes) {
    constexpr const char* units[] = {"KiB", "MiB", "GiB", "TiB", "PiB"};
    bytes >>= 10;
    std::size_t unit = 0;
    for (; bytes % 1024 == 0 && unit + 1 < std::size(units); ++unit) bytes >>= 10;
    return fmt::format("{} {}", bytes, units[unit]);
  }

  void show(const image::Range& r) {
    ++ranges_;
    const Mapping& m = r.first;
    const auto word = [](bool set, std::string_view text) {
      return fmt::format("{:<{}}", set ? text : "-", text.size());
    };
    const std::string rights = fmt::format(
        "{} {} {} {}", word(m.rights.user(), "user"), word(m.rights.writable(), "write"),
        word(!m.rights.execute_disable(), "exec"), has(m.entry, x86::entry::G) ? "global" : "-");
    const bool writable_code = m.rights.writable() && !m.rights.execute_disable();
    lines_.add(fmt::format("{:#018x}-{:#018x} {:#018x} {:>9}  {:<9} {}", m.va, m.va + r.size() - 1,
                           m.pa, amount(r.size()),
                           fmt::format("{} x {}", r.count, diff::page_size(m.level)),
                           writable_code ? style_.red(rights) : rights));
  }

  Style style_ = Style::of_stdout();
  Lines lines_;
  image::RangeMerger merger_;
  Word mappings_ = 0, ranges_ = 0, broken_ = 0;
};

template <class Visitor>
int list(const Options& o, const image::Image& image, Visitor visitor) {
  const auto paging = x86::paging(o.image.processor.cpu, image.registers());
  if (!image.present(paging.table_base)) {
    throw InputError(fmt::format("{}: CR3 {}: the root table at {} is not in the image",
                                 o.image.path, hex(image.registers().cr3), hex(paging.table_base)));
  }
  const image::MapsEnd end = image::maps(paging, image, visitor, o.max_tables);
  visitor.finish();
  if (end.complete) return good;
  throw InputError(
      fmt::format("{}: stopped at {} after {} tables, as many as --max-tables allows; expected "
                  "fewer, or a larger "
                  "--max-tables",
                  o.image.path, hex(end.va), end.tables));
}

int maps(const Options& o) {
  const image::Image image = o.image.open();
  if (o.json || o.info_tlb) return list(o, image, Plain(o.json));
  return list(o, image, Table());
}

}  // namespace

Run add_maps(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("maps", "List the pages an image's tables map, with effective rights");
  o->image.add_to(*command);
  add_number(*command, "--max-tables", o->max_tables, "Stop after visiting so many tables")
      ->check(at_least(1))
      ->capture_default_str()
      ->type_name("N");
  CLI::Option* json = command->add_flag("--json", o->json, "One JSON object a mapping");
  command
      ->add_flag("--info-tlb", o->info_tlb,
                 "One line a mapping, as QEMU's `info tlb` writes it: the leaf's own flags")
      ->excludes(json);
  command->footer("Example: mmuref maps corpora/linux-6.1-kaslr-4level/pagetables.core");
  return [o] { return maps(*o); };
}

}  // namespace mmuref::cli
