#include "cli/flush_plan_text.h"

#include <fmt/format.h>

#include <optional>
#include <vector>

#include "cli/numbers.h"
#include "cli/terminal.h"
#include "model/linux/masks.h"

namespace mmuref::cli {
namespace {

using namespace lnx;
using nlohmann::ordered_json;
using Word = std::uint64_t;
using Plan = FlushPlan<Word>;

/// A kind of other CPU.
struct Class {
  std::string_view name;
  TlbCpu<Word> cpu;
};

std::vector<Class> classes(const FlushSituation& s, Whom whom) {
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
std::string what_text(const FlushSituation& s, const LocalFlush<Word>& flush) {
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

std::string why_text(const FlushSituation& s, FlushWhy why) {
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
std::optional<FlushedCpu<Word>> told(const FlushSituation& s, const Plan& plan, TlbCpu<Word> cpu) {
  if (!is_told(s.k, plan.whom, cpu, plan.sent)) return std::nullopt;
  // Interrupts are off until the switch is over.
  if (cpu.switching) cpu.loaded = true;
  cpu.switching = false;
  return run_handler(s.k, s.features, cpu, plan.sent, plan.mm_gen);
}

std::vector<std::pair<std::string_view, Word>> counted(const Kernel& k, const Plan& plan) {
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

std::string others_text(const FlushSituation& s, const Plan& plan) {
  if (plan.whom == Whom::nobody) return plan_row("others", "not interrupted");
  std::string out =
      plan_row("others", fmt::format("{} run{} {}: {}", whom_text(s.k, plan.whom, plan.sent.has_mm),
                                     plan.whom == Whom::every_cpu ? "s" : "",
                                     handler_name(plan.sent.handler), range_text(plan.sent)));
  for (const auto& [label, cpu] : classes(s, plan.whom)) {
    const auto done = told(s, plan, cpu);
    const std::string text =
        done ? fmt::format("{} ({})", what_text(s, done->flush), why_text(s, done->flush.why))
             : "not interrupted";
    out += plan_row(fmt::format("  {}", label), text);
  }
  return out;
}

ordered_json flush_json(const FlushSituation& s, const LocalFlush<Word>& flush) {
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

}  // namespace

std::string plan_row(std::string_view label, const std::string& text) {
  return fmt::format("  {:<30}{}\n", label, wrapped(text, 32));
}

std::string plan_text(const FlushSituation& s, const std::string& call, const Plan& plan) {
  std::string out = Style::of_stdout().bold(fmt::format("Linux {}: {}", s.version, call));
  out += "\n\n";
  out += plan_row("this CPU", what_text(s, plan.self.flush));
  out += plan_row("  because", why_text(s, plan.self.flush.why));
  if (plan.range != plan.self.flush.why && plan.range != FlushWhy::whole_mm)
    out += plan_row("  range", why_text(s, plan.range));
  if (plan.whom == Whom::mask || plan.whom == Whom::mask_not_lazy) {
    out += plan_row("mask of CPUs read after",
                    orders_mask(plan)
                        ? "a barrier: the page tables written before are seen"
                        : "no barrier: a CPU that joins it may still cache the old entry");
  }
  out += others_text(s, plan);
  if (s.k.flush.generations && plan.mm_gen != 0)
    out +=
        plan_row("generation", fmt::format("{}, of this CPU {}", plan.mm_gen, plan.self.local_gen));
  for (const auto& [counter, value] : counted(s.k, plan))
    out += plan_row(counter, fmt::format("+{}", value));
  return out;
}

Picture plan_picture(const FlushSituation& s, const std::string& call, const Plan& plan) {
  Picture p{.title = fmt::format("Linux {}: {}", s.version, call),
            .outcome = {},
            .columns = {},
            .boxes = {}};
  p.columns.emplace_back("this CPU");
  Picture::Box self{.column = 0,
                    .paragraphs = {what_text(s, plan.self.flush),
                                   fmt::format("({})", why_text(s, plan.self.flush.why))},
                    .arrows_to = {},
                    .numbered = false};
  p.boxes.push_back(self);
  if (plan.whom == Whom::nobody) return p;
  Picture::Box sends{.column = 0,
                     .paragraphs = {fmt::format(
                         "interrupts {}: {}, {}", whom_text(s.k, plan.whom, plan.sent.has_mm),
                         handler_name(plan.sent.handler), range_text(plan.sent))},
                     .arrows_to = {},
                     .numbered = false};
  std::vector<Picture::Box> others;
  for (const auto& [label, cpu] : classes(s, plan.whom)) {
    const std::size_t column = p.columns.size();
    p.columns.push_back(fmt::format("another CPU: {}", label));
    const auto done = told(s, plan, cpu);
    if (done) sends.arrows_to.push_back(column);
    others.push_back({.column = column,
                      .paragraphs = {done ? what_text(s, done->flush) : "not interrupted",
                                     done ? fmt::format("({})", why_text(s, done->flush.why)) : ""},
                      .dashed = !done,
                      .arrows_to = {},
                      .numbered = false});
  }
  p.boxes.push_back(sends);
  p.boxes.insert(p.boxes.end(), others.begin(), others.end());
  return p;
}

ordered_json plan_json(const FlushSituation& s, std::string_view function, const Plan& plan) {
  ordered_json j{{"linux", s.version}, {"function", function}};
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

}  // namespace mmuref::cli
