#include "diff/oracles.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "diff/oracles/statement/statement_oracle.h"
#include "diff/oracles/unicorn/unicorn_oracle.h"
#include "diff/oracles/unicorn/unicorn_programs.h"

namespace mmuref::diff {
namespace {

struct Named {
  std::string_view name;
  std::unique_ptr<Oracle> (*make)();
  std::unique_ptr<ProgramOracle> (*make_programs)();  ///< null when it runs none
};

constexpr Named oracles[] = {
    {"unicorn", make_unicorn_oracle, make_unicorn_programs},
    {"spec", make_statement_oracle, nullptr},
};

}  // namespace

const std::vector<std::string_view>& oracle_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> list;
    for (const Named& oracle : oracles) list.push_back(oracle.name);
    return list;
  }();
  return names;
}

std::unique_ptr<Oracle> make_oracle(std::string_view name) {
  for (const Named& oracle : oracles) {
    if (oracle.name == name) return oracle.make();
  }
  return nullptr;
}

std::unique_ptr<ProgramOracle> make_program_oracle(std::string_view name) {
  for (const Named& oracle : oracles) {
    if (oracle.name == name && oracle.make_programs != nullptr) return oracle.make_programs();
  }
  return nullptr;
}

std::string program_oracle_list() {
  std::vector<std::string_view> list;
  for (const Named& oracle : oracles) {
    if (oracle.make_programs != nullptr) list.push_back(oracle.name);
  }
  return fmt::format("{}", fmt::join(list, ", "));
}

std::string oracle_list() {
  return fmt::format("{}", fmt::join(oracle_names(), ", "));
}

}  // namespace mmuref::diff
