#include "cli/explain_linux.h"

#include <fmt/format.h>

#include "cli/command.h"
#include "cli/kernel_version.h"
#include "cli/numbers.h"
#include "cli/terminal.h"
#include "model/linux/entries.h"

namespace mmuref::cli {
namespace {

using namespace lnx;
using Word = std::uint64_t;

/// "_PAGE_RW" and so on for each bit of `flags`, in ascending order.
std::vector<std::string> flag_names(const Kernel& k, Word flags, bool small, bool large,
                                    bool present) {
  std::vector<std::pair<Word, std::string_view>> names = {
      {page::PRESENT, "PRESENT"},
      {page::RW, "RW"},
      {page::USER, "USER"},
      {page::PWT, "PWT"},
      {page::PCD, "PCD"},
      {page::ACCESSED, "ACCESSED"},
      {page::DIRTY, "DIRTY"},
      {page::PSE, small && present ? "PAT" : "PSE"},
      {page::GLOBAL, present ? "GLOBAL" : "PROTNONE"},
      {page::SPECIAL, small ? "SPECIAL" : "SOFTW1"},
      {page::SOFTW2, k.has_uffd_wp ? "UFFD_WP" : "SOFTW2"},
      {page::SOFT_DIRTY, k.has_soft_dirty ? "SOFT_DIRTY" : "SOFTW3"}};
  if (large) names.emplace_back(page::PAT_LARGE, "PAT_LARGE");
  if (k.has_devmap) names.emplace_back(page::DEVMAP(k), "DEVMAP");
  if (k.saved_dirty) names.emplace_back(page::SAVED_DIRTY, "SAVED_DIRTY");
  std::vector<std::string> result;
  for (const auto& [mask, name] : names) {
    if (has(flags, mask)) result.push_back(fmt::format("_PAGE_{}", name));
    flags &= ~mask;
  }
  const Word key = k.has_pkeys ? flags & page::PKEY : 0;
  flags &= ~(key | page::NX);
  // What is left has no name: software's free bits, or the frame's in later versions.
  for (unsigned b = 0; b < 63; ++b)
    if (has(flags, bit(b))) result.push_back(fmt::format("bit {}", b));
  return result;
}

struct Predicate {
  std::string_view name;
  bool value;
  bool exists = true;  ///< in this version
};

void add_predicates(std::initializer_list<Predicate> predicates, LinuxEntry& entry) {
  for (const Predicate& p : predicates)
    if (p.exists) entry.predicates.emplace_back(p.name, p.value);
}

void add_top_flags(const Kernel& k, Word e, LinuxEntry& entry) {
  if (k.has_pkeys && has(e, page::PKEY))
    entry.flags.push_back(fmt::format("_PAGE_PKEY {}", (e & page::PKEY) >> 59));
  if (has(e, page::NX)) entry.flags.emplace_back("_PAGE_NX");
}

void name_swap(const Kernel& k, Word e, LinuxEntry& entry) {
  const auto swap = pte_to_swp_entry(k, pte_t<Word>{e});
  const Word type = swp_type(k, swap), offset = swp_offset(k, swap);
  entry.swap = {type, offset};
  if (type < MAX_SWAPFILES(k)) {
    entry.state = "swap";
    entry.meaning = fmt::format("swapped out to slot {} of swap file {}", hex(offset), type);
  } else if (type == SWP_HWPOISON(k)) {
    entry.state = "hwpoison";
    entry.meaning = fmt::format("frame {} is poisoned: a touch is SIGBUS", hex(offset));
  } else if (is_migration_entry(k, swap)) {
    entry.state = "migration";
    entry.meaning = fmt::format("frame {} is being migrated, {}", hex(offset),
                                type == SWP_MIGRATION_WRITE(k) ? "writable" : "read-only");
  } else if (type < SWP_PTE_MARKER(k)) {
    entry.state = "device";
    entry.meaning = fmt::format("frame {} is in a device's private memory", hex(offset));
  } else {
    entry.state = "marker";
    entry.meaning = fmt::format("a marker without a page, value {}", hex(offset));
  }
  if (has(e, swp::SOFT_DIRTY(k))) entry.flags.emplace_back("_PAGE_SWP_SOFT_DIRTY");
  if (has(e, swp::UFFD_WP(k))) entry.flags.emplace_back("_PAGE_SWP_UFFD_WP");
  if (has(e, swp::EXCLUSIVE(k))) entry.flags.emplace_back("_PAGE_SWP_EXCLUSIVE");
}

/// Names the flags and the frame of an entry that has them.
void name_parts(const Kernel& k, Word e, Word flags, Word pfn, LinuxEntry& entry) {
  const bool large = entry.type != "pte_t" && has(e, page::PSE);
  entry.flags = flag_names(k, flags, entry.type == "pte_t", large, has(e, page::PRESENT));
  add_top_flags(k, e, entry);
  entry.pfn = pfn;
  entry.inverted = protnone_mask(k, e) != 0;
}

/// _PAGE_FILE: bit 6 of an entry that is not present.
bool pte_file(const Kernel& k, const pte_t<Word>& pte) {
  return k.has_page_file && is_swap_pte(k, pte) && has(pte.value, bit(6));
}

LinuxEntry pte_entry(const Kernel& k, Word e) {
  const pte_t<Word> pte{e};
  const bool file = pte_file(k, pte), swapped = is_swap_pte(k, pte) && !file;
  LinuxEntry entry{.kernel = k.version, .type = "pte_t"};
  if (pte_none(k, pte)) {
    entry.state = "none";
    entry.meaning = "nothing is here";
  } else if (file) {
    entry.state = "file";
    entry.meaning = "a file offset (nonlinear mapping), not modelled";
  } else if (swapped) {
    name_swap(k, e, entry);
  } else {
    const bool hint = pte_protnone(k, pte);
    entry.state = hint ? "protnone" : "page";
    entry.meaning =
        hint ? "a page without rights or a NUMA hint, present to Linux alone" : "a page is mapped";
    name_parts(k, e, pte_flags(k, pte), pte_pfn(k, pte), entry);
  }
  add_predicates({{"pte_none", pte_none(k, pte)},
                  {"pte_present", pte_present(k, pte)},
                  {"pte_protnone", pte_protnone(k, pte), k.has_protnone_names},
                  {"pte_file", file, k.has_page_file},
                  {"is_swap_pte", swapped}},
                 entry);
  if (!pte_present(k, pte)) return entry;
  add_predicates({{"pte_write", pte_write(k, pte)},
                  {"pte_exec", pte_exec(k, pte)},
                  {"pte_dirty", pte_dirty(k, pte)},
                  {"pte_young", pte_young(k, pte)},
                  {"pte_global", pte_global(k, pte)},
                  {"pte_special", pte_special(k, pte)},
                  {"pte_devmap", pte_devmap(k, pte), k.has_devmap},
                  {"pte_soft_dirty", pte_soft_dirty(k, pte), k.has_soft_dirty}},
                 entry);
  return entry;
}

void pmd_state(const Kernel& k, const pmd_t<Word>& pmd, LinuxEntry& entry) {
  const bool large = pmd_large(k, pmd), walked = has(pmd.value, page::PRESENT);
  if (!pmd_bad(k, pmd)) {
    entry.state = "table";
    entry.meaning = "a table of PTEs";
  } else if (large && walked) {
    entry.state = "page";
    entry.meaning = k.has_devmap && pmd_devmap(k, pmd)
                        ? "2 MiB of device memory are mapped"
                        : "a 2-MiB page is mapped: THP, hugetlb or the kernel's";
  } else if (large && pmd_protnone(k, pmd)) {
    entry.state = "protnone";
    entry.meaning = "a 2-MiB page without rights, or a NUMA hint";
  } else if (large) {
    entry.state = "invalidated";
    entry.meaning = "a 2-MiB page taken from the processor, to be split or migrated";
  } else {
    entry.state = "bad";
    entry.meaning = "bad: neither a table nor a 2-MiB page; Linux would clear it and complain";
  }
}

/// A PMD without P, PSE and PROTNONE. No version swaps 2 MiB to a file: such an entry is a THP's or
/// hugetlb's that is being migrated, or hugetlb's that is poisoned; hugetlb's alone before 4.14.
void absent_pmd_state(const Kernel& k, const pmd_t<Word>& pmd, LinuxEntry& entry) {
  const auto swap = pmd_to_swp_entry(k, pmd);
  if (is_migration_entry(k, swap) || swp_type(k, swap) == SWP_HWPOISON(k)) {
    name_swap(k, pmd.value, entry);
    if (!k.has_thp_migration) entry.meaning = "if hugetlb's, " + entry.meaning;
  } else {
    entry.state = "illegal";
    entry.meaning = "no legal state: neither a table nor a page, and no swap entry a PMD can have";
    name_parts(k, pmd.value, pmd_flags(k, pmd), pmd_pfn(k, pmd), entry);
  }
}

LinuxEntry pmd_entry(const Kernel& k, Word e) {
  const pmd_t<Word> pmd{e};
  LinuxEntry entry{.kernel = k.version, .type = "pmd_t"};
  if (pmd_none(k, pmd)) {
    entry.state = "none";
    entry.meaning = "nothing is here";
  } else if (!has(e, page::PRESENT | page::PSE | page::PROTNONE)) {
    absent_pmd_state(k, pmd, entry);
  } else {
    pmd_state(k, pmd, entry);
    name_parts(k, e, pmd_flags(k, pmd), pmd_pfn(k, pmd), entry);
  }
  add_predicates({{"pmd_none", pmd_none(k, pmd)},
                  {"pmd_present", pmd_present(k, pmd)},
                  {"pmd_bad", pmd_bad(k, pmd)},
                  {k.has_leaf_names ? "pmd_leaf" : "pmd_large", pmd_large(k, pmd)},
                  {"pmd_trans_huge", pmd_trans_huge(k, pmd)},
                  {"pmd_devmap", pmd_devmap(k, pmd), k.has_devmap},
                  {"pmd_huge", pmd_huge(k, pmd), !k.huge_is_leaf},
                  {"pmd_protnone", pmd_protnone(k, pmd), k.has_protnone_names},
                  {"is_swap_pmd", is_swap_pmd(k, pmd), k.has_thp_migration}},
                 entry);
  return entry;
}

/// The states of the levels above, from what their predicates answer.
void upper_state(bool none, bool present, bool bad, bool large, std::string_view below,
                 LinuxEntry& entry) {
  if (none) {
    entry.state = "none";
    entry.meaning = "nothing is here";
  } else if (large) {
    entry.state = "page";
    entry.meaning = "a 1-GiB page is mapped: hugetlb or the kernel's";
  } else if (bad) {
    entry.state = "bad";
    entry.meaning = "bad: no table; Linux would clear it and complain";
  } else {
    entry.state = present ? "table" : "not-present";
    entry.meaning = present ? fmt::format("a table of {}s", below)
                            : fmt::format("not present, and yet passes for a good table");
  }
}

LinuxEntry pud_entry(const Kernel& k, Word e) {
  const pud_t<Word> pud{e};
  LinuxEntry entry{.kernel = k.version, .type = "pud_t"};
  add_predicates({{"pud_none", pud_none(k, pud)},
                  {"pud_present", pud_present(k, pud)},
                  {"pud_bad", pud_bad(k, pud)},
                  {k.has_leaf_names ? "pud_leaf" : "pud_large", pud_large(k, pud)},
                  {"pud_devmap", pud_devmap(k, pud), k.has_pud_devmap},
                  {"pud_huge", pud_huge(k, pud), !k.huge_is_leaf}},
                 entry);
  const bool leaf = pud_large(k, pud) && pud_present(k, pud);
  upper_state(pud_none(k, pud), pud_present(k, pud), pud_bad(k, pud), leaf, "PMD", entry);
  if (!pud_none(k, pud)) name_parts(k, e, pud_flags(k, pud), pud_pfn(k, pud), entry);
  return entry;
}

LinuxEntry p4d_entry(const Kernel& k, Word e) {
  const p4d_t<Word> p4d{e};
  LinuxEntry entry{.kernel = k.version, .type = "p4d_t"};
  entry.predicates = {{"p4d_none", p4d_none(k, p4d)},
                      {"p4d_present", p4d_present(k, p4d)},
                      {"p4d_bad", p4d_bad(k, p4d)}};
  upper_state(p4d_none(k, p4d), p4d_present(k, p4d), p4d_bad(k, p4d), false, "PUD", entry);
  if (!p4d_none(k, p4d)) {
    name_parts(k, e, p4d_flags(k, p4d), p4d_pfn(k, p4d), entry);
    entry.inverted = false;
  }
  return entry;
}

LinuxEntry pgd_entry(const Kernel& k, Word e) {
  const pgd_t<Word> pgd{e};
  LinuxEntry entry{.kernel = k.version, .type = "pgd_t"};
  entry.predicates = {{"pgd_none", pgd_none(k, pgd)},
                      {"pgd_present", pgd_present(k, pgd)},
                      {"pgd_bad", pgd_bad(k, pgd)}};
  upper_state(pgd_none(k, pgd), pgd_present(k, pgd), pgd_bad(k, pgd), false,
              k.config.levels == 5 ? "P4D" : "PUD", entry);
  if (!pgd_none(k, pgd)) {
    name_parts(k, e, pgd_flags(k, pgd), pgd_pfn(k, pgd), entry);
    entry.inverted = false;
  }
  return entry;
}

std::string joined(const std::vector<std::string>& words) {
  return words.empty() ? "none" : fmt::format("{}", fmt::join(words, " "));
}

}  // namespace

LinuxEntry linux_entry(Word e, int level, const Version& version) {
  const Kernel k = kernel(version, {.levels = level == 5 ? 5 : 4});
  switch (level) {
    case 1: return pte_entry(k, e);
    case 2: return pmd_entry(k, e);
    case 3: return pud_entry(k, e);
    case 4: return k.has_p4d ? p4d_entry(k, e) : pgd_entry(k, e);
    default: break;
  }
  if (k.config.levels != 5)
    throw InputError(
        fmt::format("--level 5: Linux {} has four levels; expected --kernel 4.14 or "
                    "later",
                    text(version)));
  return pgd_entry(k, e);
}

std::string text_form(const LinuxEntry& entry) {
  constexpr std::size_t column = 15;
  const Style style = Style::of_stdout();
  const auto row = [](std::string_view name, const std::string& value) {
    return fmt::format("  {:<13}{}\n", name, wrapped(value, column));
  };
  std::string out =
      fmt::format("\nto {}, a {}: {}\n", style.bold(fmt::format("Linux {}", text(entry.kernel))),
                  style.bold(std::string(entry.type)), entry.meaning);
  out += row("flags", joined(entry.flags));
  if (entry.pfn)
    out += row("pfn", hex(*entry.pfn) + (entry.inverted ? ", stored inverted against L1TF" : ""));
  if (entry.swap)
    out +=
        row("swap", fmt::format("type {}, offset {}", entry.swap->type, hex(entry.swap->offset)));
  std::vector<std::string> yes, no;
  for (const auto& [name, value] : entry.predicates) (value ? yes : no).push_back(name);
  out += row("true", joined(yes));
  out += row("false", joined(no));
  return out;
}

nlohmann::ordered_json json_form(const LinuxEntry& entry) {
  nlohmann::ordered_json j{{"kernel", text(entry.kernel)},
                           {"type", entry.type},
                           {"state", entry.state},
                           {"meaning", entry.meaning},
                           {"flags", entry.flags}};
  if (entry.pfn) {
    j["pfn"] = hex(*entry.pfn);
    j["inverted"] = entry.inverted;
  }
  if (entry.swap)
    j["swap"] = {{"type", hex(entry.swap->type)}, {"offset", hex(entry.swap->offset)}};
  j["predicates"] = nlohmann::ordered_json::object();
  for (const auto& [name, value] : entry.predicates) j["predicates"][name] = value;
  return j;
}

}  // namespace mmuref::cli
