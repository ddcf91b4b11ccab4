#include "diff/oracles/unicorn/unicorn_oracle.h"

#include "diff/oracles/unicorn/host.h"

namespace mmuref::diff {

namespace {

class UnicornOracle final : public Oracle {
 public:
  std::string name() const override { return "unicorn"; }
  std::string version() const override { return Engine::version(); }
  std::string unsupported(const Processor& cpu, const Registers& registers,
                          const Access& access) const override {
    return unicorn_unsupported(cpu, registers, access);
  }
  void load(const Machine& machine) override {
    host_.load(machine.memory);
    host_.engine().set_registers(machine.registers);
  }
  Observation access(const Access& access) override {
    host_.count_access();
    return host_.engine().access(access);
  }
  Word read(Word address) const override { return host_.read(address); }
  double seconds() const override { return host_.seconds(); }

 private:
  Host host_;
};

}  // namespace

std::unique_ptr<Oracle> make_unicorn_oracle() {
  return std::make_unique<UnicornOracle>();
}

}  // namespace mmuref::diff
