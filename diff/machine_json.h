// A case and its answer as JSON: the form of `mmuref eval` (docs/eval.md) and of corpus files.
//
// A request is one object. Numbers are hex strings ("0x1f", digits of either case) or non-negative
// JSON integers. Every field is required but the optional ones; any other field is refused, and so
// is one given twice.
//
//   id          string or integer, given back as it is
//   maxphyaddr  32..52                    page1gb     true or false
//   cr0 cr3 cr4 efer   64 bits            pkru        32 bits
//   cpl         0..3                      ac          true or false
//   access      "read", "write", "fetch"  va          64 bits
//   mem         {address: value}: 8-byte units at 8-byte aligned physical addresses; what is
//               absent reads 0, and units at 2^maxphyaddr or above are dropped: no walk gets there
//   optional:   pkrs (0), implicit (false), stack (false), vendor "intel" (default) or "amd"
#pragma once

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "diff/answer.h"

namespace mmuref::diff {

/// A case with the name its answer carries.
struct Request {
  nlohmann::json id;  ///< a string or an integer
  Case question;
};

/// A request that cannot be read. `what()` names the field and what was expected there.
class RequestError : public std::runtime_error {
 public:
  RequestError(nlohmann::json request_id, const std::string& message)
      : std::runtime_error(message), id(std::move(request_id)) {}
  nlohmann::json id;  ///< null if it could not be read either
};

/// Reads one request from JSON text. Nothing may follow it but white space. Throws RequestError.
Request parse_request(std::string_view text);

/// Reads one request from a parsed document, by the same rules. Throws RequestError.
Request read_request(const nlohmann::json& document);

/// The inverse of `read_request`, in the contract's order. The model asks only whether CPL is 3;
/// any other is written as 0. Optional fields are left out where they hold their default.
nlohmann::ordered_json to_json(const Request& request);

/// Appends the answer's one JSON object to `out`, without a newline.
void append_answer(std::string& out, const nlohmann::json& id, const Case& question,
                   const Answer& answer);

/// Appends what an answer holds behind its id: fields with commas between, without the braces.
void append_outcome(std::string& out, const Access& access, const Answer& answer);

/// Appends the object that answers a request that cannot be read, without a newline.
void append_error(std::string& out, const RequestError& error);

/// The object that `append_answer` writes.
nlohmann::ordered_json to_json(const nlohmann::json& id, const Case& question,
                               const Answer& answer);

}  // namespace mmuref::diff
