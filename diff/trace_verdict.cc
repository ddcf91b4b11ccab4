#include <fmt/format.h>

#include <algorithm>

#include "diff/text.h"
#include "diff/trace_check.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

std::string_view table_name(int level) {
  constexpr std::string_view names[] = {
      "",           "page table", "page directory", "page-directory-pointer table",
      "PML4 table", "PML5 table"};
  return names[level];
}

std::size_t line_of(std::size_t step) {
  return step + 2;
}

std::string_view verb(const Access& access) {
  return access.write ? "write" : access.fetch ? "fetch from" : "read";
}

std::string describe(const TableWrite& w) {
  return fmt::format("{:#x} stored at {:#x}", w.value, w.address);
}
std::string describe(const Access& a) {
  return fmt::format("{} {:#x}, CPL {}", verb(a), a.va, a.cpl3 ? 3 : 0);
}
std::string describe(const FreePage& f) {
  return fmt::format("page {:#x} freed", f.page);
}
std::string describe(const Operation& op) {
  using enum x86::OperationKind;
  switch (op.kind) {
    case invlpg: return fmt::format("INVLPG {:#x}", op.address);
    case invpcid:
      if (op.value > 1) return fmt::format("INVPCID {}", op.value);
      if (op.value == 1) return fmt::format("INVPCID 1 of PCID {:#x}", op.descriptor);
      return fmt::format("INVPCID 0 of PCID {:#x}, {:#x}", op.descriptor, op.address);
    case mov_cr0: return fmt::format("MOV CR0, {:#x}", op.value);
    case mov_cr3: return fmt::format("MOV CR3, {:#x}", op.value);
    case mov_cr4: return fmt::format("MOV CR4, {:#x}", op.value);
    case wrmsr_efer: return fmt::format("WRMSR EFER, {:#x}", op.value);
    case wrpkru: return fmt::format("WRPKRU {:#x}", op.value);
    case wrmsr_pkrs: break;
  }
  return fmt::format("WRMSR PKRS, {:#x}", op.value);
}

/// What an access gets by a walk.
std::string result(const Walk& walk) {
  if (walk.outcome == x86::Outcome::translated) return hex(walk.physical_address);
  if (walk.outcome != x86::Outcome::page_fault) return "an exception";
  return fmt::format("#PF, {}", x86::text(walk.rule).name);
}

/// What is cached: a translation, or a table by a paging-structure-cache entry.
std::string holder(const Finding& f) {
  if (f.in_tlb) return fmt::format("a {} translation of {:#x}", page_size(f.level), f.va);
  return fmt::format("a {} for {:#x}", table_name(f.level), f.va);
}

std::string says_of_access(const Finding& f, const Access& access) {
  const std::string start =
      fmt::format("CPU {} may {} {:#x} by a cached ", f.cpu, verb(access), access.va);
  const std::string way = f.in_tlb ? fmt::format("{} translation", page_size(f.level))
                                   : fmt::format("reference to a {}", table_name(f.level));
  switch (f.kind) {
    case FindingKind::table: return start + way + " that memory no longer leads to";
    case FindingKind::lost_dirty: return start + way + " and not set D, which memory has clear";
    default:
      return fmt::format("{}{} and get {}; by memory it gets {}", start, way, result(f.cached),
                         result(f.fresh));
  }
}

std::string says(const Trace& trace, const Finding& f) {
  switch (f.kind) {
    case FindingKind::impossible:
      return fmt::format("CPU {} was observed to do what it cannot: by memory it gets {}", f.cpu,
                         result(f.fresh));
    case FindingKind::held_root:
      return fmt::format("page {:#x} is freed while CPU {} has it in CR3", f.page, f.cpu);
    case FindingKind::still_mapped:
      return fmt::format("page {:#x} is freed while memory still gives CPU {} {} in it", f.page,
                         f.cpu, holder(f));
    case FindingKind::held_translation:
      return fmt::format("page {:#x} is freed while CPU {} may have cached {} in it", f.page, f.cpu,
                         holder(f));
    case FindingKind::held_table:
      return fmt::format("page {:#x} is freed while CPU {} may have it cached as {}", f.page, f.cpu,
                         holder(f));
    default: return says_of_access(f, std::get<Access>(trace.steps[f.step].action));
  }
}

ordered_json form(const Invalidation& i, std::size_t cpu) {
  return {{"after", i.after}, {"step", to_json(ProgramStep{cpu, i.operation})}};
}

std::string_view verdict_name(const TraceVerdict& verdict) {
  if (!verdict.finding) return "clean";
  return verdict.finding->kind == FindingKind::impossible ? "impossible" : "stale";
}

}  // namespace

std::string_view name(FindingKind kind) {
  switch (kind) {
    case FindingKind::grants: return "grants";
    case FindingKind::elsewhere: return "elsewhere";
    case FindingKind::table: return "table";
    case FindingKind::lost_dirty: return "lost-dirty";
    case FindingKind::held_translation: return "held-translation";
    case FindingKind::held_table: return "held-table";
    case FindingKind::held_root: return "held-root";
    case FindingKind::still_mapped: return "still-mapped";
    case FindingKind::impossible: break;
  }
  return "impossible";
}

std::string describe(const TraceStep& step) {
  return fmt::format("CPU {}: {}", step.cpu,
                     std::visit([](const auto& what) { return describe(what); }, step.action));
}

ordered_json to_json(const Trace& trace, const TraceVerdict& verdict) {
  ordered_json document = {{"verdict", verdict_name(verdict)}};
  if (verdict.finding) {
    const Finding& f = *verdict.finding;
    document["kind"] = name(f.kind);
    document["step"] = f.step;
    document["cpu"] = f.cpu;
    if (f.kind != FindingKind::held_root) document["va"] = hex(f.va);
    if (std::holds_alternative<FreePage>(trace.steps[f.step].action))
      document["page"] = hex(f.page);
    if (f.kind != FindingKind::impossible && f.kind != FindingKind::held_root) {
      document["by"] = f.in_tlb ? "tlb" : "structure";
      document["level"] = f.level;
    }
    if (f.removed_by) document["removed_by"] = *f.removed_by;
    if (!f.missing.empty()) {
      document["missing"] = ordered_json::array();
      for (const Invalidation& i : f.missing) document["missing"].push_back(form(i, f.cpu));
    }
    document["says"] = says(trace, f);
  }
  document["spurious_faults"] = ordered_json::array();
  for (const SpuriousFault& s : verdict.spurious) document["spurious_faults"].push_back(s.step);
  document["exceptions"] = verdict.exceptions;
  return document;
}

std::string text_form(const Trace& trace, const TraceVerdict& verdict, std::string_view path) {
  std::string text;
  if (!verdict.finding) {
    text = fmt::format("{}: clean, {} step{}\n", path, trace.steps.size(),
                       trace.steps.size() == 1 ? "" : "s");
  } else {
    const Finding& f = *verdict.finding;
    text = fmt::format("{}:{}: {} ({}): {}\n", path, line_of(f.step), verdict_name(verdict),
                       name(f.kind), says(trace, f));
    if (f.removed_by) {
      text += fmt::format("  removed by line {}: {}\n", line_of(*f.removed_by),
                          describe(trace.steps[*f.removed_by]));
    }
    if (!f.missing.empty()) {
      text += fmt::format("  missing behind line {}: CPU {}: {}", line_of(f.missing[0].after),
                          f.cpu, describe(f.missing[0].operation));
      for (std::size_t i = 1; i < f.missing.size(); ++i)
        text += fmt::format("{}{}", i == 1 ? "; or " : ", ", describe(f.missing[i].operation));
      text += '\n';
    }
  }
  for (const SpuriousFault& s : verdict.spurious) {
    text += fmt::format("  harmless: line {} may fault though memory permits it, once\n",
                        line_of(s.step));
  }
  for (const std::size_t step : verdict.exceptions) {
    text += fmt::format("  line {} faults and does nothing: {}\n", line_of(step),
                        describe(trace.steps[step]));
  }
  return text;
}

std::string unexpected(const Trace& trace, const TraceVerdict& verdict) {
  if (trace.expect.is_null()) return {};
  const json got = to_json(trace, verdict);
  for (const auto& [key, value] : trace.expect.items()) {
    if (!got.contains(key)) return fmt::format("\"{}\" expected and absent", key);
    if (got[key] != value) {
      return fmt::format("\"{}\" expected {}, found {}", key, value.dump(), got[key].dump());
    }
  }
  return {};
}

}  // namespace mmuref::diff
