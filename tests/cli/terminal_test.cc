// Colour is for terminals, and not for those who set NO_COLOR.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace mmuref::cli_test {
namespace {

/// Runs `mmuref explain` with a terminal as its standard output; what the terminal was sent.
std::string on_a_terminal(const char* no_color) {
  const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0 || grantpt(terminal) != 0 || unlockpt(terminal) != 0) return "no terminal";
  const pid_t child = fork();
  if (child == 0) {
    const int out = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    dup2(out, STDOUT_FILENO);
    setenv("TERM", "xterm", 1);
    setenv("NO_COLOR", no_color, 1);
    execl(MMUREF_COMMAND, "mmuref", "explain", "0x1", "--level", "1", nullptr);
    _exit(127);
  }
  std::string text;
  char buffer[4096];
  // The last close of the other side ends the reading with EIO.
  for (ssize_t n; (n = read(terminal, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  close(terminal);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  return text;
}

TEST(Terminal, HasColour) {
  const std::string text = on_a_terminal("");
  if (text == "no terminal") GTEST_SKIP() << "no pseudo-terminal can be had";
  EXPECT_NE(text.find("\033["), std::string::npos) << text;
}

TEST(Terminal, NoColorIsHonoured) {
  const std::string text = on_a_terminal("1");
  if (text == "no terminal") GTEST_SKIP() << "no pseudo-terminal can be had";
  EXPECT_EQ(text.find("\033["), std::string::npos) << text;
  EXPECT_NE(text.find("PTE"), std::string::npos) << text;
}

}  // namespace
}  // namespace mmuref::cli_test
