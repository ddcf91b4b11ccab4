#include "spec/protocol/checkpoint.h"

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace mmuref::spec::protocol {
namespace {

constexpr std::array<char, 8> magic{'m', 'm', 'u', 'f', 'l', 's', 'h', '1'};

std::uint64_t stir(std::uint64_t h, std::uint64_t v) {
  h = (h ^ v) * 0x9e3779b97f4a7c15;
  return h ^ (h >> 29);
}

std::uint64_t of_operand(const Operand& o) {
  return static_cast<std::uint64_t>(o.kind) << 8 | o.value;
}

template <class T>
void put(std::ostream& out, const T& value) {
  out.write(reinterpret_cast<const char*>(&value), sizeof value);
}
template <class T>
void put_all(std::ostream& out, const std::vector<T>& values) {
  put(out, values.size());
  out.write(reinterpret_cast<const char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(T)));
}

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
  std::vector<T> all() {
    const auto count = get<std::size_t>();
    if (count > left_ / sizeof(T)) broken();
    std::vector<T> values(count);
    take(values.data(), count * sizeof(T));
    return values;
  }
  bool at_end() const { return left_ == 0; }
  [[noreturn]] void broken() const {
    throw std::runtime_error(path_ + ": expected what `flush explore --save` wrote, whole");
  }

 private:
  void take(void* to, std::size_t bytes) {
    if (bytes > left_) broken();
    left_ -= bytes;
    in_.read(static_cast<char*>(to), static_cast<std::streamsize>(bytes));
    if (!in_) broken();
  }
  std::string path_;
  std::ifstream in_;
  std::uintmax_t left_ = 0;
};

}  // namespace

std::uint64_t identity(const System& system, const SearchOptions& options) {
  std::uint64_t h = stir(sizeof(State), fingerprint(system.initial));
  for (const int n : {system.cpus, system.mms, system.pages, system.asids})
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

void save(const std::string& path, const Checkpoint& c, const Seen& seen) {
  const std::string beside = path + ".part";
  {
    std::ofstream out(beside, std::ios::binary | std::ios::trunc);
    out.write(magic.data(), magic.size());
    put(out, c.identity);
    put(out, c.transitions);
    put(out, c.depth);
    put(out, c.seconds);
    put_all(out, c.waiting);
    put_all(out, seen.prints());
    put_all(out, seen.parents());
    out.flush();
    if (!out) throw std::runtime_error(beside + ": cannot be written");
  }
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
  c.waiting = in.all<State>();
  auto prints = in.all<std::uint64_t>();
  auto parents = in.all<std::uint32_t>();
  if (!in.at_end() || prints.size() != parents.size() || prints.size() < c.waiting.size())
    in.broken();
  seen.restore(std::move(prints), std::move(parents));
  return c;
}

}  // namespace mmuref::spec::protocol
