// mmuref layout: what lies where in a Linux address space.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/linux_options.h"
#include "cli/numbers.h"
#include "cli/terminal.h"

namespace mmuref::cli {
namespace {

using Address = std::uint64_t;
using Row = lnx::Row<Address>;
using nlohmann::ordered_json;

struct Options {
  LinuxOptions linux_;
  std::string address;
  bool json = false;
};

/// "64 TiB": the largest unit that the size is a multiple of, or half of one.
std::string size_text(const Row& row) {
  const Address size = row.end - row.start + 1;
  if (size == 0) return "16 EiB";
  constexpr std::string_view units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  std::size_t unit = 0;
  while (unit + 1 < std::size(units) && size % bit(static_cast<unsigned>(10 * unit + 9)) == 0 &&
         size >= bit(static_cast<unsigned>(10 * unit + 10)))
    ++unit;
  while (unit > 0 && size % bit(static_cast<unsigned>(10 * unit - 1)) != 0) --unit;
  const double value =
      static_cast<double>(size) / static_cast<double>(bit(static_cast<unsigned>(10 * unit)));
  return fmt::format("{} {}", value, units[unit]);
}

std::string row_text(const lnx::Kernel& k, const Row& row, const Style& style) {
  const auto [name, purpose] = lnx::text(row.region, k);
  const bool unused = row.region == lnx::Region::hole || row.region == lnx::Region::non_canonical;
  const std::string line = fmt::format("  {}  {}  {:>12}  {:<14}  ", address_text(row.start),
                                       address_text(row.end), size_text(row), name);
  const std::string about = lnx::has_variable(k, row.base)
                                ? fmt::format("{} [{}]", purpose, lnx::text(row.base))
                                : std::string(purpose);
  return (unused ? style.dim(line + about) : style.bold(line) + about) + "\n";
}

ordered_json row_json(const lnx::Kernel& k, const Row& row) {
  const auto [name, purpose] = lnx::text(row.region, k);
  ordered_json j{
      {"start", hex(row.start)}, {"end", hex(row.end)}, {"name", name}, {"purpose", purpose}};
  if (lnx::has_variable(k, row.base)) j["base"] = lnx::text(row.base);
  return j;
}

std::string table_text(const std::string& heading, const lnx::Kernel& k,
                       const lnx::Layout<Address>& layout) {
  const Style style = Style::of_stdout();
  std::string out = style.bold(heading) + "\n\n";
  for (int i = 0; i < layout.count; ++i)
    if (!layout.rows[i].empty()) out += row_text(k, layout.rows[i], style);
  std::string notes;
  for (const lnx::DocumentError& e : lnx::document_errors) {
    if (!lnx::concerns(e, k)) continue;
    notes += "  " + wrapped(fmt::format("{}: {}", e.printed, e.actual), 2) + "\n";
  }
  if (!notes.empty())
    out += "\n" + style.yellow("The kernel's own document differs:") + "\n" + notes;
  return out;
}

ordered_json table_json(const LinuxOptions& o, const lnx::Kernel& k,
                        const lnx::Layout<Address>& layout) {
  ordered_json j{{"kernel", o.version}, {"levels", k.config.levels}};
  j["rows"] = ordered_json::array();
  for (int i = 0; i < layout.count; ++i)
    if (!layout.rows[i].empty()) j["rows"].push_back(row_json(k, layout.rows[i]));
  j["document_errors"] = ordered_json::array();
  for (const lnx::DocumentError& e : lnx::document_errors) {
    if (lnx::concerns(e, k))
      j["document_errors"].push_back({{"printed", e.printed}, {"actual", e.actual}});
  }
  return j;
}

void print_row(const Options& o, const lnx::Kernel& k, const Row& row, Address address) {
  if (o.json) {
    ordered_json j{{"address", hex(address)}};
    j.update(row_json(k, row));
    j["offset"] = hex(address - row.start);
    return print(j.dump() + "\n");
  }
  const Style style = Style::of_stdout();
  print(fmt::format("{} is in {} of {}\n\n{}\n  {} bytes from its start\n",
                    style.bold(address_text(address)), style.bold(lnx::text(row.region).name),
                    title(o.linux_, k), row_text(k, row, style), hex(address - row.start)));
}

int layout(const Options& o) {
  const lnx::Kernel k = o.linux_.kernel();
  const auto rows = lnx::layout(k, o.linux_.address_space(k));
  if (!o.address.empty()) {
    const Address address = hexadecimal(o.address, "ADDR");
    print_row(o, k, rows.rows[lnx::row_of(rows, address)], address);
  } else {
    print(o.json ? table_json(o.linux_, k, rows).dump() + "\n"
                 : table_text(title(o.linux_, k), k, rows));
  }
  return good;
}

}  // namespace

Run add_layout(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("layout", "What lies where in a Linux address space");
  command->add_option("ADDR", o->address, "Say only in which region this address is")
      ->type_name("HEX");
  o->linux_.whole_layout = true;
  o->linux_.add_to(*command);
  command->add_flag("--json", o->json, "One JSON object");
  command->footer("Example: mmuref layout --kernel 6.1 ffffea0000040000");
  return [o] { return layout(*o); };
}

}  // namespace mmuref::cli
