// The staleness detector: the first step of a trace at which a processor could use what software
// meant to remove, what removed it, and the invalidation that is missing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "diff/trace.h"
#include "model/x86/staleness.h"

namespace mmuref::diff {

enum class FindingKind : unsigned char {
  grants,            ///< an access translates where the walk of memory faults
  elsewhere,         ///< it reaches another physical address
  table,             ///< it reads a table that memory no longer leads to
  lost_dirty,        ///< a write does not set D, which memory has clear
  held_translation,  ///< a page is freed and a processor may have it cached
  held_table,        ///< as a table, by a paging-structure cache
  held_root,         ///< as the table in CR3
  still_mapped,      ///< memory itself leads to a page that is freed
  impossible,        ///< an access was observed to do what it cannot have done
};

/// Stable: other programs read it.
std::string_view name(FindingKind kind);

/// An instruction that would have prevented a finding, executed by the processor of the finding.
struct Invalidation {
  std::size_t after = 0;  ///< the step it belongs behind
  Operation operation;
};

struct Finding {
  FindingKind kind = FindingKind::impossible;
  std::size_t step = 0;    ///< from 0
  std::size_t cpu = 0;     ///< that could use it; not always the one that makes the step
  Word va = 0;             ///< a linear address it is cached for
  Word page = 0;           ///< of a page that is freed
  int level = 0;           ///< of the cached translation's leaf, or of the table
  bool in_tlb = false;     ///< a translation; else a paging-structure-cache entry
  Walk fresh{}, cached{};  ///< of an access: the walk of memory, and the one by what is cached
  std::optional<std::size_t> removed_by{};  ///< the step that made it stale
  std::vector<Invalidation> missing{};  ///< each alone prevents it; the one that drops least first
};

/// A page fault that memory does not justify: software had left out an invalidation it may leave
/// out.
struct SpuriousFault {
  std::size_t step = 0;
};

struct TraceVerdict {
  std::optional<Finding> finding;       ///< none: the trace is clean
  std::vector<SpuriousFault> spurious;  ///< possible ones, up to the finding
  std::vector<std::size_t> exceptions;  ///< steps whose instruction faulted and did nothing
};

/// Runs the trace up to the first finding. Throws FormError, which names the line, for an
/// observation that is none and for a page too many linear addresses lead to.
TraceVerdict check(const Trace& trace);

/// {"verdict": "clean", "stale" or "impossible", …} as docs/traces.md has it.
nlohmann::ordered_json to_json(const Trace& trace, const TraceVerdict& verdict);

/// What a step does, for people.
std::string describe(const TraceStep& step);

/// The verdict in lines, the first of which begins with `path`.
std::string text_form(const Trace& trace, const TraceVerdict& verdict, std::string_view path);

/// What is wrong with the verdict by the trace's "expect"; empty if nothing is.
std::string unexpected(const Trace& trace, const TraceVerdict& verdict);

}  // namespace mmuref::diff
