// Text for a terminal, or for whatever else standard output is.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace mmuref::cli {

/// Colours, where they are wanted: on a terminal, unless NO_COLOR is set (https://no-color.org) or
/// TERM is "dumb".
class Style {
 public:
  /// As standard output and the environment want it.
  static Style of_stdout();
  explicit Style(bool colored) : colored_(colored) {}

  std::string bold(std::string_view text) const { return wrapped("1", text); }
  std::string dim(std::string_view text) const { return wrapped("2", text); }
  std::string red(std::string_view text) const { return wrapped("1;31", text); }
  std::string green(std::string_view text) const { return wrapped("1;32", text); }
  std::string yellow(std::string_view text) const { return wrapped("33", text); }

 private:
  std::string wrapped(std::string_view code, std::string_view text) const;
  bool colored_;
};

/// Columns that all output keeps to.
inline constexpr std::size_t columns = 100;

/// `text` broken between words; lines after the first begin with `indent` spaces, which the first
/// is taken to have used already.
std::string wrapped(std::string_view text, std::size_t indent);

/// Writes all of `text` to standard output. Throws InputError when that fails (a full disk).
void print(std::string_view text);

/// "mmuref: " and `message` as one line on standard error, whatever it quotes. Nobody can be told
/// when that fails.
void print_error(const std::string& message);

/// What a command is doing, on standard error, once it has taken a second: on a terminal one line
/// that is rewritten, elsewhere a line every ten seconds.
class Progress {
 public:
  /// `command` is what lines begin with.
  explicit Progress(std::string command);
  /// Takes the line off a terminal.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void show(const std::string& text);

 private:
  using Clock = std::chrono::steady_clock;
  std::string command_;
  bool terminal_;
  Clock::time_point next_ = Clock::now() + std::chrono::seconds(1);
  bool shown_ = false;
};

}  // namespace mmuref::cli
