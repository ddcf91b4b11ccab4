// What the tests of campaigns share: files that vanish, and oracles that lie.
#pragma once

#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "diff/oracles/statement/statement_oracle.h"

namespace mmuref::diff {

/// A folder of its own, gone with its object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    static std::atomic<int> number = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("mmuref-" + std::to_string(getpid()) + "-" + std::to_string(number++));
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

inline std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// The declarative statement, with one thing falsified.
class LyingOracle : public Oracle {
 public:
  /// Changes what is observed of an access; may flip bits of entries with `flip`.
  using Lie = std::function<void(const Case&, Observation&, LyingOracle&)>;

  explicit LyingOracle(Lie lie) : inner_(make_statement_oracle()), lie_(std::move(lie)) {}

  std::string name() const override { return "liar"; }
  std::string version() const override { return "1"; }
  std::string unsupported(const Processor& cpu, const Registers& registers,
                          const Access& access) const override {
    return inner_->unsupported(cpu, registers, access);
  }
  void load(const Machine& machine) override {
    inner_->load(machine);
    machine_ = machine;
    flips_.clear();
  }
  Observation access(const Access& access) override {
    const Case question{machine_, access};
    Observation o = inner_->access(access);
    for (const auto& [address, value] : question.machine.memory) {
      machine_.memory.write(address, inner_->read(address));
    }
    lie_(question, o, *this);
    return o;
  }
  Word read(Word address) const override {
    const auto flip = flips_.find(address);
    return inner_->read(address) ^ (flip == flips_.end() ? 0 : flip->second);
  }
  double seconds() const override { return 0; }

  void flip(Word address, Word value) { flips_[address] ^= value; }

 private:
  std::unique_ptr<Oracle> inner_;
  Lie lie_;
  Machine machine_;
  std::map<Word, Word> flips_;
};

/// A user read of 0x7f0000001234 through four valid entries; A and D are clear.
inline Case user_read() {
  using namespace x86::entry;
  Case c;
  c.machine.registers = {.cr0 = x86::cr0::PE | x86::cr0::PG | x86::cr0::WP,
                         .cr3 = 0x1000,
                         .cr4 = x86::cr4::PAE,
                         .efer = x86::efer::LME | x86::efer::LMA | x86::efer::NXE};
  c.access.va = 0x7f0000001234;
  c.access.cpl3 = true;
  Word table = 0x1000;
  for (int level = 4; level > 0; --level) {
    const Word next = table + 0x1000;
    c.machine.memory.write(table | (x86::table_index(c.access.va, level) << 3), next | P | RW | US);
    table = next;
  }
  return c;
}

/// The address of the entry at `level` on the path of user_read().
inline Word entry_address(const Case& c, int level) {
  return static_cast<Word>(5 - level) * 0x1000 | (x86::table_index(c.access.va, level) << 3);
}

}  // namespace mmuref::diff
