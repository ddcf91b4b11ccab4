#include "image/elf_core.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "image/disjoint.h"
#include "image/error.h"
#include "image/notes.h"

namespace mmuref::image {
namespace {

/// The core being read, for checks that name it.
struct File {
  std::span<const std::byte> bytes;
  const std::string& name;

  Word size() const { return bytes.size(); }
  bool holds(Word offset, Word length) const {
    return offset <= size() && length <= size() - offset;
  }

  /// The caller has checked that the file holds it.
  template <class T>
  T at(Word offset) const {
    T value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
  }

  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> text, Args&&... args) const {
    throw Error(name + ": " + fmt::format(text, std::forward<Args>(args)...));
  }
};

Elf64_Ehdr header(const File& file) {
  if (!file.holds(0, sizeof(Elf64_Ehdr))) {
    file.fail("ends inside the ELF header: {} bytes; expected at least {}", file.size(),
              sizeof(Elf64_Ehdr));
  }
  const auto h = file.at<Elf64_Ehdr>(0);
  if (h.e_ident[EI_CLASS] != ELFCLASS64) {
    file.fail("offset 0x4: ELF class {}; expected 2 (64-bit)", h.e_ident[EI_CLASS]);
  }
  if (h.e_ident[EI_DATA] != ELFDATA2LSB) {
    file.fail("offset 0x5: ELF data encoding {}; expected 1 (little-endian)", h.e_ident[EI_DATA]);
  }
  if (h.e_type != ET_CORE) file.fail("offset 0x10: ELF type {}; expected 4 (a core)", h.e_type);
  if (h.e_machine != EM_X86_64) {
    file.fail("offset 0x12: ELF machine {}; expected 62 (x86-64)", h.e_machine);
  }
  if (h.e_phentsize != sizeof(Elf64_Phdr)) {
    file.fail("offset 0x36: program headers of {} bytes; expected {}", h.e_phentsize,
              sizeof(Elf64_Phdr));
  }
  return h;
}

/// With PN_XNUM the count does not fit its field and is section header 0's sh_info.
Word program_header_count(const File& file, const Elf64_Ehdr& h) {
  Word count = h.e_phnum;
  if (count == PN_XNUM) {
    if (h.e_shoff == 0 || !file.holds(h.e_shoff, sizeof(Elf64_Shdr))) {
      file.fail(
          "offset 0x38: the program header count is in section header 0, at offset {:#x}; the file "
          "has {:#x} bytes",
          h.e_shoff, file.size());
    }
    count = file.at<Elf64_Shdr>(h.e_shoff).sh_info;
  }
  // The count has at most 32 bits: the product cannot overflow.
  if (!file.holds(h.e_phoff, count * sizeof(Elf64_Phdr))) {
    file.fail("{} program headers at offset {:#x} end past the file, which has {:#x} bytes", count,
              h.e_phoff, file.size());
  }
  return count;
}

void check_extent(const File& file, Word index, const Elf64_Phdr& p) {
  if (!file.holds(p.p_offset, p.p_filesz)) {
    file.fail("program header {}: {:#x} bytes at offset {:#x}; expected within the file's {:#x}",
              index, p.p_filesz, p.p_offset, file.size());
  }
  if (p.p_type != PT_LOAD) return;
  if (p.p_filesz > p.p_memsz) {
    file.fail("program header {}: p_filesz {:#x}; expected at most p_memsz, {:#x}", index,
              p.p_filesz, p.p_memsz);
  }
  constexpr Word limit = bit(x86::max_maxphyaddr);
  if (p.p_paddr >= limit || p.p_filesz > limit - p.p_paddr) {
    file.fail("program header {}: {:#x} bytes at physical address {:#x}; expected below 2^{}",
              index, p.p_filesz, p.p_paddr, x86::max_maxphyaddr);
  }
}

}  // namespace

bool is_elf(std::span<const std::byte> file) {
  return file.size() >= SELFMAG && std::memcmp(file.data(), ELFMAG, SELFMAG) == 0;
}

Core parse_core(std::span<const std::byte> bytes, const std::string& name) {
  const File file{bytes, name};
  const Elf64_Ehdr h = header(file);
  const Word count = program_header_count(file, h);

  Core core;
  std::vector<LoadSegment> loads;
  for (Word i = 0; i < count; ++i) {
    const auto p = file.at<Elf64_Phdr>(h.e_phoff + i * sizeof(Elf64_Phdr));
    if ((p.p_type != PT_LOAD && p.p_type != PT_NOTE) || p.p_filesz == 0) continue;
    check_extent(file, i, p);
    if (p.p_type == PT_NOTE) {
      parse_notes({bytes.subspan(p.p_offset, p.p_filesz), p.p_offset, i}, name, core);
    } else {
      loads.push_back({{p.p_paddr, p.p_filesz, bytes.data() + p.p_offset}, i});
    }
  }
  if (loads.empty()) file.fail("no program header holds memory; expected PT_LOAD segments");
  core.segments = disjoint(std::move(loads), file.size(), name);
  return core;
}

}  // namespace mmuref::image
