#include "spec/protocol/checkpoint.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace mmuref::spec::protocol {
namespace {

constexpr std::array<char, 8> magic{'m', 'm', 'u', 'f', 'l', 's', 'h', '1'};

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
  void put_all(const Blocks<T>& values) {
    put(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) put(values[i]);
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
  template <class T>
  Blocks<T> all() {
    const auto count = get<std::size_t>();
    if (count > left_ / sizeof(T)) broken();
    Blocks<T> values;
    for (std::size_t i = 0; i < count; ++i) values.push_back(get<T>());
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

void save(const std::string& path, Checkpoint& c, const Seen& seen) {
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
  out.put_all(seen.prints());
  out.put_all(seen.parents());
  if (!out.end()) throw std::runtime_error(beside + ": cannot be written");
  std::error_code error;
  std::filesystem::rename(beside, path, error);
  if (error) throw std::runtime_error(path + ": " + error.message());
}

Checkpoint load(const std::string& path, std::uint64_t identity, Seen& seen) {
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
  auto prints = in.all<std::uint64_t>();
  auto parents = in.all<std::uint32_t>();
  in.end();
  if (prints.size() != parents.size() || prints.size() < c.waiting.size()) in.broken();
  seen.restore(std::move(prints), std::move(parents));
  return c;
}

}  // namespace mmuref::spec::protocol
