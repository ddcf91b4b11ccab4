#include "diff/tlb_eval.h"

#include <fmt/format.h>

#include "diff/machine_json.h"
#include "diff/possibility_json.h"
#include "diff/program_json.h"

namespace mmuref::diff {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

struct TlbRequest {
  Program program;
  std::vector<json> observed;  ///< of each step; null where nothing is known
};

std::string place_of(std::size_t step) {
  return fmt::format("steps[{}]", step);
}

TlbRequest read_tlb_request(const json& document) {
  ObjectReader object(document, {});
  object.read("id", [](const Value& v) {
    Request request;
    request_fields[0].read(request, v);
  });
  TlbRequest request{read_program_machine(object), {}};
  const json& steps = read_steps(object);
  object.finish();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::string place = place_of(i);
    ObjectReader reader(steps[i], place);
    const ProgramStep& step =
        request.program.steps.emplace_back(read_step(reader, request.program));
    const json* observed = nullptr;
    if (std::holds_alternative<Access>(step.action)) observed = reader.find("observed");
    request.observed.push_back(observed != nullptr ? *observed : json());
    reader.finish();
  }
  return request;
}

/// Runs a program and collects the answer.
class Run {
 public:
  explicit Run(const TlbRequest& request) : request_(request), machine_(start(request.program)) {}

  std::string answer(const json& id) {
    for (; step_ < request_.program.steps.size(); ++step_) {
      const ProgramStep& step = request_.program.steps[step_];
      cpu_ = step.cpu;
      std::visit([this](const auto& action) { take(action); }, step.action);
    }
    return fmt::format(R"({{"id":{},"accesses":[{}],"operations":{}}})", id.dump(), accesses_,
                       operations_.dump());
  }

 private:
  void take(const TableWrite& w) { machine_.write(w.address, w.value); }

  void take(const Operation& op) {
    const auto effect = machine_.execute(cpu_, op);
    if (effect.exception == x86::Exception::none) return;
    const bool undefined = effect.exception == x86::Exception::invalid_opcode;
    operations_.push_back({{"step", step_}, {"exception", undefined ? "#UD" : "#GP(0)"}});
  }

  void take(const Access& access) {
    const auto outcomes = machine_.outcomes(cpu_, access);
    append(access, outcomes);
    const json& observed = request_.observed[step_];
    if (observed.is_null()) return machine_.settle(cpu_, access, outcomes);
    const std::string place = place_of(step_) + ".observed";
    const auto seen = agreeing(observed, place, outcomes, access, machine_.memory());
    if (seen.empty()) throw FormError(place + ": expected one of the outcomes the access may have");
    machine_.settle(cpu_, access, seen);
  }

  void append(const Access& access, const std::vector<Possibility>& outcomes) {
    outcomes_ += outcomes.size();
    if (outcomes_ > max_outcomes) {
      throw FormError(
          fmt::format("{}: more than {} outcomes; expected fewer accesses, or fewer "
                      "writes that nothing invalidates",
                      place_of(step_), max_outcomes));
    }
    if (!accesses_.empty()) accesses_ += ',';
    accesses_ += fmt::format(R"({{"step":{},"outcomes":[)", step_);
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      if (i > 0) accesses_ += ',';
      append_possibility(accesses_, outcomes[i], access, machine_.memory());
    }
    accesses_ += "]}";
  }

  const TlbRequest& request_;
  CachingMachine machine_;
  std::size_t step_ = 0, cpu_ = 0;
  std::size_t outcomes_ = 0;  // of all accesses so far
  std::string accesses_;      // the text of their answers
  ordered_json operations_ = ordered_json::array();
};

}  // namespace

bool append_tlb_reply(std::string& out, std::string_view line) {
  const Document document = parse_document(line);
  bool readable = true;
  try {
    if (!document.error.empty()) throw FormError(document.error);
    const TlbRequest request = read_tlb_request(document.value);
    out += Run(request).answer(document.id);
  } catch (const FormError& e) {
    append_error(out, {document.id, e.what()});
    readable = false;
  }
  out += '\n';
  return readable;
}

}  // namespace mmuref::diff
