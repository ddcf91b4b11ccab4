// Linux's address functions in the model beside the same arithmetic written by hand.
#pragma once

namespace mmuref::bench {

/// Registers `model/FUNCTION` and `plain/FUNCTION` for each of them.
void add_addresses();

}  // namespace mmuref::bench
