// The engine with its memory: entries go in, are read back, and what was touched is given back to
// the operating system now and then.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "diff/oracles/unicorn/engine.h"
#include "diff/oracles/unicorn/physical_memory.h"

namespace mmuref::diff {

/// Why the engine cannot make the access, as AnyOracle::unsupported says it.
std::string unicorn_unsupported(const Processor& cpu, const Registers& registers,
                                const Access& access);

class Host {
 public:
  Host();

  Engine& engine() { return *engine_; }
  /// Clears memory and goes on with a new engine.
  void restart();
  /// Forgets the entries loaded before. Throws std::invalid_argument for one above 2^40 or in the
  /// engine's own page.
  void load(const Memory& entries);
  Word read(Word address) const;
  /// `address` was written by the guest: the next load clears it.
  void written(Word address) { written_.push_back(address); }
  /// Before each access.
  void count_access();
  double seconds() const { return past_seconds_ + engine_->seconds(); }

 private:
  void clear();
  void give_back();
  void renew_engine();
  void write(Word address, Word value);

  PhysicalMemory memory_;
  std::optional<Engine> engine_;
  std::size_t accesses_ = 0;   ///< of this engine
  double past_seconds_ = 0;    ///< inside the engines before it
  std::vector<Word> written_;  ///< addresses of the current machine's entries
  std::size_t since_given_back_ = 0;
};

/// What both of Unicorn's oracles do alike; `Interface` is Oracle or ProgramOracle.
template <class Interface>
class OnHost : public Interface {
 public:
  using Interface::unsupported;
  std::string name() const override { return "unicorn"; }
  std::string version() const override { return Engine::version(); }
  std::string unsupported(const Processor& cpu, const Registers& registers,
                          const Access& access) const override {
    return unicorn_unsupported(cpu, registers, access);
  }
  void restart() override { host_.restart(); }
  Observation access(const Access& access) override {
    host_.count_access();
    return host_.engine().access(access);
  }
  Word read(Word address) const override { return host_.read(address); }
  double seconds() const override { return host_.seconds(); }

 protected:
  Host host_;
};

}  // namespace mmuref::diff
