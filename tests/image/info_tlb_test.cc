#include "image/info_tlb.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace mmuref::image {
namespace {

const std::string folder = MMUREF_SOURCE_DIR "/corpora/linux-6.1-kaslr-4level";

class Linux61 : public testing::Test {
 protected:
  static std::string qemu() {
    std::ostringstream text;
    text << std::ifstream(folder + "/info-tlb.txt").rdbuf();
    return text.str();
  }
  Image image = Image::open(folder + "/pagetables.core");
};

TEST_F(Linux61, AllTranslationsAndLeafFlagsAreQemus) {
  const auto result = compare_linux61(folder);
  EXPECT_EQ(result.mappings, linux61_mappings);
  EXPECT_EQ(result.walks, linux61_mappings);
  for (const auto& d : result.differences) ADD_FAILURE() << d;
  EXPECT_TRUE(result.agrees());
}

TEST_F(Linux61, RegistersComeFromTheNote) {
  EXPECT_EQ(image.registers().cr0, 0x80050033u);
  EXPECT_EQ(image.registers().cr3, 0x2986000u);
  EXPECT_EQ(image.registers().cr4, 0x750eb0u);
}

// The comparison notices what it is there to notice.

TEST_F(Linux61, AMissingLineIsADifference) {
  std::string text = qemu();
  text.erase(0, text.find('\n') + 1);
  EXPECT_FALSE(compare_info_tlb(image, text).agrees());
}

TEST_F(Linux61, AnExtraLineIsADifference) {
  EXPECT_FALSE(
      compare_info_tlb(image, qemu() + "0000000000001000: 0000000000002000 ----A----\n").agrees());
}

TEST_F(Linux61, AnotherFlagIsADifference) {
  std::string text = qemu();
  text[text.find("X---A--U-")] = '-';
  EXPECT_EQ(compare_info_tlb(image, text).differences.size(), 2u);
}

TEST_F(Linux61, NothingToCompareIsNoAgreement) {
  EXPECT_FALSE(compare_info_tlb(image, "").agrees());
}

}  // namespace
}  // namespace mmuref::image
