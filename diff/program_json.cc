#include "diff/program_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "diff/text.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct AccessField {
  std::string_view name;
  bool required;
};
/// The fields of a request that an access step has.
constexpr std::array<AccessField, 6> access_fields{{{"access", true},
                                                    {"va", true},
                                                    {"cpl", true},
                                                    {"ac", false},
                                                    {"implicit", false},
                                                    {"stack", false}}};

bool of_machine(const Field& field) {
  if (field.name == "id") return false;
  return std::none_of(access_fields.begin(), access_fields.end(),
                      [&](const AccessField& a) { return a.name == field.name; });
}

const Field& field_named(std::string_view name) {
  return *std::find_if(request_fields.begin(), request_fields.end(),
                       [&](const Field& f) { return f.name == name; });
}

struct OperationName {
  std::string_view name;
  x86::OperationKind kind;
};
/// The instructions that load a register.
constexpr std::array<OperationName, 6> loads{{{"mov_cr0", x86::OperationKind::mov_cr0},
                                              {"mov_cr3", x86::OperationKind::mov_cr3},
                                              {"mov_cr4", x86::OperationKind::mov_cr4},
                                              {"wrmsr_efer", x86::OperationKind::wrmsr_efer},
                                              {"wrpkru", x86::OperationKind::wrpkru},
                                              {"wrmsr_pkrs", x86::OperationKind::wrmsr_pkrs}}};

constexpr const char* step_names =
    R"("write", "access", "invlpg", "invpcid", "mov_cr0", "mov_cr3", "mov_cr4", "wrmsr_efer", )"
    R"("wrpkru" or "wrmsr_pkrs")";

std::size_t read_count(ObjectReader& object, std::string_view name, std::size_t absent,
                       std::size_t min, std::size_t max) {
  if (object.find(name) == nullptr) return absent;
  const std::string expected = fmt::format("an integer {} to {}", min, max);
  return object.read(name, [&](const Value& v) {
    const auto* number = std::get_if<std::uint64_t>(&v);
    const auto* text = std::get_if<std::string_view>(&v);
    Word count = number != nullptr ? *number : 0;
    const bool reads = number != nullptr || (text != nullptr && read_hex(*text, count));
    if (!reads || count < min || count > max) throw Unexpected(expected);
    return static_cast<std::size_t>(count);
  });
}

Access read_access(ObjectReader& object) {
  Request request;
  for (const AccessField& field : access_fields) {
    if (!field.required && object.find(field.name) == nullptr) continue;
    object.read(field.name, [&](const Value& v) { field_named(field.name).read(request, v); });
  }
  return request.question.access;
}

TableWrite read_table_write(ObjectReader& object, const Program& program) {
  const Word address = read_physical(object, "address", program, 8,
                                     R"(an 8-byte aligned physical address such as "0x1f8")");
  return {address, object.word("value")};
}

Operation read_invpcid(ObjectReader& object) {
  const auto unless_absent = [&](std::string_view name, bool required) {
    return required || object.find(name) != nullptr ? object.word(name) : Word{0};
  };
  Operation op{.kind = x86::OperationKind::invpcid, .value = object.word("type")};
  op.descriptor = unless_absent("pcid", op.value <= 1);
  op.address = unless_absent("va", op.value == 0);
  return op;
}

ordered_json write_access(const Access& access) {
  static const Request defaults;
  const Request request{nullptr, {{}, access}};
  ordered_json step = {{"step", "access"}};
  for (const AccessField& field : access_fields) {
    ordered_json value = field_named(field.name).write(request);
    if (!field.required && value == field_named(field.name).write(defaults)) continue;
    step[std::string(field.name)] = std::move(value);
  }
  return step;
}

ordered_json write_operation(const Operation& op) {
  if (op.kind == x86::OperationKind::invlpg) return {{"step", "invlpg"}, {"va", hex(op.address)}};
  if (op.kind != x86::OperationKind::invpcid) {
    const auto* load = std::find_if(loads.begin(), loads.end(),
                                    [&](const OperationName& l) { return l.kind == op.kind; });
    return {{"step", load->name}, {"value", hex(op.value)}};
  }
  ordered_json step = {{"step", "invpcid"}};
  step["type"] = op.value <= 3 ? ordered_json(op.value) : ordered_json(hex(op.value));
  if (op.value <= 1 || op.descriptor != 0) step["pcid"] = hex(op.descriptor);
  if (op.value == 0 || op.address != 0) step["va"] = hex(op.address);
  return step;
}

ordered_json write_action(const TableWrite& w) {
  return {{"step", "write"}, {"address", hex(w.address)}, {"value", hex(w.value)}};
}
ordered_json write_action(const Operation& op) {
  return write_operation(op);
}
ordered_json write_action(const Access& access) {
  return write_access(access);
}

}  // namespace

Program read_program_machine(ObjectReader& object) {
  // The machine is that of a request, whose access nobody makes.
  json request = {{"id", 0}, {"cpl", 0}, {"ac", false}, {"access", "read"}, {"va", 0}};
  for (const Field& field : request_fields) {
    if (!of_machine(field)) continue;
    if (const json* value = object.find(field.name)) request[std::string(field.name)] = *value;
  }
  Program program;
  try {
    program.machine = read_request(request).question.machine;
  } catch (const RequestError& e) {
    throw FormError(e.what());
  }
  program.cpus = read_count(object, "cpus", 1, 1, max_cpus);
  return program;
}

std::size_t read_cpu(ObjectReader& object, std::size_t cpus) {
  return read_count(object, "cpu", 0, 0, cpus - 1);
}

Word read_physical(ObjectReader& object, std::string_view name, const Program& program,
                   Word alignment, const char* expected) {
  return object.read(name, [&](const Value& v) {
    const Word address = read_word(v);
    if (address % alignment != 0) throw Unexpected(expected);
    const Word width = program.machine.cpu.maxphyaddr;
    if (address >> width != 0) throw Unexpected(fmt::format("an address below 2^{}", width));
    return address;
  });
}

const json& read_steps(ObjectReader& object) {
  const json& steps = object.get("steps");
  if (!steps.is_array() || steps.size() > max_steps) {
    object.fail("steps", fmt::format("expected an array of at most {} steps", max_steps));
  }
  return steps;
}

ProgramStep read_step(ObjectReader& object, const Program& program, std::string_view also) {
  ProgramStep step;
  step.cpu = read_cpu(object, program.cpus);
  const json& name = object.get("step");
  if (name == "write") {
    step.action = read_table_write(object, program);
  } else if (name == "access") {
    step.action = read_access(object);
  } else if (name == "invlpg") {
    step.action = Operation{.kind = x86::OperationKind::invlpg, .address = object.word("va")};
  } else if (name == "invpcid") {
    step.action = read_invpcid(object);
  } else {
    const auto* load = std::find_if(loads.begin(), loads.end(),
                                    [&](const OperationName& l) { return name == l.name; });
    if (load == loads.end()) object.fail("step", fmt::format("expected {}{}", also, step_names));
    step.action = Operation{.kind = load->kind, .value = object.word("value")};
  }
  return step;
}

Program read_program(const json& document) {
  ObjectReader object(document, {});
  Program program = read_program_machine(object);
  const json& steps = read_steps(object);
  object.finish();
  for (const json& step : steps) {
    const std::string place = fmt::format("steps[{}]", program.steps.size());
    ObjectReader reader(step, place);
    program.steps.push_back(read_step(reader, program));
    reader.finish();
  }
  return program;
}

Program parse_program(std::string_view text) {
  const Document document = parse_document(text);
  if (!document.error.empty()) throw FormError(document.error);
  return read_program(document.value);
}

ordered_json to_json(const ProgramStep& step) {
  const ordered_json action =
      std::visit([](const auto& what) { return write_action(what); }, step.action);
  if (step.cpu == 0) return action;
  ordered_json document = {{"cpu", step.cpu}};
  document.update(action);
  return document;
}

void append_machine(ordered_json& document, const Program& program) {
  const ordered_json request = to_json(Request{0, {program.machine, {}}});
  for (const auto& [name, value] : request.items()) {
    if (of_machine(field_named(name))) document[name] = value;
  }
  if (program.cpus != 1) document["cpus"] = program.cpus;
}

ordered_json to_json(const Program& program) {
  ordered_json document;
  append_machine(document, program);
  document["steps"] = ordered_json::array();
  for (const ProgramStep& step : program.steps) document["steps"].push_back(to_json(step));
  return document;
}

}  // namespace mmuref::diff
