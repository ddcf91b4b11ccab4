// mmuref walk: one access to an image, level by level.
#include <CLI/CLI.hpp>

#include "cli/command.h"
#include "cli/image_options.h"
#include "cli/numbers.h"
#include "cli/terminal.h"
#include "cli/walk_report.h"

namespace mmuref::cli {
namespace {

struct Options {
  ImageOptions image;
  std::string va;
  std::string access = "read";
  std::optional<unsigned> cpl;
  bool ac = false;
  bool implicit = false;
  bool stack = false;
  bool json = false;
};

int walk(const Options& o) {
  x86::Access<Word> access{.va = hexadecimal(o.va, "VA")};
  // Kernels live in the upper half: without --cpl, who would use the address decides.
  const unsigned cpl = o.cpl.value_or(has(access.va, bit(63)) ? 0 : 3);
  access.write = o.access == "write";
  access.fetch = o.access == "fetch";
  access.cpl3 = cpl == 3;
  access.ac = o.ac;
  access.implicit = o.implicit;
  access.stack = o.stack;

  const image::Image image = o.image.open();
  const WalkReport r = report(image, o.image.processor.cpu, access, cpl);
  print(o.json ? json_form(r, image).dump() + '\n' : text_form(r, image, Style::of_stdout()));
  return good;  // a fault is an answer
}

}  // namespace

Run add_walk(CLI::App& app) {
  auto o = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("walk", "Walk an image's tables for one access");
  o->image.add_to(*command);
  command->add_option("VA", o->va, "The linear address, in hexadecimal")->required()->type_name("");
  command->add_option("--access", o->access, "read, write or fetch")
      ->check(CLI::IsMember({"read", "write", "fetch"}))
      ->capture_default_str()
      ->type_name("KIND");
  add_number(*command, "--cpl", o->cpl,
             "Privilege level, 0..3; 3 for an address in the lower half if not given, else 0")
      ->check(CLI::Range(0, 3))
      ->type_name("N");
  command->add_flag("--ac", o->ac, "EFLAGS.AC=1");
  command->add_flag("--implicit", o->implicit, "To a system structure: supervisor-mode at any CPL");
  command->add_flag("--stack", o->stack, "Through SS: a non-canonical address is #SS, not #GP");
  command->add_flag("--json", o->json, "The same as one JSON object");
  command->footer(
      "Example: mmuref walk corpora/linux-6.1-kaslr-4level/pagetables.core 0xffffffffaca00123");
  return [o] { return walk(*o); };
}

}  // namespace mmuref::cli
