#include "diff/eval.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "diff/machine_json.h"

namespace mmuref::diff {
namespace {

constexpr std::size_t block_bytes = std::size_t{256} << 10;

std::size_t read_some(int descriptor, char* to, std::size_t size) {
  for (;;) {
    const ssize_t got = ::read(descriptor, to, size);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "reading");
  }
}

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(descriptor, text.data(), text.size());
    if (put >= 0) {
      text.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno != EINTR) {
      throw std::system_error(errno, std::generic_category(), "writing");
    }
  }
}

}  // namespace

/// Gives out the line whose newline is buffered, if it is; remembers how far it looked.
bool LineReader::take(Line& line, std::size_t& searched) {
  const std::size_t size = end_ - begin_;
  const char* const start = buffer_.data() + begin_;
  const void* const newline =
      searched < size ? std::memchr(start + searched, '\n', size - searched) : nullptr;
  if (newline != nullptr) {
    line.text = {start, static_cast<std::size_t>(static_cast<const char*>(newline) - start)};
    line.too_long |= line.text.size() > max_line_bytes;
    begin_ += line.text.size() + 1;
    return true;
  }
  searched = size;
  if (size > max_line_bytes || line.too_long) {
    line.too_long = true;
    begin_ = end_ = searched = 0;
  }
  return false;
}

bool LineReader::take_rest(Line& line) {
  line.text = {buffer_.data() + begin_, end_ - begin_};
  begin_ = end_;
  return !line.text.empty() || line.too_long;
}

bool LineReader::fill() {
  if (begin_ > 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() < end_ + block_bytes) buffer_.resize(2 * end_ + block_bytes);
  const std::size_t got = read_some(descriptor_, buffer_.data() + end_, buffer_.size() - end_);
  end_ += got;
  return got > 0;
}

InputFile::InputFile(const std::string& path)
    : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), path);
}

InputFile::~InputFile() {
  ::close(descriptor_);
}

bool append_reply(std::string& out, std::string_view line) {
  bool readable = true;
  try {
    const Request request = parse_request(line);
    append_answer(out, request.id, request.question, answer(request.question));
  } catch (const RequestError& error) {
    append_error(out, error);
    readable = false;
  }
  out += '\n';
  return readable;
}

EvalCount eval(int in, int out, bool (*reply)(std::string&, std::string_view)) {
  EvalCount count;
  LineReader reader(in);
  std::string replies;
  const auto flush = [&] {
    write_all(out, replies);
    replies.clear();
  };
  for (LineReader::Line line; reader.next(line, flush);) {
    ++count.lines;
    bool readable = false;
    if (line.too_long) {
      append_error(replies, {nullptr, fmt::format("a line longer than {} bytes", max_line_bytes)});
      replies += '\n';
    } else {
      readable = reply(replies, line.text);
    }
    if (!readable && ++count.unreadable == 1) count.first_unreadable = count.lines;
    if (replies.size() >= block_bytes) flush();
  }
  flush();
  return count;
}

}  // namespace mmuref::diff
