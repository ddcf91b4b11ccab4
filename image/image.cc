#include "image/image.h"

#include <fmt/format.h>

#include <utility>

#include "image/error.h"
#include "image/registers.h"

namespace mmuref::image {
namespace {

bool starts_with(std::span<const std::byte> bytes, std::string_view magic) {
  const std::string_view text{reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  return text.starts_with(magic);
}

}  // namespace

Image Image::core(std::span<const std::byte> bytes, const std::string& name, const Given& given) {
  Core core = parse_core(bytes, name);
  const auto sources = core_registers(core, given, name);
  Image image{std::move(core.segments)};
  image.format_ = Format::elf_core;
  if (given.cpu < core.cpus.size()) image.cpu_ = core.cpus[given.cpu];
  image.set_registers(sources, name);
  return image;
}

Image Image::raw(std::span<const std::byte> bytes, const std::string& name, const Given& given) {
  const auto sources = raw_registers(given, name);
  if (bytes.size() > bit(x86::max_maxphyaddr)) {
    throw Error(fmt::format("{}: {:#x} bytes; expected at most 2^{} of physical memory", name,
                            bytes.size(), x86::max_maxphyaddr));
  }
  Image image{{Segment{0, bytes.size(), bytes.data()}}};
  image.set_registers(sources, name);
  return image;
}

Image Image::view(std::span<const std::byte> bytes, const std::string& name, const Given& given) {
  if (bytes.empty()) {
    throw Error(fmt::format("{}: is empty; expected an ELF core or a raw image", name));
  }
  if (is_elf(bytes)) return core(bytes, name, given);
  if (starts_with(bytes, "KDUMP   ") || starts_with(bytes, "DISKDUMP") ||
      starts_with(bytes, "makedumpfile")) {
    throw Error(fmt::format(
        "{}: is a kdump-compressed or flattened dump; expected an ELF core (makedumpfile -E or -R, "
        "or dump-guest-memory without -z, makes one)",
        name));
  }
  return raw(bytes, name, given);
}

Image Image::open(const std::string& path, const Given& given) {
  MappedFile file{path};
  Image image = view(file.bytes(), path, given);
  image.file_ = std::move(file);
  return image;
}

void Image::set_registers(const std::array<SourcedRegister, 6>& sources, const std::string& name) {
  sources_ = sources;
  registers_ = {.cr0 = sources[0].value,
                .cr3 = sources[1].value,
                .cr4 = sources[2].value,
                .efer = sources[3].value,
                .pkru = sources[4].value,
                .pkrs = sources[5].value};
  if (!x86::ia32e_paging(registers_)) {
    throw Error(fmt::format(
        "{}: CR0 {:#x}, CR4 {:#x}, EFER {:#x}; expected 4- or 5-level paging: CR0.PE, CR0.PG, "
        "CR4.PAE and EFER.LME set",
        name, registers_.cr0, registers_.cr4, registers_.efer));
  }
}

}  // namespace mmuref::image
