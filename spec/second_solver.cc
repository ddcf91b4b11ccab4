#include "spec/second_solver.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <system_error>
#include <vector>

namespace mmuref::spec {
namespace {

using Clock = std::chrono::steady_clock;

/// A file in memory that holds `text`, for a child to read by name; closed with the object.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& text) : fd_(memfd_create("script", 0)) {
    for (std::size_t done = 0; fd_ >= 0 && done < text.size();) {
      const ssize_t n = write(fd_, text.data() + done, text.size() - done);
      if (n < 0) throw std::system_error(errno, std::generic_category(), "script");
      done += static_cast<std::size_t>(n);
    }
    if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "memfd_create");
  }
  ~MemoryFile() { close(fd_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

std::vector<std::string> command_line(const std::string& solver, const std::string& script,
                                      unsigned timeout_seconds) {
  std::vector<std::string> line{solver};
  if (solver.find("cvc5") != std::string::npos) {
    // Clauses for the whole query at once, memory reads by Ackermann's constraints.
    for (const char* option : {"--lang=smt2", "--bitblast=eager", "--ackermann"})
      line.emplace_back(option);
    line.push_back("--tlimit=" + std::to_string(timeout_seconds * 1000));
  }
  line.push_back(script);
  return line;
}

pid_t start(const std::vector<std::string>& line, int output) {
  std::vector<char*> arguments;
  for (const std::string& word : line) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = fork();
  if (child != 0) return child;
  setpgid(0, 0);  // so that what the solver itself starts ends with it
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execvp(arguments[0], arguments.data());
  _exit(127);
}

/// All that the child writes until it ends or `deadline` passes; then it is killed.
std::string collect(pid_t child, int input, Clock::time_point deadline, int& status) {
  std::string text;
  std::array<char, 4096> buffer;
  fcntl(input, F_SETFL, O_NONBLOCK);
  for (bool killed = false;;) {
    const ssize_t n = read(input, buffer.data(), buffer.size());
    if (n > 0) text.append(buffer.data(), static_cast<std::size_t>(n));
    if (n == 0) break;
    if (n > 0) continue;
    if (!killed && Clock::now() > deadline) killed = kill(-child, SIGKILL) == 0;
    usleep(2000);
  }
  waitpid(child, &status, 0);
  return text;
}

SecondAnswer judge(const std::string& text, int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    return {Satisfiable::unknown, "the program is not there"};
  if (WIFSIGNALED(status)) return {Satisfiable::unknown, "out of time"};
  const std::string first = text.substr(0, text.find('\n'));
  if (first == "unsat") return {Satisfiable::no, ""};
  if (first == "sat") return {Satisfiable::yes, ""};
  return {Satisfiable::unknown, first.empty() ? "it says nothing" : "it says: " + first};
}

}  // namespace

SecondAnswer second_opinion(const std::string& solver, const std::string& script,
                            unsigned timeout_seconds) {
  const MemoryFile file(script);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  const pid_t child = start(command_line(solver, file.path(), timeout_seconds), ends[1]);
  close(ends[1]);
  int status = 0;
  std::string text;
  // The solver's own limit comes first, so that it can say why it stops.
  const auto deadline = Clock::now() + std::chrono::seconds(timeout_seconds + 2);
  if (child > 0) text = collect(child, ends[0], deadline, status);
  close(ends[0]);
  return child > 0 ? judge(text, status)
                   : SecondAnswer{Satisfiable::unknown, "cannot start a process"};
}

}  // namespace mmuref::spec
