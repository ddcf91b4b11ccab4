// Builds small ELF cores, right ones and, field by field, wrong ones.
#pragma once

#include <elf.h>

#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "image/memory.h"

namespace mmuref::image {

class CoreBuilder {
 public:
  using Word = std::uint64_t;

  CoreBuilder() {
    std::memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_type = ET_CORE;
    header.e_machine = EM_X86_64;
    header.e_phentsize = sizeof(Elf64_Phdr);
    header.e_phoff = sizeof(Elf64_Ehdr);
  }

  /// A PT_LOAD segment at `address`, whose bytes are `bytes`.
  CoreBuilder& load(Word address, std::string bytes) {
    Elf64_Phdr p{};
    p.p_type = PT_LOAD;
    p.p_paddr = address;
    p.p_filesz = p.p_memsz = bytes.size();
    segments.push_back(p);
    contents.push_back(std::move(bytes));
    return *this;
  }

  CoreBuilder& note(std::string_view owner, std::uint32_t type, std::string description) {
    Elf64_Nhdr h{};
    h.n_namesz = static_cast<std::uint32_t>(owner.size() + 1);
    h.n_descsz = static_cast<std::uint32_t>(description.size());
    h.n_type = type;
    notes += text(h) + pad(std::string(owner) + '\0') + pad(std::move(description));
    return *this;
  }

  /// NT_PRSTATUS of a processor at CPL 3 whose RIP is 0x401000.
  CoreBuilder& prstatus() {
    std::string d(336, '\0');
    put(d, 112 + 16 * 8, 0x401000);
    put(d, 112 + 17 * 8, 0x33);
    return note("CORE", NT_PRSTATUS, d);
  }

  CoreBuilder& qemu(Word cr0, Word cr3, Word cr4) {
    std::string d(440, '\0');
    d[0] = 1;
    put(d, 392, cr0);
    put(d, 392 + 24, cr3);
    put(d, 392 + 32, cr4);
    return note("QEMU", 0, d);
  }

  /// The file: header, program headers (the notes' first), notes, contents.
  std::string build() {
    std::vector<Elf64_Phdr> all = segments;
    std::vector<std::string> bodies = contents;
    if (!notes.empty()) {
      Elf64_Phdr p{};
      p.p_type = PT_NOTE;
      p.p_filesz = notes.size();
      all.insert(all.begin(), p);
      bodies.insert(bodies.begin(), notes);
    }
    header.e_phnum = static_cast<std::uint16_t>(all.size());
    Word offset = header.e_phoff + all.size() * sizeof(Elf64_Phdr);
    std::string heads, body;
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].p_offset = offset + body.size();
      heads += text(all[i]);
      body += bodies[i];
    }
    return text(header) + heads + body;
  }

  static void put(std::string& bytes, std::size_t offset, Word value) {
    std::memcpy(bytes.data() + offset, &value, sizeof value);
  }

  Elf64_Ehdr header{};
  std::vector<Elf64_Phdr> segments;
  std::vector<std::string> contents;
  std::string notes;

 private:
  template <class T>
  static std::string text(const T& value) {
    return {reinterpret_cast<const char*>(&value), sizeof value};
  }
  static std::string pad(std::string s) {
    s.resize((s.size() + 3) & ~std::size_t{3});
    return s;
  }
};

inline std::span<const std::byte> bytes_of(const std::string& s) {
  return {reinterpret_cast<const std::byte*>(s.data()), s.size()};
}

/// A page whose every 8-byte unit holds `value`.
inline std::string page_of(std::uint64_t value) {
  std::string page(4096, '\0');
  for (std::size_t i = 0; i < page.size(); i += 8) CoreBuilder::put(page, i, value);
  return page;
}

/// What the error for these bytes says; empty if there is none.
template <class Open>
std::string error_of(Open&& open) {
  try {
    open();
  } catch (const std::exception& e) {
    return e.what();
  }
  return "";
}

}  // namespace mmuref::image
