// The drawing of a walk.
#include <fmt/format.h>

#include "cli/numbers.h"
#include "cli/walk_report.h"
#include "diff/text.h"
#include "image/entry_fields.h"

namespace mmuref::cli {
namespace {

using x86::Decision;
using x86::Outcome;

constexpr std::size_t label_width = 13;  ///< of the labels at the left, with their two spaces

class Drawing {
 public:
  Drawing(const WalkReport& r, const image::Image& image, const Style& style)
      : r_(r), image_(image), style_(style) {}

  std::string draw() {
    headline();
    registers();
    if (r_.steps.empty()) {
      out_ += "\n  no entry is read\n\n";
    } else {
      table();
    }
    answer();
    if (r_.walk.outcome == Outcome::page_fault) error_code();
    rules();
    writes();
    return std::move(out_);
  }

 private:
  /// A line that begins with a label; the text is wrapped and indented under itself.
  void line(std::string_view label, std::string_view text) {
    out_ += fmt::format("  {:<{}}{}\n", label, label_width - 2, wrapped(text, label_width));
  }

  void headline() {
    const auto& a = r_.access;
    const std::string_view mode = x86::user_mode(a) ? "user-mode" : "supervisor-mode";
    std::string how = fmt::format("CPL {}", r_.cpl);
    if (a.implicit) how += ", implicit";
    if (a.ac) how += ", EFLAGS.AC=1";
    if (a.stack) how += ", through SS";
    out_ += fmt::format("{} of {}: a {} access ({})\n\n", style_.bold(access_name(a)),
                        style_.bold(fmt::format("{:#018x}", a.va)), mode, how);
  }

  void registers() {
    std::string from[3];
    for (const image::SourcedRegister& s : image_.sources()) {
      static constexpr std::string_view names[] = {"CR0", "CR3", "CR4", "EFER", "PKRU", "PKRS"};
      const auto index = static_cast<std::size_t>(&s - image_.sources().data());
      from[static_cast<int>(s.source)] += fmt::format("{} {:#x}, ", names[index], s.value);
    }
    static constexpr std::string_view origins[] = {"given", "from the image's notes", "assumed"};
    std::string_view label = "registers";
    for (const image::Source source :
         {image::Source::note, image::Source::given, image::Source::assumed}) {
      const auto i = static_cast<std::size_t>(source);
      if (from[i].empty()) continue;
      line(label, fmt::format("{} {}", from[i].substr(0, from[i].size() - 2), origins[i]));
      label = "";
    }
    if (image_.cpu()) {
      line("", fmt::format("the processor had stopped at RIP {}, CPL {}", hex(image_.cpu()->rip),
                           image_.cpu()->cpl));
    }
    const auto& p = r_.paging;
    std::string features;
    const std::pair<bool, std::string_view> all[] = {{p.wp, " WP"},     {p.nxe, " NXE"},
                                                     {p.smep, " SMEP"}, {p.smap, " SMAP"},
                                                     {p.pke, " PKE"},   {p.pks, " PKS"}};
    for (const auto& [set, name] : all) features += set ? name : "";
    line("paging", fmt::format("{} levels, MAXPHYADDR {},{}{}", p.levels(), r_.cpu.maxphyaddr,
                               features.empty() ? " no protection features" : features,
                               r_.cpu.amd ? ", AMD's reserved bits" : ""));
  }

  void table() {
    out_ += '\n' + style_.dim(fmt::format("  {:<7} {:>5}  {:<15}  {:<18}  {:<11}  {:<15}  {}\n",
                                          "level", "index", "entry at", "value", "flags",
                                          "rights so far", "decision"));
    for (const ReportStep& s : r_.steps) row(s, &s == &r_.steps.back());
    out_ += style_.dim(
        "\n  flags: X execute-disable, G global, M PAT, L large page (PS), D dirty, A accessed,\n"
        "         C cache-disable, T write-through, U user, W writable, P present\n\n");
  }

  void row(const ReportStep& s, bool last) {
    const auto [level, address, value] = s.step;
    const bool valid = s.decision == Decision::table || s.decision == Decision::leaf;
    out_ += fmt::format("  {} {} {:>5}  0x{:013x}  ", last ? "└" : "├",
                        style_.bold(fmt::format("{:<5}", image::entry_name(level))),
                        x86::table_index(r_.access.va, level), address);
    if (!s.in_image) {
      out_ += style_.yellow("not in the image: read as 0") + '\n';
      return;
    }
    out_ += fmt::format("{:#018x}  {}  {}  {}\n", value, image::flag_letters(value, level),
                        valid ? rights(s.rights) : std::string(15, ' '), decision(s));
  }

  std::string rights(const x86::Rights<Word>& r) const {
    const auto word = [&](bool set, std::string_view text) {
      return set ? std::string(text) : style_.dim(fmt::format("{:<{}}", "-", text.size()));
    };
    return word(r.user(), "user") + ' ' + word(r.writable(), "write") + ' ' +
           word(!r.execute_disable(), "exec");
  }

  std::string decision(const ReportStep& s) const {
    switch (s.decision) {
      case Decision::table: return "table";
      case Decision::leaf:
        return style_.green(fmt::format("{} page", diff::page_size(s.step.level)));
      case Decision::not_present: return style_.red("not present");
      case Decision::reserved: break;
    }
    return style_.red("reserved");
  }

  void answer() {
    const auto& w = r_.walk;
    if (w.outcome == Outcome::translated) {
      const Word offset = x86::page_offset(r_.access.va, w.level);
      line("answer", style_.green(fmt::format("physical address {}", hex(w.physical_address))) +
                         fmt::format(" = {} page {} + offset {}", image::page_name(w.level),
                                     hex(w.physical_address - offset), hex(offset)));
      return;
    }
    if (w.outcome == Outcome::page_fault) {
      const std::string where = w.denials.any() ? "denied by the rights down to" : "at";
      line("answer", style_.red(fmt::format("#PF({})", hex(w.error_code))) +
                         fmt::format(", vector 14, CR2 {}, {} the {}", hex(r_.access.va), where,
                                     image::entry_name(w.level)));
      if (r_.steps.back().decision == Decision::reserved) {
        line("", fmt::format("reserved bits {} are set", hex(reserved_bits_set())));
      }
      if (!r_.steps.back().in_image) {
        line("", style_.yellow(
                     fmt::format("the image does not hold {}: the real entry may answer otherwise",
                                 hex(r_.steps.back().step.address))));
      }
      return;
    }
    const bool stack = w.outcome == Outcome::stack_fault;
    line("answer", style_.red(stack ? "#SS(0)" : "#GP(0)") +
                       fmt::format(", vector {}", x86::vector(w.outcome)));
  }

  Word reserved_bits_set() const {
    const auto [level, address, value] = r_.steps.back().step;
    const auto& reserved = r_.paging.reserved;
    return value & (x86::is_leaf(value, level) ? reserved.leaf[level] : reserved.table[level]);
  }

  void error_code() {
    struct Bit {
      unsigned number;
      std::string_view name, clear, set;
    };
    static constexpr Bit all[] = {
        {0, "P", "an entry is not present", "every entry read is present"},
        {1, "W/R", "not a write", "a write"},
        {2, "U/S", "a supervisor-mode access", "a user-mode access"},
        {3, "RSVD", "no reserved bit is the cause", "a reserved bit is set"},
        {4, "I/D", "no fetch, or neither NXE nor SMEP is on", "an instruction fetch"},
        {5, "PK", "no protection key denies it", "a protection key denies it"}};
    std::string_view label = "error code";
    for (const Bit& b : all) {
      const bool set = has(r_.walk.error_code, bit(b.number));
      const std::string text = fmt::format("bit {}  {:<4}  {}  {}", b.number, b.name, set ? 1 : 0,
                                           set ? b.set : b.clear);
      out_ += fmt::format("  {:<{}}{}\n", label, label_width - 2, set ? text : style_.dim(text));
      label = "";
    }
  }

  void rules() {
    const auto denials = denied_by(r_.walk.denials);
    if (denials.empty()) {
      rule("rule", r_.walk.rule);
      return;
    }
    std::string_view label = "denied by";
    for (const x86::Rule denial : denials) {
      rule(label, denial);
      label = "";
    }
  }

  void rule(std::string_view label, x86::Rule which) {
    const auto& t = x86::text(which);
    line(label, fmt::format("{}: {}", t.name, t.says));
    out_ += std::string(label_width, ' ') + style_.dim(t.section) + '\n';
  }

  void writes() {
    const bool translated = r_.walk.outcome == Outcome::translated;
    if (r_.writes.empty() && r_.may_write.empty()) {
      line("writes", translated ? "nothing: A, and D for a write, are set already" : "nothing");
      return;
    }
    std::string_view label = translated ? "writes" : "may write";
    std::set<Word> shown;  // a walk may use an entry twice
    for (const ReportStep& s : r_.steps) {
      if (!shown.insert(s.step.address).second) continue;
      if (const auto it = r_.writes.find(s.step.address); it != r_.writes.end()) {
        write(label, s, it->second);
      }
      if (const auto it = r_.may_write.find(s.step.address); it != r_.may_write.end()) {
        for (const Word value : it->second) write(label, s, value);
      }
    }
    if (r_.may_write.size() > 1) {
      line("", "each only if those above it are written or have A set already");
    }
  }

  void write(std::string_view& label, const ReportStep& s, Word value) {
    const Word set = value & ~s.step.value;
    const std::string_view flags =
        has(set, x86::entry::A) ? (has(set, x86::entry::D) ? "A, D" : "A") : "D";
    line(label, fmt::format("{:<5} at {}: {} to {}, sets {}", image::entry_name(s.step.level),
                            hex(s.step.address), hex(s.step.value), hex(value), flags));
    label = "";
  }

  const WalkReport& r_;
  const image::Image& image_;
  const Style& style_;
  std::string out_;
};

}  // namespace

std::string text_form(const WalkReport& r, const image::Image& image, const Style& style) {
  return Drawing(r, image, style).draw();
}

}  // namespace mmuref::cli
