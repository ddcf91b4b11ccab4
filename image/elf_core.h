// An ELF64 x86-64 core of a whole machine: what QEMU's dump-guest-memory and kdump write.
//
// System V ABI, "ELF Header", "Program Header" and "Note Section"; elf(5) for PN_XNUM, 65,535 program
// headers and more. The QEMU note is its QEMUCPUState, version 1.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "image/memory.h"

namespace mmuref::image {

/// What a core says of one processor: NT_PRSTATUS gives where it stopped, QEMU's note its control
/// registers.
struct Cpu {
  Word rip = 0;
  unsigned cpl = 0;
};
struct ControlRegisters {
  Word cr0 = 0, cr3 = 0, cr4 = 0;
};

struct Core {
  std::vector<Segment> segments;          ///< as Memory wants them
  std::vector<Cpu> cpus;                  ///< one for each NT_PRSTATUS note
  std::vector<ControlRegisters> control;  ///< one for each QEMU note; none from kdump
  std::string_view vmcoreinfo;            ///< the text of kdump's VMCOREINFO note, or empty
};

/// Whether the bytes begin with the ELF magic number.
bool is_elf(std::span<const std::byte> file);

/// Throws Error, naming `name`, unless everything that is used is right. Segments that describe the
/// same physical memory twice (kdump does so for the kernel's text) must hold the same bytes there.
/// What lies between p_filesz and p_memsz was not dumped: it is absent.
Core parse_core(std::span<const std::byte> file, const std::string& name);

/// The value of `key` in VMCOREINFO's lines "KEY=VALUE".
std::optional<std::string_view> vmcoreinfo_value(std::string_view text, std::string_view key);

}  // namespace mmuref::image
