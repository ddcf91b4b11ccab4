// Values for the inputs of a theorem: a counterexample, or a random try.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace mmuref::spec {

/// Inputs by name; what is absent is 0.
struct Assignment {
  std::map<std::string, std::uint64_t> words;
  std::map<std::string, bool> flags;
  std::map<std::string, std::map<std::uint64_t, std::uint64_t>> memories;
};

/// Where a concrete run of a theorem takes its inputs from.
class Valuation {
 public:
  virtual ~Valuation() = default;
  virtual std::uint64_t word(const std::string& name) = 0;
  virtual bool flag(const std::string& name) = 0;
  /// The 8 bytes at `address` of the memory `name`; the same each time it is asked.
  virtual std::uint64_t memory(const std::string& name, std::uint64_t address) = 0;
};

/// An assignment read back.
class Fixed : public Valuation {
 public:
  explicit Fixed(const Assignment& a) : a_(a) {}
  std::uint64_t word(const std::string& name) override { return find(a_.words, name); }
  bool flag(const std::string& name) override { return find(a_.flags, name); }
  std::uint64_t memory(const std::string& name, std::uint64_t address) override {
    const auto it = a_.memories.find(name);
    return it == a_.memories.end() ? 0 : find(it->second, address);
  }

 private:
  template <class Map>
  static typename Map::mapped_type find(const Map& map, const typename Map::key_type& key) {
    const auto it = map.find(key);
    return it == map.end() ? typename Map::mapped_type{} : it->second;
  }
  const Assignment& a_;
};

}  // namespace mmuref::spec
