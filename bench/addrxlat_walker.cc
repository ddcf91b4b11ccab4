#include "bench/addrxlat_walker.h"

#include <algorithm>
#include <iterator>
#include <new>
#include <utility>

namespace mmuref::bench {

AddrxlatWalker::AddrxlatWalker(Word root, std::vector<image::Segment> segments)
    : segments_(std::move(segments)), context_(addrxlat_ctx_new()) {
  addrxlat_cb_t* callbacks = context_ ? addrxlat_ctx_add_cb(context_.get()) : nullptr;
  if (!callbacks) throw std::bad_alloc();
  callbacks->priv = this;
  callbacks->get_page = get_page;
  callbacks->read_caps = [](const addrxlat_cb_t*) -> unsigned long {
    return ADDRXLAT_CAPS(ADDRXLAT_MACHPHYSADDR);
  };

  method_.kind = ADDRXLAT_PGT;
  method_.target_as = ADDRXLAT_MACHPHYSADDR;
  method_.param.pgt.root = {root, ADDRXLAT_MACHPHYSADDR};
  method_.param.pgt.pf = {ADDRXLAT_PTE_X86_64, 5, {12, 9, 9, 9, 9}};
  step_.ctx = context_.get();
  step_.meth = &method_;
}

addrxlat_status AddrxlatWalker::get_page(const addrxlat_cb_t* callbacks,
                                         addrxlat_buffer_t* buffer) {
  const auto& segments = static_cast<const AddrxlatWalker*>(callbacks->priv)->segments_;
  const Word address = buffer->addr.addr;
  const auto after =
      std::upper_bound(segments.begin(), segments.end(), address,
                       [](Word a, const image::Segment& s) { return a < s.address; });
  if (after == segments.begin() || address >= std::prev(after)->end()) return ADDRXLAT_ERR_NODATA;
  const image::Segment& s = *std::prev(after);
  buffer->addr.addr = s.address;
  buffer->ptr = s.bytes;
  buffer->size = s.size;
  buffer->byte_order = ADDRXLAT_LITTLE_ENDIAN;
  buffer->put_page = [](const addrxlat_buffer_t*) {};
  return ADDRXLAT_OK;
}

}  // namespace mmuref::bench
