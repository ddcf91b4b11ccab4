// Where the engine keeps the page-fault error code.
//
// Unicorn's API does not give it away, but a saved context holds it. Its place differs between
// versions and builds, so it is found: by faults whose error codes are known, in states so plain
// that every x86 agrees on them.
#include <unicorn/unicorn.h>

#include <cstring>
#include <stdexcept>
#include <vector>

#include "diff/oracles/unicorn/engine.h"

namespace mmuref::diff {

namespace {

using Bytes = std::vector<char>;

struct KnownFault {
  Word entry;  ///< the PML4E, and the only entry
  Access access;
  std::uint32_t error_code;
};

/// The 4-byte places whose value is the error code in every one of the states.
std::vector<std::size_t> places_of(const std::vector<std::pair<Bytes, std::uint32_t>>& states) {
  std::vector<std::size_t> places;
  for (std::size_t at = 0; at + sizeof(std::uint32_t) <= states.front().first.size(); at += 4) {
    bool everywhere = true;
    for (const auto& [bytes, error_code] : states) {
      std::uint32_t value = 0;
      std::memcpy(&value, bytes.data() + at, sizeof value);
      everywhere = everywhere && value == error_code;
    }
    if (everywhere) places.push_back(at);
  }
  return places;
}

}  // namespace

void Engine::find_error_code() {
  using namespace x86;
  // The engine's own page as a PML4, with its last entry in use, where the page holds nothing else.
  // SDM vol. 3, "Page-Fault Exceptions" (4.7).
  constexpr Word entry_offset = 0xff8, va = 0xffff'ff80'7fc0'1000;
  const KnownFault faults[] = {
      {0, {.va = va}, 0},
      {0, {.va = va, .write = true}, pfec::WR},
      {0, {.va = va, .cpl3 = true}, pfec::US},
      {0, {.va = va, .write = true, .cpl3 = true}, pfec::WR | pfec::US},
      {0, {.va = va, .fetch = true}, pfec::ID},
      {0, {.va = va, .fetch = true, .cpl3 = true}, pfec::ID | pfec::US},
      {entry::P | entry::PS, {.va = va}, pfec::P | pfec::RSVD},
      {entry::P | entry::PS, {.va = va, .write = true}, pfec::P | pfec::RSVD | pfec::WR},
  };
  set_registers({.cr0 = cr0::PE | cr0::PG,
                 .cr3 = page_,
                 .cr4 = cr4::PAE,
                 .efer = efer::LME | efer::LMA | efer::NXE});
  const std::size_t size = uc_context_size(engine_.get());
  std::vector<std::pair<Bytes, std::uint32_t>> states;
  for (const KnownFault& fault : faults) {
    std::memcpy(memory_.at(page_ + entry_offset), &fault.entry, sizeof fault.entry);
    const Observation seen = access(fault.access);
    if (seen.outcome != Outcome::page_fault || seen.cr2 != va) {
      throw std::runtime_error("unicorn: a plain page fault is not reported as one");
    }
    const char* const raw = reinterpret_cast<const char*>(fault_.get());
    states.emplace_back(Bytes(raw, raw + size), fault.error_code);
  }
  write_own_page();

  const auto places = places_of(states);
  if (places.size() != 1) {
    throw std::runtime_error("unicorn: the page-fault error code is found in " +
                             std::to_string(places.size()) +
                             " places of a saved context instead of in one");
  }
  error_code_at_ = places.front();
}

}  // namespace mmuref::diff
