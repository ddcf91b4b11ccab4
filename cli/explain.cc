// mmuref explain: what each bit of a paging-structure entry means.
#include <fmt/format.h>

#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/command.h"
#include "cli/explain_linux.h"
#include "cli/image_options.h"
#include "cli/kernel_version.h"
#include "cli/numbers.h"
#include "cli/terminal.h"
#include "image/entry_fields.h"

namespace mmuref::cli {
namespace {

using image::EntryFields;
using image::Field;
using image::FieldKind;
using image::Role;

struct Options {
  std::string entry;
  int level = 0;
  bool nxe = true;
  bool json = false;
  bool linux_too = false;
  std::string kernel = "6.12";
  ProcessorOptions processor;
};

std::string bit_range(const Field& f) {
  return f.high == f.low ? fmt::format("{}", f.high) : fmt::format("{}:{}", f.high, f.low);
}

std::string value_text(const Field& f) {
  const bool decimal = f.kind == FieldKind::flag || f.kind == FieldKind::number;
  return decimal ? fmt::format("{}", f.value) : hex(f.value);
}

std::string_view kind_name(FieldKind kind) {
  switch (kind) {
    case FieldKind::flag: return "flag";
    case FieldKind::number: return "number";
    case FieldKind::address: return "address";
    case FieldKind::ignored: return "ignored";
    case FieldKind::reserved: break;
  }
  return "reserved";
}

std::string headline(const EntryFields& f, int level, const Style& style) {
  if (f.role == Role::not_present) {
    return style.yellow("is not present: a walk ends here with #PF, P=0");
  }
  const std::string role =
      f.role == Role::page
          ? fmt::format("maps the {} page at {}", image::page_name(level), hex(f.target))
          : fmt::format("references the table of {}s at {}", image::entry_name(level - 1),
                        hex(f.target));
  if (f.reserved == 0) return style.green(role);
  return style.red(fmt::format("has reserved bits {} set", hex(f.reserved))) +
         ":\na walk ends here with #PF, RSVD=1; without them it " + role;
}

std::string text_form(const Options& o, image::Word entry, const EntryFields& f) {
  constexpr std::size_t meaning_column = 36;
  const Style style = Style::of_stdout();
  std::string out =
      fmt::format("{} as a {} {}\n\n", style.bold(fmt::format("{:#018x}", entry)),
                  style.bold(image::entry_name(o.level)), headline(f, o.level, style));
  out +=
      style.dim(fmt::format("  {:<6} {:<6} {:<18} {}", "bits", "name", "value", "meaning")) + '\n';
  for (const Field& field : f.fields) {
    std::string meaning = wrapped(field.meaning, meaning_column);
    if (field.broken != x86::Rule::translated) {
      meaning = style.red(meaning);
    } else if (field.kind == FieldKind::ignored || field.kind == FieldKind::reserved) {
      meaning = style.dim(meaning);
    }
    out += fmt::format("  {:<6} {:<6} {:<18} {}\n", bit_range(field), field.name, value_text(field),
                       meaning);
  }
  out += '\n';
  if (f.role != Role::not_present) {
    out += fmt::format(
        "  memory type  of the {}: PAT entry {}, {} after reset; MTRRs have a say too\n",
        f.role == Role::page ? "page" : "table", f.pat_index,
        image::reset_memory_type(f.pat_index));
  }
  for (const Field& field : f.fields) {
    if (field.broken == x86::Rule::translated) continue;
    const auto& rule = x86::text(field.broken);
    out += fmt::format("  {}{}\n               {}\n", style.red(fmt::format("{:<13}", "breaks")),
                       rule.name, rule.section);
  }
  out += fmt::format("  {:<13}{}\n", "manual",
                     wrapped(fmt::format("SDM vol. 3, {} {}",
                                         f.role == Role::not_present ? "4.7" : "4.5.4,", f.format),
                             15));
  return out;
}

nlohmann::ordered_json json_form(const Options& o, image::Word entry, const EntryFields& f) {
  constexpr const char* roles[] = {"not-present", "table", "page"};
  nlohmann::ordered_json j{{"entry", hex(entry)},
                           {"level", o.level},
                           {"name", image::entry_name(o.level)},
                           {"role", roles[static_cast<int>(f.role)]}};
  if (f.role != Role::not_present) j["target"] = hex(f.target);
  if (f.role == Role::page) j["size"] = f.page_size;
  if (f.role != Role::not_present) {
    j["pat_index"] = f.pat_index;
    j["memory_type_after_reset"] = image::reset_memory_type(f.pat_index);
  }
  j["reserved"] = hex(f.reserved);
  j["fields"] = nlohmann::ordered_json::array();
  for (const Field& field : f.fields) {
    nlohmann::ordered_json item{{"bits", bit_range(field)},
                                {"kind", kind_name(field.kind)},
                                {"name", field.name},
                                {"value", hex(field.value)},
                                {"meaning", field.meaning}};
    if (field.broken != x86::Rule::translated) item["rule"] = x86::text(field.broken).name;
    j["fields"].push_back(std::move(item));
  }
  j["format"] = f.format;
  return j;
}

int explain(const Options& o) {
  const image::Word entry = hexadecimal(o.entry, "ENTRY");
  const EntryFields f = image::entry_fields(entry, o.level, o.processor.cpu, o.nxe);
  std::optional<LinuxEntry> linux_says;
  if (o.linux_too) linux_says = linux_entry(entry, o.level, kernel_version(o.kernel));
  if (o.json) {
    auto j = json_form(o, entry, f);
    if (linux_says) j["linux"] = json_form(*linux_says);
    print(j.dump() + '\n');
  } else {
    print(text_form(o, entry, f) + (linux_says ? text_form(*linux_says) : ""));
  }
  return good;
}

}  // namespace

Run add_explain(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("explain", "Decode a paging-structure entry bit by bit");
  command->add_option("ENTRY", o->entry, "The 8-byte entry, in hexadecimal")
      ->required()
      ->type_name("");
  add_number(*command, "--level", o->level, "1 PTE, 2 PDE, 3 PDPTE, 4 PML4E, 5 PML5E")
      ->required()
      ->check(CLI::Range(1, x86::max_level))
      ->type_name("N");
  command->add_option("--nxe", o->nxe, "EFER.NXE: 0 makes bit 63 reserved")
      ->check(CLI::IsMember({"0", "1"}))
      ->capture_default_str()
      ->type_name("BIT");
  o->processor.add_to(*command);
  CLI::Option* linux_too =
      command->add_flag("--linux", o->linux_too, "Say too what Linux takes the entry for");
  command->add_option("--kernel", o->kernel, "The Linux version, from 3.2 to 6.12")
      ->needs(linux_too)
      ->capture_default_str()
      ->type_name("V");
  command->add_flag("--json", o->json, "One JSON object");
  command->footer(
      "Examples: mmuref explain 0x80000000fee0001b --level 1\n"
      "          mmuref explain 0xffffffedcb120 --level 1 --linux --kernel 4.20");
  return [o] { return explain(*o); };
}

}  // namespace mmuref::cli
