#include <gtest/gtest.h>

#include "image/image.h"
#include "tests/image/core_builder.h"

namespace mmuref::image {
namespace {

std::string kdump(std::string_view vmcoreinfo) {
  return CoreBuilder()
      .prstatus()
      .note("VMCOREINFO", 0, std::string(vmcoreinfo))
      .load(0x1000, page_of(1))
      .build();
}

Source source(const Image& image, std::string_view name) {
  for (const SourcedRegister& r : image.sources()) {
    if (r.name == name) return r.source;
  }
  ADD_FAILURE() << name;
  return Source::assumed;
}

TEST(Registers, QemuHoldsNoEferSoItIsAssumedAndSaysSo) {
  const std::string file =
      CoreBuilder().qemu(0x80050033, 0x1000, 0x20).load(0x1000, page_of(1)).build();
  const Image image = Image::view(bytes_of(file), "core");
  EXPECT_EQ(image.registers().efer, 0xd00u);
  EXPECT_EQ(source(image, "efer"), Source::assumed);
  EXPECT_EQ(source(image, "cr3"), Source::note);
  const Image given = Image::view(bytes_of(file), "core", {.cr3 = 0x5000, .efer = 0x500});
  EXPECT_EQ(given.registers().efer, 0x500u);
  EXPECT_EQ(given.registers().cr3, 0x5000u);
  EXPECT_EQ(source(given, "efer"), Source::given);
  EXPECT_EQ(source(given, "cr4"), Source::note);
}

TEST(Registers, EachProcessorHasItsNotes) {
  const std::string file = CoreBuilder()
                               .qemu(0x80050033, 0x1000, 0x20)
                               .qemu(0x80050033, 0x2000, 0x20)
                               .load(0x1000, page_of(1))
                               .build();
  EXPECT_EQ(Image::view(bytes_of(file), "core", {.cpu = 1}).registers().cr3, 0x2000u);
  EXPECT_EQ(error_of([&] { Image::view(bytes_of(file), "core", {.cpu = 2}); }),
            "core: --cpu 2; expected below 2, the number of processors with notes");
}

TEST(Registers, KdumpHoldsNoCr3SoItIsAskedFor) {
  EXPECT_EQ(error_of([] { Image::view(bytes_of(kdump("OSRELEASE=6.1\n")), "vmcore"); }),
            "vmcore: no note holds control registers; expected --cr3");
}

TEST(Registers, VmcoreinfoSuggestsTheKernelsTables) {
  const std::string file =
      kdump("SYMBOL(init_top_pgt)=ffffffffae410000\nNUMBER(phys_base)=-666894336\n");
  EXPECT_EQ(error_of([&] { Image::view(bytes_of(file), "vmcore"); }),
            "vmcore: no note holds control registers; expected --cr3 (VMCOREINFO puts the kernel's "
            "own tables at 0x6810000)");
}

TEST(Registers, VmcoreinfoSaysWhetherThereAreFiveLevels) {
  const std::string four = kdump("NUMBER(pgtable_l5_enabled)=0\n");
  const std::string five = kdump("NUMBER(pgtable_l5_enabled)=1\n");
  EXPECT_EQ(Image::view(bytes_of(four), "vmcore", {.cr3 = 0x1000}).registers().cr4, 0x20u);
  EXPECT_EQ(Image::view(bytes_of(five), "vmcore", {.cr3 = 0x1000}).registers().cr4, 0x1020u);
}

TEST(Registers, ARawImageNeedsThemGiven) {
  const std::string file = page_of(0) + page_of(1);
  const Image image =
      Image::view(bytes_of(file), "raw", {.cr3 = 0x1000, .cr4 = 0x20, .efer = 0xd01});
  EXPECT_EQ(image.format(), Format::raw);
  EXPECT_EQ(image.read(0x1000), 1u);
  EXPECT_FALSE(image.present(0x2000));
  EXPECT_EQ(source(image, "cr0"), Source::assumed);
  EXPECT_NE(error_of([&] { Image::view(bytes_of(file), "raw", {.cr3 = 0x1000, .cr4 = 0x20}); }),
            "");
}

}  // namespace
}  // namespace mmuref::image
