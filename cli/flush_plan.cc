// mmuref flush plan: what one TLB flush of Linux does, on this CPU and on others.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "cli/command.h"
#include "cli/flush_plan_text.h"
#include "cli/kernel_version.h"
#include "cli/numbers.h"
#include "cli/terminal.h"
#include "diff/files.h"
#include "model/linux/flush.h"

namespace mmuref::cli {
namespace {

using namespace lnx;
using nlohmann::ordered_json;
using Word = std::uint64_t;

struct Options {
  std::string version = "6.12", function;
  std::optional<Word> start, end;
  std::optional<unsigned> stride;
  Word ceiling = default_flush_ceiling;
  std::optional<Word> mm_gen, local_gen;
  bool hugetlb = false, freed_tables = false;
  bool other_mm = false, kernel_thread = false, lazy = false, alone = false;
  bool up = false, pti = false, no_pge = false, no_pcid = false, no_invpcid = false;
  bool list = false, json = false;
  std::string svg;
};

enum class Range : unsigned char { none, page, pages };

/// A function that flushes: in which versions, and what it takes.
struct Function {
  std::string_view name;
  Range range;
  bool (*exists)(const FlushCode&);
  FlushPlan<Word> (*plan)(const FlushSituation&);
};

constexpr auto always = [](const FlushCode&) { return true; };

constexpr Function functions[] = {
    {"flush_tlb", Range::none, [](const FlushCode& f) { return f.has_current_task; },
     [](const FlushSituation& s) { return flush_tlb_current_task(s.k, s.features, s.request); }},
    {"flush_tlb_current_task", Range::none, [](const FlushCode& f) { return f.has_current_task; },
     [](const FlushSituation& s) { return flush_tlb_current_task(s.k, s.features, s.request); }},
    {"flush_tlb_mm", Range::none, always,
     [](const FlushSituation& s) { return flush_tlb_mm(s.k, s.features, s.cpu, s.request); }},
    {"flush_tlb_mm_range", Range::pages, [](const FlushCode& f) { return f.ranges; },
     [](const FlushSituation& s) { return flush_tlb_mm_range(s.k, s.features, s.cpu, s.request); }},
    {"flush_tlb_range", Range::pages, always,
     [](const FlushSituation& s) { return flush_tlb_range(s.k, s.features, s.cpu, s.request); }},
    {"flush_tlb_page", Range::page, always,
     [](const FlushSituation& s) { return flush_tlb_page(s.k, s.features, s.cpu, s.request); }},
    {"flush_tlb_all", Range::none, always,
     [](const FlushSituation& s) { return flush_tlb_all(s.k, s.features, s.cpu); }},
    {"flush_tlb_kernel_range", Range::pages, [](const FlushCode& f) { return !f.i386; },
     [](const FlushSituation& s) {
       return flush_tlb_kernel_range(s.k, s.features, s.cpu, s.request);
     }},
    {"flush_tlb_pgtables", Range::pages, [](const FlushCode& f) { return f.has_pgtables; },
     [](const FlushSituation& s) { return flush_tlb_pgtables(s.k, s.features, s.cpu, s.request); }},
    {"try_to_unmap_flush", Range::none, [](const FlushCode& f) { return f.batched_by_others; },
     [](const FlushSituation& s) { return try_to_unmap_flush(s.k, s.features, s.cpu, s.request); }},
};

constexpr const char* versions = "2.4, 3.2 to 3.5, 3.16 to 4.12 or 4.14 to 6.12";

/// Of --linux or --kernel, which are one option.
Kernel kernel_of(const Options& o) {
  const Version version = any_version(o.version, "Linux");
  Kernel k = kernel(version, {.pti = o.pti, .smp = !o.up});
  const Version release{version.major, version.minor};
  if (!k.flush.known || release > v6_12) {
    throw InputError(fmt::format("Linux {}: expected {}", o.version, versions));
  }
  if (o.pti && !k.config.pti)
    throw InputError(fmt::format("--pti: Linux {} has none; expected 4.15 or later", o.version));
  if (o.up && k.flush.smp) {
    throw InputError(fmt::format(
        "--up: Linux {} has one code for both; expected a version up to 4.12", o.version));
  }
  return k;
}

/// Only what the function takes, and all of it.
void check_arguments(const Options& o, const Function& function) {
  const bool page = function.range == Range::page, pages = function.range == Range::pages;
  const std::string_view expected = page ? "--start" : pages ? "--start and --end" : "no range";
  if (o.start.has_value() != (page || pages) || o.end.has_value() != pages)
    throw InputError(fmt::format("--function {}: expected {}", function.name, expected));
  const bool by_mm = function.name == "flush_tlb_mm_range";
  if (o.freed_tables && !by_mm)
    throw InputError("--freed-tables: expected --function flush_tlb_mm_range");
  if ((o.stride || o.hugetlb) && !by_mm && function.name != "flush_tlb_range") {
    throw InputError(fmt::format("{}: expected --function flush_tlb_mm_range or flush_tlb_range",
                                 o.stride ? "--stride" : "--hugetlb"));
  }
}

FlushSituation situation(const Options& o, const Kernel& k) {
  if (k.flush.strides && o.hugetlb)
    throw InputError(
        fmt::format("--hugetlb: Linux {} looks at no VM_HUGETLB; expected --stride", o.version));
  if (!k.flush.strides && (o.stride || o.freed_tables)) {
    throw InputError(fmt::format("{}: not in Linux {}; expected 4.20 or later",
                                 o.stride ? "--stride" : "--freed-tables", o.version));
  }
  if (!k.flush.generations && (o.mm_gen || o.local_gen)) {
    throw InputError(fmt::format("{}: Linux {} counts no generations; expected 4.14 or later",
                                 o.mm_gen ? "--mm-gen" : "--local-gen", o.version));
  }
  const Word mm_gen = o.mm_gen.value_or(1);
  if (o.local_gen.value_or(mm_gen) > mm_gen) {
    throw InputError(
        fmt::format("--local-gen {}: expected at most --mm-gen, {}", *o.local_gen, mm_gen));
  }
  FlushSituation s{.version = o.version, .k = k, .features = {}, .cpu = {}, .request = {}};
  s.features = {.pge = !o.no_pge,
                .pcid = !o.no_pcid && k.flush.pcids,
                .invpcid = !o.no_invpcid && !k.flush.i386,
                .pti = k.config.pti};
  s.cpu.loaded = s.cpu.in_mask = !o.other_mm;
  s.cpu.user = !o.kernel_thread;
  s.cpu.lazy = o.lazy || o.kernel_thread;
  s.cpu.local_gen = o.local_gen.value_or(mm_gen);
  s.request.start = o.start.value_or(0);
  s.request.end = o.end.value_or(TLB_FLUSH_ALL);
  s.request.stride_shift = o.stride.value_or(PAGE_SHIFT);
  s.request.hugetlb = o.hugetlb;
  s.request.freed_tables = o.freed_tables;
  s.request.ceiling = o.ceiling;
  s.request.others = !o.alone;
  s.request.mm_gen = mm_gen;
  return s;
}

int list(const Options& o, const Kernel& k) {
  std::vector<std::pair<std::string_view, std::string_view>> rows;
  for (const Function& f : functions) {
    if (f.exists(k.flush))
      rows.emplace_back(f.name, f.range == Range::none   ? ""
                                : f.range == Range::page ? "--start"
                                                         : "--start --end");
  }
  if (o.json) {
    ordered_json j{{"linux", o.version}};
    for (const auto& [function, takes] : rows) j["functions"].push_back(function);
    for (const NoOp& no_op : flush_no_ops) j["no_ops"].push_back(no_op.name);
    print(j.dump() + "\n");
    return good;
  }
  std::string out = fmt::format("Linux {}\n", o.version);
  for (const auto& [function, takes] : rows)
    out += takes.empty() ? fmt::format("  {}\n", function) : plan_row(function, std::string(takes));
  out += "nothing on x86:\n";
  for (const NoOp& no_op : flush_no_ops) out += fmt::format("  {}\n", no_op.name);
  print(out);
  return good;
}

/// The functions that are nothing on x86; null for others.
const NoOp* no_op_named(const std::string& wanted) {
  for (const NoOp& no_op : flush_no_ops)
    if (no_op.name == wanted) return &no_op;
  return nullptr;
}

const Function& function_named(const Options& o, const Kernel& k) {
  for (const Function& f : functions)
    if (f.name == o.function && f.exists(k.flush)) return f;
  throw InputError(fmt::format("--function {}: expected one that --list prints for Linux {}",
                               o.function, o.version));
}

/// "flush_tlb_page(0x400000)".
std::string call(const Function& function, const FlushSituation& s) {
  std::string arguments;
  if (function.range != Range::none) arguments = hex(s.request.start);
  if (function.range == Range::pages) arguments += ", " + hex(s.request.end);
  return fmt::format("{}({})", function.name, arguments);
}

int plan(const Options& o) {
  const Kernel k = kernel_of(o);
  if (o.list) return list(o, k);
  if (o.function.empty()) throw InputError("flush plan: expected --function or --list");
  if (const NoOp* no_op = no_op_named(o.function)) {
    if (o.json) {
      print(ordered_json{{"linux", o.version}, {"function", no_op->name}, {"no_op", no_op->why}}
                .dump() +
            "\n");
    } else {
      print(fmt::format("Linux {}: {}\n\n", o.version, no_op->name) +
            plan_row("every CPU", "nothing") + plan_row("  because", no_op->why));
    }
    return good;
  }
  if (!o.svg.empty()) diff::require_writable(o.svg);
  const Function& function = function_named(o, k);
  check_arguments(o, function);
  const FlushSituation s = situation(o, k);
  const FlushPlan<Word> p = function.plan(s);
  if (!o.svg.empty()) diff::write_file(o.svg, svg_form(plan_picture(s, call(function, s), p)));
  print(o.json ? plan_json(s, function.name, p).dump() + "\n" : plan_text(s, call(function, s), p));
  return good;
}

void add_situation(CLI::App& command, Options& o) {
  command.add_flag("--other-mm", o.other_mm, "This CPU has another mm");
  command.add_flag("--kernel-thread", o.kernel_thread, "A kernel thread calls, lazily in the mm");
  command.add_flag("--lazy", o.lazy, "This CPU is lazy");
  command.add_flag("--alone", o.alone, "No other CPU is in mm_cpumask");
  command.add_flag("--up", o.up, "Built without CONFIG_SMP");
  command.add_flag("--pti", o.pti, "Page-table isolation is on");
  command.add_flag("--no-pge", o.no_pge, "No global pages");
  command.add_flag("--no-pcid", o.no_pcid, "No PCIDs");
  command.add_flag("--no-invpcid", o.no_invpcid, "No INVPCID");
  add_number(command, "--mm-gen", o.mm_gen, "The mm's generation before (default 1)")
      ->check(CLI::Range(Word{1}, Word{1} << 62));
  add_number(command, "--local-gen", o.local_gen, "What this CPU has followed (default: --mm-gen)")
      ->check(CLI::Range(Word{0}, Word{1} << 62));
}

}  // namespace

Run add_flush_plan(CLI::App& flush) {
  const auto o = std::make_shared<Options>();
  CLI::App* command = flush.add_subcommand("plan", "What one flush does on this CPU and on others");
  command->add_option("--linux,--kernel", o->version, versions)
      ->capture_default_str()
      ->type_name("VERSION");
  command->add_option("--function", o->function, "Linux's function; --list prints them")
      ->type_name("NAME");
  add_hexadecimal(*command, "--start", o->start, "The first address");
  add_hexadecimal(*command, "--end", o->end, "The address after the last");
  add_number(*command, "--stride", o->stride, "Shift of the step: 12, 21 or 30 (since 4.20)")
      ->check(CLI::IsMember({12U, 21U, 30U}));
  command->add_flag("--hugetlb", o->hugetlb, "VM_HUGETLB (until 4.19)");
  command->add_flag("--freed-tables", o->freed_tables, "Page tables were freed (since 4.20)");
  add_number(*command, "--ceiling", o->ceiling, "tlb_single_page_flush_ceiling")
      ->check(CLI::Range(Word{0}, (Word{1} << 31) - 1))
      ->capture_default_str();
  add_situation(*command, *o);
  CLI::Option* list = command->add_flag("--list", o->list, "Print the functions this version has");
  command->add_option("--svg", o->svg, "Draw it here")->type_name("FILE");
  command->add_flag("--json", o->json, "Print one JSON object");
  command->footer(
      "Example: mmuref flush plan --linux 4.6 --function flush_tlb_range --start 400000 --end "
      "403000");
  return errors_are_input([=] {
    require_alone(*command, list, {"--linux", "--json"});
    return plan(*o);
  });
}

}  // namespace mmuref::cli
