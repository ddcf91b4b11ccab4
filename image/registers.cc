#include "image/registers.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "image/error.h"

namespace mmuref::image {
namespace {

constexpr Word running_cr0 = x86::cr0::PE | x86::cr0::WP | x86::cr0::PG;
constexpr Word running_efer = x86::efer::LME | x86::efer::LMA | x86::efer::NXE;

SourcedRegister pick(std::string_view name, const std::optional<Word>& given, Word otherwise,
                     Source source) {
  return given ? SourcedRegister{name, *given, Source::given}
               : SourcedRegister{name, otherwise, source};
}

std::array<SourcedRegister, 6> assemble(const Given& given, const ControlRegisters& control,
                                        Source source) {
  return {pick("cr0", given.cr0, control.cr0, source),
          pick("cr3", given.cr3, control.cr3, source),
          pick("cr4", given.cr4, control.cr4, source),
          pick("efer", given.efer, running_efer, Source::assumed),
          pick("pkru", given.pkru, 0, Source::assumed),
          pick("pkrs", given.pkrs, 0, Source::assumed)};
}

std::optional<Word> number(std::optional<std::string_view> text, int base) {
  if (!text) return std::nullopt;
  std::uint64_t magnitude = 0;
  const bool negative = base == 10 && text->starts_with('-');
  if (negative) text->remove_prefix(1);
  const auto [end, error] =
      std::from_chars(text->data(), text->data() + text->size(), magnitude, base);
  if (error != std::errc{} || end != text->data() + text->size()) return std::nullopt;
  return negative ? 0 - magnitude : magnitude;
}

/// Where Linux keeps the tables of init, as kdump's note places them: a CR3 to suggest.
std::string suggested_cr3(std::string_view vmcoreinfo) {
  constexpr Word start_kernel_map = 0xffffffff80000000;
  auto symbol = number(vmcoreinfo_value(vmcoreinfo, "SYMBOL(init_top_pgt)"), 16);
  if (!symbol) symbol = number(vmcoreinfo_value(vmcoreinfo, "SYMBOL(swapper_pg_dir)"), 16);
  const auto phys_base = number(vmcoreinfo_value(vmcoreinfo, "NUMBER(phys_base)"), 10);
  if (!symbol || !phys_base) return "";
  return fmt::format(" (VMCOREINFO puts the kernel's own tables at {:#x})",
                     *symbol - start_kernel_map + *phys_base);
}

}  // namespace

std::array<SourcedRegister, 6> core_registers(const Core& core, const Given& given,
                                              const std::string& name) {
  const std::size_t cpus = std::max(core.cpus.size(), core.control.size());
  if (given.cpu != 0 && given.cpu >= cpus) {
    throw Error(fmt::format("{}: --cpu {}; expected below {}, the number of processors with notes",
                            name, given.cpu, cpus));
  }
  if (given.cpu < core.control.size()) {
    return assemble(given, core.control[given.cpu], Source::note);
  }
  if (!given.cr3) {
    throw Error(fmt::format("{}: no note holds control registers; expected --cr3{}", name,
                            suggested_cr3(core.vmcoreinfo)));
  }
  const bool five_levels =
      vmcoreinfo_value(core.vmcoreinfo, "NUMBER(pgtable_l5_enabled)").value_or("0") != "0";
  const Word cr4 = x86::cr4::PAE | (five_levels ? x86::cr4::LA57 : 0);
  return assemble(given, {.cr0 = running_cr0, .cr4 = cr4}, Source::assumed);
}

std::array<SourcedRegister, 6> raw_registers(const Given& given, const std::string& name) {
  if (!given.cr3 || !given.cr4 || !given.efer) {
    throw Error(fmt::format(
        "{}: is no ELF core, and a raw image holds no registers; expected --cr3, --cr4 and --efer",
        name));
  }
  return assemble(given, {.cr0 = running_cr0}, Source::assumed);
}

}  // namespace mmuref::image
