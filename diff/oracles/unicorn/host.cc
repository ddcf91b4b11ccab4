#include "diff/oracles/unicorn/host.h"

#include <cstring>
#include <stdexcept>

#include "diff/oracles/unicorn/guest.h"
#include "diff/oracles/unicorn/unicorn_oracle.h"
#include "model/x86/linear_address.h"

namespace mmuref::diff {

namespace {

constexpr Word memory_size = Word{1} << unicorn_maxphyaddr;

/// Entries loaded and accesses made touch pages at random places, which the host has to back. After
/// this many the pages are given back, which costs about as much as a few hundred accesses.
constexpr std::size_t give_back_after = 1 << 15;

/// The engine keeps tables for every region of physical memory that it ever fetched from, some 300
/// bytes an access. It gives them back only when it is closed; a new one costs a millisecond.
constexpr std::size_t renew_after = 1 << 18;

Word page_of(Word address) {
  return address & ~Word{guest::page_size - 1};
}

}  // namespace

std::string unicorn_unsupported(const Processor& cpu, const Registers& registers,
                                const Access& access) {
  if (cpu.amd) return "AMD's reserved bits";
  if (cpu.maxphyaddr != unicorn_maxphyaddr) return "a MAXPHYADDR other than 40";
  if (!x86::ia32e_paging(registers)) return "paging other than IA-32e";
  // MOV to CR3 refuses these, so no processor is in such a state; the engine would walk from there.
  if (has(registers.cr3, bits(63, unicorn_maxphyaddr))) return "reserved bits in CR3";
  if (has(registers.cr4, x86::cr4::PKS)) return "protection keys for supervisor pages";
  if (access.stack && access.fetch) return "a fetch through the stack segment";
  if (access.implicit) {
    if (access.write || access.fetch) return "an implicit access other than a read";
    if (access.stack) return "an implicit access through the stack segment";
    if (x86::page_offset(access.va, 1) > guest::page_size - 8) {
      return "an implicit access that leaves its page";
    }
  }
  return {};
}

Host::Host() : memory_(memory_size) {
  engine_.emplace(memory_, unicorn_reserved_page);
}

void Host::clear() {
  for (const Word address : written_) write(address, 0);
  written_.clear();
}

void Host::give_back() {
  std::vector<Word> values;
  for (const Word address : written_) values.push_back(read(address));
  memory_.release();
  engine_->write_own_page();
  for (std::size_t i = 0; i < values.size(); ++i) write(written_[i], values[i]);
  since_given_back_ = values.size();
}

void Host::renew_engine() {
  past_seconds_ += engine_->seconds();
  engine_.emplace(memory_, unicorn_reserved_page);
  accesses_ = 0;
}

void Host::restart() {
  clear();
  give_back();
  renew_engine();
}

void Host::write(Word address, Word value) {
  std::memcpy(memory_.at(address), &value, sizeof value);
}

void Host::load(const Memory& entries) {
  clear();
  if (accesses_ >= renew_after) renew_engine();
  for (const auto& [address, value] : entries) {
    if (address >= memory_size) {
      throw std::invalid_argument("unicorn: a memory entry lies above 2^40");
    }
    if (page_of(address) == unicorn_reserved_page) {
      throw std::invalid_argument("unicorn: a memory entry lies in the oracle's own page");
    }
    write(address, value);
    written_.push_back(address);
  }
  since_given_back_ += written_.size();
}

void Host::count_access() {
  if (++since_given_back_ >= give_back_after) give_back();
  ++accesses_;
}

Word Host::read(Word address) const {
  if (address >= memory_size) return 0;
  Word value = 0;
  std::memcpy(&value, memory_.at(address), sizeof value);
  return value;
}

}  // namespace mmuref::diff
