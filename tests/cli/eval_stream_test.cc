// eval as a filter: order, streaming, bounded lines, exit codes.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <future>
#include <sstream>
#include <string>
#include <thread>

#include "diff/eval.h"

namespace mmuref::diff {
namespace {

std::string request(const std::string& id) {
  return R"({"id":")" + id +
         R"(","maxphyaddr":46,"page1gb":true,"cr0":"0x80010033","cr3":"0x1000","cr4":"0x20",)"
         R"("efer":"0xd01","pkru":"0x0","cpl":0,"ac":false,"access":"read","va":"0x0","mem":{}})";
}
std::string reply(const std::string& id) {
  return R"({"id":")" + id +
         R"(","outcome":"fault","vector":14,"error_code":"0x0","cr2":"0x0","level":4,)"
         R"("rule":"not-present","may_write":{}})";
}

/// eval between two pipes, on its own thread.
class Peer {
 public:
  Peer() {
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0) std::abort();
    to_ = to[1];
    from_ = fdopen(from[0], "r");
    count_ = std::async(std::launch::async, [in = to[0], out = from[1]] {
      const EvalCount count = eval(in, out);
      close(in);
      close(out);
      return count;
    });
  }
  ~Peer() {
    if (to_ >= 0) close(to_);
    std::fclose(from_);
  }
  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = write(to_, text.data(), text.size());
      if (sent <= 0) std::abort();
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  /// The next answer without its newline; blocks until there is one; empty at the end.
  std::string receive() {
    std::string line;
    for (int c = 0; (c = std::fgetc(from_)) != EOF && c != '\n';) line += static_cast<char>(c);
    return line;
  }
  EvalCount finish() {
    close(to_);
    to_ = -1;
    return count_.get();
  }

 private:
  int to_ = -1;
  std::FILE* from_ = nullptr;
  std::future<EvalCount> count_;
};

TEST(EvalStream, APeerThatWaitsGetsEachAnswerAtOnce) {
  Peer peer;
  for (const std::string id : {"1", "2", "3"}) {
    peer.send(request(id) + "\n");
    EXPECT_EQ(peer.receive(), reply(id));
  }
  EXPECT_EQ(peer.finish().lines, 3u);
}

TEST(EvalStream, ALineMayArriveInPieces) {
  Peer peer;
  const std::string line = request("1") + "\n" + request("2") + "\n";
  peer.send(line.substr(0, 100));
  peer.send(line.substr(100, 200));
  peer.send(line.substr(300));
  EXPECT_EQ(peer.receive(), reply("1"));
  EXPECT_EQ(peer.receive(), reply("2"));
}

TEST(EvalStream, TheLastLineNeedsNoNewline) {
  Peer peer;
  peer.send(request("1"));
  EXPECT_EQ(peer.finish().lines, 1u);
  EXPECT_EQ(peer.receive(), reply("1"));
  EXPECT_EQ(peer.receive(), "");
}

TEST(EvalStream, ManyLinesAreAnsweredInOrder) {
  constexpr int lines = 20000;
  Peer peer;
  std::thread sender([&] {
    for (int i = 0; i < lines; ++i) peer.send(request(std::to_string(i)) + "\n");
  });
  for (int i = 0; i < lines; ++i) ASSERT_EQ(peer.receive(), reply(std::to_string(i)));
  sender.join();
  EXPECT_EQ(peer.finish().lines, static_cast<unsigned>(lines));
}

TEST(EvalStream, ABadLineIsCountedAndTheRestGoOn) {
  Peer peer;
  peer.send(request("1") + "\n{}\n\n" + request("4") + "\n");
  EXPECT_EQ(peer.receive(), reply("1"));
  EXPECT_EQ(peer.receive(), R"({"id":null,"error":"id: missing"})");
  EXPECT_NE(peer.receive().find("error"), std::string::npos);
  EXPECT_EQ(peer.receive(), reply("4"));
  const EvalCount count = peer.finish();
  EXPECT_EQ(count.lines, 4u);
  EXPECT_EQ(count.unreadable, 2u);
  EXPECT_EQ(count.first_unreadable, 2u);
}

/// A request padded with white space to `size` bytes.
std::string padded(const std::string& id, std::size_t size) {
  const std::string line = request(id);
  return line + std::string(size - line.size(), ' ');
}

TEST(EvalStream, TheLongestLineIsReadAndALongerOneRefused) {
  Peer peer;
  std::thread sender([&] {
    peer.send(padded("1", max_line_bytes) + "\n");
    peer.send(padded("2", max_line_bytes + 1) + "\n");
    peer.send(std::string(6 * max_line_bytes + 12345, 'x') + "\n");
    peer.send(request("4") + "\n");
  });
  const std::string too_long = R"({"id":null,"error":"a line longer than 16777216 bytes"})";
  EXPECT_EQ(peer.receive(), reply("1"));
  EXPECT_EQ(peer.receive(), too_long);
  EXPECT_EQ(peer.receive(), too_long);
  EXPECT_EQ(peer.receive(), reply("4"));
  sender.join();
  EXPECT_EQ(peer.finish().unreadable, 2u);
}

// Many entries in the worst order cost no more than in the best: this ends.
TEST(EvalStream, ALongMemoryInAnyOrderIsRead) {
  std::string line = request("1");
  line.resize(line.size() - 2);
  for (int i = 300'000; i > 0; --i) {
    std::ostringstream unit;
    unit << "\"0x" << std::hex << 8 * i << "\":\"0x0\"" << (i > 1 ? "," : "}}");
    line += unit.str();
  }
  Peer peer;
  std::thread sender([&] { peer.send(line + "\n"); });
  EXPECT_EQ(peer.receive(), reply("1"));
  sender.join();
}

// ── the command ──

/// Runs `mmuref eval` on `input`; its exit code.
int run(const std::string& input, std::string& out, std::string& err) {
  const std::string base = testing::TempDir() + "/mmuref_eval_" + std::to_string(getpid());
  std::ofstream(base + ".in") << input;
  const std::string command =
      MMUREF_BINARY " eval <" + base + ".in >" + base + ".out 2>" + base + ".err";
  const int status = std::system(command.c_str());
  const auto slurp = [](const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    std::remove(path.c_str());
    return text.str();
  };
  out = slurp(base + ".out");
  err = slurp(base + ".err");
  std::remove((base + ".in").c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(EvalCommand, ExitsWith0WhenEveryLineWasRead) {
  std::string out, err;
  EXPECT_EQ(run(request("1") + "\n", out, err), 0);
  EXPECT_EQ(out, reply("1") + "\n");
  EXPECT_EQ(err, "");
}

TEST(EvalCommand, AFaultIsAnAnswerAndNotAViolation) {
  std::string out, err;
  EXPECT_EQ(run(request("1"), out, err), 0);
}

TEST(EvalCommand, ExitsWith2AfterAnsweringAllWhenOneLineWasNot) {
  std::string out, err;
  EXPECT_EQ(run("x\n" + request("2") + "\n", out, err), 2);
  EXPECT_NE(out.find(reply("2")), std::string::npos);
  EXPECT_EQ(err, "mmuref: standard input: 1 of 2 lines could not be read, the first is line 1\n");
}

TEST(EvalCommand, NoInputIsNoOutput) {
  std::string out, err;
  EXPECT_EQ(run("", out, err), 0);
  EXPECT_EQ(out, "");
}

}  // namespace
}  // namespace mmuref::diff
