// `mmuref eval` and `mmuref tlb eval`: JSON Lines in, one answer a line out, in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mmuref::diff {

/// The longest line that is read, in bytes without its newline. A longer one is skipped in pieces
/// and answered with an error, so that memory stays bounded whatever comes in.
inline constexpr std::size_t max_line_bytes = std::size_t{16} << 20;

/// Lines of a file descriptor, read in blocks. `Before` runs before each read, which may block.
class LineReader {
 public:
  explicit LineReader(int descriptor) : descriptor_(descriptor) {}

  struct Line {
    std::string_view text;  ///< without the newline; valid until the next call
    bool too_long = false;  ///< longer than max_line_bytes: `text` is only its end
  };

  /// The next line, the last one also without a newline; false at the end of the input. Throws
  /// std::system_error.
  template <class Before>
  bool next(Line& line, Before&& before_reading) {
    line = {};
    for (std::size_t searched = 0; !take(line, searched);) {
      before_reading();
      if (!fill()) return take_rest(line);
    }
    return true;
  }

 private:
  bool take(Line& line, std::size_t& searched);
  bool take_rest(Line& line);
  bool fill();

  int descriptor_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0, end_ = 0;  // the bytes read and not yet given out
};

/// A file that is open for reading.
class InputFile {
 public:
  /// Throws std::system_error.
  explicit InputFile(const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

/// Appends the answer to one line, and a newline. False if the line could not be read.
bool append_reply(std::string& out, std::string_view line);

struct EvalCount {
  std::uint64_t lines = 0;
  std::uint64_t unreadable = 0;
  std::uint64_t first_unreadable = 0;  ///< line number, from 1; 0 if none
};

/// Answers every line of `in` on `out`, both file descriptors. All answers so far are written
/// before the next read, so a peer that waits for one gets it. `reply` answers a line, as
/// append_reply does. Throws std::system_error.
EvalCount eval(int in, int out, bool (*reply)(std::string&, std::string_view) = append_reply);

}  // namespace mmuref::diff
