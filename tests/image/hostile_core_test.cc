// Truncated, lying and hostile cores: each gives one line with the place and what was expected.
#include <gtest/gtest.h>

#include <functional>
#include <ostream>

#include "image/image.h"
#include "tests/image/core_builder.h"

namespace mmuref::image {
namespace {

CoreBuilder good() {
  CoreBuilder b;
  b.prstatus().qemu(0x80050033, 0x1000, 0x20).load(0x1000, page_of(1)).load(0x8000, page_of(8));
  return b;
}

std::string error_for(const std::string& file) {
  return error_of([&] { Image::view(bytes_of(file), "core"); });
}

struct Lie {
  const char* name;
  std::function<std::string()> file;
  const char* says;

  friend void PrintTo(const Lie& lie, std::ostream* out) { *out << lie.name; }
};

/// The good core with one change to its finished bytes.
template <class T>
std::function<std::string()> with(std::size_t offset, T value) {
  return [=] {
    std::string file = good().build();
    std::memcpy(file.data() + offset, &value, sizeof value);
    return file;
  };
}

// Program headers in the file: 0 notes, 1 memory at 0x1000, 2 memory at 0x8000.
constexpr std::size_t header(std::size_t index, std::size_t field) {
  return sizeof(Elf64_Ehdr) + index * sizeof(Elf64_Phdr) + field;
}
constexpr std::size_t offset_field = offsetof(Elf64_Phdr, p_offset),
                      paddr = offsetof(Elf64_Phdr, p_paddr),
                      filesz = offsetof(Elf64_Phdr, p_filesz);
constexpr std::size_t first_note = sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr);
constexpr std::size_t qemu_note = first_note + 12 + 8 + 336;

const Lie lies[] = {
    {"EmptyFile", [] { return std::string(); }, "core: is empty"},
    {"OnlyTheMagic", [] { return good().build().substr(0, 4); }, "ends inside the ELF header"},
    {"HalfAHeader", [] { return good().build().substr(0, 63); }, "63 bytes; expected at least 64"},
    {"Class32", with<std::uint8_t>(4, 1), "offset 0x4: ELF class 1; expected 2"},
    {"BigEndian", with<std::uint8_t>(5, 2), "offset 0x5"},
    {"NoCore", with<std::uint16_t>(16, ET_EXEC), "offset 0x10: ELF type 2; expected 4"},
    {"OtherMachine", with<std::uint16_t>(18, EM_AARCH64), "offset 0x12: ELF machine 183"},
    {"HeaderSize", with<std::uint16_t>(54, 32), "offset 0x36: program headers of 32 bytes"},
    {"HeadersPastTheFile", with<Word>(32, ~Word{0} - 8), "end past the file"},
    {"ManyHeaders", with<std::uint16_t>(56, 0xfffe), "65534 program headers at offset 0x40"},
    {"CountInNoSection", with<std::uint16_t>(56, PN_XNUM), "in section header 0"},
    {"NoHeaders", with<std::uint16_t>(56, 0), "expected PT_LOAD segments"},
    {"SegmentCutShort",
     [] {
       std::string f = good().build();
       f.pop_back();
       return f;
     },
     "program header 2: 0x1000 bytes at offset"},
    {"SegmentPastTheFile", with<Word>(header(1, offset_field), 0x100000), "program header 1"},
    {"OffsetOverflows", with<Word>(header(1, offset_field), ~Word{0xfff}), "program header 1"},
    {"SizeOverflows", with<Word>(header(1, filesz), ~Word{0}), "expected within the file's"},
    {"MoreInFileThanInMemory", with<Word>(header(1, filesz), 0x1001), "at most p_memsz, 0x1000"},
    {"AddressOverflows", with<Word>(header(2, paddr), ~Word{0xfff}), "expected below 2^52"},
    {"AddressTooWide", with<Word>(header(2, paddr), (Word{1} << 52) - 8), "expected below 2^52"},
    {"ContentsDiffer", with<Word>(header(2, paddr), 0x1000),
     "program headers 1 and 2 hold different bytes for physical address 0x1000"},
    {"NoteNameTooLong", with<std::uint32_t>(first_note, 0xffffffff), "note at offset 0xe8: a name"},
    {"NoteTooLong", with<std::uint32_t>(first_note + 4, 0x10000), "a description of 0x10000 bytes"},
    {"NotesPastTheFile", with<Word>(header(0, filesz), 0x100000), "program header 0"},
    {"HalfANote", with<Word>(header(0, filesz), 5), "5 bytes are left; expected a note header"},
    {"ShortPrstatus", with<std::uint32_t>(first_note + 4, 332),
     "NT_PRSTATUS of 332 bytes; expected 336"},
    {"ShortCpuState", with<std::uint32_t>(qemu_note + 4, 428), "QEMU CPU state of 428 bytes"},
    {"CpuStateVersion", with<std::uint32_t>(qemu_note + 20, 2), "version 2; expected 1"},
    {"NoPaging", with<Word>(qemu_note + 20 + 392, 0x11), "expected 4- or 5-level paging"},
    {"Compressed", [] { return "KDUMP   " + std::string(100, '\0'); }, "kdump-compressed"},
    {"NoCore2", [] { return std::string(4096, '\0'); }, "expected --cr3, --cr4 and --efer"},
};

class Hostile : public testing::TestWithParam<Lie> {};

TEST_P(Hostile, OneClearLine) {
  const std::string error = error_for(GetParam().file());
  EXPECT_NE(error.find(GetParam().says), std::string::npos) << "it says: " << error;
  EXPECT_EQ(error.rfind("core: ", 0), 0u) << error;
  EXPECT_EQ(error.find('\n'), std::string::npos) << error;
}

INSTANTIATE_TEST_SUITE_P(Lies, Hostile, testing::ValuesIn(lies),
                         [](const auto& i) { return std::string(i.param.name); });

TEST(HostileCore, TheGoodOneIsGood) {
  EXPECT_EQ(error_for(good().build()), "");
}

TEST(HostileCore, EveryTruncationIsAnError) {
  const std::string file = good().build();
  for (std::size_t size = 4; size < file.size(); ++size) {
    ASSERT_NE(error_for(file.substr(0, size)), "") << size;
  }
}

TEST(HostileCore, RepeatedSegmentsCannotBeMoreThanTheFileHolds) {
  CoreBuilder b;
  b.qemu(0x80050033, 0x1000, 0x20);
  for (int i = 0; i < 200; ++i) b.load(0x1000, "");
  for (auto& s : b.segments) s.p_filesz = s.p_memsz = 0x2000;
  std::string file = b.build();
  for (std::size_t i = 0; i < 200; ++i) CoreBuilder::put(file, header(i + 1, offset_field), 0);
  EXPECT_NE(error_for(file).find("describe more memory twice"), std::string::npos)
      << error_for(file);
}

TEST(HostileCore, PathsThatAreNoFiles) {
  const auto open = [](const char* path) { return error_of([&] { Image::open(path); }); };
  EXPECT_EQ(open("/nonexistent/core"),
            "/nonexistent/core: cannot be opened: No such file or directory");
  EXPECT_EQ(open("/tmp"), "/tmp: is a directory; expected a regular file");
  EXPECT_EQ(open("/dev/null"), "/dev/null: is no regular file; expected a regular file");
}

}  // namespace
}  // namespace mmuref::image
