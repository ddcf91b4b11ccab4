// Kernels, processors and requests that the tests of flushes share.
#pragma once

#include "model/linux/flush.h"

namespace mmuref::lnx::test {

using Word = std::uint64_t;
using Cpu = TlbCpu<Word>;
using Request = FlushRequest<Word>;
using Plan = FlushPlan<Word>;

inline constexpr Word all = ~Word{0};

inline const Kernel linux_2_4_0 = kernel({2, 4, 0}), linux_2_4_19 = kernel({2, 4, 19}),
                    linux_3_2 = kernel(v3_2), linux_4_4 = kernel(v4_4), linux_4_6 = kernel(v4_6),
                    linux_4_12 = kernel({4, 12}), linux_4_14 = kernel({4, 14}),
                    linux_4_20 = kernel(v4_20), linux_6_1 = kernel(v6_1),
                    linux_6_12 = kernel(v6_12), linux_6_12_117 = kernel({6, 12, 117});
inline const FlushFeatures features;

inline constexpr Cpu uses{}, elsewhere{.loaded = false}, borrows{.lazy = true, .user = false},
    lazy{.lazy = true}, borrows_ok{.user = false};

inline Request range(Word start, Word end) {
  Request r;
  r.start = start;
  r.end = end;
  return r;
}

}  // namespace mmuref::lnx::test
