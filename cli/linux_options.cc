#include "cli/linux_options.h"

#include <fmt/format.h>

#include <utility>

#include "cli/command.h"
#include "cli/kernel_version.h"
#include "cli/numbers.h"
#include "model/x86/registers.h"

namespace mmuref::cli {
namespace {

/// The LDT's place differs between 4.15 and 4.19; what comes before and after is one layout each.
lnx::Version version_of(const std::string& text) {
  const lnx::Version version = kernel_version(text);
  if (version >= lnx::Version{4, 15} && version < lnx::v4_20) {
    throw InputError(fmt::format(
        "--kernel {}: expected a version up to 4.14 or from 4.20; others have another layout",
        text));
  }
  return version;
}

}  // namespace

void LinuxOptions::add_to(CLI::App& app) {
  app.add_option("--kernel", version, "From 3.2 to 4.14, or from 4.20")
      ->capture_default_str()
      ->type_name("VERSION");
  app.add_flag("--la57", la57, "5-level paging");
  add_hexadecimal(app, "--page-offset-base", page_offset, "Where KASLR put the direct map");
  add_hexadecimal(app, "--vmalloc-base", vmalloc, "Where it put vmalloc");
  add_hexadecimal(app, "--vmemmap-base", vmemmap, "Where it put the array of struct page");
}

void LinuxOptions::add_physical(CLI::App& app) {
  add_hexadecimal(app, "--phys-base", phys_base,
                  "phys_base: physical minus linked address of the image (default 0)");
  app.add_option("--phys-bits", phys_bits, "MAXPHYADDR (default: what the kernel supports)")
      ->check(CLI::Range(x86::min_maxphyaddr, x86::max_maxphyaddr))
      ->type_name("N");
}

lnx::Kernel LinuxOptions::kernel() const {
  const bool moved = page_offset || vmalloc || vmemmap;
  const lnx::Kernel k =
      lnx::kernel(version_of(version), {.levels = la57 ? 5 : 4, .randomize_memory = moved});
  if (la57 && k.config.levels != 5)
    throw InputError(fmt::format("--la57: Linux {} has 4 levels; expected 4.20 or later", version));
  if (moved && !k.config.randomize_memory) {
    throw InputError(fmt::format(
        "--kernel: Linux {} moves no regions; expected 4.20 or later with bases", version));
  }
  return k;
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
  return fmt::format("Linux {}, {}-level paging", options.version, k.config.levels);
}

std::string address_text(std::uint64_t address) {
  return fmt::format("{:016x}", address);
}

}  // namespace mmuref::cli
