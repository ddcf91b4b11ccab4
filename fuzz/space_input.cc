#include "fuzz/space_input.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "model/x86/linear_address.h"

namespace mmuref::fuzz {
namespace {

using diff::Case;
using diff::Domain;
using diff::Registers;
using diff::Word;

static_assert(std::endian::native == std::endian::little);

constexpr unsigned tables = 8;

struct Bit {
  Word Registers::*where;
  Word mask;
};
constexpr std::array register_bits{
    Bit{&Registers::cr0, x86::cr0::WP},    Bit{&Registers::cr4, x86::cr4::PGE},
    Bit{&Registers::cr4, x86::cr4::LA57},  Bit{&Registers::cr4, x86::cr4::PCIDE},
    Bit{&Registers::cr4, x86::cr4::SMEP},  Bit{&Registers::cr4, x86::cr4::SMAP},
    Bit{&Registers::cr4, x86::cr4::PKE},   Bit{&Registers::cr4, x86::cr4::PKS},
    Bit{&Registers::efer, x86::efer::NXE},
};

struct Header {
  std::uint8_t width, flags;
  std::uint16_t bits;
  std::uint8_t access, root;
  std::uint16_t cr3;
  std::uint32_t pkru, pkrs;
  std::uint64_t va;
};
static_assert(sizeof(Header) == header_bytes);

struct Record {
  std::uint16_t index;
  std::uint8_t table, target;
  std::uint32_t low, high;

  Word value() const { return Word{high} << 32 | low; }
  void value(Word v) {
    low = static_cast<std::uint32_t>(v);
    high = static_cast<std::uint32_t>(v >> 32);
  }
};
static_assert(sizeof(Record) == record_bytes);

template <class T>
T load(const std::uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

void read_processor(const Header& h, const Domain& domain, diff::Processor& cpu) {
  cpu = {.maxphyaddr = x86::min_maxphyaddr + h.width % 21u,
         .page1gb = (h.flags & 1) != 0,
         .amd = (h.flags & 2) != 0};
  const auto& all = domain.processors;
  // The full domain, in which every one is.
  if (all.size() == 84) return;
  const auto alike = [&](const diff::Processor& p) {
    return p.page1gb == cpu.page1gb && p.amd == cpu.amd;
  };
  const auto found = std::find_if(all.begin(), all.end(), alike);
  cpu = found != all.end() ? *found : all[h.width % all.size()];
}

void read_registers(const Header& h, const Domain& domain, Word maxphyaddr, Registers& r) {
  r = domain.base;
  for (std::size_t i = 0; i < register_bits.size(); ++i)
    if ((h.bits >> i & 1) != 0) r.*register_bits[i].where |= register_bits[i].mask;
  r.cr0 &= domain.base.cr0 | domain.optional.cr0;
  r.cr4 &= domain.base.cr4 | domain.optional.cr4;
  r.efer &= domain.base.efer | domain.optional.efer;
  r.pkru = h.pkru & domain.optional.pkru;
  r.pkrs = h.pkrs & domain.optional.pkrs;
  r.cr3 = table_address(h.root % tables, maxphyaddr) | (h.cr3 & domain.optional.cr3);
}

void read_access(const Header& h, const Registers& r, diff::Access& a) {
  a = {};
  a.va = h.va;
  if ((h.flags & 4) != 0) {
    const unsigned unused = 64 - x86::linear_width(x86::paging_levels(r));
    a.va = static_cast<Word>(static_cast<std::int64_t>(h.va << unused) >> unused);
  }
  a.write = (h.access & 3) == 1;
  a.fetch = (h.access & 3) == 2;
  a.cpl3 = (h.access & 4) != 0;
  a.ac = (h.access & 8) != 0;
  a.implicit = (h.access & 16) != 0 && !a.fetch;
  a.stack = (h.access & 32) != 0 && !a.fetch && !a.implicit;
}

}  // namespace

Word table_address(unsigned slot, Word maxphyaddr) {
  const Word page = bit(x86::page_shift);
  if (slot < 6) return (slot + 1) * page;
  return slot == 6 ? bit(static_cast<unsigned>(maxphyaddr) - 1)
                   : bit(static_cast<unsigned>(maxphyaddr)) - page;
}

void decode(std::span<const std::uint8_t> bytes, const Domain& domain, Case& out) {
  Header h{};
  std::memcpy(&h, bytes.data(), std::min(bytes.size(), header_bytes));
  read_processor(h, domain, out.machine.cpu);
  const Word width = out.machine.cpu.maxphyaddr;
  read_registers(h, domain, width, out.machine.registers);
  read_access(h, out.machine.registers, out.access);

  out.machine.memory.clear();
  std::size_t at = header_bytes;
  for (std::size_t i = 0; i < max_records && at + record_bytes <= bytes.size(); ++i) {
    const auto r = load<Record>(bytes.data() + at);
    at += record_bytes;
    const int level = r.index >> 9 & 7;
    const Word index = level >= 1 && level <= 5 ? x86::table_index(out.access.va, level)
                                                : static_cast<Word>(r.index & 511);
    Word value = r.value();
    if ((r.target & 8) != 0) {
      const Word frame = table_address(r.target % tables, width);
      value = (value & ~bits(static_cast<unsigned>(width) - 1, x86::page_shift)) | frame;
    }
    out.machine.memory.write(table_address(r.table % tables, width) | (index << 3), value);
  }
}

std::vector<std::uint8_t> encode(const Case& c) {
  const Registers& r = c.machine.registers;
  const Word width = c.machine.cpu.maxphyaddr;
  const auto slot_of = [&](Word address) {
    for (unsigned slot = 0; slot < tables; ++slot)
      if (table_address(slot, width) == (address & ~Word{4095}))
        return static_cast<std::uint8_t>(slot);
    throw std::invalid_argument("an entry outside the tables of the format");
  };
  Header h{};
  h.width = static_cast<std::uint8_t>(width - x86::min_maxphyaddr);
  h.flags =
      static_cast<std::uint8_t>((c.machine.cpu.page1gb ? 1 : 0) | (c.machine.cpu.amd ? 2 : 0));
  for (std::size_t i = 0; i < register_bits.size(); ++i) {
    if (has(r.*register_bits[i].where, register_bits[i].mask))
      h.bits = static_cast<std::uint16_t>(h.bits | 1u << i);
  }
  const diff::Access& a = c.access;
  h.access = static_cast<std::uint8_t>((a.fetch   ? 2
                                        : a.write ? 1
                                                  : 0) |
                                       (a.cpl3 ? 4 : 0) | (a.ac ? 8 : 0) | (a.implicit ? 16 : 0) |
                                       (a.stack ? 32 : 0));
  h.root = slot_of(r.cr3);
  h.cr3 = static_cast<std::uint16_t>(r.cr3 & 4095);
  h.pkru = static_cast<std::uint32_t>(r.pkru);
  h.pkrs = static_cast<std::uint32_t>(r.pkrs);
  h.va = a.va;

  std::vector<std::uint8_t> bytes(header_bytes + c.machine.memory.size() * record_bytes);
  std::memcpy(bytes.data(), &h, header_bytes);
  std::size_t at = header_bytes;
  for (const auto& [address, value] : c.machine.memory) {
    Record record{};
    record.index = static_cast<std::uint16_t>(address >> 3 & 511);
    record.table = slot_of(address);
    record.value(value);
    std::memcpy(bytes.data() + at, &record, record_bytes);
    at += record_bytes;
  }
  return bytes;
}

namespace {

void mutate_header(Header& h, diff::Random& random) {
  const auto flip = [&](auto& word, unsigned bits_of) {
    word = static_cast<std::remove_reference_t<decltype(word)>>(
        word ^ std::uint64_t{1} << random.below(static_cast<std::uint32_t>(bits_of)));
  };
  switch (random.below(9)) {
    case 0: flip(h.flags, 3); break;
    case 1:
    case 2: flip(h.bits, register_bits.size()); break;
    case 3:
    case 4: flip(h.access, 6); break;
    case 5: flip(random.chance(1, 2) ? h.pkru : h.pkrs, 32); break;
    case 6: flip(h.va, 64); break;
    case 7:
      h.root = static_cast<std::uint8_t>(random.below(tables));
      flip(h.cr3, 12);
      break;
    default: h.width = static_cast<std::uint8_t>(random.below(21)); break;
  }
}

/// `other` is another entry, or the same.
void mutate_record(Record& r, const Record& other, diff::Random& random) {
  constexpr std::array<unsigned, 14> flags{0, 1, 2, 5, 6, 7, 8, 12, 13, 20, 29, 51, 59, 63};
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2: r.value(r.value() ^ bit(random.pick(flags))); break;
    case 3: r.value(r.value() ^ bit(random.below(64))); break;
    case 4:  // read at another level
      r.index = static_cast<std::uint16_t>((r.index & 511) | (1 + random.below(5)) << 9);
      break;
    case 5:  // references the table that the other is in, or references
      r.target = static_cast<std::uint8_t>(8 | (random.chance(1, 2) ? other.table : other.target) %
                                                   tables);
      break;
    case 6: r.table = other.table; break;
    default:
      r.index = static_cast<std::uint16_t>(random.chance(1, 2) ? other.index : random.below(512));
  }
}

}  // namespace

std::size_t mutate_space(std::uint8_t* data, std::size_t size, std::size_t max_size,
                         diff::Random& random) {
  if (size < header_bytes) {
    if (max_size < header_bytes) return size;
    std::memset(data + size, 0, header_bytes - size);
    size = header_bytes;
  }
  std::size_t count = (size - header_bytes) / record_bytes;
  const auto record = [&](std::size_t i) { return data + header_bytes + i * record_bytes; };
  size = header_bytes + count * record_bytes;
  max_size = std::min(max_size, max_space_bytes);

  const std::uint32_t kind = random.below(8);
  if (kind < 2 || count == 0) {
    auto h = load<Header>(data);
    mutate_header(h, random);
    std::memcpy(data, &h, sizeof h);
    if (count != 0) return size;
  }
  const auto n = static_cast<std::uint32_t>(count);
  if ((kind == 7 || count == 0) && size + record_bytes <= max_size) {
    // One more, like another.
    if (count != 0) {
      std::memmove(record(count), record(random.below(n)), record_bytes);
    } else {
      std::memset(record(0), 0, record_bytes);
    }
    return size + record_bytes;
  }
  if (count == 0) return size;
  if (kind == 6 && count > 1 && random.chance(1, 2)) {
    std::memmove(record(random.below(n)), record(count - 1), record_bytes);
    return size - record_bytes;
  }
  const std::size_t at = random.below(n);
  auto r = load<Record>(record(at));
  mutate_record(r, load<Record>(record(random.below(n))), random);
  std::memcpy(record(at), &r, sizeof r);
  return size;
}

}  // namespace mmuref::fuzz
