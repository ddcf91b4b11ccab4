#include "spec/second_solver.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
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

/// Starts the program; an errno if that fails. fork() would run Z3's handlers first, which wait in
/// a loop for its timer threads and never end when two threads are in them.
int start(const std::vector<std::string>& line, int output, pid_t& child) {
  std::vector<char*> arguments;
  for (const std::string& word : line) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  // A group of its own, so that what the solver itself starts ends with it.
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  const int error =
      posix_spawnp(&child, arguments[0], &files, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  return error;
}

/// How a child ended.
struct Ended {
  std::string text;     ///< all that it wrote
  int status = 0;       ///< as waitpid gives it
  bool killed = false;  ///< by us, since its time was over
};

Ended collect(pid_t child, int input, Clock::time_point deadline) {
  Ended ended;
  std::array<char, 4096> buffer;
  fcntl(input, F_SETFL, O_NONBLOCK);
  for (;;) {
    const ssize_t n = read(input, buffer.data(), buffer.size());
    if (n > 0) ended.text.append(buffer.data(), static_cast<std::size_t>(n));
    if (n == 0) break;
    if (n > 0) continue;
    if (ended.killed) break;  // whatever still holds the pipe has left the group
    if (Clock::now() > deadline) ended.killed = kill(-child, SIGKILL) == 0;
    usleep(2000);
  }
  waitpid(child, &ended.status, 0);
  return ended;
}

SecondAnswer judge(const Ended& ended) {
  if (ended.killed) return {Satisfiable::unknown, "out of time"};
  if (WIFSIGNALED(ended.status))
    return {Satisfiable::unknown, "signal " + std::to_string(WTERMSIG(ended.status)) + " ended it"};
  const std::string first = ended.text.substr(0, ended.text.find('\n'));
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
  pid_t child = 0;
  const int error = start(command_line(solver, file.path(), timeout_seconds), ends[1], child);
  close(ends[1]);
  SecondAnswer answer{Satisfiable::unknown, error == ENOENT ? "the program is not there"
                                                            : "the program cannot be started"};
  // The solver's own limit comes first, so that it can say why it stops.
  const auto deadline = Clock::now() + std::chrono::seconds(timeout_seconds + 2);
  if (error == 0) answer = judge(collect(child, ends[0], deadline));
  close(ends[0]);
  return answer;
}

}  // namespace mmuref::spec
