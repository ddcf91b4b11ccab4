#include "cli/image_options.h"

#include "cli/command.h"
#include "cli/numbers.h"
#include "image/error.h"

namespace mmuref::cli {

void ProcessorOptions::add_to(CLI::App& app) {
  add_number(app, "--maxphyaddr", cpu.maxphyaddr, "Width of physical addresses in bits")
      ->check(CLI::Range(x86::min_maxphyaddr, x86::max_maxphyaddr))
      ->capture_default_str()
      ->type_name("BITS");
  app.add_option_function<std::string>(
         "--vendor", [this](const std::string& vendor) { cpu.amd = vendor == "amd"; },
         "Whose reserved bits: intel or amd")
      ->check(CLI::IsMember({"intel", "amd"}))
      ->default_str("intel")
      ->type_name("NAME");
  app.add_flag_callback(
      "--no-1g", [this] { cpu.page1gb = false; }, "The processor does not enumerate 1-GByte pages");
}

void ImageOptions::add_to(CLI::App& app) {
  app.add_option("IMAGE", path, "An ELF64 core (QEMU's, kdump's), or a raw image")
      ->required()
      ->type_name("");
  add_hexadecimal(app, "--cr0", given.cr0, "CR0, instead of the image's");
  add_hexadecimal(app, "--cr3", given.cr3, "CR3, instead of the image's; kdump's and raw need it");
  add_hexadecimal(app, "--cr4", given.cr4, "CR4, instead of the image's; a raw image needs it");
  add_hexadecimal(app, "--efer", given.efer, "EFER, 0xd00 in a core; a raw image needs it");
  add_hexadecimal(app, "--pkru", given.pkru, "PKRU, 0 if not given", 32);
  add_hexadecimal(app, "--pkrs", given.pkrs, "IA32_PKRS, 0 if not given", 32);
  add_number(app, "--cpu", given.cpu, "The processor whose notes to read")
      ->check(CLI::Range(0U, 65535U))
      ->capture_default_str()
      ->type_name("N");
  processor.add_to(app);
}

image::Image ImageOptions::open() const {
  try {
    return image::Image::open(path, given);
  } catch (const image::Error& e) {
    throw InputError(e.what());
  }
}

}  // namespace mmuref::cli
