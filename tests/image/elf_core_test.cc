#include "image/elf_core.h"

#include <gtest/gtest.h>

#include "image/image.h"
#include "tests/image/core_builder.h"

namespace mmuref::image {
namespace {

constexpr Word cr0 = 0x80050033, cr4 = 0x20;

TEST(ElfCore, QemusNotesGiveRegistersAndSegmentsMemory) {
  const std::string file = CoreBuilder()
                               .prstatus()
                               .qemu(cr0, 0x1000, cr4)
                               .load(0x1000, page_of(1))
                               .load(0x8000, page_of(8))
                               .build();
  const Image image = Image::view(bytes_of(file), "core");
  EXPECT_EQ(image.registers().cr0, cr0);
  EXPECT_EQ(image.registers().cr3, 0x1000u);
  EXPECT_EQ(image.registers().cr4, cr4);
  EXPECT_EQ(image.read(0x8008), 8u);
  EXPECT_EQ(image.read(0x2000), 0u);
  ASSERT_TRUE(image.cpu());
  EXPECT_EQ(image.cpu()->cpl, 3u);
  EXPECT_EQ(image.cpu()->rip, 0x401000u);
}

TEST(ElfCore, WhatWasNotDumpedIsAbsent) {
  CoreBuilder b;
  b.qemu(cr0, 0x1000, cr4).load(0x1000, page_of(1));
  b.segments[0].p_memsz = 0x10000;
  const std::string file = b.build();
  const Image image = Image::view(bytes_of(file), "core");
  EXPECT_TRUE(image.present(0x1ff8));
  EXPECT_FALSE(image.present(0x2000));
}

TEST(ElfCore, SegmentsMayDescribeTheSameBytesTwice) {
  // As kdump does: the kernel's text in a segment of its own, then the RAM around it.
  const std::string ram = page_of(1) + page_of(2) + page_of(3);
  const std::string file =
      CoreBuilder().qemu(cr0, 0x1000, cr4).load(0x2000, page_of(2)).load(0x1000, ram).build();
  const Image image = Image::view(bytes_of(file), "core");
  EXPECT_EQ(image.read(0x1000), 1u);
  EXPECT_EQ(image.read(0x2000), 2u);
  EXPECT_EQ(image.read(0x3000), 3u);
}

TEST(ElfCore, ManyOverlapsEndAsDisjointSegments) {
  const std::string ram = page_of(1) + page_of(2) + page_of(3) + page_of(4);
  const std::string file = CoreBuilder()
                               .qemu(cr0, 0x1000, cr4)
                               .load(0x1000, ram.substr(0, 0x2000))
                               .load(0x1800, ram.substr(0x800, 0x2000))
                               .load(0x2000, ram.substr(0x1000, 0x3000))
                               .build();
  const Core core = parse_core(bytes_of(file), "core");
  Word end = 0x1000;
  for (const Segment& s : core.segments) {
    EXPECT_EQ(s.address, end);
    end = s.end();
  }
  EXPECT_EQ(end, 0x5000u);
}

TEST(ElfCore, ProgramHeaderCountAbove65534IsInSectionHeaderZero) {
  CoreBuilder b;
  b.qemu(cr0, 0x1000, cr4).load(0x1000, page_of(7));
  std::string file = b.build();
  Elf64_Shdr section{};
  section.sh_info = b.header.e_phnum;
  b.header.e_shoff = file.size();
  file += std::string(reinterpret_cast<const char*>(&section), sizeof section);
  b.header.e_phnum = PN_XNUM;
  std::memcpy(file.data(), &b.header, sizeof b.header);
  EXPECT_EQ(Image::view(bytes_of(file), "core").read(0x1000), 7u);
}

TEST(ElfCore, VmcoreinfoIsReadByLines) {
  const std::string_view text = "OSRELEASE=6.1\nNUMBER(phys_base)=-666894336\nLAST=1";
  EXPECT_EQ(vmcoreinfo_value(text, "OSRELEASE"), "6.1");
  EXPECT_EQ(vmcoreinfo_value(text, "NUMBER(phys_base)"), "-666894336");
  EXPECT_EQ(vmcoreinfo_value(text, "LAST"), "1");
  EXPECT_EQ(vmcoreinfo_value(text, "OS"), std::nullopt);
}

}  // namespace
}  // namespace mmuref::image
