// The states of one level of a search, in the order of finding, packed: most bytes of a state are
// 0.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>

#include "spec/protocol/state.h"

namespace mmuref::spec::protocol {

class Waiting {
 public:
  void push(const State& state) {
    if (blocks_.empty() || end_ + largest > block_size) {
      blocks_.push_back(std::make_unique<Byte[]>(block_size));
      if (blocks_.size() > 1) ends_.push_back(end_);
      end_ = 0;
    }
    end_ =
        static_cast<std::size_t>(pack(state, blocks_.back().get() + end_) - blocks_.back().get());
    ++count_;
  }
  /// The oldest, which leaves. There is one.
  State pop() {
    State state;
    begin_ = static_cast<std::size_t>(unpack(blocks_.front().get() + begin_, state) -
                                      blocks_.front().get());
    --count_;
    const bool last = blocks_.size() == 1;
    if (begin_ == (last ? end_ : ends_.front())) {
      blocks_.pop_front();
      if (!last) ends_.pop_front();
      begin_ = 0;
      if (last) end_ = 0;
    }
    return state;
  }
  std::size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  std::size_t bytes() const { return blocks_.size() * block_size; }

 private:
  static constexpr std::size_t block_size = std::size_t{1} << 20;
  static constexpr std::size_t words = (sizeof(State) + 7) / 8, largest = sizeof(State) + words;

  /// For every eight bytes, which of them are not 0, and those.
  static Byte* pack(const State& state, Byte* to) {
    const auto* from = reinterpret_cast<const Byte*>(&state);
    for (std::size_t w = 0; w < words; ++w) {
      Byte* which = to++;
      *which = 0;
      for (std::size_t i = 0; i < 8 && w * 8 + i < sizeof state; ++i) {
        const Byte b = from[w * 8 + i];
        if (b == 0) continue;
        *which = static_cast<Byte>(*which | 1u << i);
        *to++ = b;
      }
    }
    return to;
  }
  static const Byte* unpack(const Byte* from, State& state) {
    auto* to = reinterpret_cast<Byte*>(&state);
    for (std::size_t w = 0; w < words; ++w) {
      const Byte which = *from++;
      for (std::size_t i = 0; i < 8 && w * 8 + i < sizeof state; ++i)
        to[w * 8 + i] = (which >> i & 1) != 0 ? *from++ : Byte{0};
    }
    return from;
  }

  std::deque<std::unique_ptr<Byte[]>> blocks_;
  std::deque<std::size_t> ends_;     ///< of all blocks but the last
  std::size_t begin_ = 0, end_ = 0;  ///< in the first block, and in the last
  std::size_t count_ = 0;
};

}  // namespace mmuref::spec::protocol
