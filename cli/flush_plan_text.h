// What `flush plan` prints of one flush.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "cli/picture.h"
#include "model/linux/flush.h"

namespace mmuref::cli {

/// What a function that flushes is asked with.
struct FlushSituation {
  std::string version;  ///< as it was asked for
  lnx::Kernel k;
  lnx::FlushFeatures features;
  lnx::TlbCpu<std::uint64_t> cpu;
  lnx::FlushRequest<std::uint64_t> request;
};

/// `call` is the function with its arguments.
std::string plan_text(const FlushSituation& s, const std::string& call,
                      const lnx::FlushPlan<std::uint64_t>& plan);

/// Who does what, and who is interrupted: a column a kind of CPU.
Picture plan_picture(const FlushSituation& s, const std::string& call,
                     const lnx::FlushPlan<std::uint64_t>& plan);

nlohmann::ordered_json plan_json(const FlushSituation& s, std::string_view function,
                                 const lnx::FlushPlan<std::uint64_t>& plan);

/// A line of such text: a label and what it says.
std::string plan_row(std::string_view label, const std::string& text);

}  // namespace mmuref::cli
