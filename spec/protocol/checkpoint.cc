#include "spec/protocol/checkpoint.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace mmuref::spec::protocol {
namespace {

constexpr std::array<char, 8> magic{'m', 'm', 'u', 'f', 'l', 's', 'h', '2'};

std::uint64_t of_operand(const Operand& o) {
  return static_cast<std::uint64_t>(o.kind) << 8 | o.value;
}

/// A sum over everything written or read, by which a damaged file is known.
class Sum {
 public:
  void add(const void* from, std::size_t bytes) {
    const auto* p = static_cast<const char*>(from);
    for (; bytes >= 8; bytes -= 8, p += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, p, 8);
      value_ = stir(value_, word);
    }
    std::uint64_t rest = bytes;
    std::memcpy(reinterpret_cast<char*>(&rest) + 1, p, std::min<std::size_t>(bytes, 7));
    value_ = stir(value_, rest);
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0x9e3779b97f4a7c15;
};

class Writer {
 public:
  explicit Writer(const std::string& path) : out_(path, std::ios::binary | std::ios::trunc) {}
  template <class T>
  void put(const T& value) {
    write(&value, sizeof value);
  }
  template <class T>
  void put_all(const std::vector<T>& values) {
    put(values.size());
    write(values.data(), values.size() * sizeof(T));
  }
  /// Whether all of it was written.
  bool end() {
    const std::uint64_t sum = sum_.value();
    put(sum);
    out_.flush();
    return static_cast<bool>(out_);
  }

 private:
  void write(const void* from, std::size_t bytes) {
    sum_.add(from, bytes);
    out_.write(static_cast<const char*>(from), static_cast<std::streamsize>(bytes));
  }
  std::ofstream out_;
  Sum sum_;
};

class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), in_(path, std::ios::binary) {
    std::error_code error;
    left_ = std::filesystem::file_size(path, error);
    if (error || !in_) throw std::runtime_error(path + ": cannot be read");
  }
  template <class T>
  T get() {
    T value{};
    take(&value, sizeof value);
    return value;
  }
  /// `count`, where the rest of the file can hold as many.
  template <class T>
  std::size_t fits(std::size_t count) {
    if (count > left_ / sizeof(T)) broken();
    return count;
  }
  template <class T>
  std::vector<T> all() {
    std::vector<T> values(fits<T>(get<std::size_t>()));
    take(values.data(), values.size() * sizeof(T));
    return values;
  }
  void end() {
    const std::uint64_t sum = sum_.value();
    if (get<std::uint64_t>() != sum || left_ != 0) broken();
  }
  [[noreturn]] void broken() const {
    throw std::runtime_error(path_ + ": expected what `flush explore --save` wrote, whole");
  }

 private:
  void take(void* to, std::size_t bytes) {
    if (bytes > left_) broken();
    left_ -= bytes;
    in_.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes));
    if (!in_) broken();
    sum_.add(to, bytes);
  }
  std::string path_;
  std::ifstream in_;
  std::uintmax_t left_ = 0;
  Sum sum_;
};

}  // namespace

std::uint64_t identity(const System& system, const SearchOptions& options) {
  std::uint64_t h = stir(sizeof(State), fingerprint(system.initial));
  for (const int n : {system.cpus, system.mms, system.pages, system.asids, system.observed_cpus,
                      system.observed_mms})
    h = stir(h, static_cast<std::uint64_t>(n));
  for (const int n : system.runs) h = stir(h, static_cast<std::uint64_t>(n));
  for (const bool b : {system.generations, system.same_mms, system.promises.of_users_only,
                       system.promises.while_switching, options.reduce, options.symmetry})
    h = stir(h, b ? 1 : 2);
  for (const Program& program : system.programs) {
    for (std::size_t i = 0; i < program.size(); ++i) {
      const Step& s = program[i];
      for (const Operand& o : {s.a, s.b, s.at.index, s.at.page, s.to}) h = stir(h, of_operand(o));
      h = stir(h, static_cast<std::uint64_t>(s.op) << 16 |
                      static_cast<std::uint64_t>(s.at.place) << 8 | (s.switching ? 2U : 0U) |
                      (s.locked ? 1U : 0U));
      for (const Pc t : s.targets) h = stir(h, t);
    }
  }
  return h;
}

void save(const std::string& path, Checkpoint& c, const Fingerprints& seen, const Ways& ways) {
  const std::string beside = path + ".part";
  Writer out(beside);
  out.put(magic);
  out.put(c.identity);
  out.put(c.transitions);
  out.put(c.depth);
  out.put(c.seconds);
  out.put(c.waiting.size());
  for (std::size_t left = c.waiting.size(); left > 0; --left) {
    const State state = c.waiting.pop();
    out.put(state);
    c.waiting.push(state);
  }
  out.put(seen.size());
  seen.for_each([&](std::uint64_t print) { out.put(print); });
  out.put_all(ways.which());
  out.put_all(ways.following());
  if (!out.end()) throw std::runtime_error(beside + ": cannot be written");
  std::error_code error;
  std::filesystem::rename(beside, path, error);
  if (error) throw std::runtime_error(path + ": " + error.message());
}

Checkpoint load(const std::string& path, std::uint64_t identity, Fingerprints& seen, Ways& ways) {
  Reader in(path);
  if (in.get<std::array<char, 8>>() != magic) in.broken();
  Checkpoint c;
  c.identity = in.get<std::uint64_t>();
  if (c.identity != identity)
    throw std::runtime_error(path +
                             ": kept by a search of another protocol, or with other options");
  c.transitions = in.get<std::size_t>();
  c.depth = in.get<std::size_t>();
  c.seconds = in.get<double>();
  for (auto left = in.get<std::size_t>(); left > 0; --left) c.waiting.push(in.get<State>());
  auto left = in.fits<std::uint64_t>(in.get<std::size_t>());
  for (seen.reserve(left); left > 0; --left) seen.add(in.get<std::uint64_t>());
  auto which = in.all<std::uint8_t>(), following = in.all<std::uint8_t>();
  in.end();
  if (which.size() + 1 != seen.size() || following.size() + c.waiting.size() != seen.size())
    in.broken();
  ways.restore(std::move(which), std::move(following));
  return c;
}

}  // namespace mmuref::spec::protocol
