// mmuref va, mmuref pa: Linux's __va and __pa, worked out step by step.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "cli/linux_options.h"
#include "cli/numbers.h"
#include "cli/terminal.h"

namespace mmuref::cli {
namespace {

using Address = std::uint64_t;
using Space = lnx::AddressSpace<Address>;
using Checked = lnx::CheckedAddress<Address>;
using nlohmann::ordered_json;

struct Options {
  LinuxOptions linux_;
  std::string address;
  bool json = false;
};

/// What an argument and the options come to.
struct Question {
  lnx::Kernel k;
  Space s;
  Address address;

  bool knows_regions;

  /// "" for a version whose layout is not known.
  std::string_view region(Address x) const {
    if (!knows_regions) return "";
    return lnx::text(static_cast<lnx::Region>(lnx::region_of(lnx::layout(k, s), x))).name;
  }
};

Question question(const Options& o, const char* name) {
  const lnx::Kernel k = o.linux_.kernel();
  return {k, o.linux_.address_space(k), hexadecimal(o.address, name), o.linux_.knows_regions()};
}

/// "Linux 6.12, 4-level paging, RANDOMIZE_BASE, in vmalloc".
std::string place(const Options& o, const Question& q, Address x) {
  const std::string_view region = q.region(x);
  return title(o.linux_, q.k) + (region.empty() ? "" : fmt::format(", in {}", region));
}

/// Every frame exists: what virt_addr_valid says if memory is there.
struct AllSections {
  bool has_mem_map(Address) const { return true; }
  bool early(Address) const { return true; }
  bool has_subsection(Address, Address) const { return true; }
};

/// A sum or difference, written one above the other.
std::string sum(const char* a_name, Address a, char sign, const char* b_name, Address b,
                const std::string& remark) {
  const Address result = sign == '+' ? a + b : a - b;
  return fmt::format("    {:<20} {}\n  {} {:<20} {}\n  = {:<20} {}{}\n", a_name, address_text(a),
                     sign, b_name, address_text(b), "", address_text(result),
                     remark.empty() ? "" : "  " + remark);
}

std::string carry_text(Address a, Address b) {
  return a + b < a ? "carried out of bit 63, which is lost" : "no carry out of bit 63";
}

std::string_view check(const Checked& c) {
  if (c.beyond_image) return "beyond KERNEL_IMAGE_SIZE";
  if (c.below_page_offset) return "below PAGE_OFFSET";
  return c.too_wide ? "!phys_addr_valid" : "";
}

std::string checked_text(const Checked& c, const Style& style) {
  return c.bug() ? style.red(fmt::format("BUGs: {}", check(c)))
                 : style.green("returns " + hex(c.value));
}

bool would_be_valid(const Question& q) {
  return lnx::virt_addr_valid(q.k, q.s, AllSections{}, q.address).valid;
}

std::string pa_steps(const Question& q) {
  const Address x = q.address, y = x - lnx::START_KERNEL_map;
  const bool image = x > y;
  std::string out = sum("x", x, '-', "__START_KERNEL_map", lnx::START_KERNEL_map,
                        image ? "y: nothing borrowed, so x > y" : "y: wrapped below 0, so x <= y");
  out += fmt::format("\n  {}\n\n", image ? "x > y: the kernel image, phys_base is added"
                                         : "x <= y: the direct map, what lies between "
                                           "PAGE_OFFSET and the image is added");
  if (image)
    return out + sum("y", y, '+', "phys_base", q.s.phys_base, carry_text(y, q.s.phys_base));
  const Address between = lnx::START_KERNEL_map - q.s.page_offset;
  out += sum("__START_KERNEL_map", lnx::START_KERNEL_map, '-', "PAGE_OFFSET", q.s.page_offset, "");
  return out + "\n" + sum("y", y, '+', "that", between, carry_text(y, between));
}

std::string pa_text(const Options& o, const Question& q) {
  const Style style = Style::of_stdout();
  const Address pa = lnx::pa(q.s, q.address);
  std::string out = fmt::format("__pa({}) = {}\n{}\n\n{}\n", hex(q.address), style.bold(hex(pa)),
                                place(o, q, q.address), pa_steps(q));
  const bool valid = would_be_valid(q);
  out += fmt::format("  {:<20} {}\n", "with DEBUG_VIRTUAL",
                     checked_text(lnx::phys_addr(q.k, q.s, q.address), style));
  out += fmt::format("  {:<20} {}\n", "__phys_addr_symbol",
                     checked_text(lnx::phys_addr_symbol(q.k, q.s, q.address), style));
  out += fmt::format(
      "  {:<20} {}\n", "virt_addr_valid",
      valid ? fmt::format("true if frame {} exists", hex(pa >> lnx::PAGE_SHIFT)) : "false");
  if (valid)
    out +=
        fmt::format("  {:<20} {}\n", "virt_to_page", hex(lnx::virt_to_page(q.k, q.s, q.address)));
  const Address back = lnx::va(q.s, pa);
  out += fmt::format("  {:<20} {}{}\n", "__va of it", hex(back),
                     back == q.address ? ", x again" : ", another address than x");
  return out;
}

ordered_json checked_json(const Checked& c) {
  if (!c.bug()) return {{"bug", false}};
  return {{"bug", true}, {"check", check(c)}};
}

ordered_json pa_json(const Question& q) {
  const Address y = q.address - lnx::START_KERNEL_map, pa = lnx::pa(q.s, q.address);
  const bool image = q.address > y;
  ordered_json j{{"va", hex(q.address)},
                 {"pa", hex(pa)},
                 {"branch", image ? "image" : "direct"},
                 {"y", hex(y)},
                 {"added", hex(image ? q.s.phys_base : lnx::START_KERNEL_map - q.s.page_offset)}};
  if (q.knows_regions) j["region"] = q.region(q.address);
  j["phys_addr"] = checked_json(lnx::phys_addr(q.k, q.s, q.address));
  j["phys_addr_symbol"] = checked_json(lnx::phys_addr_symbol(q.k, q.s, q.address));
  j["virt_addr_valid"] = would_be_valid(q) ? "if the frame exists" : "false";
  j["va_of_pa"] = hex(lnx::va(q.s, pa));
  return j;
}

int pa(const Options& o) {
  const Question q = question(o, "VA");
  print(o.json ? pa_json(q).dump() + "\n" : pa_text(o, q));
  return good;
}

std::string va_text(const Options& o, const Question& q) {
  const Style style = Style::of_stdout();
  const Address va = lnx::va(q.s, q.address), back = lnx::pa(q.s, va);
  std::string out =
      fmt::format("__va({}) = {}\n{}\n\n{}\n", hex(q.address), style.bold(hex(va)), place(o, q, va),
                  sum("physical address", q.address, '+', "PAGE_OFFSET", q.s.page_offset,
                      carry_text(q.address, q.s.page_offset)));
  const bool valid = lnx::phys_addr_valid(q.s, q.address);
  out += fmt::format("  {:<20} {}\n", "phys_addr_valid",
                     valid ? style.green(fmt::format("true: below 2^{}", q.s.phys_bits))
                           : style.red(fmt::format("false: not below 2^{}", q.s.phys_bits)));
  out += fmt::format("  {:<20} {}{}\n", "__pa of it", hex(back),
                     back == q.address ? ", the same again" : ", another address");
  return out;
}

int va(const Options& o) {
  const Question q = question(o, "PA");
  if (!o.json) {
    print(va_text(o, q));
    return good;
  }
  const Address va = lnx::va(q.s, q.address);
  ordered_json j{{"pa", hex(q.address)}, {"va", hex(va)}, {"page_offset", hex(q.s.page_offset)}};
  if (q.knows_regions) j["region"] = q.region(va);
  j["phys_addr_valid"] = lnx::phys_addr_valid(q.s, q.address);
  j["pa_of_va"] = hex(lnx::pa(q.s, va));
  print(j.dump() + "\n");
  return good;
}

Run add(CLI::App& app, const char* name, const char* about, const char* argument,
        const char* argument_about, const char* example, int (*run)(const Options&)) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(name, about);
  command->add_option(argument, o->address, argument_about)->required()->type_name("HEX");
  o->linux_.add_to(*command);
  o->linux_.add_physical(*command);
  command->add_flag("--json", o->json, "One JSON object");
  command->footer(std::string("Example: ") + example);
  return [o, run] { return run(*o); };
}

}  // namespace

Run add_va(CLI::App& app) {
  return add(app, "va", "Linux's virtual address of a physical one (__va)", "PA",
             "The physical address", "mmuref va fee00000 --kernel 4.6", va);
}

Run add_pa(CLI::App& app) {
  return add(app, "pa", "Linux's physical address of a virtual one (__pa)", "VA",
             "The virtual address", "mmuref pa ffffffff81000000 --phys-base 1c00000", pa);
}

}  // namespace mmuref::cli
