// Which registers an image is walked with, and where each came from.
#pragma once

#include <array>
#include <string>

#include "image/image.h"

namespace mmuref::image {

/// From QEMU's note of processor `given.cpu` where there is one. No note holds EFER, PKRU or
/// IA32_PKRS: an ELF64 core is of a processor in long mode, and NXE=1 and keys that deny nothing
/// are assumed. A core without QEMU notes (kdump's) needs CR3 given; VMCOREINFO says whether
/// 5-level paging is on. Throws Error, naming `name`.
std::array<SourcedRegister, 6> core_registers(const Core& core, const Given& given,
                                              const std::string& name);

/// CR3, CR4 and EFER must be given; CR0 is assumed to have PE, WP and PG set.
std::array<SourcedRegister, 6> raw_registers(const Given& given, const std::string& name);

}  // namespace mmuref::image
