#include "cli/answer_lines.h"

#include <fmt/format.h>
#include <unistd.h>

#include <system_error>

#include "cli/command.h"
#include "cli/terminal.h"

namespace mmuref::cli {

int answer_lines(const char* command, bool (*reply)(std::string&, std::string_view)) {
  diff::EvalCount count;
  try {
    count = diff::eval(STDIN_FILENO, STDOUT_FILENO, reply);
  } catch (const std::system_error& e) {
    throw InputError(fmt::format("{}: {}", command, e.what()));
  }
  if (count.unreadable == 0) return good;
  print_error(fmt::format("standard input: {} of {} lines could not be read, the first is line {}",
                          count.unreadable, count.lines, count.first_unreadable));
  return bad_input;
}

}  // namespace mmuref::cli
