// A set-associative cache: sets of ways, and which way gives room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace mmuref::x86 {

enum class Replacement : unsigned char {
  lru,     ///< the way not used for the longest time
  fifo,    ///< the way filled first
  random,  ///< any, by a pseudo-random sequence that the seed decides
};

/// sets × ways entries. One set is a fully associative cache; without ways nothing is kept.
struct CacheShape {
  std::size_t sets = 1;  ///< a power of two
  std::size_t ways = 0;

  std::size_t size() const { return sets * ways; }
};

/// Entries of type T, found by a tag whose low bits choose the set. Several may share a tag.
template <class T>
class SetAssociative {
 public:
  using Tag = std::uint64_t;

  /// Throws std::invalid_argument for sets that are no power of two.
  SetAssociative(const CacheShape& shape, Replacement replacement, std::uint64_t seed)
      : shape_(shape), replacement_(replacement), random_(seed) {
    if (shape.sets == 0 || (shape.sets & (shape.sets - 1)) != 0) {
      throw std::invalid_argument("a cache's sets must be a power of two");
    }
    tags_.resize(shape.size(), none);
    stamps_.resize(shape.size());
    entries_.resize(shape.size());
  }

  /// The first entry of `tag` that `accept(entry)` takes, or null.
  template <class Accept>
  const T* find(Tag tag, Accept&& accept) {
    const std::size_t first = set(tag), end = first + shape_.ways;
    for (std::size_t i = first; i < end; ++i) {
      if (tags_[i] != tag || !accept(entries_[i])) continue;
      if (replacement_ == Replacement::lru) stamps_[i] = ++clock_;
      return &entries_[i];
    }
    return nullptr;
  }

  /// Keeps `entry` in the place of one of the same tag that `replaces(old)` names, else in an empty
  /// way, else in another's; whether another had to go.
  template <class Replaces>
  bool insert(Tag tag, const T& entry, Replaces&& replaces) {
    if (shape_.ways == 0) return false;
    const std::size_t first = set(tag), end = first + shape_.ways;
    std::size_t place = end, oldest = first;
    for (std::size_t i = first; i < end; ++i) {
      if (tags_[i] == tag && replaces(entries_[i])) {
        place = i;
        break;
      }
      if (tags_[i] == none && place == end) place = i;
      if (stamps_[i] < stamps_[oldest]) oldest = i;
    }
    const bool evicts = place == end;
    if (evicts) place = replacement_ == Replacement::random ? first + any_way() : oldest;
    tags_[place] = tag;
    stamps_[place] = ++clock_;
    entries_[place] = entry;
    return evicts;
  }

  /// Forgets the entries that `unwanted(tag, entry)` names; how many there were.
  template <class Unwanted>
  std::size_t erase_if(Unwanted&& unwanted) {
    return erase_if(0, shape_.size(), unwanted);
  }
  /// The same for the entries that may have this tag.
  template <class Unwanted>
  std::size_t erase_if(Tag tag, Unwanted&& unwanted) {
    return erase_if(set(tag), set(tag) + shape_.ways, unwanted);
  }

  const CacheShape& shape() const { return shape_; }
  /// Entries held now.
  std::size_t size() const {
    std::size_t held = 0;
    for (const Tag tag : tags_) held += tag != none;
    return held;
  }

 private:
  /// Of an empty way; tags are addresses without their lowest bits, so none has all bits set.
  static constexpr Tag none = ~Tag{0};

  std::size_t set(Tag tag) const { return (tag & (shape_.sets - 1)) * shape_.ways; }

  template <class Unwanted>
  std::size_t erase_if(std::size_t first, std::size_t end, Unwanted& unwanted) {
    std::size_t erased = 0;
    for (std::size_t i = first; i < end; ++i) {
      if (tags_[i] == none || !unwanted(tags_[i], entries_[i])) continue;
      tags_[i] = none;
      ++erased;
    }
    return erased;
  }

  /// Knuth's 64-bit linear congruential generator (MMIX); its high bits are the random ones.
  std::size_t any_way() {
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<std::size_t>(random_ >> 33) % shape_.ways;
  }

  CacheShape shape_;
  Replacement replacement_;
  std::uint64_t random_;
  std::uint64_t clock_ = 0;
  // Apart from the entries: a search reads tags.
  std::vector<Tag> tags_;
  std::vector<std::uint64_t> stamps_;
  std::vector<T> entries_;
};

}  // namespace mmuref::x86
