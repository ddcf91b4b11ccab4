// fuzz_seeds FOLDER: writes the generated seeds of walk_vs_spec and walk_vs_unicorn, one a file.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "fuzz/walk_seeds.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "expected: fuzz_seeds FOLDER\n");
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  std::size_t number = 0;
  for (const auto& seed : mmuref::fuzz::walk_seeds()) {
    std::ofstream file(folder / std::to_string(number++), std::ios::binary);
    file.write(reinterpret_cast<const char*>(seed.data()),
               static_cast<std::streamsize>(seed.size()));
    if (!file) {
      std::fprintf(stderr, "%s: cannot be written\n", folder.c_str());
      return 1;
    }
  }
  std::printf("%zu seeds\n", number);
  return 0;
}
