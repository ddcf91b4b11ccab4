#include "cli/output_file.h"

#include <fstream>

#include "cli/command.h"

namespace mmuref::cli {

void write_file(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.flush();
  if (!out) throw InputError(path + ": cannot be written");
}

}  // namespace mmuref::cli
