#include "diff/trace_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "diff/possibility_json.h"
#include "diff/table_history.h"

namespace mmuref::diff {
namespace {

using Cached = x86::Cached<Word>;
using Context = x86::Context<Word>;
using PartialWalk = x86::PartialWalk<Word>;
using StaleUse = x86::StaleUse<Word>;
using Translation = x86::Translation<Word>;
using x86::OperationKind;
using x86::Staleness;

/// Linear addresses that may lead to one page; a table that maps itself gives many.
constexpr std::size_t max_ways = 4096;

/// Something cached.
using Element = std::variant<PartialWalk, Translation>;

Word pcid_of(const Element& element) {
  return std::visit([](const auto& e) { return e.pcid; }, element);
}

/// Whether `cached` has the element; D may differ unless it is what matters.
bool contains(const Cached& cached, const Element& element, bool with_dirty) {
  if (const auto* structure = std::get_if<PartialWalk>(&element)) {
    return std::any_of(cached.structures.begin(), cached.structures.end(),
                       [&](const PartialWalk& p) { return same(p, *structure); });
  }
  const Word ignored = with_dirty ? 0 : x86::entry::D;
  Translation wanted = std::get<Translation>(element);
  wanted.leaf |= ignored;
  return std::any_of(cached.translations.begin(), cached.translations.end(), [&](Translation t) {
    t.leaf |= ignored;
    return same(t, wanted);
  });
}

/// What changed what walks find: an entry, or the registers of one processor.
struct Event {
  std::size_t step = 0;
  bool write = false;
  Word address = 0, before = 0;  ///< of a write; with every flag that may have been set
  std::size_t cpu = 0;           ///< else
  Context context;               ///< before it
};

/// Runs a trace, with one more instruction behind one of its steps if so asked.
class Run {
 public:
  explicit Run(const Trace& trace)
      : trace_(trace),
        machine_(start(trace.start)),
        tables_(trace.start.machine.memory, machine_.cpu(0).context().levels()) {
    tables_.root(machine_.cpu(0).context().paging.table_base);
  }

  /// Runs up to the first finding, or to the end of step `last`.
  const TraceVerdict& run(std::size_t last = ~std::size_t{0}) {
    for (; step_ < trace_.steps.size() && step_ <= last; ++step_) {
      const TraceStep& step = trace_.steps[step_];
      std::visit([&](const auto& action) { take(step, action); }, step.action);
      if (verdict_.finding) break;
      if (more_ && more_->after == step_) execute_more();
    }
    return verdict_;
  }

  /// To be called before `run`. A MOV to CR3 will load what is there.
  void add(std::size_t cpu, const Invalidation& more) {
    more_cpu_ = cpu;
    more_ = more;
  }
  const Invalidation& added() const { return *more_; }

  /// The step that made stale what was found.
  std::optional<std::size_t> removed_by() const;
  /// Of what was found.
  Word pcid() const { return element_ ? pcid_of(*element_) : 0; }

 private:
  void take(const TraceStep& step, const TableWrite& w);
  void take(const TraceStep& step, const Operation& op);
  void take(const TraceStep& step, const Access& access);
  void take(const TraceStep& step, const FreePage& free);
  x86::Exception execute(std::size_t cpu, const Operation& op);
  void execute_more();
  void settle(const TraceStep& step, const Access& access);

  void found(const TraceStep& step, const Access& access, const StaleUse& use);
  void check_freed(std::size_t cpu, Word page);
  bool check_way(std::size_t cpu, Word page, const Way& way);
  std::optional<Element> held(std::size_t cpu, const Cached& cached, Word page,
                              const Way& way) const;

  std::optional<std::size_t> removed_by(const Element& element) const;
  std::optional<std::size_t> removed_by(const Element& element, bool as_it_ran) const;
  bool derivable(const Element& element, Context context, const std::map<Word, Word>& past) const;

  const Trace& trace_;
  CachingMachine machine_;
  TableHistory tables_;
  std::vector<Event> events_;
  std::vector<Word> freed_;  ///< pages nobody has taken since
  std::size_t step_ = 0;
  std::optional<Invalidation> more_;
  std::size_t more_cpu_ = 0;
  TraceVerdict verdict_;
  std::optional<Element> element_;  ///< what the finding found cached
};

void Run::take(const TraceStep&, const TableWrite& w) {
  events_.push_back({.step = step_,
                     .write = true,
                     .address = w.address,
                     .before = machine_.most(w.address),
                     .context = {}});
  machine_.write(w.address, w.value);
  tables_.wrote(w.address, w.value);
  // A page that is written as a table, or that an entry references, is in use again.
  std::erase_if(freed_, [&](Word page) {
    return (w.address & ~Word{0xfff}) == page ||
           (has(w.value, x86::entry::P) && (w.value & x86::entry::address_mask) == page);
  });
}

x86::Exception Run::execute(std::size_t cpu, const Operation& op) {
  const Context before = machine_.cpu(cpu).context();
  const auto effect = machine_.execute(cpu, op);
  if (effect.exception != x86::Exception::none) return effect.exception;
  events_.push_back({.step = step_, .cpu = cpu, .context = before});
  tables_.root(machine_.cpu(cpu).context().paging.table_base);
  return effect.exception;
}

void Run::take(const TraceStep& step, const Operation& op) {
  if (execute(step.cpu, op) != x86::Exception::none) return verdict_.exceptions.push_back(step_);
  for (const Word page : freed_) {
    if (!verdict_.finding) check_freed(step.cpu, page);
  }
}

void Run::execute_more() {
  Operation& op = more_->operation;
  if (op.kind == OperationKind::mov_cr3) op.value = machine_.cpu(more_cpu_).registers().cr3;
  execute(more_cpu_, op);
}

void Run::take(const TraceStep& step, const Access& access) {
  const auto uses = x86::stale_uses(machine_, step.cpu, access);
  const auto worst = std::max_element(
      uses.begin(), uses.end(),
      [](const StaleUse& a, const StaleUse& b) { return a.staleness < b.staleness; });
  if (worst != uses.end()) {
    if (worst->staleness != Staleness::spurious_fault) return found(step, access, *worst);
    verdict_.spurious.push_back({step_});
  }
  settle(step, access);
}

void Run::settle(const TraceStep& step, const Access& access) {
  const auto outcomes = machine_.outcomes(step.cpu, access);
  if (step.observed.is_null()) return machine_.settle(step.cpu, access, outcomes);
  const std::string place = fmt::format("line {}: observed", step_ + 2);
  const auto seen = agreeing(step.observed, place, outcomes, access, machine_.memory());
  if (!seen.empty()) return machine_.settle(step.cpu, access, seen);
  verdict_.finding = Finding{.kind = FindingKind::impossible,
                             .step = step_,
                             .cpu = step.cpu,
                             .va = access.va,
                             .fresh = outcomes[0].walk};
}

void Run::found(const TraceStep& step, const Access& access, const StaleUse& use) {
  Finding f{.step = step_, .cpu = step.cpu, .va = access.va, .cached = use.walk};
  f.fresh = x86::walk(machine_.cpu(step.cpu).context().paging, access, machine_.memory());
  f.in_tlb = std::holds_alternative<Translation>(use.item);
  f.level = std::visit([](const auto& item) { return item.level; }, use.item);
  element_ = use.item;
  switch (use.staleness) {
    case Staleness::table: f.kind = FindingKind::table; break;
    case Staleness::elsewhere: f.kind = FindingKind::elsewhere; break;
    case Staleness::lost_dirty: f.kind = FindingKind::lost_dirty; break;
    default: f.kind = FindingKind::grants; break;
  }
  verdict_.finding = f;
}

void Run::take(const TraceStep&, const FreePage& free) {
  if (std::find(freed_.begin(), freed_.end(), free.page) == freed_.end()) {
    freed_.push_back(free.page);
  }
  for (std::size_t cpu = 0; cpu < machine_.cpus() && !verdict_.finding; ++cpu) {
    check_freed(cpu, free.page);
  }
}

void Run::check_freed(std::size_t cpu, Word page) {
  if (machine_.cpu(cpu).context().paging.table_base == page) {
    verdict_.finding =
        Finding{.kind = FindingKind::held_root, .step = step_, .cpu = cpu, .page = page};
    return;
  }
  const auto ways = tables_.ways_to(page, max_ways);
  if (!ways) {
    throw FormError(
        fmt::format("line {}: page: expected one that at most {} linear addresses "
                    "lead to",
                    step_ + 2, max_ways));
  }
  // What is still mapped is said first: no invalidation helps there.
  for (const Way& way : *ways) {
    const auto finding = verdict_.finding;
    const auto element = element_;
    if (check_way(cpu, page, way) && verdict_.finding->kind == FindingKind::still_mapped) return;
    if (!finding) continue;
    verdict_.finding = finding;
    element_ = element;
  }
}

/// What of `cached` leads to the page by this way.
std::optional<Element> Run::held(std::size_t cpu, const Cached& cached, Word page,
                                 const Way& way) const {
  const Context& context = machine_.cpu(cpu).context();
  const auto counts = [&](Word pcid, bool global) {
    return !trace_.lazy_pcids || global || pcid == context.pcid;
  };
  if (way.table_level != 0) {
    for (const PartialWalk& p : cached.structures) {
      if (p.level == way.table_level && p.table == page && counts(p.pcid, false)) return p;
    }
    return {};
  }
  for (const Translation& t : cached.translations) {
    if (reaches(t, page, context.paging.frame_mask) && counts(t.pcid, t.global)) return t;
  }
  return {};
}

bool Run::check_way(std::size_t cpu, Word page, const Way& way) {
  const Context& context = machine_.cpu(cpu).context();
  Cached now;  // what walks of memory find, with nothing cached before
  x86::fill(
      context, way.va, [this](Word address) { return machine_.most(address); }, now);
  auto element = held(cpu, now, page, way);
  const bool mapped = element.has_value();
  if (!mapped) element = held(cpu, machine_.cached(cpu, way.va), page, way);
  if (!element) return false;
  Finding f{.step = step_, .cpu = cpu, .va = way.va, .page = page};
  f.in_tlb = way.table_level == 0;
  f.level = f.in_tlb ? std::get<Translation>(*element).level : way.table_level;
  f.kind = mapped     ? FindingKind::still_mapped
           : f.in_tlb ? FindingKind::held_translation
                      : FindingKind::held_table;
  verdict_.finding = f;
  element_ = element;
  return true;
}

/// Whether walks alone, from the root, find the element where some entries hold what is in `past`.
bool Run::derivable(const Element& element, Context context,
                    const std::map<Word, Word>& past) const {
  context.pcid = pcid_of(element);
  Cached cached;
  const auto read = [&](Word address) {
    const auto found = past.find(address);
    return found != past.end() ? found->second : machine_.most(address);
  };
  x86::fill(context, verdict_.finding ? verdict_.finding->va : Word{0}, read, cached);
  const bool with_dirty = verdict_.finding && verdict_.finding->kind == FindingKind::lost_dirty;
  return contains(cached, element, with_dirty);
}

/// Goes back through what happened to when walks last found the element: with the registers as they
/// are now, or as they were.
std::optional<std::size_t> Run::removed_by(const Element& element, bool as_it_ran) const {
  const std::size_t cpu = verdict_.finding->cpu;
  Context context = machine_.cpu(cpu).context();
  std::map<Word, Word> past;
  for (auto event = events_.rbegin(); event != events_.rend(); ++event) {
    if (event->write) {
      past[event->address] = event->before;
    } else if (as_it_ran && event->cpu == cpu) {
      context = event->context;
    } else {
      continue;
    }
    if (as_it_ran && context.pcid != pcid_of(element)) continue;
    if (derivable(element, context, past)) return event->step;
  }
  return {};
}

std::optional<std::size_t> Run::removed_by(const Element& element) const {
  if (derivable(element, machine_.cpu(verdict_.finding->cpu).context(), {})) return {};
  if (const auto step = removed_by(element, false)) return step;
  return removed_by(element, true);
}

/// What no walk from the root ever found came from a structure that is stale itself: the highest.
std::optional<std::size_t> Run::removed_by() const {
  if (!element_) return {};
  if (const auto step = removed_by(*element_)) return step;
  const Finding& f = *verdict_.finding;
  auto structures = machine_.cached(f.cpu, f.va).structures;
  std::stable_sort(structures.begin(), structures.end(),
                   [](const PartialWalk& a, const PartialWalk& b) { return a.level > b.level; });
  for (const PartialWalk& p : structures) {
    if (p.pcid != pcid_of(*element_)) continue;
    if (const auto step = removed_by(p)) return step;
  }
  return {};
}

/// The invalidations that each alone would have prevented the finding, behind one step.
std::vector<Invalidation> missing(const Trace& trace, const Finding& f, Word pcid,
                                  std::size_t after) {
  const Word page = f.va & ~Word{0xfff};
  const auto invpcid = [&](Word type, Word descriptor, Word address) {
    return Operation{.kind = OperationKind::invpcid,
                     .value = type,
                     .address = address,
                     .descriptor = descriptor};
  };
  const Operation candidates[] = {{.kind = OperationKind::invlpg, .address = page},
                                  invpcid(0, pcid, page),
                                  {.kind = OperationKind::mov_cr3},
                                  invpcid(1, pcid, 0),
                                  invpcid(3, 0, 0),
                                  invpcid(2, 0, 0)};
  std::vector<Invalidation> good;
  for (const Operation& op : candidates) {
    Run run(trace);
    run.add(f.cpu, {after, op});
    const auto& again = run.run(f.step).finding;
    if (!again || again->cpu != f.cpu) good.push_back(run.added());
  }
  return good;
}

}  // namespace

TraceVerdict check(const Trace& trace) {
  Run run(trace);
  TraceVerdict verdict = run.run();
  if (!verdict.finding) return verdict;
  Finding& f = *verdict.finding;
  const bool invalidation_helps = f.kind != FindingKind::impossible &&
                                  f.kind != FindingKind::held_root &&
                                  f.kind != FindingKind::still_mapped;
  if (!invalidation_helps) return verdict;
  f.removed_by = run.removed_by();
  if (f.removed_by && *f.removed_by < f.step) {
    f.missing = missing(trace, f, run.pcid(), *f.removed_by);
  }
  // Behind the step that removed it another PCID may have been current: then before the use.
  if (f.missing.empty() && f.step > 0) f.missing = missing(trace, f, run.pcid(), f.step - 1);
  return verdict;
}

}  // namespace mmuref::diff
