// What the theorems about TLB flushes are asked with.
#pragma once

#include <span>
#include <string>

#include "model/linux/flush.h"
#include "spec/theorems/inputs.h"

namespace mmuref::spec {

/// Any of `kernels`, one a path: `body(t, kernel)`.
template <class S, class Body>
void any_kernel(S& t, std::span<const lnx::Kernel> kernels, Body body) {
  using W = WordOf<S>;
  const W which = t.word("kernel") & W{7};
  for (std::size_t i = 0; i + 1 < kernels.size(); ++i) {
    if (which == W{i}) return body(t, kernels[i]);
  }
  body(t, kernels.back());
}

/// Any processor.
template <class S>
lnx::FlushFeatures features(S& t, const lnx::Kernel& k) {
  lnx::FlushFeatures f;
  f.pge = static_cast<bool>(t.flag("pge"));
  f.invpcid = static_cast<bool>(t.flag("invpcid"));
  f.pcid = static_cast<bool>(t.flag("pcid"));
  f.pti = k.config.pti && static_cast<bool>(t.flag("pti"));
  return f;
}

/// A CPU in any state; `suffix` tells several apart.
template <class S>
lnx::TlbCpu<WordOf<S>> flush_cpu(S& t, const std::string& suffix = "") {
  lnx::TlbCpu<WordOf<S>> cpu;
  cpu.loaded = t.flag("loaded" + suffix);
  cpu.lazy = t.flag("lazy" + suffix);
  cpu.user = t.flag("user" + suffix);
  cpu.in_mask = t.flag("in_mask" + suffix);
  cpu.local_gen = t.word("local_gen" + suffix) & WordOf<S>{bits(61, 0)};
  return cpu;
}

/// Any range, to be flushed with any ceiling that can be written to debugfs.
template <class S>
lnx::FlushRequest<WordOf<S>> any_request(S& t) {
  using W = WordOf<S>;
  lnx::FlushRequest<W> r;
  r.start = t.word("start");
  r.end = select(t.flag("all"), W{lnx::TLB_FLUSH_ALL}, t.word("end"));
  r.ceiling = t.word("ceiling") & W{bits(30, 0)};
  r.hugetlb = t.flag("hugetlb");
  r.freed_tables = t.flag("freed_tables");
  r.others = t.flag("others");
  r.mm_gen = t.word("mm_gen") & W{bits(61, 0)};
  return r;
}

/// A range of user addresses from a whole page on, up to 1 MiB, so that the default ceiling cuts
/// through; not empty.
template <class S>
lnx::FlushRequest<WordOf<S>> user_request(S& t) {
  using W = WordOf<S>;
  lnx::FlushRequest<W> r = any_request(t);
  r.start = t.word("va") & W{bits(45, 12)};
  r.end = r.start + (t.word("length") & W{bits(19, 0)}) + W{1};
  r.ceiling = W{lnx::default_flush_ceiling};
  return r;
}

/// An address of `r`.
template <class S>
WordOf<S> address_in(S& t, const lnx::FlushRequest<WordOf<S>>& r) {
  using W = WordOf<S>;
  const W va = r.start + (t.word("offset") & W{bits(17, 0)});
  t.assume(va < r.end);
  return va;
}

}  // namespace mmuref::spec
