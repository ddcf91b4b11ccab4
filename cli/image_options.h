// The arguments that `walk` and `maps` share: the image, its registers, the processor.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "image/image.h"
#include "model/x86/paging.h"

namespace mmuref::cli {

/// MAXPHYADDR, the vendor and whether 1-GByte pages are enumerated: no image says.
struct ProcessorOptions {
  x86::Processor<image::Word> cpu;
  void add_to(CLI::App& app);
};

struct ImageOptions {
  std::string path;
  image::Given given;
  ProcessorOptions processor;

  void add_to(CLI::App& app);
  /// Throws InputError for what image::Image refuses.
  image::Image open() const;
};

}  // namespace mmuref::cli
