#include "diff/oracles/unicorn/unicorn_oracle.h"

#include "diff/oracles/unicorn/host.h"

namespace mmuref::diff {

namespace {

class UnicornOracle final : public OnHost<Oracle> {
 public:
  void load(const Machine& machine) override {
    host_.load(machine.memory);
    host_.engine().set_registers(machine.registers);
  }
};

}  // namespace

std::unique_ptr<Oracle> make_unicorn_oracle() {
  return std::make_unique<UnicornOracle>();
}

}  // namespace mmuref::diff
