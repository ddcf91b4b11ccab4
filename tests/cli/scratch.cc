#include "tests/cli/scratch.h"

#include <unistd.h>

#include <fstream>
#include <string>

#include "tests/image/core_builder.h"

namespace mmuref::cli_test {
namespace {

using image::CoreBuilder;
constexpr std::uint64_t xd = std::uint64_t{1} << 63;

/// A raw image of 7 pages. PML4 at 0x1000, PML5 at 0x6000; flags are those a row needs.
std::string small_image() {
  std::string bytes(0x7000, '\0');
  const auto entry = [&](std::size_t table, std::size_t index, std::uint64_t value) {
    CoreBuilder::put(bytes, table + index * 8, value);
  };
  entry(0x1000, 0, 0x2007);                                     // PML4E: table
  entry(0x1000, 1, 0x2087);                                     // PML4E: bit 7 is reserved
  entry(0x1000, 2, 0x100007);                                   // PML4E: table not in the image
  entry(0x1000, 3, 0x2107);                                     // PML4E: bit 8, which AMD reserves
  entry(0x1000, 511, 0x1003);                                   // PML4E: the PML4 itself
  entry(0x2000, 0, 0x3007);                                     // PDPTE: table
  entry(0x2000, 1, 0x40000087);                                 // PDPTE: 1 GiB
  entry(0x2000, 2, 0x80002087);                                 // PDPTE: 1 GiB, not aligned
  entry(0x3000, 0, 0x4007);                                     // PDE: table
  entry(0x3000, 1, 0x6000a7);                                   // PDE: 2 MiB, accessed
  entry(0x3000, 2, 0x4000000004007);                            // PDE: bit 50
  entry(0x4000, 1, 0x5007);                                     // PTE: user, writable
  entry(0x4000, 2, xd | 3 << 12 | 3 | std::uint64_t{3} << 59);  // PTE: key 3, supervisor
  entry(0x4000, 3, 0x5007 | std::uint64_t{5} << 59);            // PTE: key 5, user
  entry(0x6000, 0, 0x1007);                                     // PML5E: table
  return bytes;
}

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// For `tlb eval`: a page that is unmapped before it is invalidated; and a line that is no program.
constexpr const char* programs =
    R"({"id":"unmap","maxphyaddr":46,"page1gb":true,"cr0":"0x80010033","cr3":"0x1000",)"
    R"("cr4":"0x20","efer":"0xd01","pkru":"0x0","mem":{"0x1000":"0x2067","0x2000":"0x3067",)"
    R"("0x3000":"0x4067","0x4008":"0x5067"},"steps":[)"
    R"({"step":"write","address":"0x4008","value":"0x0"},)"
    R"({"step":"access","access":"read","va":"0x1234","cpl":3},{"step":"invlpg","va":"0x1000"},)"
    R"({"step":"access","access":"read","va":"0x1234","cpl":3}]})"
    "\n"
    R"({"id":"typo","step":[]})"
    "\n";

/// Files of a campaign of three units, in shards/, and of what merging must tell apart.
void write_campaigns(const std::filesystem::path& path) {
  const auto header = [](int seed) {
    return R"({"command":"diff","count":7,"mmuref":"0.1.0","seed":)" + std::to_string(seed) +
           R"(,"type":"campaign","unit":3})"
           "\n";
  };
  const auto unit = [](int number, int accesses, bool passed = true) {
    return R"({"name":"accesses of unit )" + std::to_string(number) + R"(","passed":)" +
           (passed ? "true" : "false") + R"(,"timing":{"seconds":0.1},"totals":{"accesses":)" +
           std::to_string(accesses) + R"(,"coverage":{"smap":[0,1,)" + std::to_string(accesses) +
           R"(]}},"type":"unit","unit":)" + std::to_string(number) + "}\n";
  };
  std::filesystem::create_directory(path / "shards");
  write(path / "shards/0.jsonl", header(1) + unit(0, 3) + unit(2, 1));
  write(path / "shards/1.jsonl", header(1) + unit(1, 3));
  write(path / "torn.jsonl", header(1) + unit(1, 3) + unit(2, 1).substr(0, 40));
  write(path / "failed.jsonl", header(1) + unit(0, 2) + unit(1, 3, false));
  write(path / "seed2.jsonl", header(2) + unit(0, 3));
  std::string escapes = unit(1, 3, false);
  write(path / "escapes.jsonl",
        header(1) + escapes.replace(escapes.find("accesses"), 8, "\\u001b[31m\\n"));
  write(path / "bad-line.jsonl", header(1) + unit(0, 3) + "\n" + unit(1, 3));
}

struct Folder {
  std::filesystem::path path;

  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "mmuref-cli-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path = name;
    std::filesystem::create_directory_symlink(MMUREF_SOURCE_DIR "/corpora", path / "corpora");
    const std::string small = small_image();
    write(path / "small.img", small);
    write(path / "empty", "");
    write(path / "programs.jsonl", programs);
    write(path / "trace.txt",
          "r ffffffffaca00123\nx 0xffffffffaca00200\nffffffffaca00300\nffffffffaca01000\n"
          "400123\nw 0x400123\nx 401123\n800000000000\n");
    write(path / "bad-trace.txt", "r 400123\nj 400123\n");
    write(path / "crlf.txt", "r 400123\r\n");
    write(path / "bad-case.json", "{\n \"name\": \"cut\",\n \"origin\": tru\n}\n");
    write(path / "observed.jsonl",
          R"({"maxphyaddr":46,"page1gb":true,"cr0":"0x80010033","cr3":"0x1000","cr4":"0x20",)"
          R"("efer":"0xd01","pkru":"0x0","mem":{}})"
          "\n"
          R"({"step":"access","access":"read","va":"0x1234","cpl":3,"observed":{"outcome":"OK"}})"
          "\n");
    write_campaigns(path);
    write(path / "cut.core", CoreBuilder().load(0x1000, small).build().substr(0, 0x200));
    write(path / "kdump.core",
          CoreBuilder()
              .prstatus()
              .note("VMCOREINFO", 0, "SYMBOL(init_top_pgt)=ffffffff82a10000\nNUMBER(phys_base)=0\n")
              .load(0, small)
              .build());
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

}  // namespace

const std::filesystem::path& scratch() {
  static const Folder folder;
  return folder.path;
}

}  // namespace mmuref::cli_test
