// libkdumpfile's address translation, the peer.
//
// Set up for speed: the method is given directly, with no map to search, `addrxlat_walk` runs all
// levels in one call, and memory is handed over in the largest pieces there are, since the library
// keeps the buffers it was last given and asks again only for an address outside of them.
#pragma once

#include <libkdumpfile/addrxlat.h>

#include <memory>
#include <optional>
#include <vector>

#include "image/memory.h"

namespace mmuref::bench {

using image::Word;

class AddrxlatWalker {
 public:
  /// Four-level x86-64 paging from the root table at `root`, over `segments`, which are sorted by
  /// address and outlive the walker. Throws std::bad_alloc.
  AddrxlatWalker(Word root, std::vector<image::Segment> segments);

  AddrxlatWalker(const AddrxlatWalker&) = delete;
  AddrxlatWalker& operator=(const AddrxlatWalker&) = delete;

  /// The physical address, or nothing where the library reports an error.
  std::optional<Word> translate(Word va) {
    step_.base = {va, ADDRXLAT_KVADDR};
    if (addrxlat_walk(&step_) != ADDRXLAT_OK) return std::nullopt;
    return step_.base.addr;
  }

 private:
  static addrxlat_status get_page(const addrxlat_cb_t* callbacks, addrxlat_buffer_t* buffer);

  struct Release {
    void operator()(addrxlat_ctx_t* context) const { addrxlat_ctx_decref(context); }
  };
  std::vector<image::Segment> segments_;
  addrxlat_meth_t method_{};
  addrxlat_step_t step_{};
  std::unique_ptr<addrxlat_ctx_t, Release> context_;
};

}  // namespace mmuref::bench
