// A physical-memory image and the registers to walk it with.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "image/elf_core.h"
#include "image/mapped_file.h"
#include "image/memory.h"
#include "model/x86/registers.h"

namespace mmuref::image {

/// What the user says of the registers; it takes precedence over what the image says. A raw image
/// holds none, so that CR3, CR4 and EFER must be given.
struct Given {
  std::optional<Word> cr0, cr3, cr4, efer, pkru, pkrs;
  unsigned cpu = 0;  ///< whose notes to read
};

enum class Source : unsigned char {
  given,    ///< by the user
  note,     ///< in a note of the image
  assumed,  ///< in neither: what a running 64-bit system has
};

struct SourcedRegister {
  std::string_view name;  ///< "cr0" … "pkrs"
  Word value = 0;
  Source source = Source::assumed;
};

enum class Format : unsigned char { elf_core, raw };

/// Satisfies x86::PhysicalMemory; absent memory reads 0.
class Image {
 public:
  /// Maps the file at `path`. Throws Error for one that is cut short, lies, or lacks a register
  /// that is not given.
  static Image open(const std::string& path, const Given& given = {});

  /// The same for bytes that outlive the image; errors call them `name`.
  static Image view(std::span<const std::byte> bytes, const std::string& name,
                    const Given& given = {});

  Word read(Word address) const { return memory_.read(address); }
  bool present(Word address) const { return memory_.present(address); }
  const Memory& memory() const { return memory_; }

  Format format() const { return format_; }
  const x86::Registers<Word>& registers() const { return registers_; }
  /// Where each register came from: CR0, CR3, CR4, EFER, PKRU, PKRS.
  const std::array<SourcedRegister, 6>& sources() const { return sources_; }
  /// Where the processor stopped, when a note says.
  const std::optional<Cpu>& cpu() const { return cpu_; }

 private:
  explicit Image(std::vector<Segment> segments) : memory_(std::move(segments)) {}
  static Image core(std::span<const std::byte> bytes, const std::string& name, const Given& given);
  static Image raw(std::span<const std::byte> bytes, const std::string& name, const Given& given);
  void set_registers(const std::array<SourcedRegister, 6>& sources, const std::string& name);

  MappedFile file_;
  Memory memory_;
  Format format_ = Format::raw;
  x86::Registers<Word> registers_;
  std::array<SourcedRegister, 6> sources_;
  std::optional<Cpu> cpu_;
};

}  // namespace mmuref::image
