// The declarative statement of spec/ as an oracle: needs nothing outside this process, has every
// feature, and differs from the model only where one of the two statements of the manual is wrong.
#pragma once

#include <memory>

#include "diff/oracle.h"

namespace mmuref::diff {

std::unique_ptr<Oracle> make_statement_oracle();

}  // namespace mmuref::diff
