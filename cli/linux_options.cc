#include "cli/linux_options.h"

#include <fmt/format.h>

#include <utility>

#include "cli/command.h"
#include "cli/kernel_version.h"
#include "cli/numbers.h"
#include "model/x86/registers.h"

namespace mmuref::cli {
namespace {

constexpr lnx::Version first_with_five_levels{4, 14}, first_that_moves_regions{4, 8},
    first_that_moves_vmemmap{4, 10};

/// Whether layouts have all rows of `version`: from 4.12 to 4.14 MODULES_END follows the fixmap
/// (f06bdd4001c2), from 4.15 to 4.19 the LDT lies elsewhere.
bool has_layout(const lnx::Version& version) {
  return version < lnx::Version{4, 12} || version >= lnx::v4_20;
}

}  // namespace

void LinuxOptions::add_to(CLI::App& app) {
  app.add_option("--kernel", version,
                 whole_layout ? "From 3.2 to 4.11, or from 4.20 to 6.12" : "From 3.2 to 6.12")
      ->capture_default_str()
      ->type_name("VERSION");
  app.add_flag("--la57", la57, "5-level paging");
  app.add_flag("--no-randomize-base", no_randomize_base,
               "Built without CONFIG_RANDOMIZE_BASE: an image of 512 MiB, not 1 GiB");
  add_hexadecimal(app, "--page-offset-base", page_offset, "Where KASLR put the direct map");
  add_hexadecimal(app, "--vmalloc-base", vmalloc, "Where it put vmalloc");
  add_hexadecimal(app, "--vmemmap-base", vmemmap, "Where it put the array of struct page");
}

void LinuxOptions::add_physical(CLI::App& app) {
  add_hexadecimal(app, "--phys-base", phys_base,
                  "phys_base: physical minus linked address of the image (default 0)");
  add_number(app, "--phys-bits", phys_bits, "MAXPHYADDR (default: what the kernel supports)")
      ->check(CLI::Range(x86::min_maxphyaddr, x86::max_maxphyaddr))
      ->type_name("N");
}

lnx::Kernel LinuxOptions::kernel() const {
  const bool moved = page_offset || vmalloc || vmemmap;
  const lnx::Version v = kernel_version(version);
  const lnx::Version five = whole_layout ? lnx::v4_20 : first_with_five_levels;
  if (la57 && v < first_with_five_levels) {
    throw InputError(
        fmt::format("--la57: Linux {} has 4 levels; expected {} or later", version, text(five)));
  }
  if (moved && v < first_that_moves_regions) {
    throw InputError(
        fmt::format("--kernel: Linux {} moves no regions; expected {} or later with bases", version,
                    text(first_that_moves_regions)));
  }
  if (vmemmap && v < first_that_moves_vmemmap) {
    throw InputError(fmt::format("--vmemmap-base: Linux {} moves no vmemmap; expected {} or later",
                                 version, text(first_that_moves_vmemmap)));
  }
  if (moved && no_randomize_base) {
    throw InputError(
        "--no-randomize-base: expected no bases: without RANDOMIZE_BASE no region is moved");
  }
  if (whole_layout && !has_layout(v)) {
    throw InputError(
        fmt::format("--kernel {}: expected a version up to 4.11 or from 4.20", version));
  }
  return lnx::kernel(
      v, {.levels = la57 ? 5 : 4, .randomize_base = !no_randomize_base, .randomize_memory = moved});
}

bool LinuxOptions::knows_regions() const {
  return has_layout(kernel_version(version));
}

lnx::AddressSpace<std::uint64_t> LinuxOptions::address_space(const lnx::Kernel& k) const {
  auto s = lnx::default_address_space<std::uint64_t>(k);
  s.page_offset = page_offset.value_or(s.page_offset);
  s.vmalloc = vmalloc.value_or(s.vmalloc);
  s.vmemmap = vmemmap.value_or(s.vmemmap);
  s.phys_base = phys_base.value_or(0);
  s.phys_bits = phys_bits.value_or(k.max_physmem_bits);
  const std::pair<const char*, std::uint64_t> bases[] = {{"--page-offset-base", s.page_offset},
                                                         {"--vmalloc-base", s.vmalloc},
                                                         {"--vmemmap-base", s.vmemmap}};
  for (const auto& [flag, base] : bases) {
    if (base % lnx::PUD_SIZE != 0)
      throw InputError(fmt::format("{}: {}; expected a multiple of 1 GiB", flag, hex(base)));
  }
  if (s.phys_base % lnx::PMD_SIZE != 0) {
    throw InputError(
        fmt::format("--phys-base: {}; expected a multiple of 2 MiB", hex(s.phys_base)));
  }
  if (!lnx::bases_in_order(k, s)) {
    throw InputError(fmt::format(
        "--page-offset-base {}, --vmalloc-base {}, --vmemmap-base {}: expected ascending, from {} "
        "and below {}",
        hex(s.page_offset), hex(s.vmalloc), hex(s.vmemmap), hex(lnx::movable_start(k)),
        hex(lnx::fixed_start(k))));
  }
  return s;
}

std::string title(const LinuxOptions& options, const lnx::Kernel& k) {
  const char* base = k.config.randomize_base     ? ", RANDOMIZE_BASE"
                     : options.no_randomize_base ? ", no RANDOMIZE_BASE"
                                                 : "";
  return fmt::format("Linux {}, {}-level paging{}", options.version, k.config.levels, base);
}

std::string address_text(std::uint64_t address) {
  return fmt::format("{:016x}", address);
}

}  // namespace mmuref::cli
