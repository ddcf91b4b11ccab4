#include "image/notes.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "image/error.h"

namespace mmuref::image {
namespace {

/// One note, within the file's bytes.
struct Note {
  std::string_view owner;
  std::uint32_t type = 0;
  std::span<const std::byte> description;
  Word offset = 0;  ///< of the note in the file
};

template <class T>
T at(std::span<const std::byte> bytes, Word offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

[[noreturn]] void fail(const std::string& name, Word offset, const std::string& text) {
  throw Error(fmt::format("{}: note at offset {:#x}: {}", name, offset, text));
}

constexpr Word padded(Word size) {
  return (size + 3) & ~Word{3};
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// NT_PRSTATUS: `struct elf_prstatus` of x86-64. pr_reg begins at byte 112, in the order of
/// `struct user_regs_struct`.
void add_prstatus(const Note& note, const std::string& name, Core& core) {
  constexpr Word size = 336, registers = 112;
  constexpr Word rip = registers + 16 * 8, cs = registers + 17 * 8;
  if (note.description.size() < size) {
    fail(name, note.offset,
         fmt::format("NT_PRSTATUS of {} bytes; expected {}", note.description.size(), size));
  }
  core.cpus.push_back({.rip = at<Word>(note.description, rip),
                       .cpl = static_cast<unsigned>(at<Word>(note.description, cs) & 3)});
}

/// QEMUCPUState, version 1: version, size, 18 general registers, 10 segments of 24 bytes, CR0-CR4.
void add_qemu(const Note& note, const std::string& name, Core& core) {
  constexpr Word control = 8 + 18 * 8 + 10 * 24, size = control + 5 * 8;
  if (note.description.size() < size) {
    fail(name, note.offset,
         fmt::format("QEMU CPU state of {} bytes; expected at least {}", note.description.size(),
                     size));
  }
  const auto version = at<std::uint32_t>(note.description, 0);
  if (version != 1) {
    fail(name, note.offset, fmt::format("QEMU CPU state version {}; expected 1", version));
  }
  const auto cr = [&](Word n) { return at<Word>(note.description, control + n * 8); };
  core.control.push_back({.cr0 = cr(0), .cr3 = cr(3), .cr4 = cr(4)});
}

void add(const Note& note, const std::string& name, Core& core) {
  if (note.owner == "CORE" && note.type == NT_PRSTATUS) {
    add_prstatus(note, name, core);
  } else if (note.owner == "QEMU" && note.type == 0) {
    add_qemu(note, name, core);
  } else if (note.owner == "VMCOREINFO") {
    core.vmcoreinfo = text_of(note.description);
  }
}

}  // namespace

void parse_notes(const NoteSegment& segment, const std::string& name, Core& core) {
  Word at_byte = 0;
  while (at_byte < segment.bytes.size()) {
    const auto rest = segment.bytes.subspan(at_byte);
    const Word offset = segment.offset + at_byte;
    if (rest.size() < sizeof(Elf64_Nhdr)) {
      // Writers round the segment up.
      if (std::all_of(rest.begin(), rest.end(), [](std::byte b) { return b == std::byte{0}; })) {
        return;
      }
      fail(name, offset, fmt::format("{} bytes are left; expected a note header", rest.size()));
    }
    const auto h = at<Elf64_Nhdr>(rest, 0);
    const Word description = sizeof h + padded(h.n_namesz);
    if (description + h.n_descsz > rest.size()) {
      fail(name, offset,
           fmt::format("a name of {:#x} and a description of {:#x} bytes; expected to end with "
                       "program header {}, {:#x} bytes on",
                       h.n_namesz, h.n_descsz, segment.index, rest.size()));
    }
    std::string_view owner = text_of(rest.subspan(sizeof h, h.n_namesz));
    owner = owner.substr(0, owner.find('\0'));
    add({owner, h.n_type, rest.subspan(description, h.n_descsz), offset}, name, core);
    at_byte += description + padded(h.n_descsz);
  }
}

std::optional<std::string_view> vmcoreinfo_value(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.starts_with(key) && line.substr(key.size()).starts_with('=')) {
      return line.substr(key.size() + 1);
    }
  }
  return std::nullopt;
}

}  // namespace mmuref::image
