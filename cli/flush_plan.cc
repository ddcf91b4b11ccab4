// mmuref flush plan: what one TLB flush of Linux does, on this CPU and on others.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "cli/command.h"
#include "cli/kernel_version.h"
#include "cli/linux_options.h"
#include "cli/numbers.h"
#include "cli/terminal.h"
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
};

/// What every function is asked with.
struct Situation {
  Kernel k;
  FlushFeatures features;
  TlbCpu<Word> cpu;
  FlushRequest<Word> request;
};

enum class Range : unsigned char { none, page, pages };

/// A function that flushes: in which versions, and what it takes.
struct Function {
  std::string_view name;
  Range range;
  bool (*exists)(const FlushCode&);
  FlushPlan<Word> (*plan)(const Situation&);
};

constexpr auto always = [](const FlushCode&) { return true; };

constexpr Function functions[] = {
    {"flush_tlb", Range::none, [](const FlushCode& f) { return f.has_current_task; },
     [](const Situation& s) { return flush_tlb_current_task(s.k, s.features, s.request); }},
    {"flush_tlb_current_task", Range::none, [](const FlushCode& f) { return f.has_current_task; },
     [](const Situation& s) { return flush_tlb_current_task(s.k, s.features, s.request); }},
    {"flush_tlb_mm", Range::none, always,
     [](const Situation& s) { return flush_tlb_mm(s.k, s.features, s.cpu, s.request); }},
    {"flush_tlb_mm_range", Range::pages, [](const FlushCode& f) { return f.ranges; },
     [](const Situation& s) { return flush_tlb_mm_range(s.k, s.features, s.cpu, s.request); }},
    {"flush_tlb_range", Range::pages, always,
     [](const Situation& s) { return flush_tlb_range(s.k, s.features, s.cpu, s.request); }},
    {"flush_tlb_page", Range::page, always,
     [](const Situation& s) { return flush_tlb_page(s.k, s.features, s.cpu, s.request); }},
    {"flush_tlb_all", Range::none, always,
     [](const Situation& s) { return flush_tlb_all(s.k, s.features, s.cpu); }},
    {"flush_tlb_kernel_range", Range::pages, [](const FlushCode& f) { return !f.i386; },
     [](const Situation& s) { return flush_tlb_kernel_range(s.k, s.features, s.cpu, s.request); }},
    {"flush_tlb_pgtables", Range::pages, [](const FlushCode& f) { return f.has_pgtables; },
     [](const Situation& s) { return flush_tlb_pgtables(s.k, s.features, s.cpu, s.request); }},
    {"try_to_unmap_flush", Range::none, [](const FlushCode& f) { return f.batched_by_others; },
     [](const Situation& s) { return try_to_unmap_flush(s.k, s.features, s.cpu, s.request); }},
};

Kernel kernel_of(const Options& o) {
  const Version version = any_version(o.version, "--linux");
  Kernel k = kernel(version, {.pti = o.pti, .smp = !o.up});
  const Version release{version.major, version.minor};
  if (!k.flush.known || release > v6_12) {
    throw InputError(fmt::format(
        "--linux {}: expected 2.4, 3.2 to 3.5, 3.16 to 4.12 or 4.14 to 6.12", o.version));
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

Situation situation(const Options& o, const Kernel& k) {
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
  Situation s{.k = k, .features = {}, .cpu = {}, .request = {}};
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

/// A kind of other CPU.
struct Class {
  std::string_view name;
  TlbCpu<Word> cpu;
};

std::vector<Class> classes(const Situation& s, Whom whom) {
  TlbCpu<Word> uses;
  uses.local_gen = s.request.mm_gen;
  TlbCpu<Word> lazy = uses, behind = uses, switching = uses, elsewhere = uses, out = uses;
  lazy.lazy = true;
  lazy.user = false;
  behind.local_gen = s.request.mm_gen - 1;
  switching.switching = true;
  switching.loaded = false;
  elsewhere.loaded = false;
  out.loaded = out.in_mask = false;
  if (whom == Whom::every_cpu) return {{"not lazy", uses}, {"lazy", lazy}};
  std::vector<Class> all = {{"uses the mm", uses}};
  if (s.k.flush.generations) all.push_back({"uses it, missed a flush", behind});
  all.push_back({"uses it lazily", lazy});
  if (s.k.flush.should_flush) all.push_back({"is switching to it", switching});
  all.push_back({"has another mm", elsewhere});
  all.push_back({"not in the mask", out});
  return all;
}

std::string step_text(Word shift) {
  return shift == PAGE_SHIFT  ? "4 KiB"
         : shift == PMD_SHIFT ? "2 MiB"
         : shift == PUD_SHIFT ? "1 GiB"
                              : fmt::format("2^{} bytes", shift);
}

/// What `flush` does, in words.
std::string what_text(const Situation& s, const LocalFlush<Word>& flush) {
  const Kernel& k = s.k;
  std::string text;
  switch (flush.what) {
    case Primitive::none: return "nothing";
    case Primitive::invlpg:
      text = fmt::format("INVLPG at {} address{} from {}, {} apart", flush.count,
                         flush.count == 1 ? "" : "es", hex(flush.start), step_text(flush.shift));
      if (flush.count == 1) text = fmt::format("INVLPG of {}", hex(flush.start));
      if (flush.count == 0) text = "no INVLPG: the range is empty";
      if (flush.endless) text = "INVLPG without end: the address wraps before it meets the end";
      break;
    case Primitive::cr3_reload:
      text = s.features.pge ? "CR3 reloaded: all but global pages" : "CR3 reloaded: everything";
      break;
    case Primitive::invpcid_all: text = "INVPCID type 2: everything, global pages too"; break;
    case Primitive::pge_toggle: text = "CR4.PGE cleared and set: everything, global too"; break;
    case Primitive::leave_mm:
      text = k.flush.generations ? "switches to init_mm" : "leave_mm: out of mm_cpumask";
      if (flush.loads_cr3 && !k.flush.generations) text += ", CR3 of swapper_pg_dir";
      break;
    case Primitive::bug: return "BUG in leave_mm: TLBSTATE_OK";
  }
  if (flush.leaves) text += "; then leave_mm";
  if (flush.user_marked) text += "; the user PCID marked in user_pcid_flush_mask";
  if (flush.user_invpcid) text += "; INVPCID type 0 of each in the user PCID";
  if (flush.invalidates_other) text += "; the other ASIDs to be invalidated";
  return text;
}

std::string_view name(Primitive what) {
  switch (what) {
    case Primitive::none: return "none";
    case Primitive::invlpg: return "invlpg";
    case Primitive::cr3_reload: return "cr3_reload";
    case Primitive::invpcid_all: return "invpcid_all";
    case Primitive::pge_toggle: return "pge_toggle";
    case Primitive::leave_mm: return "leave_mm";
    case Primitive::bug: break;
  }
  return "bug";
}

std::string why_text(const Situation& s, FlushWhy why) {
  const Word ceiling = s.request.ceiling;
  const std::string_view loaded = s.k.flush.generations ? "loaded_mm" : "active_mm";
  switch (why) {
    case FlushWhy::other_mm: return fmt::format("{} is another mm", loaded);
    case FlushWhy::kernel_thread: return "current->mm is NULL: a kernel thread borrows the mm";
    case FlushWhy::lazy: return "the mm is in use lazily";
    case FlushWhy::all_asked: return "the range is everything";
    case FlushWhy::hugetlb: return "VM_HUGETLB: ranges of large pages are flushed as everything";
    case FlushWhy::above_ceiling: return fmt::format("more pages than the ceiling of {}", ceiling);
    case FlushWhy::within_ceiling:
      return fmt::format("not more pages than the ceiling of {}", ceiling);
    case FlushWhy::one_page: return "one page";
    case FlushWhy::range_sent: return "a range was sent";
    case FlushWhy::whole_mm: return "it knows no ranges here";
    case FlushWhy::follows_at_once: return "this CPU had made every flush before this one";
    case FlushWhy::missed_flushes: return "this CPU had not made every flush before this one";
    case FlushWhy::up_to_date: return "this CPU has made this flush already";
    case FlushWhy::in_init_mm: return "init_mm is loaded";
    case FlushWhy::not_told: return "not one of those to be told";
    case FlushWhy::no_op: break;
  }
  return "it does nothing in this version";
}

std::string_view handler_name(FlushHandler handler) {
  switch (handler) {
    case FlushHandler::flush_tlb_func: return "flush_tlb_func";
    case FlushHandler::do_flush_tlb_all: return "do_flush_tlb_all";
    case FlushHandler::do_kernel_range_flush: break;
  }
  return "do_kernel_range_flush";
}

std::string whom_text(const Kernel& k, Whom whom, bool has_mm) {
  const std::string_view mask = has_mm ? "mm_cpumask" : "the mask of the batch";
  switch (whom) {
    case Whom::nobody: return "nobody";
    case Whom::mask: return fmt::format("all others in {}", mask);
    case Whom::mask_not_lazy:
      return fmt::format("others in {} that {}", mask,
                         k.flush.should_flush ? "should_flush_tlb picks" : "are not lazy");
    case Whom::every_cpu: break;
  }
  return "every CPU";
}

std::string range_text(const FlushInfo<Word>& f) {
  if (f.end == TLB_FLUSH_ALL) return "everything";
  if (f.end == 0) return fmt::format("start {}, end 0 for one page", hex(f.start));
  return fmt::format("{} to {}", hex(f.start), hex(f.end));
}

/// What a kind of other CPU does, or nothing where it is not interrupted.
std::optional<FlushedCpu<Word>> told(const Situation& s, const FlushPlan<Word>& plan,
                                     TlbCpu<Word> cpu) {
  if (!is_told(s.k, plan.whom, cpu, plan.sent)) return std::nullopt;
  // Interrupts are off until the switch is over.
  if (cpu.switching) cpu.loaded = true;
  cpu.switching = false;
  return run_handler(s.k, s.features, cpu, plan.sent, plan.mm_gen);
}

std::vector<std::pair<std::string_view, Word>> counted(const Kernel& k,
                                                       const FlushPlan<Word>& plan) {
  std::vector<std::pair<std::string_view, Word>> all;
  if (!k.flush.counters) return all;
  const FlushCounters<Word>& c = plan.counters;
  for (const auto& [name, value] : {std::pair{"nr_tlb_local_flush_all", c.local_flush_all},
                                    {"nr_tlb_local_flush_one", c.local_flush_one},
                                    {"nr_tlb_remote_flush", c.remote_flush},
                                    {"nr_tlb_remote_flush_received", c.remote_flush_received}}) {
    if (value != 0) all.emplace_back(name, value);
  }
  return all;
}

std::string row(std::string_view label, const std::string& text) {
  return fmt::format("  {:<30}{}\n", label, wrapped(text, 32));
}

std::string others_text(const Situation& s, const FlushPlan<Word>& plan) {
  if (plan.whom == Whom::nobody) return row("others", "not interrupted");
  std::string out =
      row("others", fmt::format("{} run{} {}: {}", whom_text(s.k, plan.whom, plan.sent.has_mm),
                                plan.whom == Whom::every_cpu ? "s" : "",
                                handler_name(plan.sent.handler), range_text(plan.sent)));
  for (const auto& [label, cpu] : classes(s, plan.whom)) {
    const auto done = told(s, plan, cpu);
    const std::string text =
        done ? fmt::format("{} ({})", what_text(s, done->flush), why_text(s, done->flush.why))
             : "not interrupted";
    out += row(fmt::format("  {}", label), text);
  }
  return out;
}

std::string plan_text(const Options& o, const Function& function, const Situation& s,
                      const FlushPlan<Word>& plan) {
  std::string arguments;
  if (function.range != Range::none) arguments = hex(s.request.start);
  if (function.range == Range::pages) arguments += ", " + hex(s.request.end);
  std::string out =
      Style::of_stdout().bold(fmt::format("Linux {}: {}({})", o.version, function.name, arguments));
  out += "\n\n";
  out += row("this CPU", what_text(s, plan.self.flush));
  out += row("  because", why_text(s, plan.self.flush.why));
  if (plan.range != plan.self.flush.why && plan.range != FlushWhy::whole_mm)
    out += row("  range", why_text(s, plan.range));
  if (plan.whom == Whom::mask || plan.whom == Whom::mask_not_lazy) {
    out += row("mask of CPUs read after",
               orders_mask(plan) ? "a barrier: the page tables written before are seen"
                                 : "no barrier: a CPU that joins it may still cache the old entry");
  }
  out += others_text(s, plan);
  if (s.k.flush.generations && plan.mm_gen != 0)
    out += row("generation", fmt::format("{}, of this CPU {}", plan.mm_gen, plan.self.local_gen));
  for (const auto& [counter, value] : counted(s.k, plan))
    out += row(counter, fmt::format("+{}", value));
  return out;
}

ordered_json flush_json(const Situation& s, const LocalFlush<Word>& flush) {
  ordered_json j{{"primitive", name(flush.what)}, {"why", why_text(s, flush.why)}};
  if (flush.what == Primitive::invlpg) {
    j["start"] = hex(flush.start);
    j["count"] = flush.count;
    j["step"] = hex(Word{1} << flush.shift);
    j["endless"] = flush.endless;
  }
  j["leaves"] = flush.leaves || flush.what == Primitive::leave_mm;
  j["loads_cr3"] = flush.loads_cr3 || flush.what == Primitive::cr3_reload;
  j["user_pcid"] = flush.user_marked ? "marked" : flush.user_invpcid ? "invpcid" : "none";
  j["invalidates_other_asids"] = flush.invalidates_other;
  return j;
}

ordered_json plan_json(const Options& o, const Function& function, const Situation& s,
                       const FlushPlan<Word>& plan) {
  ordered_json j{{"linux", o.version}, {"function", function.name}};
  j["self"] = flush_json(s, plan.self.flush);
  j["range"] = why_text(s, plan.range);
  j["barrier_before_mask"] = orders_mask(plan);
  j["told"] = whom_text(s.k, plan.whom, plan.sent.has_mm);
  j["others"] = ordered_json::array();
  if (plan.whom != Whom::nobody) {
    j["sent"] = {{"handler", handler_name(plan.sent.handler)},
                 {"start", hex(plan.sent.start)},
                 {"end", hex(plan.sent.end)},
                 {"generation", plan.sent.new_tlb_gen},
                 {"freed_tables", plan.sent.freed_tables}};
    for (const auto& [label, cpu] : classes(s, plan.whom)) {
      const auto done = told(s, plan, cpu);
      ordered_json other{{"cpu", label}, {"interrupted", done.has_value()}};
      if (done) other.update(flush_json(s, done->flush));
      j["others"].push_back(other);
    }
  }
  if (s.k.flush.generations && plan.mm_gen != 0)
    j["generation"] = {{"mm", plan.mm_gen}, {"self", plan.self.local_gen}};
  j["counters"] = ordered_json::object();
  for (const auto& [counter, value] : counted(s.k, plan)) j["counters"][counter] = value;
  return j;
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
    out += takes.empty() ? fmt::format("  {}\n", function) : row(function, std::string(takes));
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
      print(fmt::format("Linux {}: {}\n\n", o.version, no_op->name) + row("every CPU", "nothing") +
            row("  because", no_op->why));
    }
    return good;
  }
  const Function& function = function_named(o, k);
  check_arguments(o, function);
  const Situation s = situation(o, k);
  const FlushPlan<Word> p = function.plan(s);
  print(o.json ? plan_json(o, function, s, p).dump() + "\n" : plan_text(o, function, s, p));
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
  command.add_option("--mm-gen", o.mm_gen, "The mm's generation before (default 1)")
      ->check(CLI::Range(Word{1}, Word{1} << 62));
  command.add_option("--local-gen", o.local_gen, "What this CPU has followed (default: --mm-gen)")
      ->check(CLI::Range(Word{0}, Word{1} << 62));
}

}  // namespace

Run add_flush_plan(CLI::App& flush) {
  const auto o = std::make_shared<Options>();
  CLI::App* command = flush.add_subcommand("plan", "What one flush does on this CPU and on others");
  command->add_option("--linux,--kernel", o->version, "2.4, or from 3.2 to 6.12")
      ->capture_default_str()
      ->type_name("VERSION");
  command->add_option("--function", o->function, "Linux's function; --list prints them")
      ->type_name("NAME");
  add_hexadecimal(*command, "--start", o->start, "The first address");
  add_hexadecimal(*command, "--end", o->end, "The address after the last");
  command->add_option("--stride", o->stride, "Shift of the step: 12, 21 or 30 (since 4.20)")
      ->check(CLI::IsMember({12U, 21U, 30U}));
  command->add_flag("--hugetlb", o->hugetlb, "VM_HUGETLB (until 4.19)");
  command->add_flag("--freed-tables", o->freed_tables, "Page tables were freed (since 4.20)");
  command->add_option("--ceiling", o->ceiling, "tlb_single_page_flush_ceiling")
      ->check(CLI::Range(Word{0}, (Word{1} << 31) - 1))
      ->capture_default_str();
  add_situation(*command, *o);
  command->add_flag("--list", o->list, "Print the functions this version has");
  command->add_flag("--json", o->json, "Print one JSON object");
  command->footer(
      "Example: mmuref flush plan --linux 4.6 --function flush_tlb_range --start 400000 --end "
      "403000");
  return [o] { return plan(*o); };
}

}  // namespace mmuref::cli
